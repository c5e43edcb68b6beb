//! p-values of the Kolmogorov-Smirnov and Anderson-Darling statistics by resampling, both from the same resamples.

use super::{TwoSample, anderson_darling};
use crate::random::{Stream, stream};

/// How new pairs of samples are drawn from the two together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    /// The labels are shuffled: an exact test up to the number of shuffles.
    Permutation,
    /// Both samples are redrawn from the pool, with replacement: the paper's "bootstrapped" tests (Section 3.1).
    Bootstrap,
}

/// p-values `(1 + #{T* >= T}) / (n + 1)` after n resamples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PValues {
    /// Of the Kolmogorov-Smirnov statistic.
    pub kolmogorov_smirnov: f64,
    /// Of the Anderson-Darling statistic; `None` where that has no value.
    pub anderson_darling: Option<f64>,
}

impl TwoSample {
    /// p-values of both statistics from `count` resamples. `test` keeps the random numbers of several tests of one seed apart.
    pub fn resample(&self, resampling: Resampling, count: u32, seed: u64, test: u32) -> PValues {
        let (difference, rank_statistic) = (self.difference(), self.rank_statistic());
        // Equal resamples may round differently from the samples themselves.
        let least = rank_statistic.map(|statistic| statistic * (1.0 - 1e-10));
        let mut drawn = vec![[0_u32; 2]; self.values.len()];
        let value_of: Vec<u32> = match resampling {
            Resampling::Permutation => Vec::new(),
            Resampling::Bootstrap => {
                let repeated =
                    |(value, count): (usize, &[u32; 2])| std::iter::repeat_n(value as u32, count[1] as usize);
                self.counts.iter().enumerate().flat_map(repeated).collect()
            }
        };
        let (mut as_large, mut as_large_ranks) = (0_u32, 0_u32);
        for number in 0..count {
            let mut random = stream(seed, Stream::Resampling).at(u64::from(test) << 32 | u64::from(number));
            match resampling {
                Resampling::Permutation => self.shuffle(&mut random, &mut drawn),
                Resampling::Bootstrap => self.redraw(&mut random, &value_of, &mut drawn),
            }
            as_large += u32::from(largest_difference(&drawn, self.sizes) >= difference);
            if let Some(least) = least {
                let ranks = anderson_darling::rank_statistic(drawn.iter().copied(), self.sizes);
                as_large_ranks += u32::from(ranks >= least);
            }
        }
        let p = |as_large: u32| f64::from(1 + as_large) / f64::from(count + 1);
        PValues { kolmogorov_smirnov: p(as_large), anderson_darling: least.map(|_| p(as_large_ranks)) }
    }

    /// Gives each value of the pool to the first sample with the probability that its places left have among all left.
    fn shuffle(&self, random: &mut crate::random::Random, drawn: &mut [[u32; 2]]) {
        let (mut places, mut left) = (self.sizes[0] as u32, (self.sizes[0] + self.sizes[1]) as u32);
        for (drawn, &[_, in_both]) in drawn.iter_mut().zip(&self.counts) {
            let mut in_first = 0;
            for _ in 0..in_both {
                let taken = u32::from(random.below_word(left) < places);
                in_first += taken;
                places -= taken;
                left -= 1;
            }
            *drawn = [in_first, in_both];
        }
    }

    /// Draws as many values as both samples have from the pool, with replacement.
    fn redraw(&self, random: &mut crate::random::Random, value_of: &[u32], drawn: &mut [[u32; 2]]) {
        drawn.fill([0; 2]);
        let pool = value_of.len() as u32;
        for (sample, &size) in self.sizes.iter().enumerate() {
            for _ in 0..size {
                let value = value_of[random.below_word(pool) as usize] as usize;
                drawn[value][0] += u32::from(sample == 0);
                drawn[value][1] += 1;
            }
        }
    }
}

/// The largest difference of the two distribution functions in units of 1 / (n m), from counts per value: how often in the
/// first sample, how often in both.
pub(super) fn largest_difference(counts: &[[u32; 2]], sizes: [usize; 2]) -> u64 {
    let [n, m] = sizes.map(|size| size as i64);
    let (mut place, mut largest) = (0_i64, 0_i64);
    for &[in_first, in_both] in counts {
        place += i64::from(in_first) * (n + m) - i64::from(in_both) * n;
        largest = largest.max(place.abs());
    }
    largest as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(seed: u64, count: usize, shift: f64) -> Vec<f64> {
        let mut random = stream(seed, Stream::Crops);
        (0..count).map(|_| random.normal() + shift).collect()
    }

    #[test]
    fn permutations_give_the_exact_probability() {
        let pair = TwoSample::new(&normal(1, 40, 0.0), &normal(2, 30, 0.35)).unwrap();
        let found = pair.resample(Resampling::Permutation, 20_000, 7, 0);
        let exact = pair.exact_p();
        let error = (exact * (1.0 - exact) / 20_000.0).sqrt();
        assert!((found.kolmogorov_smirnov - exact).abs() < 5.0 * error, "{} and {exact}", found.kolmogorov_smirnov);
        assert_eq!(found, pair.resample(Resampling::Permutation, 20_000, 7, 0), "a seed is an answer");
        assert_ne!(found, pair.resample(Resampling::Permutation, 20_000, 7, 1));
    }

    #[test]
    fn samples_of_one_distribution_have_uniform_p_values() {
        for resampling in [Resampling::Permutation, Resampling::Bootstrap] {
            let p: Vec<PValues> = (0..200)
                .map(|test| {
                    let pair = TwoSample::new(&normal(2 * test, 50, 0.0), &normal(2 * test + 1, 50, 0.0)).unwrap();
                    pair.resample(resampling, 199, 3, test as u32)
                })
                .collect();
            let ranks: Vec<f64> = p.iter().filter_map(|p| p.anderson_darling).collect();
            let (d, uniform) = super::super::kolmogorov::against_uniform(&ranks).unwrap();
            assert!(uniform > 1e-3, "{resampling:?}: {d}");
        }
    }

    #[test]
    fn distant_samples_have_the_smallest_p_value_and_equal_ones_one() {
        let distant = TwoSample::new(&normal(1, 60, 0.0), &normal(2, 60, 3.0)).unwrap();
        for resampling in [Resampling::Permutation, Resampling::Bootstrap] {
            let p = distant.resample(resampling, 99, 1, 0);
            assert_eq!(p, PValues { kolmogorov_smirnov: 0.01, anderson_darling: Some(0.01) });
            let equal = TwoSample::new(&[2.0; 9], &[2.0; 9]).unwrap().resample(resampling, 99, 1, 0);
            assert_eq!(equal, PValues { kolmogorov_smirnov: 1.0, anderson_darling: None });
        }
    }
}
