//! The long-range part of gravity: a potential on a mesh, smooth at the scale of the mesh's spacing.
//!
//! Particle-particle particle-mesh gravity after Hockney & Eastwood (1988, Chapter 8). The force between two particles is cut
//! in two: that of a ball of radius `cutoff`, which the mesh can represent, and the rest, which is zero beyond `cutoff` and is
//! summed over pairs in [`super::short_range`]. The ball's density `(1 - r^2/cutoff^2)^3` makes its force a polynomial of r^2,
//! which costs a pair little, and its transform fall as k^-5.

use std::f64::consts::PI;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    fourier::{Cube, CubeFft, frequency},
    mesh::{assign_density, cloud},
    particles::{Cells, Particles},
};

/// Particles that are moved together.
const PIECE: usize = 1 << 13;

/// The mesh, its plans and the factor from density to potential.
pub struct LongRange {
    fft: CubeFft,
    density: Cube,
    spectrum: Cube,
    /// Potential over density for wave numbers `[ky][kx][kz]` from 0 to n/2 each, with the factor of the transforms.
    influence: Vec<f32>,
}

impl LongRange {
    /// A mesh of `n^3` nodes, n even. `cutoff` is the distance in nodes beyond which this force is the whole force.
    pub fn new(n: usize, cutoff: f64) -> Self {
        let influence = influence(n, cutoff);
        Self { fft: CubeFft::new(n), density: Cube::new(n), spectrum: Cube::new(n), influence }
    }

    /// Nodes along a side.
    pub fn n(&self) -> usize {
        self.density.n()
    }

    /// Adds `factor` times the acceleration `-grad phi` to the momenta, with `laplacian(phi) = delta`, lengths in box sides.
    #[doc(alias = "pm_forces")]
    #[doc(alias = "cic_read")]
    pub fn kick(&mut self, particles: &mut Particles, cells: &Cells, factor: f64) {
        self.find_potential(particles, cells);
        let n = self.density.n();
        let (potential, factor) = (Potential { values: self.density.reals(), n }, -factor as f32);
        let Particles { positions: [xs, ys, zs], momenta: [px, py, pz] } = particles;
        let positions = xs.par_chunks(PIECE).zip(ys.par_chunks(PIECE)).zip(zs.par_chunks(PIECE));
        let momenta = px.par_chunks_mut(PIECE).zip(py.par_chunks_mut(PIECE)).zip(pz.par_chunks_mut(PIECE));
        let arch = Arch::new();
        positions.zip(momenta).for_each(|(((xs, ys), zs), ((px, py), pz))| {
            arch.dispatch(Piece { potential: &potential, positions: [xs, ys, zs], momenta: [px, py, pz], factor });
        });
    }

    /// Leaves the potential in `density`.
    fn find_potential(&mut self, particles: &Particles, cells: &Cells) {
        assign_density(particles, cells, &mut self.density);
        self.fft.forward(&mut self.density, &mut self.spectrum);
        let n = self.density.n();
        let width = n / 2 + 1;
        let influence = &self.influence;
        self.spectrum.mode_planes_mut().for_each(|(ky, plane)| {
            for (kx, row) in plane.chunks_exact_mut(width).enumerate() {
                let kx = frequency(kx, n).unsigned_abs() as usize;
                let factors = &influence[(ky.unsigned_abs() as usize * width + kx) * width..][..width];
                for (mode, &factor) in row.iter_mut().zip(factors) {
                    *mode *= factor;
                }
            }
        });
        self.fft.inverse(&mut self.spectrum, &mut self.density);
    }

    /// Bytes of the two cubes and the table for a mesh of `n^3`.
    pub fn bytes(n: usize) -> u64 {
        2 * Cube::bytes(n) + ((n / 2 + 1).pow(3) * size_of::<f32>()) as u64
    }

    /// The two cubes, for work between two kicks.
    pub fn cubes(&mut self) -> (&CubeFft, &mut Cube, &mut Cube) {
        (&self.fft, &mut self.density, &mut self.spectrum)
    }
}

/// A potential on a mesh.
struct Potential<'a> {
    values: &'a [f32],
    n: usize,
}

/// Particles that get `factor` times the potential's derivatives.
struct Piece<'a> {
    potential: &'a Potential<'a>,
    positions: [&'a [u32]; 3],
    momenta: [&'a mut [f32]; 3],
    factor: f32,
}

impl WithSimd for Piece<'_> {
    type Output = ();

    #[allow(clippy::inline_always, reason = "it takes on the processor features of where it is put")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { potential, positions: [xs, ys, zs], momenta: [px, py, pz], factor } = self;
        for at in 0..xs.len() {
            let gradient = potential.gradient([xs[at], ys[at], zs[at]]);
            px[at] += factor * gradient[0];
            py[at] += factor * gradient[1];
            pz[at] += factor * gradient[2];
        }
    }
}

/// Weights of the nodes from 3 before to 3 after the nearest one for the derivative along an axis: differences of fourth
/// order, `(8 (f(1) - f(-1)) - (f(2) - f(-2))) / 12`, under a cloud.
fn derivative(cloud: [f32; 3]) -> [f32; 7] {
    const DIFFERENCES: [f32; 5] = [1.0 / 12.0, -8.0 / 12.0, 0.0, 8.0 / 12.0, -1.0 / 12.0];
    let mut weights = [0.0; 7];
    for (i, weight) in cloud.into_iter().enumerate() {
        for (j, difference) in DIFFERENCES.into_iter().enumerate() {
            weights[i + j] += weight * difference;
        }
    }
    weights
}

impl Potential<'_> {
    /// Derivatives at a place, per node's distance, from the 7^3 nodes around it that a cloud and the differences reach.
    #[allow(clippy::inline_always, reason = "it takes on the processor features of where it is put")]
    #[inline(always)]
    fn gradient(&self, position: [u32; 3]) -> [f32; 3] {
        let clouds = position.map(|position| cloud(position, self.n));
        let [(x, narrow_x), (y, narrow_y), (z, narrow_z)] = clouds;
        let (wide_x, wide_y) = (derivative(narrow_x), derivative(narrow_y));
        let (xs, ys) = (self.nodes_around(x), self.nodes_around(y));
        // Sums over x and y, for each node along z: of both clouds, and of the derivative along one and the cloud along the other.
        let (mut both, mut along_x, mut along_y) = (Line::default(), Line::default(), Line::default());
        for (i, &x) in xs.iter().enumerate() {
            let near_x = (2..5).contains(&i);
            let mut sum = Line::default();
            for (j, &y) in ys.iter().enumerate() {
                let near_y = (2..5).contains(&j);
                if !near_x && !near_y {
                    continue;
                }
                let line = self.line(x, y, z);
                if near_y {
                    add(&mut sum, narrow_y[j - 2], &line);
                }
                if near_x {
                    add(&mut along_y, narrow_x[i - 2] * wide_y[j], &line);
                }
            }
            add(&mut along_x, wide_x[i], &sum);
            if near_x {
                add(&mut both, narrow_x[i - 2], &sum);
            }
        }
        let narrow = |line: &Line| narrow_z[0] * line[2] + narrow_z[1] * line[3] + narrow_z[2] * line[4];
        let along_z = both.iter().zip(derivative(narrow_z)).map(|(value, weight)| value * weight).sum();
        [narrow(&along_x), narrow(&along_y), along_z]
    }

    /// Nodes from 3 before to 3 after this one on a periodic axis.
    fn nodes_around(&self, node: usize) -> [usize; 7] {
        std::array::from_fn(|i| (node + self.n + i - 3) % self.n)
    }

    /// Values at nodes from 3 before to 3 after `z`; the last one has no weight.
    #[allow(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    fn line(&self, x: usize, y: usize, z: usize) -> Line {
        let row = &self.values[(x * self.n + y) * (self.n + 2)..][..self.n + 2];
        // The eighth may be padding there; the seventh is not.
        if (3..self.n - 3).contains(&z) {
            let values = &row[z - 3..z + 5];
            std::array::from_fn(|i| values[i])
        } else {
            let nodes = self.nodes_around(z);
            std::array::from_fn(|i| nodes.get(i).map_or(0.0, |&node| row[node]))
        }
    }
}

/// Values at eight nodes along z: the register's width, of which seven are needed.
type Line = [f32; 8];

#[allow(clippy::inline_always, reason = "it takes on the processor features of where it is put")]
#[inline(always)]
fn add(sum: &mut Line, weight: f32, line: &Line) {
    for (sum, value) in sum.iter_mut().zip(line) {
        *sum += weight * value;
    }
}

/// The factor from density to potential that makes the force, after clouds, differences and aliases, closest to that of
/// balls of radius `cutoff` (Hockney & Eastwood 1988, Eq. 8-22), over the transforms' n^3, times the n^-1 that turns
/// differences between nodes, in box sides, into accelerations in box sides.
fn influence(n: usize, cutoff: f64) -> Vec<f32> {
    let width = n / 2 + 1;
    let axis: Vec<Axis> = (0..width).map(|k| Axis::new(k, n)).collect();
    let norm = 1.0 / (n as f64).powi(4);
    // The axes are alike, so one order of the three wave numbers stands for all six.
    let ordered = |large: usize| -> Vec<f32> {
        let pairs = (0..=large).flat_map(|middle| (0..=middle).map(move |small| (middle, small)));
        pairs
            .map(|(middle, small)| (norm * factor([&axis[large], &axis[middle], &axis[small]], cutoff)) as f32)
            .collect()
    };
    let ordered: Vec<Vec<f32>> = (0..width).into_par_iter().map(ordered).collect();
    let mut factors = vec![0.0; width * width * width];
    factors.par_chunks_mut(width * width).enumerate().for_each(|(y, plane)| {
        for (at, factor) in plane.iter_mut().enumerate() {
            let mut k = [y, at / width, at % width];
            k.sort_unstable();
            *factor = ordered[k[2]][k[1] * (k[1] + 1) / 2 + k[0]];
        }
    });
    factors
}

/// What the influence function needs of a wave number along one axis, lengths in nodes.
struct Axis {
    /// Wave number of the mode and of its aliases.
    wave_numbers: [f64; 3],
    /// Square of a cloud's transform at each.
    clouds: [f64; 3],
    /// Sum of these squares over all aliases.
    sum: f64,
    /// Transform of the differences, over i.
    difference: f64,
}

impl Axis {
    fn new(k: usize, n: usize) -> Self {
        let k = 2.0 * PI * k as f64 / n as f64;
        let wave_numbers = [k, k - 2.0 * PI, k + 2.0 * PI];
        let square = (0.5 * k).sin().powi(2);
        Self {
            wave_numbers,
            clouds: wave_numbers.map(|k| sinc(0.5 * k).powi(6)),
            // The sum over aliases of a triangular-shaped cloud, in closed form.
            sum: 1.0 - square + 2.0 / 15.0 * square * square,
            difference: (8.0 * k.sin() - (2.0 * k).sin()) / 6.0,
        }
    }
}

fn factor(axes: [&Axis; 3], cutoff: f64) -> f64 {
    let difference: f64 = axes.iter().map(|axis| axis.difference.powi(2)).sum();
    // The mean has no force, and at corners of the mesh's Fourier space differences see nothing.
    if difference < 1e-20 {
        return 0.0;
    }
    let mut reference = 0.0;
    for alias in 0..27 {
        let place = [alias / 9, alias / 3 % 3, alias % 3];
        let component = |axis: usize| axes[axis].wave_numbers[place[axis]];
        let k2: f64 = (0..3).map(|axis| component(axis).powi(2)).sum();
        let along: f64 = (0..3).map(|axis| axes[axis].difference * component(axis)).sum();
        let clouds: f64 = (0..3).map(|axis| axes[axis].clouds[place[axis]]).product();
        reference += along * clouds * ball(k2.sqrt() * cutoff) / k2;
    }
    let sum: f64 = axes.iter().map(|axis| axis.sum).product();
    -reference / (difference * sum * sum)
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-8 { 1.0 } else { x.sin() / x }
}

/// Transform of a ball of density `(1 - r^2/radius^2)^3`, at wave number times radius: `945 j_4(x) / x^4`.
fn ball(x: f64) -> f64 {
    if x < 1.0 {
        // The closed form cancels here: a series in x^2, with 9!! / (9 * 11 ...) from each term to the next.
        let half = 0.5 * x * x;
        let terms = (1..12).scan(1.0, |term, m| {
            *term *= -half / f64::from(m) / f64::from(2 * m + 9);
            Some(*term)
        });
        return 1.0 + terms.sum::<f64>();
    }
    let (sin, cos) = x.sin_cos();
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let bessel = (105.0 * square * square - 45.0 * square + 1.0) * sin - (105.0 * square - 10.0) * inverse * cos;
    945.0 * bessel * inverse.powi(5)
}
