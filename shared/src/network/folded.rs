//! Batch normalisation in inference: a scale and a shift of each channel, which fold into the layer before it.

use super::{Activation, Layer, Operation, definition::KERNEL};
use crate::formats::weights::{Weights, WeightsError};

/// A layer with the batch normalisation that follows it.
#[derive(Debug, Clone)]
pub struct FoldedLayer<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// What follows both.
    pub activation: Activation,
    /// Scale and shift of each channel; 1 and 0 without batch normalisation.
    pub normal: Vec<(f64, f64)>,
}

impl<'a> FoldedLayer<'a> {
    /// The layers of a network but for its batch normalisations, each of which is part of the layer before it.
    ///
    /// # Errors
    /// When the weights were read for other layers.
    pub fn of(layers: &'a [Layer], weights: &Weights) -> Result<Vec<Self>, WeightsError> {
        let norm = |layer: &&Layer| matches!(layer.operation, Operation::BatchNorm { .. });
        let mut folded = Vec::new();
        for (number, layer) in layers.iter().enumerate().filter(|(_, layer)| !norm(layer)) {
            let next = layers.get(number + 1).filter(norm);
            let normal = match next {
                Some(next) => scale_and_shift(next, weights)?,
                None => vec![(1.0, 0.0); layer.output[0]],
            };
            folded.push(Self { layer, activation: next.map_or(layer.activation, |next| next.activation), normal });
        }
        Ok(folded)
    }

    /// Name of one of the layer's tensors.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.layer.name)
    }

    /// The bias of each output, in the order of the file.
    ///
    /// # Errors
    /// When the weights were read for other layers.
    pub fn bias(&self, weights: &Weights) -> Result<Vec<f32>, WeightsError> {
        let mut bias = weights.tensor(&self.name("bias"))?;
        let each = (bias.len() / self.normal.len().max(1)).max(1);
        for (place, bias) in bias.iter_mut().enumerate() {
            let (scale, shift) = self.normal[place / each];
            *bias = (f64::from(*bias) * scale + shift) as f32;
        }
        Ok(bias)
    }

    /// The weight, row-major as in the file.
    ///
    /// # Errors
    /// When the weights were read for other layers.
    pub fn weight(&self, weights: &Weights) -> Result<Vec<f32>, WeightsError> {
        let mut weight = weights.tensor(&self.name("weight"))?;
        for (place, weight) in weight.iter_mut().enumerate() {
            *weight = (f64::from(*weight) * self.normal[self.channel(place)].0) as f32;
        }
        Ok(weight)
    }

    /// The output channel that a number of the weight belongs to.
    fn channel(&self, place: usize) -> usize {
        let taps = KERNEL * KERNEL;
        match self.layer.operation {
            Operation::Dense { inputs, .. } => place / inputs / (self.layer.output[1] * self.layer.output[2]),
            Operation::TransposedConvolution { outputs, .. } => place / taps % outputs,
            Operation::Convolution { inputs, .. } => place / (taps * inputs),
            Operation::BatchNorm { .. } => place,
        }
    }
}

/// Scale and shift per channel that a layer of batch normalisation comes to with its running statistics.
fn scale_and_shift(layer: &Layer, weights: &Weights) -> Result<Vec<(f64, f64)>, WeightsError> {
    let tensor = |suffix: &str| weights.tensor(&format!("{}.{suffix}", layer.name));
    let [gamma, beta, mean, variance] =
        [tensor("weight")?, tensor("bias")?, tensor("running_mean")?, tensor("running_var")?];
    let channel = |c: usize| {
        let [gamma, beta, mean, variance] = [&gamma, &beta, &mean, &variance].map(|values| f64::from(values[c]));
        let scale = gamma / (variance + super::definition::EPSILON).sqrt();
        if scale.is_finite() {
            Ok((scale, beta - mean * scale))
        } else {
            Err(WeightsError::Variance(layer.name.clone(), variance))
        }
    };
    (0..gamma.len()).map(channel).collect()
}
