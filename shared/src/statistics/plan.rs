//! Everything that is measured of each map, in one pass with one set of buffers.

use serde::{Deserialize, Serialize};

use super::{
    PowerSpectrumPlan,
    bins::{Bins, EdgesError},
    bispectrum::{BispectrumPlan, triangle_edges},
    halo::Halo,
    mask::Mask,
    minkowski::{self, MinkowskiFunctionals, MinkowskiPlan, Normalisation},
    moments::{MomentOptions, moments, moments_marked},
    peaks::{Extreme, PeakPlan, minimum_edges, peak_edges},
    pixels::{pdf_edges, pixel_density, pixel_density_marked},
    power_spectrum::{PowerSpectrumError, paper_edges},
    statistic::Statistic,
    two_point::{TwoPointPlan, theta_edges},
};
use crate::ConvergenceMap;

/// Edges of the bins of each statistic.
#[derive(Debug, Clone, PartialEq)]
pub struct StatisticsEdges {
    /// Multipoles of P(l).
    pub ell: Vec<f64>,
    /// Thresholds of the Minkowski functionals in sigma.
    pub nu: Vec<f64>,
    /// Heights of peaks in sigma.
    pub peaks: Vec<f64>,
    /// Heights of minima in sigma.
    pub minima: Vec<f64>,
    /// Pixel values in kappa.
    pub kappa: Vec<f64>,
    /// Separations of xi(theta) in arcminutes; without any it is left out.
    pub theta: Vec<f64>,
    /// Multipoles of the equilateral bispectrum; without any it is left out.
    pub triangles: Vec<f64>,
}

impl Default for StatisticsEdges {
    /// The paper's and LensTools' edges; xi(theta) and the bispectrum have bins of their own.
    fn default() -> Self {
        Self {
            ell: paper_edges(),
            nu: minkowski::paper_edges(),
            peaks: peak_edges(),
            minima: minimum_edges(),
            kappa: pdf_edges(),
            theta: theta_edges(),
            triangles: triangle_edges(),
        }
    }
}

/// Statistics of one map; `None` for a value that does not exist: a bin without Fourier modes, a threshold in units of the
/// sigma of a constant map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapStatistics {
    /// P(l) in steradians.
    pub power_spectrum: Vec<Option<f64>>,
    /// Minkowski functionals in LensTools' normalisation.
    pub minkowski: MinkowskiFunctionals,
    /// Peak counts per unit of nu.
    pub peaks: Vec<Option<f64>>,
    /// Minimum counts per unit of nu.
    pub minima: Vec<Option<f64>>,
    /// Density of pixel values, of those in the bins.
    pub pdf: Vec<Option<f64>>,
    /// Shares of pixels below and above the bins of the density.
    pub outside_pdf: [f64; 2],
    /// xi(theta).
    pub two_point: Vec<Option<f64>>,
    /// Equilateral bispectrum in steradians^2.
    pub bispectrum: Vec<Option<f64>>,
    /// The nine moments of [`moments`](super::moments).
    pub moments: [Option<f64>; 9],
    /// Mean of kappa.
    pub mean: f64,
    /// Standard deviation of kappa (ddof 0).
    pub sigma: f64,
    /// Share of the pixels that were left out.
    #[serde(default)]
    pub masked: f64,
}

impl Default for MapStatistics {
    fn default() -> Self {
        Self {
            power_spectrum: Vec::new(),
            minkowski: MinkowskiFunctionals::empty(0),
            peaks: Vec::new(),
            minima: Vec::new(),
            pdf: Vec::new(),
            outside_pdf: [0.0; 2],
            two_point: Vec::new(),
            bispectrum: Vec::new(),
            moments: [None; 9],
            mean: 0.0,
            sigma: 0.0,
            masked: 0.0,
        }
    }
}

impl MapStatistics {
    /// Shares of the pixels below the bins of the density, and in each bin, which are `width` wide; the rest is above.
    pub fn pixel_shares(&self, width: f64) -> Vec<f64> {
        let [below, above] = self.outside_pdf;
        let inside = 1.0 - below - above;
        std::iter::once(below).chain(self.pdf.iter().map(|density| density.unwrap_or(0.0) * width * inside)).collect()
    }

    /// The values of one statistic.
    pub fn of(&self, statistic: Statistic) -> &[Option<f64>] {
        match statistic {
            Statistic::PowerSpectrum => &self.power_spectrum,
            Statistic::V0 => &self.minkowski.v0,
            Statistic::V1 => &self.minkowski.v1,
            Statistic::V2 => &self.minkowski.v2,
            Statistic::Peaks => &self.peaks,
            Statistic::Minima => &self.minima,
            Statistic::Pdf => &self.pdf,
            Statistic::TwoPoint => &self.two_point,
            Statistic::Bispectrum => &self.bispectrum,
        }
    }
}

/// Measures all statistics of maps of one size and angle; after the first map it allocates little.
///
/// # Examples
/// ```
/// use shared::{
///     ConvergenceMap,
///     latent::latent,
///     statistics::{MapStatistics, Statistic, StatisticsEdges, StatisticsPlan},
/// };
///
/// let map = ConvergenceMap::new(0.865, 64, latent(1, 64 * 64))?;
/// let mut plan = StatisticsPlan::new(64, 0.865, &StatisticsEdges::default())?;
/// let mut found = MapStatistics::default();
/// plan.measure(&map, &mut found)?;
/// // V0: half of a Gaussian field lies above its mean.
/// let (nu, area) = (plan.middles(Statistic::V0), found.of(Statistic::V0));
/// let middle = nu.iter().position(|nu| nu.abs() < 0.11).unwrap();
/// assert!((area[middle].unwrap() - 0.5).abs() < 0.05);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StatisticsPlan {
    halo: Halo,
    power_spectrum: PowerSpectrumPlan,
    minkowski: MinkowskiPlan,
    peaks: PeakPlan,
    minima: PeakPlan,
    kappa: Bins,
    two_point: Option<TwoPointPlan>,
    bispectrum: Option<BispectrumPlan>,
}

impl StatisticsPlan {
    /// A plan for maps of `pixels` x `pixels` and `side_angle` degrees.
    ///
    /// # Errors
    /// When edges do not rise.
    pub fn new(pixels: usize, side_angle: f64, edges: &StatisticsEdges) -> Result<Self, EdgesError> {
        let power_spectrum = PowerSpectrumPlan::new(pixels, side_angle, &edges.ell).map_err(|_| EdgesError)?;
        let asked = |edges: &[f64]| !edges.is_empty();
        let two_point = asked(&edges.theta).then(|| TwoPointPlan::new(pixels, side_angle, &edges.theta)).transpose()?;
        let triangles = asked(&edges.triangles).then(|| BispectrumPlan::new(pixels, side_angle, &edges.triangles));
        Ok(Self {
            halo: Halo::new(pixels),
            power_spectrum,
            minkowski: MinkowskiPlan::new(Bins::new(&edges.nu)?, pixels),
            peaks: PeakPlan::new(Extreme::Peaks, Bins::new(&edges.peaks)?, pixels),
            minima: PeakPlan::new(Extreme::Minima, Bins::new(&edges.minima)?, pixels),
            kappa: Bins::new(&edges.kappa)?,
            two_point,
            bispectrum: triangles.transpose()?,
        })
    }

    /// Middles of a statistic's bins.
    pub fn middles(&self, statistic: Statistic) -> Vec<f64> {
        match statistic {
            Statistic::PowerSpectrum => self.power_spectrum.ell().to_vec(),
            Statistic::V0 | Statistic::V1 | Statistic::V2 => self.minkowski.bins().middles(),
            Statistic::Peaks => self.peaks.bins().middles(),
            Statistic::Minima => self.minima.bins().middles(),
            Statistic::Pdf => self.kappa.middles(),
            Statistic::TwoPoint => self.two_point.as_ref().map(TwoPointPlan::theta).unwrap_or_default(),
            Statistic::Bispectrum => self.bispectrum.as_ref().map(|plan| plan.ell().to_vec()).unwrap_or_default(),
        }
    }

    /// Measures a map.
    ///
    /// # Errors
    /// When the map is of another geometry than planned.
    pub fn measure(&mut self, map: &ConvergenceMap, into: &mut MapStatistics) -> Result<(), PowerSpectrumError> {
        self.measure_paper(map, into)?;
        self.minima.measure(&self.halo, into.sigma, &mut into.minima);
        self.measure_pixels(map, into);
        into.moments = moments(&self.halo, into.sigma, MomentOptions::default());
        into.masked = 0.0;
        into.two_point = self.correlation(map);
        into.bispectrum = self.triangles(map);
        Ok(())
    }

    /// Measures a map of which pixels are left out, as [`mask`](super::mask) defines.
    ///
    /// # Errors
    /// When the map is of another geometry than planned.
    pub fn measure_masked(
        &mut self,
        map: &ConvergenceMap,
        mask: &Mask,
        into: &mut MapStatistics,
    ) -> Result<(), PowerSpectrumError> {
        let of = |kappa: Vec<f32>| ConvergenceMap::new(map.side_angle(), map.pixels(), kappa);
        let (weighted, squares, cubes) = mask.weighted(map.kappa());
        let over = |values: &mut Vec<Option<f64>>, mean: f64| {
            for value in values {
                *value = value.filter(|_| mean > 0.0).map(|value| value / mean);
            }
        };
        // Products of finite numbers with weights of at most 1.
        if let Ok(weighted) = of(weighted) {
            self.power_spectrum.measure_into(&weighted, &mut into.power_spectrum)?;
            over(&mut into.power_spectrum, squares);
            into.bispectrum = self.triangles(&weighted);
            over(&mut into.bispectrum, cubes);
        }
        let there = |at: usize| mask.used()[at];
        let kappa = map.kappa().iter().enumerate().map(|(at, &kappa)| if there(at) { kappa } else { 0.0 }).collect();
        let ones = mask.used().iter().map(|&used| f32::from(u8::from(used))).collect();
        if let (Ok(kappa), Ok(ones)) = (of(kappa), of(ones)) {
            let pairs = self.correlation(&ones);
            into.two_point = self.correlation(&kappa);
            for (value, pairs) in into.two_point.iter_mut().zip(pairs) {
                *value = value.zip(pairs.filter(|pairs| *pairs > 1e-9)).map(|(value, pairs)| value / pairs);
            }
        }
        self.halo.fill(map.kappa());
        let whole = mask.whole();
        let values: Vec<f32> = map.kappa().iter().zip(whole).filter(|(_, whole)| **whole).map(|(&k, _)| k).collect();
        (into.mean, into.sigma) = if values.is_empty() { (0.0, 0.0) } else { mean_and_sigma(&values) };
        let normalisation = Normalisation::LensTools;
        self.minkowski.measure_marked(&self.halo, whole, into.sigma, normalisation, &mut into.minkowski);
        self.peaks.measure_marked(&self.halo, whole, into.sigma, &mut into.peaks);
        self.minima.measure_marked(&self.halo, whole, into.sigma, &mut into.minima);
        into.outside_pdf = pixel_density_marked(map, mask.used(), &self.kappa, &mut into.pdf);
        into.moments = moments_marked(&self.halo, whole, into.sigma, MomentOptions::default());
        into.masked = mask.masked_share();
        Ok(())
    }

    /// xi(theta), where it is asked for.
    fn correlation(&mut self, map: &ConvergenceMap) -> Vec<Option<f64>> {
        self.two_point.as_mut().map(|plan| plan.measure(map)).unwrap_or_default()
    }

    /// The bispectrum, where it is asked for.
    fn triangles(&mut self, map: &ConvergenceMap) -> Vec<Option<f64>> {
        self.bispectrum.as_mut().map(|plan| plan.measure(map)).unwrap_or_default()
    }

    /// Measures the density of pixel values alone.
    pub fn measure_pixels(&self, map: &ConvergenceMap, into: &mut MapStatistics) {
        into.outside_pdf = pixel_density(map, &self.kappa, &mut into.pdf);
    }

    /// Measures P(l), the Minkowski functionals and the peaks alone, with mean and sigma.
    ///
    /// # Errors
    /// When the map is of another geometry than planned.
    pub fn measure_paper(&mut self, map: &ConvergenceMap, into: &mut MapStatistics) -> Result<(), PowerSpectrumError> {
        self.power_spectrum.measure_into(map, &mut into.power_spectrum)?;
        self.halo.fill(map.kappa());
        (into.mean, into.sigma) = mean_and_sigma(map.kappa());
        self.minkowski.measure(&self.halo, into.sigma, Normalisation::LensTools, &mut into.minkowski);
        self.peaks.measure(&self.halo, into.sigma, &mut into.peaks);
        Ok(())
    }
}

/// Mean and standard deviation (ddof 0) of a map's pixels; the latter is exactly 0 for a constant map.
pub fn mean_and_sigma(kappa: &[f32]) -> (f64, f64) {
    let count = kappa.len() as f64;
    if kappa.iter().all(|value| Some(value) == kappa.first()) {
        return (kappa.first().map_or(0.0, |&value| f64::from(value)), 0.0);
    }
    let mean = sum(kappa, |value| value) / count;
    (mean, (sum(kappa, |value| (value - mean) * (value - mean)) / count).sqrt())
}

/// Sum in eight interleaved parts, which the processor adds side by side.
fn sum(kappa: &[f32], of: impl Fn(f64) -> f64) -> f64 {
    let chunks = kappa.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|&value| of(f64::from(value))).sum();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += of(f64::from(value));
        }
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::latent;
    use proptest::prelude::*;

    /// Noise that is smooth over a few pixels, as maps are.
    fn map(seed: u64, n: usize) -> Vec<f32> {
        let noise = latent(seed, n * n);
        let smooth = |i: usize| {
            let around = (0..25).map(|at| noise[(i / n + at / 5) % n * n + (i % n + at % 5) % n]);
            0.01 * around.sum::<f32>().exp().sqrt().sqrt()
        };
        (0..n * n).map(smooth).collect()
    }

    fn measure(kappa: Vec<f32>, n: usize) -> MapStatistics {
        let map = ConvergenceMap::new(0.865, n, kappa).unwrap();
        let mut found = MapStatistics::default();
        StatisticsPlan::new(n, 0.865, &StatisticsEdges::default()).unwrap().measure(&map, &mut found).unwrap();
        found
    }

    /// Largest difference of a statistic over its largest value.
    fn difference(a: &MapStatistics, b: &MapStatistics, statistic: Statistic, factor: f64) -> f64 {
        let largest = b.of(statistic).iter().flatten().fold(1e-300_f64, |most, value| most.max(value.abs()));
        let pairs = a.of(statistic).iter().zip(b.of(statistic));
        pairs.map(|(a, b)| (a.unwrap_or(0.0) - factor * b.unwrap_or(0.0)).abs() / largest / factor).fold(0.0, f64::max)
    }

    /// Where a pixel of a moved map comes from.
    type Source = fn(row: usize, column: usize, pixels: usize) -> (usize, usize);

    fn moved(kappa: &[f32], n: usize, source: impl Fn(usize, usize) -> (usize, usize)) -> Vec<f32> {
        let from = |at: usize| {
            let (row, column) = source(at / n, at % n);
            kappa[row * n + column]
        };
        (0..n * n).map(from).collect()
    }

    fn assert_same(name: &str, found: &MapStatistics, expected: &MapStatistics, statistics: &[Statistic]) {
        for &statistic in statistics {
            let difference = difference(found, expected, statistic, 1.0);
            assert!(difference < 1e-9, "{name}, {statistic:?}: {difference}");
        }
        for (a, b) in found.moments.iter().zip(expected.moments) {
            assert!((a.unwrap() - b.unwrap()).abs() < 1e-12 * b.unwrap().abs().max(1e-6), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn translations_change_nothing(seed in any::<u64>(), down in 0_usize..32, right in 0_usize..32) {
            let (n, original) = (32, map(seed, 32));
            let shifted = moved(&original, n, |row, column| ((row + down) % n, (column + right) % n));
            assert_same("translation", &measure(shifted, n), &measure(original, n), &Statistic::ALL);
        }

        #[test]
        fn quarter_turns_and_flips_change_nothing(seed in any::<u64>()) {
            let (n, original) = (32, map(seed, 32));
            let expected = measure(original.clone(), n);
            let symmetries: [(&str, Source); 3] = [
                ("quarter turn", |row, column, n| (column, n - 1 - row)),
                ("flip of columns", |row, column, n| (row, n - 1 - column)),
                ("flip of rows", |row, column, n| (n - 1 - row, column)),
            ];
            for (name, source) in symmetries {
                let found = measure(moved(&original, n, |row, column| source(row, column, n)), n);
                // LensTools' half plane holds the cells (i, 0) twice, as +i and -i, and the cells (0, j) once: its P(l) changes
                // with a quarter turn.
                let first = usize::from(name == "quarter turn");
                assert_same(name, &found, &expected, &Statistic::ALL[first..]);
            }
        }

        /// By powers of two, so that no pixel rounds across a threshold.
        #[test]
        fn a_factor_before_kappa_scales_as_the_definitions_say(seed in any::<u64>(), exponent in -6_i32..6) {
            let (n, factor) = (32, 2.0_f32.powi(exponent));
            let original = map(seed, n);
            let found = measure(original.iter().map(|kappa| factor * kappa).collect(), n);
            let (expected, factor) = (measure(original, n), f64::from(factor));
            for (statistic, scale) in [
                (Statistic::PowerSpectrum, factor * factor),
                (Statistic::V0, 1.0),
                (Statistic::V1, factor),
                (Statistic::V2, factor),
                (Statistic::Peaks, 1.0),
                (Statistic::Minima, 1.0),
            ] {
                let difference = difference(&found, &expected, statistic, scale);
                assert!(difference < 1e-9, "{statistic:?}: {difference}");
            }
        }
    }

    #[test]
    fn without_masked_pixels_a_mask_changes_nothing() {
        let (n, kappa) = (32, map(4, 32));
        let map = ConvergenceMap::new(0.865, n, kappa.clone()).unwrap();
        let mut found = MapStatistics::default();
        let mut plan = StatisticsPlan::new(n, 0.865, &StatisticsEdges::default()).unwrap();
        plan.measure_masked(&map, &Mask::new(n, vec![true; n * n], 3.0), &mut found).unwrap();
        let expected = measure(kappa, n);
        for statistic in Statistic::ALL {
            // The mean is removed before rounding to f32.
            let difference = difference(&found, &expected, statistic, 1.0);
            assert!(difference < 1e-5, "{statistic:?}: {difference}");
        }
        assert_eq!((found.moments, found.sigma, found.masked), (expected.moments, expected.sigma, 0.0));
    }

    /// Each definition written down pixel by pixel, with holes of every size.
    #[test]
    fn masked_statistics_equal_their_definitions() {
        let n = 24;
        let kappa = map(7, n);
        let holes: [&dyn Fn(usize, usize) -> bool; 4] = [
            &|row, column| row == 5 && column == 0,
            &|row, column| row < 6 && column < 9,
            &|row, column| (row * 7 + column * 11) % 13 == 0,
            &|row, _| row % 8 != 4,
        ];
        for (number, hole) in holes.iter().enumerate() {
            let used: Vec<bool> = (0..n * n).map(|at| !hole(at / n, at % n)).collect();
            let mask = Mask::new(n, used.clone(), 0.0);
            let map = ConvergenceMap::new(0.865, n, kappa.clone()).unwrap();
            let mut plan = StatisticsPlan::new(n, 0.865, &StatisticsEdges::default()).unwrap();
            let mut found = MapStatistics::default();
            plan.measure_masked(&map, &mask, &mut found).unwrap();
            // What lies under the mask does not matter.
            let other = |at: usize| if used[at] { kappa[at] } else { 0.5 + at as f32 };
            let other = ConvergenceMap::new(0.865, n, (0..n * n).map(other).collect()).unwrap();
            let mut again = MapStatistics::default();
            plan.measure_masked(&other, &mask, &mut again).unwrap();
            assert_eq!(again, found, "hole {number}");

            let at = |row: usize, column: usize| row % n * n + column % n;
            let reach = |row: usize, column: usize| {
                let (row, column) = (row + n, column + n);
                let ring = (0..9).map(move |i| (row + i / 3 - 1, column + i % 3 - 1));
                ring.chain([(row, column + 2), (row, column - 2), (row + 2, column), (row - 2, column)])
            };
            let whole: Vec<usize> = (0..n * n)
                .filter(|&pixel| reach(pixel / n, pixel % n).all(|(row, column)| used[at(row, column)]))
                .collect();
            let count = whole.len() as f64;
            let k = |place: usize| f64::from(kappa[place]);
            if whole.is_empty() {
                assert!(found.sigma == 0.0 && found.moments == [None; 9], "hole {number}");
                assert!(found.minkowski.v0.iter().all(Option::is_none));
                continue;
            }
            let mean = whole.iter().map(|&place| k(place)).sum::<f64>() / count;
            let sigma = (whole.iter().map(|&place| (k(place) - mean).powi(2)).sum::<f64>() / count).sqrt();
            assert!((found.mean / mean - 1.0).abs() < 1e-12 && (found.sigma / sigma - 1.0).abs() < 1e-12);
            let edges = minkowski::paper_edges();
            for bin in 0..edges.len() - 1 {
                let threshold = sigma * f64::midpoint(edges[bin], edges[bin + 1]);
                let v0 = whole.iter().filter(|&&place| k(place) >= threshold).count() as f64 / count;
                assert!((found.minkowski.v0[bin].unwrap() - v0).abs() < 1e-12, "hole {number}, V0 {bin}");
                let inside = whole.iter().filter(|&&p| sigma * edges[bin] <= k(p) && k(p) < sigma * edges[bin + 1]);
                let gradients = inside.map(|&place| {
                    let (row, column) = (place / n + n, place % n + n);
                    let x = (k(at(row, column + 1)) - k(at(row, column - 1))) / 2.0;
                    let y = (k(at(row + 1, column)) - k(at(row - 1, column))) / 2.0;
                    x.hypot(y) / 4.0
                });
                let v1 = gradients.sum::<f64>() / count / (edges[bin + 1] - edges[bin]);
                assert!((found.minkowski.v1[bin].unwrap() - v1).abs() < 1e-12, "hole {number}, V1 {bin}");
            }
            let is_peak = |place: usize| {
                let (row, column) = (place / n + n, place % n + n);
                (0..9).filter(|i| *i != 4).all(|i| k(place) > k(at(row + i / 3 - 1, column + i % 3 - 1)))
            };
            for (bin, edge) in peak_edges().windows(2).enumerate() {
                let nu = |place: usize| k(place) / sigma;
                let inside = whole.iter().filter(|&&p| is_peak(p) && edge[0] <= nu(p) && nu(p) < edge[1]);
                let expected = inside.count() as f64 / (edge[1] - edge[0]);
                assert!((found.peaks[bin].unwrap() - expected).abs() < 1e-9, "hole {number}, peaks {bin}");
            }
            // xi: the mean over pairs that are both there.
            let edges = theta_edges();
            let (mut sums, mut pairs) = (vec![0.0; edges.len() - 1], vec![0.0; edges.len() - 1]);
            for (a, b) in (0..n * n).flat_map(|a| (0..n * n).map(move |b| (a, b))).filter(|&(a, b)| used[a] && used[b])
            {
                let apart = |i: usize, j: usize| i.abs_diff(j).min(n - i.abs_diff(j)).pow(2);
                let distance = ((apart(a / n, b / n) + apart(a % n, b % n)) as f64).sqrt() * map.resolution();
                if let Some(bin) = edges.windows(2).position(|edge| edge[0] <= distance && distance < edge[1]) {
                    sums[bin] += k(a) * k(b);
                    pairs[bin] += 1.0;
                }
            }
            for bin in 0..sums.len() {
                assert_eq!(found.two_point[bin].is_some(), pairs[bin] > 0.0, "hole {number}, xi {bin}");
                if let Some(xi) = found.two_point[bin] {
                    let expected = sums[bin] / pairs[bin];
                    assert!((xi / expected - 1.0).abs() < 1e-6, "hole {number}, xi {bin}: {xi} and {expected}");
                }
            }
        }
    }

    /// White noise has one P(l), whatever is left out: the pseudo spectrum's normalisation is right.
    #[test]
    fn white_noise_keeps_its_power_under_a_mask() {
        let n = 64;
        let used: Vec<bool> = (0..n * n).map(|at| (at / n) % 16 < 11 && (at % n) % 16 < 12).collect();
        for apodised in [0.0, 3.0] {
            let mask = Mask::new(n, used.clone(), apodised);
            let edges = StatisticsEdges { ell: vec![1000.0, 12_000.0], ..StatisticsEdges::default() };
            let mut plan = StatisticsPlan::new(n, 0.865, &edges).unwrap();
            let (mut masked, mut plain) = (0.0, 0.0);
            for seed in 0..40 {
                let map = ConvergenceMap::new(0.865, n, latent(seed, n * n)).unwrap();
                let mut found = MapStatistics::default();
                plan.measure_masked(&map, &mask, &mut found).unwrap();
                masked += found.power_spectrum[0].unwrap();
                plan.measure(&map, &mut found).unwrap();
                plain += found.power_spectrum[0].unwrap();
            }
            assert!((masked / plain - 1.0).abs() < 0.02, "{apodised}: {masked} and {plain}");
        }
    }

    #[test]
    fn power_adds_up_to_the_variance() {
        // Parseval: over the whole half plane, interior columns twice, sum |F|^2 / n^4 = <k^2>.
        let n = 32;
        let kappa = map(3, n);
        let square = kappa.iter().map(|&k| f64::from(k).powi(2)).sum::<f64>() / (n * n) as f64;
        let mut transform = super::super::fourier::MapTransform::new(n);
        let frequencies = transform.transform(&kappa).unwrap();
        let power = |(at, value): (usize, &rustfft::num_complex::Complex64)| {
            let column = at / n;
            let weight = if column == 0 || 2 * column == n { 1.0 } else { 2.0 };
            weight * value.norm_sqr() / (n as f64).powi(4)
        };
        let sum: f64 = frequencies.iter().enumerate().map(power).sum();
        assert!((sum / square - 1.0).abs() < 1e-12, "{sum} and {square}");
    }

    #[test]
    fn a_constant_map_has_a_density_and_nothing_in_units_of_sigma() {
        let found = measure(vec![0.1; 64], 8);
        assert_eq!((found.sigma, found.mean), (0.0, f64::from(0.1_f32)));
        for statistic in [Statistic::V0, Statistic::V1, Statistic::V2, Statistic::Peaks, Statistic::Minima] {
            assert!(found.of(statistic).iter().all(Option::is_none), "{statistic:?}");
        }
        assert!(found.pdf.iter().flatten().any(|&density| density > 0.0));
    }

    #[test]
    fn buffers_are_used_again() {
        let mut plan = StatisticsPlan::new(16, 1.0, &StatisticsEdges::default()).unwrap();
        let maps: Vec<ConvergenceMap> =
            (0..3).map(|seed| ConvergenceMap::new(1.0, 16, map(seed, 16)).unwrap()).collect();
        let mut again = MapStatistics::default();
        for map in maps.iter().chain(&maps) {
            plan.measure(map, &mut again).unwrap();
            assert_eq!(again, {
                let mut fresh = MapStatistics::default();
                StatisticsPlan::new(16, 1.0, &StatisticsEdges::default()).unwrap().measure(map, &mut fresh).unwrap();
                fresh
            });
        }
    }
}
