//! From particles to lens planes: shells of the light cone, seen from the observer.
//!
//! A shell of the light cone is filled when the simulation is as old as its middle. Each map sees every shell from another side:
//! the box is turned by one of the 48 symmetries of the cube and shifted at random, so that shells of one box are nearly
//! independent and a map's structures do not repeat along the line of sight.

use std::f64::consts::PI;

use shared::{Cosmology, HUBBLE_DISTANCE, random::{Random, Stream, stream}};

use super::{
    cosmology::Background,
    particles::{Particles, UNIT},
};

/// Finer pixels along each pixel of a map into which particles are deposited: the paper's maps were made of twice the pixels, too.
const FINER: usize = 2;

/// A shell of the light cone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shell {
    /// Comoving distance of its near side in Mpc/h.
    pub near: f64,
    /// Comoving distance of its far side in Mpc/h.
    pub far: f64,
    /// Scale factor at its middle.
    pub scale_factor: f64,
}

impl Shell {
    /// Comoving distance of the middle in Mpc/h.
    pub fn distance(&self) -> f64 {
        f64::midpoint(self.near, self.far)
    }

    /// Shells of equal thickness, at most `thickness` Mpc/h, from the observer to `distance`; the farthest, which the
    /// simulation reaches first, comes first.
    pub fn all(background: &Background, distance: f64, thickness: f64) -> Vec<Self> {
        let count = (distance / thickness - 1e-9).ceil().max(1.0) as usize;
        let edge = |at: usize| distance * at as f64 / count as f64;
        let shell = |at: usize| Self {
            near: edge(at),
            far: edge(at + 1),
            scale_factor: background.a_of_chi(f64::midpoint(edge(at), edge(at + 1))),
        };
        (0..count).rev().map(shell).collect()
    }
}

/// The pixels of a map, as the observer sees them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
}

/// How a map sees the box in one shell.
#[derive(Debug, Clone, Copy, PartialEq)]
struct View {
    /// Axes of the box that are seen as rows, columns and depth.
    axes: [usize; 3],
    /// Which of them are seen backwards.
    backwards: [bool; 3],
    /// Place of the box that is seen at the middle of the field and the near side of the shell.
    origin: [u32; 3],
}

impl View {
    /// One of 48 symmetries and any origin, all alike.
    fn draw(random: &mut Random) -> Self {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let axes = ORDERS[random.below(ORDERS.len())];
        let signs = random.below(8);
        let origin = [0; 3].map(|_: u32| (random.uniform() / UNIT) as u32);
        Self { axes, backwards: [0, 1, 2].map(|axis| signs >> axis & 1 == 1), origin }
    }

    fn along(&self, seen: usize, position: u32) -> u32 {
        let offset = position.wrapping_sub(self.origin[seen]);
        if self.backwards[seen] { !offset } else { offset }
    }
}

/// Deposits a box's particles into shells.
pub struct LightCone<'a> {
    /// Distances.
    pub background: &'a Background,
    /// Densities.
    pub cosmology: Cosmology,
    /// Box side in Mpc/h.
    pub side: f64,
    /// Pixels.
    pub field: Field,
    /// Width in Mpc/h of the clouds that particles are seen as, where these are wider than a pixel: the scale below which
    /// the simulation resolves nothing.
    pub cloud: f64,
    /// Seed of the views.
    pub seed: u64,
}

impl LightCone<'_> {
    /// The mass of a shell on the field of a map, as the Laplacian of its lensing potential with respect to angles in radians:
    /// `3 Om (H0/c)^2 int f_K(chi)/a delta dchi`, row-major.
    pub fn plane(&self, particles: &Particles, shell: &Shell, number: usize, map: usize) -> Vec<f32> {
        let view = View::draw(&mut stream(self.seed, Stream::LineOfSight).at((map as u64) << 32 | number as u64));
        let mut finer = vec![0.0; (FINER * self.field.pixels).pow(2)];
        self.deposit(particles, shell, &view, &mut finer);
        let mean = self.mean(shell);
        let pixels = self.field.pixels;
        let pixel = |at: usize| {
            let (row, column) = (FINER * (at / pixels), FINER * (at % pixels));
            let mut sum = 0.0;
            for row in row..row + FINER {
                sum += finer[row * FINER * pixels + column..][..FINER].iter().sum::<f32>();
            }
            sum / (FINER * FINER) as f32 - mean as f32
        };
        (0..pixels * pixels).map(pixel).collect()
    }

    /// `3 Om (H0/c)^2`.
    fn strength(&self) -> f64 {
        3.0 * self.cosmology.omega_m / HUBBLE_DISTANCE.powi(2)
    }

    /// What a shell of mean density would give: Simpson's rule, as the integrand is all but a parabola.
    fn mean(&self, shell: &Shell) -> f64 {
        let at = |chi: f64| self.background.transverse(chi) / self.background.a_of_chi(chi);
        let sum = at(shell.near) + 4.0 * at(shell.distance()) + at(shell.far);
        self.strength() * (shell.far - shell.near) * sum / 6.0
    }

    fn deposit(&self, particles: &Particles, shell: &Shell, view: &View, values: &mut [f32]) {
        let pixels = FINER * self.field.pixels;
        let angle = self.field.side_angle * PI / 180.0;
        let pixel = angle / pixels as f64;
        let thickness = ((shell.far - shell.near) / self.side).min(1.0);
        let deepest = (thickness / UNIT - 1.0) as u32;
        // Mass of a particle in the plane, but for a f_K(chi).
        let mass = self.strength() * self.side.powi(3) / particles.len() as f64 / (pixel * pixel);
        let depth = Depth::new(self.background, shell);
        // Images of the box to both sides of the field.
        let widest = self.background.transverse(shell.far) * 0.5 * angle + 1.5 * self.cloud;
        let images = ((widest / self.side - 0.5).ceil().max(0.0)) as i32;
        let [rows, columns, depths] = view.axes.map(|axis| &particles.positions[axis]);
        let unit = (self.side * UNIT) as f32;
        let side = self.side as f32;
        let half = 0.5 * pixels as f32;
        for ((&row, &column), &place) in rows.iter().zip(columns).zip(depths) {
            let place = view.along(2, place);
            if place > deepest {
                continue;
            }
            let (transverse, scale_factor) = depth.at(place as f32 * unit);
            let per_length = 1.0 / (transverse * pixel as f32);
            let width = (self.cloud as f32 * per_length).max(1.0);
            let reach = half + 1.5 * width;
            let row = view.along(0, row).cast_signed() as f32 * unit;
            let column = view.along(1, column).cast_signed() as f32 * unit;
            let mass = mass as f32 / (scale_factor * transverse);
            for image in -images..=images {
                let row = (row + image as f32 * side) * per_length;
                if row.abs() >= reach {
                    continue;
                }
                for image in -images..=images {
                    let column = (column + image as f32 * side) * per_length;
                    if column.abs() < reach {
                        add_cloud(values, pixels, [row + half, column + half], width, mass);
                    }
                }
            }
        }
    }
}

/// Transverse distance and scale factor within a shell.
struct Depth {
    near: f32,
    transverse: [f32; 3],
    scale_factor: [f32; 2],
}

impl Depth {
    fn new(background: &Background, shell: &Shell) -> Self {
        let thickness = shell.far - shell.near;
        let scale_factor = [background.a_of_chi(shell.near), background.a_of_chi(shell.far)];
        // f_K is a parabola over a shell to far better than a millionth of a box; exact in a flat universe.
        let [near, middle, far] = [shell.near, shell.distance(), shell.far].map(|chi| background.transverse(chi));
        let linear = (4.0 * middle - 3.0 * near - far) / thickness;
        let square = 2.0 * (near + far - 2.0 * middle) / thickness.powi(2);
        Self {
            near: near as f32,
            transverse: [near as f32, linear as f32, square as f32],
            scale_factor: [scale_factor[0] as f32, ((scale_factor[1] - scale_factor[0]) / thickness) as f32],
        }
    }

    /// Of a place this far behind the near side, in Mpc/h.
    fn at(&self, depth: f32) -> (f32, f32) {
        let [constant, linear, square] = self.transverse;
        let transverse = constant + depth * (linear + depth * square);
        // Nothing is nearer than a ten-thousandth of a shell: what lies at the observer is not seen.
        (transverse.max(1e-3 + 0.0 * self.near), self.scale_factor[0] + depth * self.scale_factor[1])
    }
}

/// Adds a triangular-shaped cloud of `width` >= 1 pixels around a place, in pixels from the corner. Its sum is `mass`, but
/// for what falls outside.
fn add_cloud(values: &mut [f32], pixels: usize, place: [f32; 2], width: f32, mass: f32) {
    const MOST: usize = 64;
    let mut weights = [[0.0_f32; MOST]; 2];
    let mut first = [0_i32; 2];
    let mut count = [0; 2];
    // Beyond what the table holds, clouds are cut to its width: they are of the last few Mpc/h, and weigh next to nothing.
    let width = width.min((MOST - 2) as f32 / 3.0);
    for axis in 0..2 {
        // The middle of pixel i lies at i + 1/2.
        let centre = place[axis] - 0.5;
        first[axis] = (centre - 1.5 * width).ceil() as i32;
        count[axis] = ((centre + 1.5 * width).floor() as i32 - first[axis] + 1).clamp(0, MOST as i32) as usize;
        let mut sum = 0.0;
        for (i, weight) in weights[axis][..count[axis]].iter_mut().enumerate() {
            *weight = triangular((first[axis] as f32 + i as f32 - centre) / width);
            sum += *weight;
        }
        for weight in &mut weights[axis][..count[axis]] {
            *weight /= sum;
        }
    }
    for (i, row_weight) in weights[0][..count[0]].iter().enumerate() {
        let row = first[0] + i as i32;
        if row < 0 || row >= pixels as i32 {
            continue;
        }
        let line = &mut values[row as usize * pixels..][..pixels];
        for (j, weight) in weights[1][..count[1]].iter().enumerate() {
            let column = first[1] + j as i32;
            if column >= 0 && column < pixels as i32 {
                line[column as usize] += mass * row_weight * weight;
            }
        }
    }
}

/// Density of a triangular-shaped cloud of width 1.
fn triangular(distance: f32) -> f32 {
    let distance = distance.abs();
    if distance < 0.5 {
        0.75 - distance * distance
    } else {
        let left = (1.5 - distance).max(0.0);
        0.5 * left * left
    }
}
