//! What one layer computes, and values of tensors.

use anyhow::Result;
use shared::network::{
    Activation, Layer, Operation,
    definition::{EPSILON, LEAKINESS, MOMENTUM, OUTPUT_PADDING, PADDING, STRIDE},
};
use tch::{Device, Kind, Tensor, no_grad};

use super::shim;

/// What batch normalisation normalises by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch, which also move the running ones.
    Training,
    /// Statistics of the batch; the running ones stay as they are.
    BatchStatistics,
    /// Statistics of the batch, the n-th since the running ones are measured anew: these become the means over n batches.
    Measuring(u32),
    /// Running statistics, unchanged.
    Inference,
}

/// What a layer makes of `[n, channels, height, width]`, with its own tensors.
///
/// # Errors
/// When the input or the tensors are of another layer, or the device fails.
pub fn forward(layer: &Layer, tensors: &[Tensor], input: &Tensor, mode: Mode) -> Result<Tensor> {
    let [stride, padding, output_padding] = [STRIDE, PADDING, OUTPUT_PADDING].map(|size| [size as i64; 2]);
    let output = match (layer.operation, tensors) {
        (Operation::Dense { .. }, [weight, bias]) => {
            let batch = input.size().first().copied().unwrap_or(0);
            let [channels, height, width] = layer.output.map(|size| size as i64);
            // PyTorch flattens [c, h, w]; a channels-last tensor is copied into that order here.
            let rows = input.f_reshape([batch, -1])?.f_linear(weight, Some(bias))?;
            shim::channels_last(&rows.f_view([batch, channels, height, width])?)?
        }
        (Operation::BatchNorm { .. }, [weight, bias, mean, variance]) => {
            // libtorch moves the running statistics that it is given while it measures the batch.
            let running = (mode != Mode::BatchStatistics).then_some((mean, variance));
            let (mean, variance) = running.unzip();
            let of_batch = mode != Mode::Inference;
            let newest = if let Mode::Measuring(batch) = mode { 1.0 / f64::from(batch.max(1)) } else { MOMENTUM };
            input.f_batch_norm(Some(weight), Some(bias), mean, variance, of_batch, newest, EPSILON, true)?
        }
        (Operation::TransposedConvolution { .. }, [weight, bias]) => {
            input.f_conv_transpose2d(weight, Some(bias), stride, padding, output_padding, 1, [1, 1])?
        }
        (Operation::Convolution { .. }, [weight, bias]) => {
            input.f_conv2d(weight, Some(bias), stride, padding, [1, 1], 1)?
        }
        (operation, tensors) => anyhow::bail!("{operation:?} with {} tensors", tensors.len()),
    };
    Ok(match layer.activation {
        Activation::None => output,
        Activation::Relu => output.f_relu()?,
        Activation::LeakyRelu => shim::leaky_relu(&output, LEAKINESS)?,
        Activation::Tanh => output.f_tanh()?,
    })
}

/// Values of a tensor in f32, row-major, on the CPU.
///
/// # Errors
/// When the device fails.
pub fn to_vec(tensor: &Tensor) -> Result<Vec<f32>> {
    let tensor = no_grad(|| tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float))?.f_contiguous()?;
    let mut values = vec![0.0_f32; tensor.numel()];
    let count = values.len();
    tensor.f_copy_data(&mut values, count)?;
    Ok(values)
}
