//! Batch normalisation in inference: a scale and a shift of each channel, which fold into the layer before it.

use super::{Layer, definition::EPSILON};
use crate::formats::weights::{Weights, WeightsError};

/// Scale and shift per channel that a layer of batch normalisation comes to with its running statistics.
///
/// # Errors
/// When the weights were read for another network.
pub fn scale_and_shift(layer: &Layer, weights: &Weights) -> Result<Vec<(f64, f64)>, WeightsError> {
    let tensor = |suffix: &str| weights.tensor(&format!("{}.{suffix}", layer.name));
    let [gamma, beta, mean, variance] =
        [tensor("weight")?, tensor("bias")?, tensor("running_mean")?, tensor("running_var")?];
    let channel = |c: usize| {
        let [gamma, beta, mean, variance] = [&gamma, &beta, &mean, &variance].map(|values| f64::from(values[c]));
        let scale = gamma / (variance + EPSILON).sqrt();
        (scale, beta - mean * scale)
    };
    Ok((0..gamma.len()).map(channel).collect())
}
