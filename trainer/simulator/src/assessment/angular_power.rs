//! Angular power of maps over that of theory, in bands of the multipole.

use anyhow::Result;
use shared::{
    ConvergenceMap,
    statistics::{PowerSpectrumPlan, power_spectrum::nyquist},
};

/// Edges of the bands in l.
pub const EDGES: [f64; BANDS + 1] = [500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0];
/// Number of bands.
pub const BANDS: usize = 5;

/// Bins of each band, in which theory is taken to be constant: the power of kappa changes by 2 % across one.
const BINS: usize = 64;

/// Ratios of one map, `None` for a band without Fourier modes or one that reaches beyond the maps' Nyquist multipole.
pub type BandRatios = [Option<f64>; BANDS];

/// Power of theory in the bins of all bands.
#[derive(Debug, Clone, PartialEq)]
pub struct AngularTheory {
    power: Vec<f64>,
}

impl AngularTheory {
    /// Samples `C_l` in steradian.
    pub fn new(power: impl Fn(f64) -> f64) -> Self {
        // The middles of PowerSpectrumPlan's bins.
        Self { power: bin_edges().windows(2).map(|pair| power(0.5 * pair.iter().sum::<f64>())).collect() }
    }
}

/// Measures maps of one geometry.
pub struct AngularBands {
    plan: PowerSpectrumPlan,
    nyquist: f64,
    power: Vec<Option<f64>>,
}

impl AngularBands {
    /// Plans for maps of `pixels` x `pixels` and `side_angle` degrees.
    ///
    /// # Errors
    /// Never, since these bins rise.
    pub fn new(pixels: usize, side_angle: f64) -> Result<Self> {
        let plan = PowerSpectrumPlan::new(pixels, side_angle, &bin_edges())?;
        Ok(Self { plan, nyquist: nyquist(pixels, side_angle), power: Vec::new() })
    }

    /// Mean over the Fourier modes of each band of the mode's power over that of theory.
    ///
    /// The map is transformed as it is, without a window (its mean is the mode l = 0, which is in no band). A map cut from
    /// a wider sky is not periodic, and power leaks through its borders from low to high l: Gaussian skies of halofit's power, cut
    /// to the paper's maps, have ratios of 1.000 to 1.005 beyond l = 1000.
    ///
    /// # Errors
    /// When the map is of another geometry than planned.
    pub fn ratios(&mut self, map: &ConvergenceMap, theory: &AngularTheory) -> Result<BandRatios> {
        self.plan.measure_into(map, &mut self.power)?;
        let mut sums = [[0.0; 2]; BANDS];
        let bins = self.power.iter().zip(&theory.power).zip(self.plan.cells());
        for (bin, ((power, theory), &cells)) in bins.enumerate() {
            if let (Some(power), Some([ratio, modes])) = (power, sums.get_mut(bin / BINS)) {
                *ratio += cells as f64 * power / theory;
                *modes += cells as f64;
            }
        }
        let mut ratios = [None; BANDS];
        for ((into, [ratio, modes]), end) in ratios.iter_mut().zip(sums).zip(EDGES.iter().skip(1)) {
            *into = (modes > 0.0 && *end <= self.nyquist).then(|| ratio / modes);
        }
        Ok(ratios)
    }
}

/// Edges of the bins of all bands, evenly in ln l.
fn bin_edges() -> Vec<f64> {
    let bands = EDGES.iter().zip(EDGES.iter().skip(1));
    let bands =
        bands.flat_map(|(&low, &high)| (0..BINS).map(move |bin| low * (high / low).powf(bin as f64 / BINS as f64)));
    bands.chain(EDGES.last().copied()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rustfft::num_complex::Complex64;
    use shared::{
        latent::latent,
        statistics::fourier::{InverseTransform, MapTransform},
    };

    /// A periodic Gaussian random map with this power.
    pub fn gaussian_map(seed: u64, pixels: usize, side_angle: f64, power: impl Fn(f64) -> f64) -> Vec<f32> {
        let mut forward = MapTransform::new(pixels);
        let noise = latent(seed, pixels * pixels);
        let modes = forward.transform(&noise).unwrap();
        let density = pixels as f64 / side_angle.to_radians();
        let mode = |at: usize| {
            let [row, column] = [at % pixels, at / pixels].map(|i| i.min(pixels - i) as f64);
            let ell = 360.0 / side_angle * row.hypot(column);
            if at == 0 { Complex64::default() } else { modes[at] * power(ell).sqrt() * density }
        };
        InverseTransform::new(pixels).transform(mode).iter().map(|&kappa| kappa as f32).collect()
    }

    #[test]
    fn a_gaussian_map_has_its_own_power() {
        // 5 % more than theory in two bands, as steep as kappa is.
        let (pixels, side_angle) = (512, 3.46);
        let theory = |ell: f64| 1e-9 * (ell / 1000.0).powf(-1.5);
        let sky = |ell: f64| theory(ell) * if ell > 2000.0 && ell <= 8000.0 { 1.05 } else { 1.0 };
        let mut bands = AngularBands::new(pixels, side_angle).unwrap();
        let sampled = AngularTheory::new(theory);
        let mut mean = [0.0; BANDS];
        for seed in 0..8 {
            let map = ConvergenceMap::new(side_angle, pixels, gaussian_map(seed, pixels, side_angle, sky)).unwrap();
            for (mean, ratio) in mean.iter_mut().zip(bands.ratios(&map, &sampled).unwrap()) {
                *mean += ratio.unwrap() / 8.0;
            }
        }
        // Four standard deviations of as many independent modes.
        let (fundamental, half) = (360.0 / side_angle, 0.5 * std::f64::consts::PI);
        for ((mean, expected), edges) in mean.iter().zip([1.0, 1.0, 1.05, 1.05, 1.0]).zip(EDGES.windows(2)) {
            let modes = 8.0 * half * (edges[1].powi(2) - edges[0].powi(2)) / fundamental.powi(2);
            assert!((mean / expected - 1.0).abs() < 4.0 / modes.sqrt() + 1e-4, "{edges:?}: {mean} {expected}");
        }
    }

    #[test]
    fn edges_hold_whole_bands() {
        let edges = bin_edges();
        assert_eq!(edges.len(), BANDS * BINS + 1);
        assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(EDGES.iter().enumerate().all(|(band, edge)| edges[band * BINS] == *edge));
    }

    #[test]
    fn bands_that_maps_do_not_hold_have_no_value() {
        // Waves from l = 3600 to the Nyquist multipole of 14400.
        let map = ConvergenceMap::new(0.1, 8, latent(1, 64)).unwrap();
        let ratios = AngularBands::new(8, 0.1).unwrap().ratios(&map, &AngularTheory::new(|_| 1.0)).unwrap();
        assert_eq!(ratios.map(|ratio| ratio.is_some()), [false, false, true, true, false]);
    }
}
