//! Generator and discriminator, stage by stage.
//!
//! Shapes come from [`crate::network::definition`]; nothing here states one of its own.

use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::{
    formats::weights::{Weights, WeightsError},
    network::{
        definition::{
            Activation, KERNEL, LEAKINESS, Layer, NetworkDefinition, OUTPUT_PADDING, Operation, PADDING, STRIDE,
            parameters,
        },
        folded::FoldedLayer,
    },
};

/// The generator (paper Table 1): latent vectors `[n, latent_size]` to maps `[n, 1, side, side]`.
#[derive(Debug)]
pub struct Generator {
    stages: Vec<Stage>,
    kappa_scale: f32,
}

/// The discriminator (paper Table 2): maps `[n, 1, side, side]` to logits `[n, 1]`.
#[derive(Debug)]
pub struct Discriminator {
    stages: Vec<Stage>,
    kappa_scale: f32,
}

/// One row of a table, with the batch normalisation and the activation that follow it.
#[derive(Debug)]
struct Stage {
    operation: Computation,
    activation: Activation,
    /// Channels, height, width of the output.
    output: [usize; 3],
}

#[derive(Debug)]
enum Computation {
    Dense(Linear),
    TransposedConvolution(ConvTranspose2d),
    #[cfg(feature = "webgpu")]
    OwnTransposedConvolution(Box<super::transposed::TransposedConvolution>),
    Convolution(Conv2d),
}

/// What computes the transposed convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// burn, on any device.
    Burn,
    /// Our own kernel, on WebGPU alone.
    #[cfg(feature = "webgpu")]
    Own,
}

impl Generator {
    /// Puts a generator with these weights on a device.
    ///
    /// # Errors
    /// When the sizes make no network, or the weights were read for another one.
    pub fn new(
        definition: &NetworkDefinition,
        weights: &Weights,
        device: &Device,
        kernels: Kernels,
    ) -> Result<Self, WeightsError> {
        definition.validate()?;
        let stages = stages(&definition.generator(), weights, device, kernels)?;
        Ok(Self { stages, kappa_scale: definition.kappa_scale })
    }

    /// Maps `[n, 1, side, side]` of latent vectors `[n, latent_size]`, in kappa.
    pub fn forward(&self, latent: Tensor<2>) -> Tensor<4> {
        let [maps, size] = latent.dims();
        run(&self.stages, latent.reshape([maps, size, 1, 1])).mul_scalar(self.kappa_scale)
    }
}

impl Discriminator {
    /// Puts a discriminator with these weights on a device.
    ///
    /// # Errors
    /// When the sizes make no network, or the weights were read for another one.
    pub fn new(definition: &NetworkDefinition, weights: &Weights, device: &Device) -> Result<Self, WeightsError> {
        definition.validate()?;
        let stages = stages(&definition.discriminator(), weights, device, Kernels::Burn)?;
        Ok(Self { stages, kappa_scale: definition.kappa_scale })
    }

    /// Logits `[n, 1]` of maps `[n, 1, side, side]` in kappa: the probability of being real is their sigmoid.
    pub fn forward(&self, maps: Tensor<4>) -> Tensor<2> {
        let logits = run(&self.stages, maps.div_scalar(self.kappa_scale));
        let [count, ..] = logits.dims();
        logits.reshape([count, 1])
    }
}

fn stages(layers: &[Layer], weights: &Weights, device: &Device, kernels: Kernels) -> Result<Vec<Stage>, WeightsError> {
    weights.check(&parameters(layers))?;
    let mut stages = Vec::new();
    for layer in FoldedLayer::of(layers, weights)? {
        let stage = |operation| Stage { operation, activation: layer.activation, output: layer.layer.output };
        match kernels {
            #[cfg(feature = "webgpu")]
            Kernels::Own if matches!(layer.layer.operation, Operation::TransposedConvolution { .. }) => {
                let own = super::transposed::TransposedConvolution::new(&layer, weights, device)?;
                stages.push(stage(Computation::OwnTransposedConvolution(Box::new(own))));
                continue;
            }
            _ => {}
        }
        let tensors = [layer.weight(weights)?, layer.bias(weights)?].map(|values| {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), device)
        });
        if let Some(operation) = computation(layer.layer, tensors, device) {
            stages.push(stage(operation));
        }
    }
    Ok(stages)
}

fn run(stages: &[Stage], input: Tensor<4>) -> Tensor<4> {
    stages.iter().fold(input, |features, stage| stage.forward(features))
}

/// A layer's module; none of batch normalisation, which is part of the layer before it.
fn computation(layer: &Layer, [weight, own]: [Tensor<1>; 2], device: &Device) -> Option<Computation> {
    // Modules start from zeros and take their tensors right away.
    let zeros = Initializer::Zeros;
    Some(match layer.operation {
        Operation::Dense { inputs, outputs } => {
            let mut linear = LinearConfig::new(inputs, outputs).with_initializer(zeros).init(device);
            // PyTorch lays dense weights out [out, in], burn [in, out].
            let weight = weight.reshape([outputs, inputs]).transpose();
            linear.weight = linear.weight.map(|_| weight);
            linear.bias = bias(linear.bias, &own);
            Computation::Dense(linear)
        }
        Operation::TransposedConvolution { inputs, outputs } => {
            let config = ConvTranspose2dConfig::new([inputs, outputs], [KERNEL, KERNEL])
                .with_stride([STRIDE, STRIDE])
                .with_padding([PADDING, PADDING])
                .with_padding_out([OUTPUT_PADDING, OUTPUT_PADDING])
                .with_initializer(zeros);
            let mut convolution = config.init(device);
            let weight = weight.reshape([inputs, outputs, KERNEL, KERNEL]);
            convolution.weight = convolution.weight.map(|_| weight);
            convolution.bias = bias(convolution.bias, &own);
            Computation::TransposedConvolution(convolution)
        }
        Operation::Convolution { inputs, outputs } => {
            let config = Conv2dConfig::new([inputs, outputs], [KERNEL, KERNEL])
                .with_stride([STRIDE, STRIDE])
                .with_padding(PaddingConfig2d::Explicit(PADDING, PADDING, PADDING, PADDING))
                .with_initializer(zeros);
            let mut convolution = config.init(device);
            let weight = weight.reshape([outputs, inputs, KERNEL, KERNEL]);
            convolution.weight = convolution.weight.map(|_| weight);
            convolution.bias = bias(convolution.bias, &own);
            Computation::Convolution(convolution)
        }
        Operation::BatchNorm { .. } => return None,
    })
}

type Bias = Option<burn::module::Param<Tensor<1>>>;

fn bias(zeros: Bias, values: &Tensor<1>) -> Bias {
    zeros.map(|parameter| parameter.map(|_| values.clone()))
}

impl Stage {
    fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let output = match &self.operation {
            Computation::Dense(linear) => {
                let [count, channels, height, width] = features.dims();
                let rows: Tensor<2> = linear.forward(features.reshape([count, channels * height * width]));
                let [channels, height, width] = self.output;
                rows.reshape([count, channels, height, width])
            }
            Computation::TransposedConvolution(convolution) => convolution.forward(features),
            // It applies the activation itself.
            #[cfg(feature = "webgpu")]
            Computation::OwnTransposedConvolution(convolution) => return convolution.forward(features),
            Computation::Convolution(convolution) => convolution.forward(features),
        };
        match self.activation {
            Activation::None => output,
            Activation::Relu => activation::relu(output),
            Activation::LeakyRelu => activation::leaky_relu(output, LEAKINESS),
            Activation::Tanh => activation::tanh(output),
        }
    }
}
