//! What one layer computes, and values of tensors.

use anyhow::Result;
use shared::network::{
    Activation, Layer, Operation,
    definition::{EPSILON, LEAKINESS, MOMENTUM, OUTPUT_PADDING, PADDING, STRIDE},
};
use tch::{Device, Kind, Tensor, no_grad};

use super::{group::Group, shim};

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

impl Mode {
    /// Weight of the batch in the running statistics.
    fn newest(self) -> f64 {
        if let Self::Measuring(batch) = self { 1.0 / f64::from(batch.max(1)) } else { MOMENTUM }
    }
}

/// What a layer makes of `[n, channels, height, width]`, with its own tensors. Batch normalisation measures the batches of a whole
/// group.
///
/// # Errors
/// When the input or the tensors are of another layer, or the device fails.
pub fn forward(layer: &Layer, tensors: &[Tensor], input: &Tensor, mode: Mode, group: &Group) -> Result<Tensor> {
    let [stride, padding, output_padding] = [STRIDE, PADDING, OUTPUT_PADDING].map(|size| [size as i64; 2]);
    let output = match (layer.operation, tensors) {
        (Operation::Dense { .. }, [weight, bias]) => {
            let batch = input.size().first().copied().unwrap_or(0);
            let [channels, height, width] = layer.output.map(|size| size as i64);
            // PyTorch flattens [c, h, w]; a channels-last tensor is copied into that order here.
            let rows = input.f_reshape([batch, -1])?.f_linear(weight, Some(bias))?;
            shim::channels_last(&rows.f_view([batch, channels, height, width])?)?
        }
        (Operation::BatchNorm { .. }, [weight, bias, mean, variance])
            if group.size() > 1 && mode != Mode::Inference =>
        {
            synchronised_batch_norm([weight, bias, mean, variance], input, mode, group)?
        }
        (Operation::BatchNorm { .. }, [weight, bias, mean, variance]) => {
            // libtorch moves the running statistics that it is given while it measures the batch.
            let running = (mode != Mode::BatchStatistics).then_some((mean, variance));
            let (mean, variance) = running.unzip();
            let of_batch = mode != Mode::Inference;
            input.f_batch_norm(Some(weight), Some(bias), mean, variance, of_batch, mode.newest(), EPSILON, true)?
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

/// Batch normalisation by mean and variance over the batches of all processes of a group, which have as many maps each.
fn synchronised_batch_norm(tensors: [&Tensor; 4], input: &Tensor, mode: Mode, group: &Group) -> Result<Tensor> {
    let [weight, bias, running_mean, running_variance] = tensors;
    let features = input.f_to_kind(Kind::Float)?;
    let channels = features.size().get(1).copied().unwrap_or(1);
    let count = (features.numel() as i64 / channels.max(1)) as f64 * group.size() as f64;
    let of_channels = |values: &Tensor| -> Result<Tensor> {
        let sum = values.f_sum_dim_intlist([0_i64, 2, 3].as_slice(), true, Kind::Float)?;
        Ok(group.sum_with_gradient(&sum)?.f_div_scalar(count)?)
    };
    let mean = of_channels(&features)?;
    let centred = features.f_sub(&mean)?;
    let variance = of_channels(&centred.f_square()?)?;
    if mode != Mode::BatchStatistics {
        no_grad(|| -> Result<()> {
            // The running variance is that of the population, as libtorch's own.
            let population = variance.f_mul_scalar(count / (count - 1.0))?;
            for (running, of_batch) in [(running_mean, &mean), (running_variance, &population)] {
                let _ = running.shallow_clone().f_lerp_(&of_batch.f_flatten(0, -1)?, mode.newest())?;
            }
            Ok(())
        })?;
    }
    let shape = [1, channels, 1, 1];
    let normalised = centred.f_mul(&variance.f_add_scalar(EPSILON)?.f_rsqrt()?)?;
    let output = normalised.f_mul(&weight.f_view(shape)?)?.f_add(&bias.f_view(shape)?)?;
    Ok(output.f_to_kind(input.kind())?)
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
