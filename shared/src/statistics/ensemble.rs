//! Mean and standard deviation of a statistic over maps (the bands of paper Figs. 3 and 5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Running mean and variance per bin, by Welford's update; bins that were empty in a map do not count for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    maps: usize,
    bins: Vec<Bin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bin {
    count: f64,
    mean: f64,
    squares: f64,
}

/// Mean +- sigma of the power spectrum over a set of maps: what the page draws as the validation band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectrumReference {
    /// The maps in words.
    pub source: String,
    /// Number of maps.
    pub maps: usize,
    /// Side of the maps in degrees.
    pub side_angle: f64,
    /// Middle of each bin in l.
    pub ell: Vec<f64>,
    /// Mean of P(l) in steradians, `null` for an empty bin.
    pub mean: Vec<Option<f64>>,
    /// Standard deviation over maps (ddof 0), likewise.
    pub sigma: Vec<Option<f64>>,
    /// Percentiles 0.5 and 99.8 of the pixels: the range of kappa that a colour scale for such maps spans.
    #[serde(default)]
    pub kappa_range: Option<[f32; 2]>,
    /// P(l) of theory (halofit) at the middles, in steradians, where the maps' cosmology is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theory: Option<Vec<f64>>,
}

impl Ensemble {
    /// An ensemble of no maps yet, with `bins` values a map.
    pub fn new(bins: usize) -> Self {
        Self { maps: 0, bins: vec![Bin::default(); bins] }
    }

    /// Adds one map's values; surplus values are left out.
    pub fn add(&mut self, values: &[Option<f64>]) {
        self.maps += 1;
        for (bin, value) in self.bins.iter_mut().zip(values) {
            if let Some(value) = value {
                bin.count += 1.0;
                let difference = value - bin.mean;
                bin.mean += difference / bin.count;
                bin.squares += difference * (value - bin.mean);
            }
        }
    }

    /// Number of maps added.
    pub fn maps(&self) -> usize {
        self.maps
    }

    /// Mean per bin, `None` where every map was empty.
    pub fn mean(&self) -> Vec<Option<f64>> {
        self.bins.iter().map(|bin| (bin.count > 0.0).then_some(bin.mean)).collect()
    }

    /// Standard deviation per bin (ddof 0), `None` where every map was empty.
    pub fn sigma(&self) -> Vec<Option<f64>> {
        self.bins.iter().map(|bin| (bin.count > 0.0).then(|| (bin.squares / bin.count).sqrt())).collect()
    }
}

/// An ensemble whose maps are measured by several workers: they are added in their own order, whatever order they come in, so that
/// the result does not depend on who was first.
#[derive(Debug, Clone, Default)]
pub struct OrderedEnsemble {
    /// Begun with the first map, which says how many bins there are.
    ensemble: Option<Ensemble>,
    next: usize,
    waiting: BTreeMap<usize, Vec<Option<f64>>>,
}

impl OrderedEnsemble {
    /// Takes the values of map number `index`; each number comes once.
    pub fn take(&mut self, index: usize, values: Vec<Option<f64>>) {
        self.waiting.insert(index, values);
        while let Some(values) = self.waiting.remove(&self.next) {
            self.ensemble.get_or_insert_with(|| Ensemble::new(values.len())).add(&values);
            self.next += 1;
        }
    }

    /// The maps up to the first that is missing; `None` without any.
    pub fn ensemble(&self) -> Option<&Ensemble> {
        self.ensemble.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_two_pass_definition() {
        let values = [3.0, 4.0, 8.0, 1e3 + 0.5];
        let mut ensemble = Ensemble::new(2);
        for value in values {
            ensemble.add(&[Some(value), None]);
        }
        let mean = values.iter().sum::<f64>() / 4.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4.0;
        assert!((ensemble.mean()[0].unwrap() - mean).abs() < 1e-12);
        assert!((ensemble.sigma()[0].unwrap() - variance.sqrt()).abs() < 1e-10);
        assert_eq!((ensemble.mean()[1], ensemble.sigma()[1], ensemble.maps()), (None, None, 4));
    }

    #[test]
    fn an_ordered_ensemble_does_not_depend_on_who_was_first() {
        let values = |index: usize| vec![Some((index as f64 * 0.7).sin()), None];
        let mut in_order = Ensemble::new(2);
        let mut ordered = OrderedEnsemble::default();
        (0..7).for_each(|index| in_order.add(&values(index)));
        for (index, added) in [(2, 0), (0, 1), (1, 3), (5, 3), (4, 3), (3, 6), (6, 7)] {
            ordered.take(index, values(index));
            assert_eq!(ordered.ensemble().map_or(0, Ensemble::maps), added);
        }
        assert_eq!(ordered.ensemble(), Some(&in_order));
    }
}
