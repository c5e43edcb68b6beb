//! Moments of the pixels of many maps taken together.

use serde::{Deserialize, Serialize};

/// A moment of the distribution of pixel values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Standard deviation.
    Sigma,
    /// `<d^3> / sigma^3` with `d` the distance from the mean.
    Skewness,
    /// `<d^4> / sigma^4 - 3`: 0 for a Gaussian distribution.
    ExcessKurtosis,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sigma, Self::Skewness, Self::ExcessKurtosis];

    /// Name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Sigma => "sigma",
            Self::Skewness => "skewness",
            Self::ExcessKurtosis => "excess kurtosis",
        }
    }
}

/// Sums over the pixels of any number of maps: the mean that is subtracted is that of all of them, so that the moments do not
/// depend on how large a map is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PooledMoments {
    count: f64,
    mean: f64,
    /// Sums of the second to fourth power of the distance from the mean.
    sums: [f64; 3],
}

impl PooledMoments {
    /// Of the values in some rows.
    pub fn of<'a>(rows: &(impl Iterator<Item = &'a [f64]> + Clone)) -> Self {
        // Sums of a row each, then of the rows, so that rounding stays small.
        let total = |of: &dyn Fn(f64) -> f64| -> f64 {
            rows.clone().map(|row| row.iter().map(|&value| of(value)).sum::<f64>()).sum()
        };
        let count = rows.clone().map(<[f64]>::len).sum::<usize>() as f64;
        if count == 0.0 {
            return Self::default();
        }
        let mean = total(&|value| value) / count;
        let sums = [2, 3, 4].map(|power| total(&|value| (value - mean).powi(power)));
        Self { count, mean, sums }
    }

    /// Takes in the values of another pool (Pebay 2008, Sandia Report SAND2008-6212, Eqs. 3.1 to 3.3 for two sets).
    pub fn merge(&mut self, other: &Self) {
        let (a, b) = (self.count, other.count);
        let n = a + b;
        if n == 0.0 {
            return;
        }
        let ([a2, a3, a4], [b2, b3, b4]) = (self.sums, other.sums);
        let d = other.mean - self.mean;
        self.sums = [
            a2 + b2 + d.powi(2) * a * b / n,
            a3 + b3 + d.powi(3) * a * b * (a - b) / n.powi(2) + 3.0 * d * (a * b2 - b * a2) / n,
            a4 + b4
                + d.powi(4) * a * b * (a * a - a * b + b * b) / n.powi(3)
                + 6.0 * d.powi(2) * (a * a * b2 + b * b * a2) / n.powi(2)
                + 4.0 * d * (a * b3 - b * a3) / n,
        ];
        self.mean += d * b / n;
        self.count = n;
    }

    /// A moment; `None` without values, and for the shape of values that are all equal.
    pub fn moment(&self, moment: Moment) -> Option<f64> {
        if self.count == 0.0 {
            return None;
        }
        let [variance, third, fourth] = self.sums.map(|sum| sum / self.count);
        match moment {
            Moment::Sigma => Some(variance.sqrt()),
            Moment::Skewness => (variance > 0.0).then(|| third / variance.powf(1.5)),
            Moment::ExcessKurtosis => (variance > 0.0).then(|| fourth / variance.powi(2) - 3.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::latent::latent;

    fn all(pool: &PooledMoments) -> [f64; 3] {
        Moment::ALL.map(|moment| pool.moment(moment).unwrap_or(f64::NAN))
    }

    fn close(found: [f64; 3], expected: [f64; 3], tolerance: f64) -> bool {
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < tolerance)
    }

    #[test]
    fn of_known_values() {
        // One in four is 4, the others 0: variance 3, third moment 6, fourth 21.
        let values = [0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 4.0];
        let expected = [3.0_f64.sqrt(), 6.0 / 27.0_f64.sqrt(), 21.0 / 9.0 - 3.0];
        assert!(close(all(&PooledMoments::of(&values.chunks(3))), expected, 1e-12));
        // A cosine over whole periods: -1.5.
        let wave: Vec<f64> = (0..64).map(|i| 5.0 + (std::f64::consts::TAU * f64::from(i) / 16.0).cos()).collect();
        assert!(close(all(&PooledMoments::of(&wave.chunks(64))), [0.5_f64.sqrt(), 0.0, -1.5], 1e-12));
        // A lognormal distribution of s = 0.4.
        let values: Vec<f64> = latent(1, 400_000).iter().map(|&x| (0.4 * f64::from(x)).exp()).collect();
        let w = 0.16_f64.exp();
        let kurtosis = w.powi(4) + 2.0 * w.powi(3) + 3.0 * w.powi(2) - 6.0;
        let expected = [(w * (w - 1.0)).sqrt(), (w + 2.0) * (w - 1.0).sqrt(), kurtosis];
        let found = all(&PooledMoments::of(&values.chunks(1000)));
        assert!(close(found, expected, 0.1), "{found:?} {expected:?}");
    }

    #[test]
    fn merged_as_if_measured_together() {
        // Parts of unlike sizes, means and widths.
        let values: Vec<f64> = latent(2, 1000).iter().map(|&x| f64::from(x).exp()).collect();
        let (left, right) = values.split_at(137);
        let right: Vec<f64> = right.iter().map(|value| 3.0 + 0.1 * value).collect();
        let whole: Vec<f64> = left.iter().chain(&right).copied().collect();
        let mut merged = PooledMoments::default();
        for part in [left, &[], &right[..500], &right[500..]] {
            merged.merge(&PooledMoments::of(&part.chunks(50)));
        }
        assert!(close(all(&merged), all(&PooledMoments::of(&whole.chunks(whole.len()))), 1e-11));
    }

    #[test]
    fn nothing_and_constants() {
        assert_eq!(PooledMoments::default().moment(Moment::Sigma), None);
        let constant = PooledMoments::of(&[0.5; 16].chunks(4));
        assert_eq!(Moment::ALL.map(|moment| constant.moment(moment)), [Some(0.0), None, None]);
    }
}
