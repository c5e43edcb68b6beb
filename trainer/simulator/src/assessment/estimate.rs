//! Mean and standard error over what is independent of each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A mean with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean; `None` where there is no value.
    pub mean: Option<f64>,
    /// Standard deviation (ddof 1) over the root of the number; `None` for fewer than two.
    pub standard_error: Option<f64>,
}

impl Estimate {
    /// Of one value a box, where boxes with the same seed depend on each other (partners of opposite phases) and count as
    /// one: their mean. Boxes without a value are left out.
    pub fn over_boxes(boxes: impl Iterator<Item = (u64, Option<f64>)>) -> Self {
        let mut units: BTreeMap<u64, [f64; 2]> = BTreeMap::new();
        for (seed, value) in boxes {
            if let Some(value) = value {
                let [sum, count] = units.entry(seed).or_default();
                *sum += value;
                *count += 1.0;
            }
        }
        Self::over(&units.into_values().map(|[sum, count]| sum / count).collect::<Vec<_>>())
    }

    /// Of values that are independent of each other.
    pub fn over(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean: (count > 0.0).then_some(mean),
            standard_error: (count > 1.0).then(|| (squares / (count - 1.0) / count).sqrt()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(boxes: &[(u64, Option<f64>)]) -> (Option<f64>, Option<f64>) {
        let Estimate { mean, standard_error } = Estimate::over_boxes(boxes.iter().copied());
        (mean, standard_error)
    }

    #[test]
    fn of_independent_boxes() {
        // Standard deviation 2 over the root of 4.
        let values = [1.0, 1.0, 3.0, 5.0];
        let boxes: Vec<_> = (0..4).zip(values.map(Some)).collect();
        let (mean, error) = of(&boxes);
        assert_eq!(mean, Some(2.5));
        assert!((error.unwrap() - (11.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(of(&[(7, Some(2.0)), (8, None)]), (Some(2.0), None));
        assert_eq!(of(&[(7, None)]), (None, None));
    }

    #[test]
    fn partners_count_as_one() {
        assert_eq!(of(&[(7, Some(1.0)), (7, Some(3.0))]), (Some(2.0), None));
        let (mean, error) = of(&[(7, Some(1.0)), (7, Some(3.0)), (9, Some(4.0)), (9, Some(4.0))]);
        assert_eq!((mean, error), (Some(3.0), Some(1.0)));
    }
}
