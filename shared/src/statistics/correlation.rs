//! Correlation matrix of a statistic's bins over an ensemble (paper Fig. 4).

use serde::{Deserialize, Serialize};

/// Difference of two correlation matrices (paper Fig. 4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrelationDifference {
    /// Largest absolute difference of an entry.
    pub largest: f64,
    /// Root mean square over all entries beside the diagonal.
    pub rms: f64,
    /// Mean over the entries beside the diagonal; positive where the first set's bins are more strongly correlated.
    pub mean: f64,
    /// The difference itself, `null` where a bin is empty or does not vary.
    pub matrix: Vec<Vec<Option<f64>>>,
}

impl CorrelationDifference {
    /// The first matrix less the second.
    pub fn of(a: &[Vec<Option<f64>>], b: &[Vec<Option<f64>>]) -> Self {
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
        Self {
            largest: beside_diagonal.iter().fold(0.0, |most, value| most.max(value.abs())),
            rms: (beside_diagonal.iter().map(|value| value * value).sum::<f64>() / entries).sqrt(),
            mean: beside_diagonal.iter().sum::<f64>() / entries,
            matrix,
        }
    }
}

/// The correlation matrix of `samples[map][bin]`, `None` for an empty bin.
///
/// `C_ij / sqrt(C_ii C_jj)` with the covariance C over maps, as `numpy.corrcoef`: row i and column j hold the correlation of
/// bins i and j. A bin that is empty in a map, or that does not vary over the maps, has no row and no column: `None`.
pub fn correlation_matrix<S: AsRef<[Option<f64>]>>(samples: &[S]) -> Vec<Vec<Option<f64>>> {
    let bins = samples.first().map_or(0, |sample| sample.as_ref().len());
    let maps = samples.len();
    // One row a bin, of mean 0 and norm 1; a correlation is then a dot product.
    let normalised = |bin: usize| -> Option<Vec<f64>> {
        let values = samples.iter().map(|sample| sample.as_ref().get(bin).copied().flatten());
        let mut values: Vec<f64> = values.collect::<Option<_>>()?;
        let mean = values.iter().sum::<f64>() / maps as f64;
        let mut square = 0.0;
        for value in &mut values {
            *value -= mean;
            square += *value * *value;
        }
        let norm = square.sqrt();
        // What is left of a constant by rounding is no variation.
        if norm <= 1e-14 * mean.abs() * (maps as f64).sqrt() {
            return None;
        }
        for value in &mut values {
            *value /= norm;
        }
        Some(values)
    };
    let rows: Vec<Option<Vec<f64>>> = (0..bins).map(normalised).collect();
    crate::parallel::map_init(
        bins,
        || (),
        |(), i| {
            let entry = |(j, column): (usize, &Option<Vec<f64>>)| {
                let dot = dot(rows[i].as_ref()?, column.as_ref()?);
                Some(if i == j { 1.0 } else { dot.clamp(-1.0, 1.0) })
            };
            rows.iter().enumerate().map(entry).collect()
        },
    )
}

/// Sum of products in four interleaved parts, which the processor adds side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a, b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for i in 0..4 {
            sums[i] += a[i] * b[i];
        }
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_related_constant_and_empty_bins() {
        let samples: Vec<Vec<Option<f64>>> = (0..9)
            .map(|i| {
                let x = f64::from(i);
                vec![Some(x), Some(3.0 - 2.0 * x), None, Some(7.1), Some((x - 4.0).powi(2)), Some(x + (x * 2.0).sin())]
            })
            .collect();
        let found = correlation_matrix(&samples);
        let at = |i: usize, j: usize| found[i][j];
        assert_eq!((at(0, 0), at(2, 2), at(3, 0), at(0, 3)), (Some(1.0), None, None, None));
        assert!((at(0, 1).unwrap() + 1.0).abs() < 1e-12 && at(0, 4).unwrap().abs() < 1e-12);
        // The textbook formula.
        let (x, y): (Vec<f64>, Vec<f64>) = samples.iter().map(|s| (s[4].unwrap(), s[5].unwrap())).unzip();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / 9.0;
        let covariance =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(p, q)| (p - mean(a)) * (q - mean(b))).sum::<f64>() / 8.0;
        let expected = covariance(&x, &y) / (covariance(&x, &x) * covariance(&y, &y)).sqrt();
        assert!((at(4, 5).unwrap() - expected).abs() < 1e-12 && at(4, 5) == at(5, 4));
        assert!(correlation_matrix::<Vec<Option<f64>>>(&[]).is_empty());
        let one = correlation_matrix(&samples[..1]);
        assert!(one.iter().flatten().all(Option::is_none), "one map does not vary");
    }
}
