//! Multi-plane ray tracing: rays that are deflected and sheared at every plane.
//!
//! A ray that ends at angle beta crosses plane k at `theta_k = beta - sum_(i<k) f_K(chi_k - chi_i) / f_K(chi_k) alpha_i(theta_i)`,
//! and the Jacobian of its bundle there is `A_k = 1 - sum_(i<k) f_K(chi_k - chi_i) / f_K(chi_k) U_i(theta_i) A_i`, with alpha the
//! gradient of a plane's potential and U its second derivatives (Jain, Seljak & White 2000, Eqs. 9 to 13; Hilbert et al. 2009).
//! As `f_K(chi_k - chi_i)` is a sine of a difference, two running sums serve every plane and every source.

use rustfft::num_complex::Complex64;

use shared::cosmology::PlaneDistance;

use super::square::Square;

/// Rays on their way from the observer, one a pixel of the planes.
pub struct MultiPlane {
    pixels: usize,
    /// Side of a pixel in radians.
    pixel: f64,
    square: Square,
    rays: Vec<Ray>,
}

/// Sums over the planes that a ray has crossed.
#[derive(Debug, Clone, Copy, Default)]
struct Ray {
    /// Deflections times the planes' cosine, and times their transverse distance: along rows' and columns' index.
    deflection: [[f32; 2]; 2],
    /// `U A` times the same, as rows of a matrix.
    shear: [[f32; 4]; 2],
}

impl Ray {
    /// Deflection up to a plane or source.
    fn deflection(&self, reduced: f32) -> [f32; 2] {
        [0, 1].map(|i| self.deflection[0][i] - reduced * self.deflection[1][i])
    }

    /// Jacobian up to a plane or source.
    fn jacobian(&self, reduced: f32) -> [f32; 4] {
        const IDENTITY: [f32; 4] = [1.0, 0.0, 0.0, 1.0];
        std::array::from_fn(|i| IDENTITY[i] - self.shear[0][i] + reduced * self.shear[1][i])
    }
}

impl MultiPlane {
    /// Rays through planes of `pixels` x `pixels`, `side_angle` degrees wide. Planes are periodic; what lies near the edges of planes that are not is off
    /// by as much as deflections from the other side matter, so give these a margin.
    pub fn new(pixels: usize, side_angle: f64) -> Self {
        Self {
            pixels,
            pixel: side_angle.to_radians() / pixels as f64,
            square: Square::new(pixels, side_angle),
            rays: vec![Ray::default(); pixels * pixels],
        }
    }

    /// Crosses the next plane, given as the Laplacian of its potential. Planes come in order of their distance.
    pub fn cross(&mut self, laplacian: &[f32], distance: &PlaneDistance) {
        let modes = self.square.modes(laplacian.iter().map(|&value| f64::from(value)));
        // From the Laplacian to the potential, times what a derivative multiplies by.
        let derivative = |factor: &dyn Fn(f64, f64) -> Complex64| {
            self.square.values(&modes, |row, column| {
                let square = row * row + column * column;
                if square > 0.0 { factor(row, column) / -square } else { Complex64::default() }
            })
        };
        let gradient =
            [derivative(&|row, _| Complex64::new(0.0, row)), derivative(&|_, column| Complex64::new(0.0, column))];
        let shear = [
            derivative(&|row, _| Complex64::from(-row * row)),
            derivative(&|row, column| Complex64::from(-row * column)),
            derivative(&|_, column| Complex64::from(-column * column)),
        ];
        let reduced = reduced(distance);
        let factors = [distance.cosine as f32, distance.transverse as f32];
        for (at, ray) in self.rays.iter_mut().enumerate() {
            let jacobian = ray.jacobian(reduced);
            let place = Place::new(at, ray.deflection(reduced), self.pixel, self.pixels);
            let gradient = gradient.each_ref().map(|values| place.value(values));
            let [rr, rc, cc] = shear.each_ref().map(|values| place.value(values));
            let [a, b, c, d] = jacobian;
            let sheared = [rr * a + rc * c, rr * b + rc * d, rc * a + cc * c, rc * b + cc * d];
            for (sum, factor) in ray.deflection.iter_mut().zip(factors) {
                for (sum, value) in sum.iter_mut().zip(gradient) {
                    *sum += factor * value;
                }
            }
            for (sum, factor) in ray.shear.iter_mut().zip(factors) {
                for (sum, value) in sum.iter_mut().zip(sheared) {
                    *sum += factor * value;
                }
            }
        }
    }

    /// Convergence of a source behind the planes crossed so far, row by row: `1 - trace(A) / 2` (the paper's Eq. 1).
    pub fn convergence(&self, source: &PlaneDistance) -> Vec<f32> {
        let reduced = reduced(source);
        let kappa = |ray: &Ray| {
            let trace = |part: usize| ray.shear[part][0] + ray.shear[part][3];
            0.5 * (trace(0) - reduced * trace(1))
        };
        self.rays.iter().map(kappa).collect()
    }
}

/// What turns the second sum into the first one's units at a distance; 0 at the observer, where nothing was crossed.
fn reduced(distance: &PlaneDistance) -> f32 {
    if distance.transverse > 0.0 { (distance.cosine / distance.transverse) as f32 } else { 0.0 }
}

/// Four pixels around a place of a periodic square, and how near each is.
struct Place {
    pixels: [usize; 4],
    weights: [f32; 4],
}

impl Place {
    /// Where a ray of the pixel `at` crosses a plane.
    fn new(at: usize, deflection: [f32; 2], pixel: f64, pixels: usize) -> Self {
        let corner = [at / pixels, at % pixels];
        let shift = deflection.map(|deflection| -deflection / pixel as f32);
        let whole = shift.map(f32::floor);
        let part = [shift[0] - whole[0], shift[1] - whole[1]];
        let index = |axis: usize, step: i64| {
            (corner[axis] as i64 + whole[axis] as i64 + step).rem_euclid(pixels as i64) as usize
        };
        let (rows, columns) = ([index(0, 0), index(0, 1)], [index(1, 0), index(1, 1)]);
        let pixel = |row: usize, column: usize| rows[row] * pixels + columns[column];
        Self {
            pixels: [pixel(0, 0), pixel(0, 1), pixel(1, 0), pixel(1, 1)],
            weights: [
                (1.0 - part[0]) * (1.0 - part[1]),
                (1.0 - part[0]) * part[1],
                part[0] * (1.0 - part[1]),
                part[0] * part[1],
            ],
        }
    }

    fn value(&self, values: &[f64]) -> f32 {
        self.pixels.iter().zip(self.weights).map(|(&at, weight)| weight * values[at] as f32).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn wave(pixels: usize, amplitude: f32, rows: f64, columns: f64) -> Vec<f32> {
        let value = |at: usize| {
            let phase = TAU * (rows * (at / pixels) as f64 + columns * (at % pixels) as f64) / pixels as f64;
            amplitude * phase.cos() as f32
        };
        (0..pixels * pixels).map(value).collect()
    }

    #[test]
    fn faint_planes_give_the_born_projection() {
        let pixels = 64;
        let planes = [wave(pixels, 1e-5, 3.0, 1.0), wave(pixels, 2e-5, 0.0, 5.0), wave(pixels, 1e-5, 4.0, -2.0)];
        let distances = [500.0, 1000.0, 1500.0].map(PlaneDistance::flat);
        let mut rays = MultiPlane::new(pixels, 1.0);
        for (plane, distance) in planes.iter().zip(&distances) {
            rays.cross(plane, distance);
        }
        for source in [1600.0, 2500.0].map(PlaneDistance::flat) {
            for (at, found) in rays.convergence(&source).into_iter().enumerate() {
                let weight = |i: usize| 0.5 * distances[i].efficiency(&source) as f32;
                let born: f32 = (0..3).map(|i| weight(i) * planes[i][at]).sum();
                assert!((found - born).abs() < 1e-8, "{at}: {found} {born}");
            }
        }
    }

    #[test]
    fn a_ray_sees_the_second_plane_where_the_first_deflects_it() {
        // Two strong planes along one axis, traced by hand: theta_2 = beta - (1 - chi_1/chi_2) alpha_1(beta).
        let (pixels, side_angle) = (512, 1.0_f64);
        let side = side_angle.to_radians();
        let (first, second) = (wave(pixels, 0.8, 1.0, 0.0), wave(pixels, 0.6, 2.0, 0.0));
        let mut rays = MultiPlane::new(pixels, side_angle);
        rays.cross(&first, &PlaneDistance::flat(400.0));
        rays.cross(&second, &PlaneDistance::flat(1000.0));
        let found = rays.convergence(&PlaneDistance::flat(2000.0));
        for row in (0..pixels).step_by(37) {
            let beta = side * row as f64 / pixels as f64;
            let alpha = 0.8 * side / TAU * (TAU * beta / side).sin();
            let theta = beta - 0.6 * alpha;
            let (u1, u2) = (0.8 * (TAU * beta / side).cos(), 0.6 * (2.0 * TAU * theta / side).cos());
            let stretch = 1.0 - 0.8 * u1 - 0.5 * u2 * (1.0 - 0.6 * u1);
            let expected = 0.5 * (1.0 - stretch);
            assert!(
                (f64::from(found[row * pixels + 5]) - expected).abs() < 2e-4,
                "{row}: {} {expected}",
                found[row * pixels + 5]
            );
        }
    }
}
