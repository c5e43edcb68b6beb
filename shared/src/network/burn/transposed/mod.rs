//! A generator's transposed convolutions on WebGPU by a kernel of our own, a dozen times as fast as burn's.
//!
//! ```text
//! shader  the kernel's text for a layer's sizes
//! launch  the kernel as an operation of burn's tensors
//! ```

mod launch;
mod shader;

use burn::tensor::{Device, Tensor, TensorData};

use self::launch::transposed_convolution;
pub use self::shader::Shader;
use crate::{
    formats::weights::{Weights, WeightsError},
    network::{definition::KERNEL, folded::FoldedLayer},
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
        let kernels = values(pack(&layer.weight(weights)?, &shader));
        let mut bias = layer.bias(weights)?;
        bias.resize(shader.groups() * shader.lanes(), 0.0);
        Ok(Self { shader, kernels, bias: values(bias) })
    }

    /// Features `[n, inputs, h, w]` to `[n, outputs, 2h, 2w]`.
    pub fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        transposed_convolution(features, self.kernels.clone(), self.bias.clone(), &self.shader)
    }
}

/// Kernels `[inputs, outputs, 5, 5]` as the shader reads them, `[groups, inputs, 5, 5, lanes]`; lanes without a channel are 0.
fn pack(weight: &[f32], shader: &Shader) -> Vec<f32> {
    let taps = KERNEL * KERNEL;
    let [inputs, outputs] = [shader.inputs, shader.outputs];
    let mut packed = vec![0.0; shader.groups() * inputs * taps * shader.lanes()];
    for (place, &value) in weight.iter().enumerate() {
        let (input, output, tap) = (place / taps / outputs, place / taps % outputs, place % taps);
        let (group, lane) = (output / shader.lanes(), output % shader.lanes());
        packed[((group * inputs + input) * taps + tap) * shader.lanes() + lane] = value;
    }
    packed
}
