//! Permutation tests of all bins of a statistic together.
//!
//! Bins of one map depend on each other: neighbouring modes of P(l), and all thresholds of a functional, rise and fall
//! together, so that hundreds of tests may be worth only a handful. Here whole maps change sides, all bins with them. What is
//! said of all bins together (how many tell the sets apart, whether p-values are spread evenly) is then judged by the same
//! count over permutations, which have the same dependence.

use serde::{Deserialize, Serialize};

use super::{anderson_darling, kolmogorov::against_uniform};
use crate::{
    parallel,
    random::{Stream, stream},
};

/// Level at which a test tells two sets apart.
pub const TELLS_APART: f64 = 0.05;

/// Which of the two tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// Kolmogorov-Smirnov.
    KolmogorovSmirnov,
    /// Anderson-Darling.
    AndersonDarling,
}

/// What permutations say of all bins of a statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JointPermutation {
    /// p-value of each bin, `None` where there is nothing to test: a set without values, or values that are all equal.
    pub p_values: Vec<Option<f64>>,
    /// p-value of the sum of the test's statistic over all bins: one answer for all of them.
    pub together: Option<f64>,
    /// Bins whose p-value is at most [`TELLS_APART`].
    pub told_apart: usize,
    /// Share of permutations that tell as many bins apart or more.
    pub told_apart_p: Option<f64>,
    /// Kolmogorov-Smirnov statistic of the p-values against the uniform distribution, which each of them has where the sets are
    /// one population, and the share of permutations whose p-values are as far from it.
    pub uniformity: Option<(f64, f64)>,
}

/// One bin: the maps that have a value in it, by value.
struct Bin {
    maps: Vec<u32>,
    /// Whether the value after this one is another.
    last_of_group: Vec<bool>,
}

/// Permutes whole maps between two sets, `count` times, and tests every bin with both tests. A set is one row of bins a map.
pub fn permute_together(
    first: &[&[Option<f64>]],
    second: &[&[Option<f64>]],
    count: u32,
    seed: u64,
) -> [JointPermutation; 2] {
    let maps: Vec<&[Option<f64>]> = first.iter().chain(second).copied().collect();
    let count_of_bins = maps.first().map_or(0, |map| map.len());
    let bins: Vec<Option<Bin>> = (0..count_of_bins).map(|bin| Bin::new(&maps, first.len(), bin)).collect();
    let tested: Vec<&Bin> = bins.iter().flatten().collect();
    let measure = |labels: &[u8]| -> Vec<[f64; 2]> { tested.iter().map(|bin| bin.measure(labels)).collect() };
    let mut labels = vec![0_u8; maps.len()];
    labels[..first.len()].fill(1);
    let observed = measure(&labels);
    let permuted = parallel::map_init(
        count as usize,
        || vec![0_u8; maps.len()],
        |labels, number| {
            let mut random = stream(seed, Stream::Resampling).at(u64::MAX - number as u64);
            let (mut places, mut left) = (first.len() as u32, maps.len() as u32);
            for label in labels.iter_mut() {
                *label = u8::from(random.below_word(left) < places);
                places -= u32::from(*label);
                left -= 1;
            }
            measure(labels)
        },
    );
    [0, 1].map(|test| {
        let column = |bin: usize| permuted.iter().map(move |permutation| permutation[bin][test]);
        judge(&bins, &observed.iter().map(|both| both[test]).collect::<Vec<_>>(), count as usize, &column)
    })
}

/// From the statistics of every bin, observed and permuted, to p-values.
fn judge<I: Iterator<Item = f64>>(
    bins: &[Option<Bin>],
    observed: &[f64],
    count: usize,
    permuted: &dyn Fn(usize) -> I,
) -> JointPermutation {
    // p-values of the observed labels, and of each permutation among all labels.
    let mut p_observed = Vec::with_capacity(observed.len());
    let mut p_permuted = vec![Vec::with_capacity(observed.len()); count];
    let (mut sum_observed, mut sums) = (0.0, vec![0.0; count]);
    for (bin, &statistic) in observed.iter().enumerate() {
        // Equal labels may round differently.
        let least = |statistic: f64| statistic - 1e-10 * statistic.abs();
        let mut all: Vec<f64> = permuted(bin).chain([statistic]).collect();
        all.sort_unstable_by(f64::total_cmp);
        let p = |value: f64| (all.len() - all.partition_point(|&other| other < least(value))) as f64 / all.len() as f64;
        p_observed.push(p(statistic));
        sum_observed += statistic;
        for ((value, p_values), sum) in permuted(bin).zip(&mut p_permuted).zip(&mut sums) {
            p_values.push(p(value));
            *sum += value;
        }
    }
    let apart = |p_values: &[f64]| p_values.iter().filter(|&&p| p <= TELLS_APART).count();
    let told_apart = apart(&p_observed);
    let share = |as_far: usize| (1 + as_far) as f64 / (1 + count) as f64;
    let there = !observed.is_empty() && count > 0;
    let d = |p_values: &[f64]| against_uniform(p_values).map_or(0.0, |uniformity| uniformity.0);
    let (d_observed, distances) = (d(&p_observed), p_permuted.iter().map(|p_values| d(p_values)));
    let mut p_values = p_observed.iter();
    JointPermutation {
        together: there.then(|| share(sums.iter().filter(|&&sum| sum >= sum_observed * (1.0 - 1e-10)).count())),
        told_apart,
        told_apart_p: there.then(|| share(p_permuted.iter().filter(|p| apart(p) >= told_apart).count())),
        uniformity: there.then(|| (d_observed, share(distances.filter(|&d| d >= d_observed).count()))),
        p_values: bins.iter().map(|bin| bin.as_ref().and_then(|_| p_values.next().copied())).collect(),
    }
}

impl Bin {
    /// `None` where a set has no value or all values are equal.
    fn new(maps: &[&[Option<f64>]], first: usize, bin: usize) -> Option<Self> {
        let with_value =
            maps.iter().zip(0..).filter_map(|(map, number)| Some((map.get(bin).copied().flatten()?, number)));
        let mut values: Vec<(f64, u32)> = with_value.filter(|(value, _)| value.is_finite()).collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let in_first = values.iter().filter(|value| (value.1 as usize) < first).count();
        let equal = values.first().map(|first| first.0) == values.last().map(|last| last.0);
        if equal || in_first == 0 || in_first == values.len() {
            return None;
        }
        let last_of_group = |at: usize| values.get(at + 1).is_none_or(|next| next.0 != values[at].0);
        Some(Self {
            last_of_group: (0..values.len()).map(last_of_group).collect(),
            maps: values.iter().map(|value| value.1).collect(),
        })
    }

    /// Both statistics for these labels (1: first set), as they are before any normalisation by fixed numbers.
    fn measure(&self, labels: &[u8]) -> [f64; 2] {
        let n = self.maps.iter().map(|&map| u32::from(labels[map as usize])).sum::<u32>() as usize;
        let m = self.maps.len() - n;
        if n == 0 || m == 0 {
            return [0.0; 2];
        }
        let total = (n + m) as i64;
        let (mut place, mut largest) = (0_i64, 0_i64);
        let mut group = [0_u32; 2];
        let mut at = 0;
        // Counts per group of equal values; the Kolmogorov-Smirnov statistic is found on the way.
        let groups = std::iter::from_fn(|| {
            while let Some(&map) = self.maps.get(at) {
                group[0] += u32::from(labels[map as usize]);
                group[1] += 1;
                at += 1;
                if self.last_of_group[at - 1] {
                    place += i64::from(group[0]) * total - i64::from(group[1]) * n as i64;
                    largest = largest.max(place.abs());
                    return Some(std::mem::take(&mut group));
                }
            }
            None
        });
        let ranks = anderson_darling::rank_statistic(groups, [n, m]);
        [largest as f64 / (n as f64 * m as f64), ranks]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::TwoSample;

    /// Maps of 30 bins that all follow one number, and a shift of the set.
    fn maps(seed: u64, count: usize, shift: f64) -> Vec<Vec<Option<f64>>> {
        let mut random = stream(seed, Stream::Crops);
        (0..count)
            .map(|_| {
                let common = random.normal() + shift;
                let mut bins: Vec<Option<f64>> = (0..30).map(|_| Some(common + 0.3 * random.normal())).collect();
                (bins[0], bins[1]) = (None, Some(7.0));
                bins
            })
            .collect()
    }

    fn rows(maps: &[Vec<Option<f64>>]) -> Vec<&[Option<f64>]> {
        maps.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn each_bin_has_the_p_value_of_its_own_test() {
        let (a, b) = (maps(1, 60, 0.0), maps(2, 50, 0.3));
        let [ks, ad] = permute_together(&rows(&a), &rows(&b), 4000, 1);
        assert_eq!((ks.p_values[0], ks.p_values[1], ad.p_values[1]), (None, None, None));
        for bin in [2, 17, 29] {
            let column = |maps: &[Vec<Option<f64>>]| maps.iter().map(|map| map[bin].unwrap()).collect::<Vec<_>>();
            let exact = TwoSample::new(&column(&a), &column(&b)).unwrap().exact_p();
            let error = (exact * (1.0 - exact) / 4000.0).sqrt();
            assert!((ks.p_values[bin].unwrap() - exact).abs() < 5.0 * error, "bin {bin}");
        }
    }

    #[test]
    fn bins_that_depend_on_each_other_are_judged_as_such() {
        // One population: many of the 28 tests may agree by chance, and what is said of all is still uniform.
        let together: Vec<f64> = (0..100)
            .flat_map(|pair| {
                let (a, b) = (maps(10 + 2 * pair, 30, 0.0), maps(11 + 2 * pair, 30, 0.0));
                let [_, ad] = permute_together(&rows(&a), &rows(&b), 99, pair);
                [ad.together.unwrap()]
            })
            .collect();
        let (d, p) = against_uniform(&together).unwrap();
        assert!(p > 1e-3, "{d}");
        let [ks, ad] = permute_together(&rows(&maps(1, 60, 0.0)), &rows(&maps(2, 60, 1.0)), 199, 1);
        for test in [ks, ad] {
            assert!(test.told_apart > 25 && test.together == Some(0.005), "{test:?}");
            // Bins this much alike are told apart all at once, by chance in one of twenty permutations.
            assert!(test.told_apart_p.unwrap() < 0.1 && test.uniformity.unwrap().1 < 0.1, "{test:?}");
        }
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let constant = vec![vec![Some(1.0), None]; 5];
        for test in permute_together(&rows(&constant), &rows(&constant), 9, 1) {
            assert_eq!(test.p_values, [None, None]);
            assert_eq!((test.together, test.told_apart, test.told_apart_p, test.uniformity), (None, 0, None, None));
        }
        // A set of constant maps, which have no thresholds in sigma.
        let without = vec![vec![None; 30]; 20];
        for test in permute_together(&rows(&without), &rows(&maps(1, 20, 0.0)), 9, 1) {
            assert!(test.p_values.iter().all(Option::is_none) && test.together.is_none(), "{test:?}");
        }
    }
}
