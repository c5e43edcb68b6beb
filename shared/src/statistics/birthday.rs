//! How many different maps a generator can draw, from how often two of its maps are the same (Arora & Zhang 2017; paper
//! Section 3.2).
//!
//! Among N maps drawn uniformly from D, `N (N - 1) / 2 / D` pairs are equal on average, and their number is Poisson for
//! N << D. The number of equal pairs seen therefore bounds D; none at all bounds it from below.

use serde::{Deserialize, Serialize};

/// An estimate of the number of distinct maps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DistinctMaps {
    /// Pairs compared.
    pub pairs: f64,
    /// Pairs that are the same map.
    pub equal_pairs: u64,
    /// The most likely number of distinct maps; `None` where no pair is equal, and any large number is.
    pub estimate: Option<f64>,
    /// Lower end of the 95 % interval. Without equal pairs it is one-sided: `pairs / 3.0`.
    pub low: f64,
    /// Upper end of the 95 % interval; `None` where there is none.
    pub high: Option<f64>,
}

/// The estimate from `equal_pairs` equal ones among all pairs of `maps` maps; `None` for fewer than two maps.
pub fn distinct_maps(maps: u64, equal_pairs: u64) -> Option<DistinctMaps> {
    let pairs = maps as f64 * (maps as f64 - 1.0) / 2.0;
    if maps < 2 {
        return None;
    }
    if equal_pairs == 0 {
        // The mean for which no pair at all has a probability of 5 %.
        let low = pairs / -0.05_f64.ln();
        return Some(DistinctMaps { pairs, equal_pairs, estimate: None, low, high: None });
    }
    let (fewest, most) = poisson_interval(equal_pairs, 0.95);
    let estimate = Some(pairs / equal_pairs as f64);
    Some(DistinctMaps { pairs, equal_pairs, estimate, low: pairs / most, high: Some(pairs / fewest) })
}

/// The exact central interval of a Poisson mean after `count` events (Garwood 1936).
pub fn poisson_interval(count: u64, confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    if count > 1000 {
        // Wilson & Hilferty's cube for the chi-squared quantiles that the exact interval is made of.
        let cube = |k: f64, z: f64| k * (1.0 - 1.0 / (9.0 * k) + z / (3.0 * k.sqrt())).powi(3);
        let z = normal_quantile(1.0 - tail);
        return (cube(count as f64, -z), cube(count as f64 + 1.0, z));
    }
    // P(X <= count) falls as the mean rises.
    let mean_with = |count: u64, probability: f64| {
        let (mut low, mut high) = (0.0, 2.0 * count as f64 + 20.0);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if at_most(count, middle) > probability { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    let low = if count == 0 { 0.0 } else { mean_with(count - 1, 1.0 - tail) };
    (low, mean_with(count, tail))
}

/// Quantile of N(0, 1) in the upper half, by bisection of its distribution function.
fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        let below = 0.5 * libm::erfc(-middle / core::f64::consts::SQRT_2);
        if below < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// P(X <= count) for a Poisson mean.
fn at_most(count: u64, mean: f64) -> f64 {
    let mut log_term = -mean;
    let mut sum = log_term.exp();
    for event in 1..=count {
        log_term += (mean / event as f64).ln();
        sum += log_term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, stream};

    #[test]
    fn intervals_are_those_of_the_tables() {
        for (count, low, high) in [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390), (100, 81.36, 121.63)] {
            let found = poisson_interval(count, 0.95);
            assert!((found.0 - low).abs() < 5e-3 && (found.1 - high).abs() < 5e-3, "{count}: {found:?}");
        }
        // Where the exact interval gives way to the approximation, and far beyond.
        let (exact, cube) = (poisson_interval(1000, 0.95), poisson_interval(1001, 0.95));
        assert!((cube.0 - exact.0 - 1.0).abs() < 0.1 && (cube.1 - exact.1 - 1.0).abs() < 0.1, "{exact:?} {cube:?}");
        let many = poisson_interval(100_000_000, 0.95);
        assert!((many.0 / 1e8 - 1.0 + 1.96e-4).abs() < 1e-6 && (many.1 / 1e8 - 1.0 - 1.96e-4).abs() < 1e-6, "{many:?}");
    }

    #[test]
    fn birthdays_tell_the_length_of_the_year() {
        let mut random = stream(1, Stream::Crops);
        let mut days: Vec<usize> = (0..400).map(|_| random.below(365 * 20)).collect();
        days.sort_unstable();
        let equal = days.chunk_by(|a, b| a == b).map(|same| same.len() * (same.len() - 1) / 2).sum::<usize>();
        let found = distinct_maps(400, equal as u64).unwrap();
        assert!(found.low < 7300.0 && 7300.0 < found.high.unwrap(), "{found:?}");
        let none = distinct_maps(400, 0).unwrap();
        assert!(none.estimate.is_none() && (none.low - 79_800.0 / 2.995_732).abs() < 1.0);
        assert_eq!(distinct_maps(1, 0), None);
    }
}
