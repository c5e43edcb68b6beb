//! Are two sets of maps one population? (paper Section 3.1)

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use shared::statistics::{
    SpectrumBand, Statistic, TwoSample,
    correlation::{CorrelationDifference, correlation_matrix},
    distance::{band_ratios, spectrum_distance},
    two_sample::{
        Resampling,
        anderson_darling::tabulated_p,
        joint::{JointPermutation, permute_together},
    },
};

use super::{
    measured::MeasuredMaps,
    options::TestOptions,
    pixel_comparison::{PixelComparison, compare_pixels},
};
use crate::progress::Bar;

/// p-values over which the paper counts modes and thresholds.
pub const LEVELS: [f64; 5] = [0.99, 0.95, 0.9, 0.8, 0.6];

/// Everything that is asked of two sets, A against B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Number of maps in A and in B.
    pub maps: [usize; 2],
    /// Maps of A and of B whose pixels are all equal: they have no values in units of sigma, and are left out there.
    pub constant_maps: [usize; 2],
    /// Mean share of the pixels of A and of B that were left out.
    #[serde(default)]
    pub masked: [f64; 2],
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
    /// Per bin; `null` where there is nothing to test: it is empty in every map of a set, all values are equal, or it is a
    /// mode of P(l) beyond the Nyquist multipole of the maps' rows.
    pub bins: Vec<Option<BinComparison>>,
    /// Kolmogorov-Smirnov tests of all bins.
    pub ks: PValueSummary,
    /// Anderson-Darling tests of all bins.
    pub ad: PValueSummary,
}

/// Tests of one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BinComparison {
    /// Values of A and of B.
    pub values: [usize; 2],
    /// Kolmogorov-Smirnov statistic.
    pub ks: f64,
    /// Its p-value as SciPy's `ks_2samp` gives it: exact up to 10,000 maps, for values without ties. Counts of few peaks have
    /// ties, and then it is too large.
    pub ks_p: f64,
    /// Its p-value by permutation.
    pub ks_p_permutation: f64,
    /// Its p-value by bootstrap.
    pub ks_p_bootstrap: f64,
    /// Anderson-Darling statistic.
    pub ad: f64,
    /// Its p-value as SciPy's `anderson_ksamp` gives it, clipped to [0.001, 0.25].
    pub ad_p_tabulated: f64,
    /// Its p-value by permutation.
    pub ad_p_permutation: f64,
    /// Its p-value by bootstrap.
    pub ad_p_bootstrap: f64,
    /// Mean over A's maps over that of B's; `null` where B's is 0.
    pub mean_ratio: Option<f64>,
    /// Standard deviation, likewise.
    pub sigma_ratio: Option<f64>,
    /// Wasserstein distance between the values of A and B, in the statistic's units.
    pub wasserstein: f64,
}

/// How the p-values of one test are distributed over the bins of a statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PValueSummary {
    /// Number of bins tested.
    pub tests: usize,
    /// How many bootstrapped p-values are above each of [`LEVELS`], as the paper counts them.
    pub above: Vec<usize>,
    /// Smallest bootstrapped p-value.
    pub smallest: Option<f64>,
    /// Bins whose permutation p-value is at most 5 %.
    pub told_apart: usize,
    /// Share of permutations that tell as many bins apart: bins of one map depend on each other, permutations of maps know how.
    pub told_apart_p: Option<f64>,
    /// p-value of the sum of the statistic over all bins, by permutation of maps: one answer for the whole statistic.
    pub together: Option<f64>,
    /// Kolmogorov-Smirnov statistic of the permutation p-values against the uniform distribution, which they have where both
    /// sets are one population, and the share of permutations with one as large.
    pub uniformity: Option<(f64, f64)>,
}

/// Statistics that are tested bin by bin.
pub const TESTED: [Statistic; 8] = [
    Statistic::PowerSpectrum,
    Statistic::V0,
    Statistic::V1,
    Statistic::V2,
    Statistic::Peaks,
    Statistic::Minima,
    // Last: random numbers of a test follow from its place here.
    Statistic::TwoPoint,
    Statistic::Bispectrum,
];

/// Compares A with B.
///
/// # Errors
/// When the sets cannot be compared.
pub fn compare(a: &MeasuredMaps, b: &MeasuredMaps, names: [&str; 2], options: TestOptions) -> Result<Comparison> {
    a.check_comparable(b, names)?;
    let tests: usize = TESTED.iter().map(|&statistic| b.middles(statistic).len()).sum();
    let bar = Bar::new(tests, "tests").with_message(format!("{} against {}", names[0], names[1]));
    let compare_one = |(place, &statistic): (usize, &Statistic)| {
        let compared = compare_statistic(a, b, statistic, (place as u32) << 16, options, &bar);
        bar.set_position(TESTED[..=place].iter().map(|&done| b.middles(done).len() as u64).sum());
        compared
    };
    let statistics = TESTED.iter().enumerate().map(compare_one).collect();
    bar.finish_and_clear();
    let (spectra_a, spectra_b) = (tested_rows(a, Statistic::PowerSpectrum), tested_rows(b, Statistic::PowerSpectrum));
    let owned = |rows: &[&[Option<f64>]]| rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>();
    let constant = |set: &MeasuredMaps| set.maps.iter().filter(|map| map.sigma == 0.0).count();
    Ok(Comparison {
        maps: [a.maps.len(), b.maps.len()],
        constant_maps: [constant(a), constant(b)],
        masked: [a.masked_share(), b.masked_share()],
        options,
        statistics,
        pixels: compare_pixels(a, b, options),
        correlation: CorrelationDifference::of(&correlation_matrix(&spectra_a), &correlation_matrix(&spectra_b)),
        spectrum_distance: spectrum_distance(&owned(&spectra_b), &owned(&spectra_a)),
        bands: band_ratios(b.middles(Statistic::PowerSpectrum), &owned(&spectra_b), &owned(&spectra_a)),
    })
}

/// Rows of a statistic, as far as its bins are tested.
pub fn tested_rows(set: &MeasuredMaps, statistic: Statistic) -> Vec<&[Option<f64>]> {
    let tested = set.tested_bins(statistic);
    set.maps.iter().map(|map| map.of(statistic).get(..tested).unwrap_or_default()).collect()
}

fn compare_statistic(
    a: &MeasuredMaps,
    b: &MeasuredMaps,
    statistic: Statistic,
    test: u32,
    options: TestOptions,
    bar: &Bar,
) -> StatisticComparison {
    let [permuted_ks, permuted_ad] =
        permute_together(&tested_rows(a, statistic), &tested_rows(b, statistic), options.resamples, options.seed);
    let (ensemble_a, ensemble_b) = (a.ensemble(statistic), b.ensemble(statistic));
    let (mean_a, mean_b) = (ensemble_a.mean(), ensemble_b.mean());
    let (sigma_a, sigma_b) = (ensemble_a.sigma(), ensemble_b.sigma());
    let ratio = |over: &[Option<f64>], under: &[Option<f64>], bin: usize| {
        let (over, under) = (over.get(bin).copied().flatten()?, under.get(bin).copied().flatten()?);
        (under != 0.0).then(|| over / under)
    };
    let bins = (0..b.middles(statistic).len()).into_par_iter().map(|bin| {
        let permuted = |of: &JointPermutation| of.p_values.get(bin).copied().flatten();
        bar.inc(1);
        // What permutations could not test is not tested at all.
        let (ks, ad) = (permuted(&permuted_ks)?, permuted(&permuted_ad)?);
        let ratios = [ratio(&mean_a, &mean_b, bin), ratio(&sigma_a, &sigma_b, bin)];
        compare_bin(&a.column(statistic, bin), &b.column(statistic, bin), options, test | bin as u32, [ks, ad], ratios)
    });
    let bins: Vec<Option<BinComparison>> = bins.collect();
    let bootstrapped = |of: fn(&BinComparison) -> f64| bins.iter().flatten().map(of).collect::<Vec<_>>();
    StatisticComparison {
        statistic,
        middles: b.middles(statistic).to_vec(),
        ks: summarise(&bootstrapped(|bin| bin.ks_p_bootstrap), &permuted_ks),
        ad: summarise(&bootstrapped(|bin| bin.ad_p_bootstrap), &permuted_ad),
        bins,
    }
}

fn compare_bin(
    a: &[f64],
    b: &[f64],
    options: TestOptions,
    test: u32,
    permuted: [f64; 2],
    [mean_ratio, sigma_ratio]: [Option<f64>; 2],
) -> Option<BinComparison> {
    let pair = TwoSample::new(a, b)?;
    let redrawn = pair.resample(Resampling::Bootstrap, options.resamples, options.seed, test);
    let ad = pair.anderson_darling()?;
    Some(BinComparison {
        values: pair.sizes(),
        ks: pair.kolmogorov_smirnov(),
        ks_p: pair.kolmogorov_smirnov_p(),
        ks_p_permutation: permuted[0],
        ks_p_bootstrap: redrawn.kolmogorov_smirnov,
        ad,
        ad_p_tabulated: tabulated_p(ad),
        ad_p_permutation: permuted[1],
        ad_p_bootstrap: redrawn.anderson_darling?,
        mean_ratio,
        sigma_ratio,
        wasserstein: pair.wasserstein(),
    })
}

/// Summary of the bootstrapped p-values of one test, and of what permutations say of all bins.
fn summarise(bootstrapped: &[f64], permuted: &JointPermutation) -> PValueSummary {
    PValueSummary {
        tests: bootstrapped.len(),
        above: LEVELS.iter().map(|&level| bootstrapped.iter().filter(|&&p| p > level).count()).collect(),
        smallest: bootstrapped.iter().copied().reduce(f64::min),
        told_apart: permuted.told_apart,
        told_apart_p: permuted.told_apart_p,
        together: permuted.together,
        uniformity: permuted.uniformity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::fixtures::noise;

    #[test]
    fn one_population_passes_and_two_do_not() {
        let options = TestOptions { resamples: 199, seed: 1 };
        let reference = noise(1, 60, 0.05);
        let same = compare(&noise(2, 60, 0.05), &reference, ["A", "B"], options).unwrap();
        let other = compare(&noise(3, 60, 0.06), &reference, ["A", "B"], options).unwrap();
        let spectrum = |comparison: &Comparison| comparison.statistics[0].clone();
        assert!(spectrum(&same).bins.iter().flatten().count() > 5);
        assert!(spectrum(&same).ad.together.unwrap() > 0.02, "{:?}", spectrum(&same).ad);
        assert_eq!(spectrum(&other).ad.together, Some(0.005), "{:?}", spectrum(&other).ad);
        assert!(spectrum(&other).ad.told_apart > spectrum(&same).ad.told_apart);
        assert!(same.pixels.p_permutation > 0.02 && other.pixels.p_permutation < 0.01);
        // Of normal numbers: the mean distance is that of the sigmas, times the mean of |N(0, 1)|.
        assert!((other.pixels.wasserstein / (0.01 * 0.798) - 1.0).abs() < 0.3, "{:?}", other.pixels);
        assert!(same.spectrum_distance.unwrap() < other.spectrum_distance.unwrap());
        let ratios: Vec<f64> = spectrum(&other).bins.iter().flatten().filter_map(|bin| bin.mean_ratio).collect();
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        assert!((mean - 1.44).abs() < 0.1, "{mean}");
        let nyquist = 180.0 * 16.0;
        let ell = &spectrum(&same).middles;
        assert!(spectrum(&same).bins.iter().zip(ell).all(|(bin, &ell)| bin.is_none() || ell < nyquist));
        let v0 = &other.statistics[1];
        assert!(v0.bins.iter().all(Option::is_some), "thresholds in sigma do not see the amplitude");
        assert_eq!(same, compare(&noise(2, 60, 0.05), &reference, ["A", "B"], options).unwrap(), "a seed is an answer");
    }

    #[test]
    fn pixels_beyond_the_bins_count() {
        let options = TestOptions { resamples: 99, seed: 1 };
        let far = compare(&noise(1, 20, 40.0), &noise(2, 20, 0.01), ["A", "B"], options).unwrap().pixels;
        assert!(far.ks > 0.4 && far.p_permutation == 0.01 && far.outside[0] > 0.9, "{far:?}");
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
        let nothing = JointPermutation {
            p_values: Vec::new(),
            together: None,
            told_apart: 0,
            told_apart_p: None,
            uniformity: None,
        };
        let summary = summarise(&[0.995, 0.97, 0.7, 0.01], &nothing);
        assert_eq!((summary.tests, summary.above, summary.smallest), (4, vec![1, 2, 2, 2, 3], Some(0.01)));
    }
}
