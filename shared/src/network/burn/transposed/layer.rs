//! A layer on a device.

use burn::tensor::{Device, Tensor, TensorData};

use super::{launch::transposed_convolution, shader::Shader};
use crate::{
    formats::weights::{Weights, WeightsError},
    network::folded::FoldedLayer,
};

/// A transposed convolution (kernel 5, stride 2) with its bias and activation.
#[derive(Debug)]
pub struct TransposedConvolution {
    shader: Shader,
    kernels: Tensor<1>,
    bias: Tensor<1>,
}

impl TransposedConvolution {
    /// Puts a layer on a WebGPU device.
    ///
    /// # Errors
    /// When the weights were read for other layers.
    pub fn new(layer: &FoldedLayer, weights: &Weights, device: &Device) -> Result<Self, WeightsError> {
        let shader = Shader::new(layer);
        let values = |values: Vec<f32>| {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), device)
        };
        let kernels = values(shader.pack(&layer.weight(weights)?));
        let mut bias = layer.bias(weights)?;
        bias.resize(shader.groups() * shader.lanes(), 0.0);
        Ok(Self { shader, kernels, bias: values(bias) })
    }

    /// Features `[n, inputs, h, w]` to `[n, outputs, 2h, 2w]`.
    pub fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        transposed_convolution(features, self.kernels.clone(), self.bias.clone(), &self.shader)
    }
}
