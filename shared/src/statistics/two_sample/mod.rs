//! Are two samples of a number drawn from one distribution? (paper Section 3.1)
//!
//! ```text
//! mod               two samples put together, their KS and Anderson-Darling statistics, Wasserstein distance
//! kolmogorov        p-values of KS: exact, asymptotic, against a known distribution
//! anderson_darling  normalisation and tabulated p-value of Anderson-Darling
//! resampling        p-values of both by permutation and by bootstrap
//! joint             many numbers of the same maps, permuted together
//! ```
//!
//! Definitions are SciPy's (`ks_2samp`, `anderson_ksamp` with midranks, `wasserstein_distance`).

pub mod anderson_darling;
pub mod joint;
pub mod kolmogorov;
pub mod resampling;

pub use resampling::{PValues, Resampling};

/// Two samples, put together: how often each value that occurs is in the first one and in both.
///
/// All statistics here depend on the values' order alone, except the Wasserstein distance.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoSample {
    /// Values that occur, rising.
    values: Vec<f64>,
    /// For each of them: how often in the first sample, how often in both together.
    counts: Vec<[u32; 2]>,
    sizes: [usize; 2],
}

impl TwoSample {
    /// Puts two samples together; `None` where one is empty or holds a value that is not finite.
    ///
    /// # Examples
    /// ```
    /// use shared::statistics::TwoSample;
    ///
    /// let pair = TwoSample::new(&[1.0, 2.0, 3.0, 4.0], &[3.5, 4.5, 5.5, 6.5]).unwrap();
    /// assert_eq!(pair.kolmogorov_smirnov(), 0.75);
    /// ```
    #[doc(alias = "ks_2samp")]
    #[doc(alias = "anderson_ksamp")]
    pub fn new(first: &[f64], second: &[f64]) -> Option<Self> {
        if first.is_empty() || second.is_empty() || first.iter().chain(second).any(|value| !value.is_finite()) {
            return None;
        }
        let labelled = first.iter().map(|&value| (value, 1)).chain(second.iter().map(|&value| (value, 0)));
        let mut pool: Vec<(f64, u32)> = labelled.collect();
        pool.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (mut values, mut counts): (Vec<f64>, Vec<[u32; 2]>) = (Vec::new(), Vec::new());
        for (value, in_first) in pool {
            match (values.last(), counts.last_mut()) {
                // -0 and 0 are one value.
                (Some(&last), Some(count)) if last == value => {
                    count[0] += in_first;
                    count[1] += 1;
                }
                _ => {
                    values.push(value);
                    counts.push([in_first, 1]);
                }
            }
        }
        Some(Self { values, counts, sizes: [first.len(), second.len()] })
    }

    /// Sizes of the two samples.
    pub fn sizes(&self) -> [usize; 2] {
        self.sizes
    }

    /// The two-sided Kolmogorov-Smirnov statistic: the largest difference of the two distribution functions.
    pub fn kolmogorov_smirnov(&self) -> f64 {
        self.difference() as f64 / (self.sizes[0] as f64 * self.sizes[1] as f64)
    }

    /// That difference as an integer, in units of 1 / (n m).
    pub(crate) fn difference(&self) -> u64 {
        resampling::largest_difference(&self.counts, self.sizes)
    }

    /// The two-sample Anderson-Darling statistic with midranks (Scholz & Stephens 1987, Eq. 7), normalised as SciPy does;
    /// `None` where all values are equal or there are fewer than four.
    pub fn anderson_darling(&self) -> Option<f64> {
        anderson_darling::normalised(self.rank_statistic()?, self.sizes)
    }

    /// The statistic before its normalisation.
    fn rank_statistic(&self) -> Option<f64> {
        (self.values.len() > 1).then(|| anderson_darling::rank_statistic(self.counts.iter().copied(), self.sizes))
    }

    /// The first Wasserstein distance: the area between the two distribution functions, in the values' units.
    pub fn wasserstein(&self) -> f64 {
        let [n, m] = self.sizes.map(|size| size as f64);
        let (mut first, mut both, mut area) = (0.0, 0.0, 0.0);
        for (pair, &[in_first, in_both]) in self.values.windows(2).zip(&self.counts) {
            first += f64::from(in_first);
            both += f64::from(in_both);
            area += (first / n - (both - first) / m).abs() * (pair[1] - pair[0]);
        }
        area
    }

    /// The p-value of the Kolmogorov-Smirnov statistic as `scipy.stats.ks_2samp` chooses it: exact where no sample is larger
    /// than 10,000, asymptotic otherwise.
    pub fn kolmogorov_smirnov_p(&self) -> f64 {
        if self.sizes.iter().all(|&size| size <= 10_000) { self.exact_p() } else { self.asymptotic_p() }
    }

    /// The exact p-value of the Kolmogorov-Smirnov statistic for samples without ties.
    pub fn exact_p(&self) -> f64 {
        kolmogorov::two_sample_exact(self.sizes, self.difference())
    }

    /// The p-value of a one-sample statistic of this size with n m / (n + m) values, rounded, as SciPy's `asymp`.
    pub fn asymptotic_p(&self) -> f64 {
        let [n, m] = self.sizes.map(|size| size as f64);
        kolmogorov::survival((n * m / (n + m)).round_ties_even().max(1.0) as usize, self.kolmogorov_smirnov())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_equal_their_definitions_with_ties() {
        let a = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let b = [2.0, 7.0, 1.0, 8.0, 2.0, 8.0];
        let both = TwoSample::new(&a, &b).unwrap();
        let below = |sample: &[f64], x: f64| sample.iter().filter(|&&v| v <= x).count() as f64 / sample.len() as f64;
        let d = a.iter().chain(&b).map(|&x| (below(&a, x) - below(&b, x)).abs()).fold(0.0, f64::max);
        assert!((both.kolmogorov_smirnov() - d).abs() < 1e-15);
        let area: f64 = (0..10).map(|x| (below(&a, f64::from(x)) - below(&b, f64::from(x))).abs()).sum();
        assert!((both.wasserstein() - area).abs() < 1e-12);
        assert_eq!(TwoSample::new(&b, &a).unwrap().difference(), both.difference());
        let swapped = TwoSample::new(&b, &a).unwrap().anderson_darling().unwrap();
        assert!((swapped - both.anderson_darling().unwrap()).abs() < 1e-12);
    }

    #[test]
    fn nothing_can_be_said_of_empty_or_broken_samples() {
        assert!(TwoSample::new(&[], &[1.0]).is_none() && TwoSample::new(&[f64::NAN], &[1.0]).is_none());
        let equal = TwoSample::new(&[1.0; 5], &[1.0; 4]).unwrap();
        assert_eq!((equal.kolmogorov_smirnov(), equal.anderson_darling(), equal.wasserstein()), (0.0, None, 0.0));
        assert_eq!(equal.exact_p(), 1.0);
        assert_eq!(TwoSample::new(&[0.0], &[-0.0]).unwrap().kolmogorov_smirnov(), 0.0);
    }
}
