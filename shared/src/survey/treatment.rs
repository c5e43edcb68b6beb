//! Noise of galaxy shapes, Gaussian smoothing, a band of multipoles; in this order.

use rustfft::num_complex::Complex64;
use serde::{Deserialize, Serialize};

use crate::{
    ConvergenceMap,
    random::{Stream, stream},
    statistics::fourier::{InverseTransform, MapTransform},
};

/// Share of a band's edge over which it falls from all to nothing: a sharp edge would ring.
const EDGE: f64 = 0.1;

/// Noise of the shapes of the galaxies from which a map is made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShapeNoise {
    /// Galaxies per square arcminute.
    pub galaxies: f64,
    /// Standard deviation of a galaxy's ellipticity, both components together.
    pub ellipticity: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl ShapeNoise {
    /// What a survey of the present decade has, as Euclid and LSST are planned: 30 galaxies per square arcminute.
    pub const SURVEY: Self = Self { galaxies: 30.0, ellipticity: 0.37, seed: 1 };

    /// Standard deviation of kappa in pixels of a side in arcminutes: `sigma_e / sqrt(2 n A)` (van Waerbeke 2000, Eq. 12).
    pub fn deviation(&self, resolution: f64) -> f64 {
        self.ellipticity / (2.0 * self.galaxies * resolution * resolution).sqrt()
    }
}

/// What is done to a map before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Treatment {
    /// Noise that is added first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<ShapeNoise>,
    /// Standard deviation of a Gaussian that smooths, in arcminutes; 0 for none.
    #[serde(default)]
    pub smoothing: f64,
    /// Lowest and highest multipole that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<(f64, f64)>,
}

impl Treatment {
    /// Whether a map stays as it is.
    pub fn is_none(&self) -> bool {
        self.noise.is_none() && self.smoothing <= 0.0 && self.band.is_none()
    }

    /// The same without the band.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { band: None, ..self }
    }
}

/// Treats maps of one size, which are taken to be periodic; holds transforms and the noise of the last seed.
pub struct TreatmentPlan {
    pixels: usize,
    transform: MapTransform,
    inverse: InverseTransform,
    /// Normal numbers, one a pixel.
    noise: Option<(u64, Vec<f32>)>,
}

impl TreatmentPlan {
    /// A plan for maps of `pixels` x `pixels`.
    pub fn new(pixels: usize) -> Self {
        Self { pixels, transform: MapTransform::new(pixels), inverse: InverseTransform::new(pixels), noise: None }
    }

    /// Pixels along the side of its maps.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// Kappa of a map after a treatment, row by row; the map's own where it is of another size.
    ///
    /// # Examples
    /// A smoothed map keeps its mean:
    /// ```
    /// use shared::{ConvergenceMap, survey::{Treatment, TreatmentPlan}};
    ///
    /// let mut kappa = vec![0.0; 64 * 64];
    /// kappa[70] = 1.0;
    /// let map = ConvergenceMap::new(1.0, 64, kappa)?;
    /// let treatment = Treatment { smoothing: 2.0, ..Treatment::default() };
    /// let smoothed = TreatmentPlan::new(64).treat(&map, &treatment);
    /// assert!((smoothed.iter().sum::<f32>() - 1.0).abs() < 1e-4 && smoothed[70] < 0.2);
    /// # Ok::<(), shared::map::MapError>(())
    /// ```
    pub fn treat(&mut self, map: &ConvergenceMap, treatment: &Treatment) -> Vec<f32> {
        if map.pixels() != self.pixels || treatment.is_none() {
            return map.kappa().to_vec();
        }
        let mut kappa = map.kappa().to_vec();
        if let Some(noise) = treatment.noise {
            let deviation = noise.deviation(map.resolution()) as f32;
            for (kappa, normal) in kappa.iter_mut().zip(self.normals(noise.seed)) {
                *kappa += deviation * normal;
            }
        }
        if treatment.smoothing <= 0.0 && treatment.band.is_none() {
            return kappa;
        }
        let Some(frequencies) = self.transform.transform(&kappa) else { return kappa };
        let (n, unit) = (self.pixels, multipole_unit(map.side_angle()));
        let sigma = treatment.smoothing.max(0.0).to_radians() / 60.0;
        let treated = self.inverse.transform(|at| {
            let (column, row) = (at / n, at % n);
            let down = row.min(n - row);
            let ell = unit * ((column * column + down * down) as f64).sqrt();
            let mut weight = (-0.5 * (ell * sigma).powi(2)).exp();
            if let Some((low, high)) = treatment.band {
                weight *= step(ell, low) * (1.0 - step(ell, high));
            }
            frequencies[at] * Complex64::new(weight, 0.0)
        });
        treated.iter().map(|&kappa| kappa as f32).collect()
    }

    fn normals(&mut self, seed: u64) -> &[f32] {
        let kept = self.noise.take().filter(|(kept, _)| *kept == seed);
        let (_, normals) = self.noise.insert(kept.unwrap_or_else(|| {
            let mut random = stream(seed, Stream::ShapeNoise);
            (seed, (0..self.pixels * self.pixels).map(|_| random.normal() as f32).collect())
        }));
        normals
    }
}

/// The multipole of the mode that fits once into a side in degrees.
pub fn multipole_unit(side_angle: f64) -> f64 {
    core::f64::consts::TAU / side_angle.to_radians()
}

/// 0 below an edge, 1 above it, and a smooth way between; 1 everywhere for an edge at 0.
fn step(ell: f64, edge: f64) -> f64 {
    if edge <= 0.0 {
        return 1.0;
    }
    let share = ((ell / edge - 1.0 + EDGE) / (2.0 * EDGE)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{PowerSpectrumPlan, mean_and_sigma, power_spectrum::paper_edges};
    use core::f64::consts::TAU;

    /// A wave of some whole number of periods along the rows.
    fn wave(pixels: usize, periods: usize) -> Vec<f32> {
        let at = |i: usize| (TAU * (periods * (i % pixels)) as f64 / pixels as f64).cos() as f32;
        (0..pixels * pixels).map(at).collect()
    }

    #[test]
    fn smoothing_takes_from_each_wave_what_the_gaussian_takes() {
        for pixels in [15, 32, 64] {
            let map = ConvergenceMap::new(2.0, pixels, wave(pixels, 3)).unwrap();
            let treatment = Treatment { smoothing: 1.5, ..Treatment::default() };
            let smoothed = TreatmentPlan::new(pixels).treat(&map, &treatment);
            let left = (-0.5 * (3.0 * multipole_unit(2.0) * 1.5_f64.to_radians() / 60.0).powi(2)).exp();
            for (before, after) in map.kappa().iter().zip(smoothed) {
                assert!((f64::from(*before) * left - f64::from(after)).abs() < 1e-6, "{pixels}");
            }
        }
    }

    #[test]
    fn a_band_leaves_its_own_waves_and_no_others() {
        let kappa: Vec<f32> = wave(64, 2).iter().zip(wave(64, 9)).map(|(a, b)| a + b + 0.3).collect();
        let map = ConvergenceMap::new(1.0, 64, kappa).unwrap();
        let unit = multipole_unit(1.0);
        for (band, left) in [((0.0, 5.0), Some(2)), ((5.0, 20.0), Some(9)), ((12.0, 20.0), None)] {
            let band = Some((band.0 * unit, band.1 * unit));
            let mut plan = TreatmentPlan::new(64);
            let seen = plan.treat(&map, &Treatment { band, ..Treatment::default() });
            let mean = if left == Some(2) { 0.3 } else { 0.0 };
            let expected = left.map_or_else(|| vec![0.0; 64 * 64], |periods| wave(64, periods));
            assert!(seen.iter().zip(expected).all(|(seen, wave)| (seen - wave - mean).abs() < 1e-5), "{band:?}");
        }
    }

    #[test]
    fn shape_noise_has_the_power_of_its_galaxies() {
        let noise = ShapeNoise { galaxies: 30.0, ellipticity: 0.3, seed: 4 };
        let map = ConvergenceMap::new(3.5, 256, vec![0.0; 65_536]).unwrap();
        let mut treating = TreatmentPlan::new(256);
        let seen = treating.treat(&map, &Treatment { noise: Some(noise), ..Treatment::default() });
        let (mean, sigma) = mean_and_sigma(&seen);
        let expected = noise.deviation(map.resolution());
        assert!(mean.abs() < 0.02 * sigma && (sigma / expected - 1.0).abs() < 0.02, "{sigma} {expected}");
        // White: P(l) = sigma_e^2 / 2n per steradian.
        let galaxies_per_steradian = 30.0 * (180.0 * 60.0 / core::f64::consts::PI).powi(2);
        let white = 0.3 * 0.3 / (2.0 * galaxies_per_steradian);
        let noisy = ConvergenceMap::new(3.5, 256, seen.clone()).unwrap();
        let mut plan = PowerSpectrumPlan::new(256, 3.5, &paper_edges()).unwrap();
        let power = plan.measure(&noisy).unwrap();
        let (mut sum, mut modes) = (0.0, 0.0);
        for (power, &cells) in power.into_iter().zip(plan.cells()) {
            sum += power.unwrap_or(0.0) * cells as f64;
            modes += cells as f64;
        }
        assert!((sum / modes / white - 1.0).abs() < 0.01, "{:e} {white:e}", sum / modes);
        // The same sky has the same noise, also beside another seed's.
        treating.treat(&map, &Treatment { noise: Some(ShapeNoise { seed: 5, ..noise }), ..Treatment::default() });
        assert_eq!(treating.treat(&map, &Treatment { noise: Some(noise), ..Treatment::default() }), seen);
    }

    #[test]
    fn no_treatment_and_a_map_of_another_size_change_nothing() {
        let map = ConvergenceMap::new(1.0, 16, wave(16, 1)).unwrap();
        assert_eq!(TreatmentPlan::new(16).treat(&map, &Treatment::default()), map.kappa());
        let smoothing = Treatment { smoothing: 9.0, ..Treatment::default() };
        assert_eq!(TreatmentPlan::new(8).treat(&map, &smoothing), map.kappa());
    }
}
