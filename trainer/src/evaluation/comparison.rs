//! Are two sets of maps one population? (paper Section 3.1)

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use shared::{
    random::{Stream, stream},
    statistics::{
        MapStatistics, SpectrumBand, Statistic, TwoSample,
        correlation::correlation_matrix,
        distance::{band_ratios, spectrum_distance},
        two_sample::{Resampling, anderson_darling::tabulated_p, kolmogorov::against_uniform},
    },
};

use super::measured::MeasuredMaps;
use crate::progress;

/// p-values over which the paper counts modes and thresholds.
pub const LEVELS: [f64; 5] = [0.99, 0.95, 0.9, 0.8, 0.6];

/// How p-values are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestOptions {
    /// Permutations, and bootstraps, of each test.
    pub resamples: u32,
    /// Seed of both.
    pub seed: u64,
}

/// Everything that is asked of two sets, A against B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Number of maps in A and in B.
    pub maps: [usize; 2],
    /// How p-values were found.
    pub options: TestOptions,
    /// Per statistic with bins, the pixel density excepted.
    pub statistics: Vec<StatisticComparison>,
    /// Pixel values.
    pub pixels: PixelComparison,
    /// Correlation matrices of P(l): A's less B's.
    pub correlation: CorrelationDifference,
    /// Chi-squared distance between the histograms of P(l), by which the paper selects its generator (Section 2.3).
    pub spectrum_distance: Option<f64>,
    /// Mean and sigma of P(l), A's over B's, in wide bands.
    pub bands: Vec<SpectrumBand>,
}

/// Tests of one statistic, bin by bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatisticComparison {
    /// Which one.
    pub statistic: Statistic,
    /// Middles of its bins.
    pub middles: Vec<f64>,
    /// Per bin; `null` where it is empty in every map of either set.
    pub bins: Vec<Option<BinComparison>>,
    /// Of the bootstrapped Kolmogorov-Smirnov tests, as the paper counts them.
    pub ks: PValueSummary,
    /// Of the bootstrapped Anderson-Darling tests.
    pub ad: PValueSummary,
}

/// Tests of one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BinComparison {
    /// Kolmogorov-Smirnov statistic.
    pub ks: f64,
    /// Its p-value as SciPy's `ks_2samp` gives it (exact up to 10,000 maps).
    pub ks_p: f64,
    /// Its p-value by permutation.
    pub ks_p_permutation: f64,
    /// Its p-value by bootstrap.
    pub ks_p_bootstrap: f64,
    /// Anderson-Darling statistic; `null` where all values are equal.
    pub ad: Option<f64>,
    /// Its p-value as SciPy's `anderson_ksamp` gives it, clipped to [0.001, 0.25].
    pub ad_p_tabulated: Option<f64>,
    /// Its p-value by permutation.
    pub ad_p_permutation: Option<f64>,
    /// Its p-value by bootstrap.
    pub ad_p_bootstrap: Option<f64>,
    /// Mean over A's maps over that of B's; `null` where B's is 0.
    pub mean_ratio: Option<f64>,
    /// Standard deviation, likewise.
    pub sigma_ratio: Option<f64>,
    /// Wasserstein distance between the values of A and B, in the statistic's units.
    pub wasserstein: f64,
}

/// How the p-values of many tests are distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PValueSummary {
    /// Number of tests.
    pub tests: usize,
    /// How many p-values are above each of [`LEVELS`].
    pub above: Vec<usize>,
    /// Smallest p-value.
    pub smallest: Option<f64>,
    /// Tests whose permutation p-value is below 5 %, where two sets of one population have about 5 % of the tests.
    pub told_apart: usize,
    /// Kolmogorov-Smirnov statistic of the permutation p-values against the uniform distribution, which they have where both
    /// sets are one population, and its p-value as if the tests were independent, which modes of one map are only nearly.
    pub uniformity: Option<(f64, f64)>,
}

/// Distribution of pixel values (paper Fig. 2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelComparison {
    /// Largest difference of the distribution functions of all pixels, at the edges of the density's bins.
    pub ks: f64,
    /// Its p-value by permutation of whole maps: pixels of one map depend on each other, maps do not.
    pub p_permutation: f64,
    /// p-value of a Kolmogorov-Smirnov test that takes the bins' densities for two samples: a much weaker test, since the order
    /// of the bins is lost. Stated because "p > 0.999" (paper Fig. 2) is within its reach.
    pub p_of_densities: f64,
    /// Difference of the mean densities summed over bins times width: the area between the two curves, 0 to 2.
    pub area: f64,
}

/// Difference of two correlation matrices of P(l) (paper Fig. 4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrelationDifference {
    /// Largest absolute difference of an entry.
    pub largest: f64,
    /// Root mean square over all entries beside the diagonal.
    pub rms: f64,
    /// Mean over the entries beside the diagonal; positive where A's modes are more strongly correlated.
    pub mean: f64,
    /// The difference itself, `null` where a mode is empty or does not vary.
    pub matrix: Vec<Vec<Option<f64>>>,
}

/// Statistics that are tested bin by bin.
pub const TESTED: [Statistic; 6] =
    [Statistic::PowerSpectrum, Statistic::V0, Statistic::V1, Statistic::V2, Statistic::Peaks, Statistic::Minima];

/// Compares A with B.
///
/// # Errors
/// When the sets cannot be compared.
pub fn compare(a: &MeasuredMaps, b: &MeasuredMaps, names: [&str; 2], options: TestOptions) -> Result<Comparison> {
    a.check_comparable(b, names)?;
    let tests: usize = TESTED.iter().map(|&statistic| b.middles(statistic).len()).sum();
    let bar = progress::bar(tests, "tests").with_message(format!("{} against {}", names[0], names[1]));
    let statistics = TESTED.iter().enumerate().map(|(place, &statistic)| {
        let bins = (0..b.middles(statistic).len()).into_par_iter().map(|bin| {
            let test = ((place as u32) << 16) | bin as u32;
            let found = compare_bin(&a.column(statistic, bin), &b.column(statistic, bin), options, test);
            bar.inc(1);
            found
        });
        let bins: Vec<_> = bins.collect();
        let there = || bins.iter().flatten();
        let ks = summarise(&there().map(|bin| (bin.ks_p_bootstrap, bin.ks_p_permutation)).collect::<Vec<_>>());
        let both = |bin: &BinComparison| Some((bin.ad_p_bootstrap?, bin.ad_p_permutation?));
        let ad = summarise(&there().filter_map(both).collect::<Vec<_>>());
        StatisticComparison { statistic, middles: b.middles(statistic).to_vec(), ks, ad, bins }
    });
    let statistics = statistics.collect();
    bar.finish_and_clear();
    let spectra = |set: &MeasuredMaps| -> Vec<Vec<Option<f64>>> {
        set.maps.iter().map(|map| map.power_spectrum.clone()).collect()
    };
    let (spectra_a, spectra_b) = (spectra(a), spectra(b));
    Ok(Comparison {
        maps: [a.maps.len(), b.maps.len()],
        options,
        statistics,
        pixels: compare_pixels(a, b, options),
        correlation: correlation_difference(&correlation_matrix(&spectra_a), &correlation_matrix(&spectra_b)),
        spectrum_distance: spectrum_distance(&spectra_b, &spectra_a),
        bands: band_ratios(b.middles(Statistic::PowerSpectrum), &spectra_b, &spectra_a),
    })
}

fn compare_bin(a: &[f64], b: &[f64], options: TestOptions, test: u32) -> Option<BinComparison> {
    let pair = TwoSample::new(a, b)?;
    let permuted = pair.resample(Resampling::Permutation, options.resamples, options.seed, test);
    // A number of its own, so that the two do not share random numbers.
    let redrawn = pair.resample(Resampling::Bootstrap, options.resamples, options.seed, test | 1 << 31);
    let summary = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    };
    let ((mean_a, sigma_a), (mean_b, sigma_b)) = (summary(a), summary(b));
    let ad = pair.anderson_darling();
    Some(BinComparison {
        ks: pair.kolmogorov_smirnov(),
        ks_p: pair.kolmogorov_smirnov_p(),
        ks_p_permutation: permuted.kolmogorov_smirnov,
        ks_p_bootstrap: redrawn.kolmogorov_smirnov,
        ad,
        ad_p_tabulated: ad.map(tabulated_p),
        ad_p_permutation: permuted.anderson_darling,
        ad_p_bootstrap: redrawn.anderson_darling,
        mean_ratio: (mean_b != 0.0).then(|| mean_a / mean_b),
        sigma_ratio: (sigma_b > 0.0).then(|| sigma_a / sigma_b),
        wasserstein: pair.wasserstein(),
    })
}

/// Summary of (bootstrap, permutation) p-values.
pub fn summarise(p_values: &[(f64, f64)]) -> PValueSummary {
    let above = LEVELS.iter().map(|&level| p_values.iter().filter(|p| p.0 > level).count()).collect();
    let permuted: Vec<f64> = p_values.iter().map(|p| p.1).collect();
    PValueSummary {
        tests: p_values.len(),
        above,
        told_apart: permuted.iter().filter(|&&p| p < 0.05).count(),
        smallest: p_values.iter().map(|p| p.0).reduce(f64::min),
        uniformity: against_uniform(&permuted),
    }
}

fn compare_pixels(a: &MeasuredMaps, b: &MeasuredMaps, options: TestOptions) -> PixelComparison {
    let density = |map: &MapStatistics| map.pdf.iter().map(|density| density.unwrap_or(0.0)).collect::<Vec<f64>>();
    let maps: Vec<Vec<f64>> = a.maps.iter().chain(&b.maps).map(density).collect();
    let bins = maps.first().map_or(0, Vec::len);
    let middles = b.middles(Statistic::Pdf);
    let width = middles.get(1).zip(middles.first()).map_or(1.0, |(second, first)| second - first);
    let (in_a, in_b) = (a.maps.len() as f64, b.maps.len() as f64);
    let mut total = vec![0.0; bins];
    for map in &maps {
        for (total, density) in total.iter_mut().zip(map) {
            *total += density;
        }
    }
    // The difference of the two means follows from the sum over the first set alone.
    let difference = |sum_a: &[f64]| -> (f64, f64) {
        let (mut place, mut largest, mut area) = (0.0, 0.0_f64, 0.0);
        for (sum, total) in sum_a.iter().zip(&total) {
            let step = (sum / in_a - (total - sum) / in_b) * width;
            place += step;
            area += step.abs();
            largest = largest.max(place.abs());
        }
        (largest, area)
    };
    let sum_of = |chosen: &mut dyn Iterator<Item = usize>| {
        let mut sum = vec![0.0; bins];
        for map in chosen {
            for (sum, density) in sum.iter_mut().zip(&maps[map]) {
                *sum += density;
            }
        }
        sum
    };
    let observed = sum_of(&mut (0..a.maps.len()));
    let (ks, area) = difference(&observed);
    let as_large = (0..options.resamples).into_par_iter().filter(|&number| {
        let mut random = stream(options.seed, Stream::Resampling).at(u64::MAX - u64::from(number));
        let order = random.permutation(maps.len());
        let sum = sum_of(&mut order[..a.maps.len()].iter().map(|&map| map as usize));
        difference(&sum).0 >= ks * (1.0 - 1e-10)
    });
    let p_permutation = (1 + as_large.count()) as f64 / f64::from(options.resamples + 1);
    let mean_a: Vec<f64> = observed.iter().map(|sum| sum / in_a).collect();
    let mean_b: Vec<f64> = observed.iter().zip(&total).map(|(sum, total)| (total - sum) / in_b).collect();
    let p_of_densities = TwoSample::new(&mean_a, &mean_b).map_or(1.0, |pair| pair.kolmogorov_smirnov_p());
    PixelComparison { ks, p_permutation, p_of_densities, area }
}

fn correlation_difference(a: &[Vec<Option<f64>>], b: &[Vec<Option<f64>>]) -> CorrelationDifference {
    let row = |(a, b): (&Vec<Option<f64>>, &Vec<Option<f64>>)| {
        a.iter().zip(b).map(|(a, b)| Some((*a)? - (*b)?)).collect::<Vec<Option<f64>>>()
    };
    let matrix: Vec<Vec<Option<f64>>> = a.iter().zip(b).map(row).collect();
    let beside_diagonal: Vec<f64> = matrix
        .iter()
        .enumerate()
        .flat_map(|(i, row)| row.iter().enumerate().filter(move |(j, _)| *j != i).filter_map(|(_, value)| *value))
        .collect();
    let entries = f64::max(beside_diagonal.len() as f64, 1.0);
    CorrelationDifference {
        largest: beside_diagonal.iter().fold(0.0, |most, value| most.max(value.abs())),
        rms: (beside_diagonal.iter().map(|value| value * value).sum::<f64>() / entries).sqrt(),
        mean: beside_diagonal.iter().sum::<f64>() / entries,
        matrix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{
        ConvergenceMap,
        latent::latent,
        statistics::{StatisticsEdges, StatisticsPlan},
    };

    /// Maps of white noise of this amplitude.
    fn noise(seed: u64, count: u64, amplitude: f32) -> MeasuredMaps {
        let (pixels, edges) = (16, StatisticsEdges::default());
        let mut plan = StatisticsPlan::new(pixels, 1.0, &edges).unwrap();
        let middles = Statistic::ALL.iter().map(|&statistic| plan.middles(statistic)).collect();
        let measure = |map: u64| {
            let kappa = latent(1000 * seed + map, pixels * pixels).into_iter().map(|value| amplitude * value).collect();
            let mut found = MapStatistics::default();
            plan.measure(&ConvergenceMap::new(1.0, pixels, kappa).unwrap(), &mut found).unwrap();
            found
        };
        MeasuredMaps {
            source: "noise".into(),
            pixels,
            side_angle: 1.0,
            middles,
            maps: (0..count).map(measure).collect(),
        }
    }

    #[test]
    fn one_population_passes_and_two_do_not() {
        let options = TestOptions { resamples: 199, seed: 1 };
        let reference = noise(1, 60, 0.05);
        let same = compare(&noise(2, 60, 0.05), &reference, ["A", "B"], options).unwrap();
        let other = compare(&noise(3, 60, 0.06), &reference, ["A", "B"], options).unwrap();
        let spectrum = |comparison: &Comparison| comparison.statistics[0].clone();
        assert!(spectrum(&same).bins.iter().flatten().count() > 5);
        assert!(spectrum(&same).ad.uniformity.unwrap().1 > 1e-3, "{:?}", spectrum(&same).ad);
        assert!(spectrum(&other).ad.uniformity.unwrap().1 < 1e-6, "{:?}", spectrum(&other).ad);
        assert!(same.pixels.p_permutation > 0.02 && other.pixels.p_permutation < 0.01);
        assert!(same.spectrum_distance.unwrap() < other.spectrum_distance.unwrap());
        let ratios: Vec<f64> = spectrum(&other).bins.iter().flatten().filter_map(|bin| bin.mean_ratio).collect();
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        assert!((mean - 1.44).abs() < 0.1, "{mean}");
        let v0 = &other.statistics[1];
        assert!(v0.bins.iter().all(Option::is_some), "thresholds in sigma do not see the amplitude");
        assert_eq!(same, compare(&noise(2, 60, 0.05), &reference, ["A", "B"], options).unwrap(), "a seed is an answer");
    }

    #[test]
    fn sets_that_cannot_be_compared_are_refused() {
        let options = TestOptions { resamples: 9, seed: 1 };
        let message = |a: &MeasuredMaps| compare(a, &noise(1, 3, 1.0), ["A", "B"], options).unwrap_err().to_string();
        assert!(message(&noise(1, 1, 1.0)).contains("A has 1 map"));
        assert!(message(&MeasuredMaps { side_angle: 2.0, ..noise(1, 3, 1.0) }).contains("--side-angle"));
    }

    #[test]
    fn p_values_are_counted_above_the_papers_levels() {
        let summary = summarise(&[(0.995, 0.5), (0.97, 0.2), (0.7, 0.9), (0.01, 0.1)]);
        assert_eq!((summary.tests, summary.above), (4, vec![1, 2, 2, 2, 3]));
        assert_eq!((summary.smallest, summary.told_apart), (Some(0.01), 0));
    }
}
