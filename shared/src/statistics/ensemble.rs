//! Mean and standard deviation of a statistic over maps (the bands of paper Figs. 3 and 5).

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
}
