//! Generator and discriminator, stage by stage.
//!
//! Shapes come from [`crate::network::definition`]; nothing here states one of its own.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::{
    formats::weights::{Weights, WeightsError},
    network::{
        definition::{
            Activation, KERNEL, LEAKINESS, Layer, NetworkDefinition, OUTPUT_PADDING, Operation, PADDING, STRIDE,
        },
        folded::scale_and_shift,
    },
};

/// The generator (paper Table 1): latent vectors `[n, latent_size]` to maps `[n, 1, side, side]`.
#[derive(Module, Debug)]
pub struct Generator {
    stages: Vec<Stage>,
    #[module(skip)]
    kappa_scale: f32,
}

/// The discriminator (paper Table 2): maps `[n, 1, side, side]` to logits `[n, 1]`.
#[derive(Module, Debug)]
pub struct Discriminator {
    stages: Vec<Stage>,
    #[module(skip)]
    kappa_scale: f32,
}

/// One row of a table, with the batch normalisation and the activation that follow it.
#[derive(Module, Debug)]
struct Stage {
    operation: Computation,
    #[module(skip)]
    activation: Activation,
    /// Channels, height, width of the output.
    #[module(skip)]
    output: [usize; 3],
}

#[derive(Module, Debug)]
enum Computation {
    Dense(Linear),
    TransposedConvolution(ConvTranspose2d),
    Convolution(Conv2d),
}

impl Generator {
    /// Puts a generator with these weights on a device.
    ///
    /// # Errors
    /// When the sizes make no network, or the weights were read for another one.
    pub fn new(definition: &NetworkDefinition, weights: &Weights, device: &Device) -> Result<Self, WeightsError> {
        definition.validate()?;
        let stages = stages(&definition.generator(), weights, device)?;
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
        let stages = stages(&definition.discriminator(), weights, device)?;
        Ok(Self { stages, kappa_scale: definition.kappa_scale })
    }

    /// Logits `[n, 1]` of maps `[n, 1, side, side]` in kappa: the probability of being real is their sigmoid.
    pub fn forward(&self, maps: Tensor<4>) -> Tensor<2> {
        let logits = run(&self.stages, maps.div_scalar(self.kappa_scale));
        let [count, ..] = logits.dims();
        logits.reshape([count, 1])
    }
}

fn stages(layers: &[Layer], weights: &Weights, device: &Device) -> Result<Vec<Stage>, WeightsError> {
    let mut stages = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let next = layers.get(number + 1).filter(|next| matches!(next.operation, Operation::BatchNorm { .. }));
        let activation = next.map_or(layer.activation, |next| next.activation);
        if let Some(operation) = computation(layer, &Tensors { layer, next, weights, device })? {
            stages.push(Stage { operation, activation, output: layer.output });
        }
    }
    Ok(stages)
}

/// A layer's tensors on a device, with the batch normalisation that follows it folded in.
struct Tensors<'a> {
    layer: &'a Layer,
    next: Option<&'a Layer>,
    weights: &'a Weights,
    device: &'a Device,
}

impl Tensors<'_> {
    /// Weight and bias. `channel` says which output channel a number of the weight belongs to, `spread` how many numbers of the bias
    /// each channel has.
    fn read(&self, channel: impl Fn(usize) -> usize, spread: usize) -> Result<[Tensor<1>; 2], WeightsError> {
        let tensor = |suffix: &str| self.weights.tensor(&format!("{}.{suffix}", self.layer.name));
        let (mut weight, mut bias) = (tensor("weight")?, tensor("bias")?);
        if let Some(next) = self.next {
            let normal = scale_and_shift(next, self.weights)?;
            for (place, weight) in weight.iter_mut().enumerate() {
                *weight = (f64::from(*weight) * normal[channel(place)].0) as f32;
            }
            for (place, bias) in bias.iter_mut().enumerate() {
                let (scale, shift) = normal[place / spread];
                *bias = (f64::from(*bias) * scale + shift) as f32;
            }
        }
        Ok([weight, bias].map(|values| {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), self.device)
        }))
    }
}

fn run(stages: &[Stage], input: Tensor<4>) -> Tensor<4> {
    stages.iter().fold(input, |features, stage| stage.forward(features))
}

/// A layer's module; none of batch normalisation, which is part of the layer before it.
fn computation(layer: &Layer, tensors: &Tensors<'_>) -> Result<Option<Computation>, WeightsError> {
    let device = tensors.device;
    // Modules start from zeros and take their tensors right away.
    let zeros = Initializer::Zeros;
    Ok(Some(match layer.operation {
        Operation::Dense { inputs, outputs } => {
            let pixels = layer.output[1] * layer.output[2];
            let [weight, own] = tensors.read(|place| place / inputs / pixels, pixels)?;
            let mut linear = LinearConfig::new(inputs, outputs).with_initializer(zeros).init(device);
            // PyTorch lays dense weights out [out, in], burn [in, out].
            let weight = weight.reshape([outputs, inputs]).transpose();
            linear.weight = linear.weight.map(|_| weight);
            linear.bias = bias(linear.bias, &own);
            Computation::Dense(linear)
        }
        Operation::TransposedConvolution { inputs, outputs } => {
            let [weight, own] = tensors.read(|place| place / (KERNEL * KERNEL) % outputs, 1)?;
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
            let [weight, own] = tensors.read(|place| place / (KERNEL * KERNEL * inputs), 1)?;
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
        Operation::BatchNorm { .. } => return Ok(None),
    }))
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
