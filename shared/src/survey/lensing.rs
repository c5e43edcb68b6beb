//! Deflection of light by a convergence map.
//!
//! The lens equation is `beta = theta - alpha(theta)`: what is seen at `theta` lies at `beta`. The deflection is the gradient of the
//! potential whose Laplacian is twice the convergence, `alpha_l = -2 i l kappa_l / l^2` (Bartelmann and Schneider 2001, Eqs. 3.3 to 3.6).

use rustfft::num_complex::Complex64;

use crate::{
    ConvergenceMap,
    statistics::fourier::{InverseTransform, MapTransform},
};

/// Deflection at each pixel of a map, row by row, in shares of the map's side: to the right, and down.
#[derive(Debug, Clone, PartialEq)]
pub struct Deflection {
    /// Toward higher columns.
    pub right: Vec<f32>,
    /// Toward higher rows.
    pub down: Vec<f32>,
}

/// Computes deflections of maps of one size, which are taken to be periodic.
pub struct DeflectionPlan {
    pixels: usize,
    transform: MapTransform,
    inverse: InverseTransform,
}

impl DeflectionPlan {
    /// A plan for maps of `pixels` x `pixels`.
    pub fn new(pixels: usize) -> Self {
        Self { pixels, transform: MapTransform::new(pixels), inverse: InverseTransform::new(pixels) }
    }

    /// The deflection of a map; `None` where it is of another size. The mean of kappa, which only magnifies, has no part in it.
    ///
    /// # Examples
    /// Light is seen farther from a lump of matter than it comes from, so that `theta - alpha` is nearer to it:
    /// ```
    /// use shared::{ConvergenceMap, survey::DeflectionPlan};
    ///
    /// let mut kappa = vec![0.0; 32 * 32];
    /// kappa[16 * 32 + 16] = 1.0;
    /// let map = ConvergenceMap::new(1.0, 32, kappa)?;
    /// let deflection = DeflectionPlan::new(32).deflection(&map).ok_or("another size")?;
    /// let to_the_right = 16 * 32 + 20;
    /// assert!(deflection.right[to_the_right] > 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deflection(&mut self, map: &ConvergenceMap) -> Option<Deflection> {
        let n = self.pixels;
        let frequencies = self.transform.transform(map.kappa())?;
        let mut along = |across: bool| -> Vec<f32> {
            let deflection = self.inverse.transform(|at| {
                let (column, row) = (at / n, at % n);
                let down = if 2 * row > n { row as f64 - n as f64 } else { row as f64 };
                let square = (column * column) as f64 + down * down;
                let (component, place) = if across { (column as f64, column) } else { (down, row) };
                // The derivative of a wave at Nyquist's frequency is not known from its samples.
                if square <= 0.0 || 2 * place == n {
                    return Complex64::default();
                }
                // In shares of the side, a mode's l is 2 pi times its number.
                frequencies[at] * Complex64::new(0.0, -2.0 * component / (core::f64::consts::TAU * square))
            });
            deflection.iter().map(|&share| share as f32).collect()
        };
        Some(Deflection { right: along(true), down: along(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::TAU;

    /// kappa = cos(2 pi (3 x + 2 y)) has the potential -2 kappa / l^2, with l = 2 pi (3, 2).
    #[test]
    fn a_wave_deflects_along_its_own_direction() {
        for n in [16, 33] {
            let phase = |i: usize| TAU * (3 * (i % n) + 2 * (i / n)) as f64 / n as f64;
            let kappa = (0..n * n).map(|i| phase(i).cos() as f32).collect();
            let deflection = DeflectionPlan::new(n).deflection(&ConvergenceMap::new(1.0, n, kappa).unwrap()).unwrap();
            let square = TAU * TAU * 13.0;
            for i in 0..n * n {
                // The gradient of -2 cos(phase) / l^2 is 2 sin(phase) l / l^2.
                let slope = 2.0 * phase(i).sin() / square;
                assert!((f64::from(deflection.right[i]) - slope * 3.0 * TAU).abs() < 1e-6, "{n} {i}");
                assert!((f64::from(deflection.down[i]) - slope * 2.0 * TAU).abs() < 1e-6, "{n} {i}");
            }
        }
    }

    #[test]
    fn its_divergence_is_twice_the_convergence() {
        let n = 32;
        let mut random = crate::random::stream(3, crate::random::Stream::ShapeNoise);
        // Smooth enough for differences of neighbours to be derivatives.
        let waves: Vec<[f64; 4]> = (0..9)
            .map(|_| [random.below(3) as f64, random.below(3) as f64 - 1.0, random.uniform() * TAU, random.normal()])
            .collect();
        let kappa_at = |x: f64, y: f64| -> f64 {
            waves
                .iter()
                .filter(|w| w[0] != 0.0 || w[1] != 0.0)
                .map(|w| w[3] * (TAU * (w[0] * x + w[1] * y) + w[2]).cos())
                .sum()
        };
        let place = |i: usize| (i % n) as f64 / n as f64;
        let kappa: Vec<f32> = (0..n * n).map(|i| kappa_at(place(i), place(i / n)) as f32).collect();
        let deflection =
            DeflectionPlan::new(n).deflection(&ConvergenceMap::new(1.0, n, kappa.clone()).unwrap()).unwrap();
        for (i, kappa) in kappa.iter().enumerate() {
            let (row, column) = (i / n, i % n);
            let at = |row: usize, column: usize| row % n * n + column % n;
            let right = deflection.right[at(row, column + 1)] - deflection.right[at(row, column + n - 1)];
            let down = deflection.down[at(row + 1, column)] - deflection.down[at(row + n - 1, column)];
            let divergence = (right + down) * n as f32 / 2.0;
            assert!((divergence - 2.0 * kappa).abs() < 0.15, "{i}: {divergence} {kappa}");
        }
    }

    #[test]
    fn another_size_has_none() {
        let map = ConvergenceMap::new(1.0, 4, vec![0.0; 16]).unwrap();
        assert!(DeflectionPlan::new(5).deflection(&map).is_none());
    }
}
