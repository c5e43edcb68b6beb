//! The mass of a shell on the field of a map.

use std::f64::consts::PI;

use shared::{
    cosmology::{Background, Cosmology, HUBBLE_DISTANCE},
    random::{Stream, stream},
};

use super::{
    orientation::Orientation,
    shell::{Field, Shell},
};
use crate::nbody::particles::{Particles, UNIT};

/// Finer pixels along each pixel of a map into which particles are deposited: the paper's maps were made of twice the pixels, too.
const FINER: usize = 2;

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
    pub fn plane(&self, particles: &Particles, shell: &Shell, map: usize) -> Vec<f32> {
        let seen =
            Orientation::draw(&mut stream(self.seed, Stream::LineOfSight).at((map as u64) << 32 | shell.number as u64));
        let mut finer = vec![0.0; (FINER * self.field.pixels).pow(2)];
        self.deposit(particles, shell, &seen, &mut finer);
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

    fn deposit(&self, particles: &Particles, shell: &Shell, seen: &Orientation, values: &mut [f32]) {
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
        let [rows, columns, depths] = seen.axes.map(|axis| &particles.positions[axis]);
        let unit = (self.side * UNIT) as f32;
        let side = self.side as f32;
        let half = 0.5 * pixels as f32;
        for ((&row, &column), &place) in rows.iter().zip(columns).zip(depths) {
            let place = seen.along(2, place);
            if place > deepest {
                continue;
            }
            let (transverse, scale_factor) = depth.at(place as f32 * unit);
            let per_length = 1.0 / (transverse * pixel as f32);
            let width = (self.cloud as f32 * per_length).max(1.0);
            let reach = half + 1.5 * width;
            let row = seen.along(0, row).cast_signed() as f32 * unit;
            let column = seen.along(1, column).cast_signed() as f32 * unit;
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
    /// f_K at the near side, and its first and second power of the depth: exact in a flat universe, and off by less than a
    /// millionth elsewhere.
    transverse: [f32; 3],
    /// At the near side, and its change with depth.
    scale_factor: [f32; 2],
}

impl Depth {
    fn new(background: &Background, shell: &Shell) -> Self {
        let thickness = shell.far - shell.near;
        let scale_factor = [shell.near, shell.far].map(|chi| background.a_of_chi(chi));
        let [near, middle, far] = [shell.near, shell.distance(), shell.far].map(|chi| background.transverse(chi));
        let linear = (4.0 * middle - 3.0 * near - far) / thickness;
        let square = 2.0 * (near + far - 2.0 * middle) / thickness.powi(2);
        Self {
            transverse: [near, linear, square].map(|term| term as f32),
            scale_factor: [scale_factor[0], (scale_factor[1] - scale_factor[0]) / thickness].map(|term| term as f32),
        }
    }

    /// Of a place this far behind the near side, in Mpc/h. What lies at the observer is put a little before.
    fn at(&self, depth: f32) -> (f32, f32) {
        let [constant, linear, square] = self.transverse;
        let transverse = constant + depth * (linear + depth * square);
        (transverse.max(1e-3), self.scale_factor[0] + depth * self.scale_factor[1])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::particles::position;
    use shared::cosmology::PlaneDistance;

    const SIDE: f64 = 100.0;

    fn cosmology() -> Cosmology {
        Cosmology { omega_b: Some(0.042), ..Cosmology::PAPER }
    }

    fn cone(background: &Background, cloud: f64) -> LightCone<'_> {
        let field = Field { pixels: 64, side_angle: 2.0 };
        LightCone { background, cosmology: cosmology(), side: SIDE, field, cloud, seed: 1 }
    }

    fn facing() -> Orientation {
        Orientation { axes: [0, 1, 2], backwards: [false; 3], origin: [0; 3] }
    }

    fn shell(background: &Background, near: f64, far: f64) -> Shell {
        Shell { number: 3, near, far, scale_factor: background.a_of_chi(f64::midpoint(near, far)) }
    }

    /// Particles at these places, in Mpc/h from the middle of the field and the near side.
    fn particles(places: &[[f64; 3]]) -> Particles {
        let along = |axis: usize| places.iter().map(|place| position(place[axis] / SIDE)).collect();
        Particles { positions: [along(0), along(1), along(2)], momenta: [0, 1, 2].map(|_| vec![0.0; places.len()]) }
    }

    #[test]
    fn a_point_mass_has_the_convergence_of_its_deflection() {
        let background = Background::new(&cosmology()).unwrap();
        for cloud in [0.01, 3.0] {
            let cone = cone(&background, cloud);
            let shell = shell(&background, 800.0, 840.0);
            let [x, y, depth] = [4.0, -7.0, 25.0];
            let mut values = vec![0.0; (FINER * 64).pow(2)];
            cone.deposit(&particles(&[[x, y, depth]]), &shell, &facing(), &mut values);
            let pixel = 2.0_f64.to_radians() / (FINER * 64) as f64;
            // int kappa dOmega = 4 pi G M / c^2 D_ls / (D_l D_s) of angular-diameter distances, M all mass of the box. In
            // comoving distances and with 4 pi G rho = 3/2 Om H0^2: 3/2 Om (H0/c)^2 L^3 (chi_s - chi) / (chi chi_s a).
            let (lens, source) = (800.0 + depth, background.chi(0.5));
            let a = background.a_of_chi(lens);
            let expected = 1.5 * 0.26 / HUBBLE_DISTANCE.powi(2) * SIDE.powi(3) * (source - lens) / (lens * source * a);
            let weight = 0.5 * PlaneDistance::flat(lens).efficiency(&PlaneDistance::flat(source));
            let total: f64 = values.iter().map(|&value| f64::from(value)).sum();
            assert!((weight * total * pixel * pixel / expected - 1.0).abs() < 1e-4, "{total} {expected}");
            // It is seen at its angle: rows along x, columns along y.
            let mean = |index: &dyn Fn(usize) -> usize| {
                let sum: f64 = values.iter().enumerate().map(|(at, &v)| f64::from(v) * (index(at) as f64 + 0.5)).sum();
                (sum / total - 64.0) * pixel * lens
            };
            let (row, column) = (mean(&|at| at / 128), mean(&|at| at % 128));
            assert!((row - x).abs() < 0.01 && (column - y).abs() < 0.01, "{row} {column}");
        }
    }

    #[test]
    fn only_the_shell_is_seen_and_images_fill_a_wide_field() {
        let background = Background::new(&cosmology()).unwrap();
        let cone = cone(&background, 0.01);
        let near = shell(&background, 1000.0, 1040.0);
        let count = |places: &[[f64; 3]], shell: &Shell| {
            let mut values = vec![0.0; (FINER * 64).pow(2)];
            cone.deposit(&particles(places), shell, &facing(), &mut values);
            values.iter().map(|&value| f64::from(value)).sum::<f64>()
        };
        let one = count(&[[0.0, 0.0, 20.0]], &near);
        assert!(one > 0.0 && count(&[[0.0, 0.0, 41.0]], &near) == 0.0);
        // 2 degrees are 35 Mpc/h wide at 1000, and 140 at 4000: there the same particle is seen again 100 Mpc/h to the side.
        assert!(count(&[[0.0, 30.0, 20.0]], &near) == 0.0);
        let far = shell(&background, 4000.0, 4040.0);
        let ratio = count(&[[0.0, 45.0, 20.0]], &far) / count(&[[0.0, 0.0, 20.0]], &far);
        assert!((ratio - 2.0).abs() < 1e-3, "{ratio}");
    }

    #[test]
    fn planes_of_an_even_lattice_are_empty_and_follow_from_the_seed() {
        let background = Background::new(&cosmology()).unwrap();
        let n = 32_u32;
        let places: Vec<[f64; 3]> = (0..n * n * n)
            .map(|at| [at / (n * n), at / n % n, at % n].map(|i| (f64::from(i) + 0.5) * SIDE / f64::from(n)))
            .collect();
        let lattice = particles(&places);
        let cone = cone(&background, 2.0 * SIDE / f64::from(n));
        let shell = shell(&background, 1500.0, 1550.0);
        let plane = cone.plane(&lattice, &shell, 5);
        let mean = cone.mean(&shell);
        assert!(plane.iter().all(|&value| f64::from(value).abs() < 0.03 * mean), "{mean}");
        assert_eq!(plane, cone.plane(&lattice, &shell, 5));
        assert_ne!(plane, cone.plane(&lattice, &Shell { number: 4, ..shell }, 5));
    }
}
