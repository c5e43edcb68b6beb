//! Layers, names and shapes of the generator (paper Table 1) and of the discriminator (Table 2).

use serde::{Deserialize, Serialize};

/// Sizes that fix both networks; [`NetworkDefinition::paper`] gives the paper's.
///
/// The generator takes a latent vector to a map; each of its `stages` doubles the side. The discriminator mirrors it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkDefinition {
    /// Length of the latent vector z.
    pub latent_size: usize,
    /// Pixels along the side of a map.
    pub map_side: usize,
    /// Channels next to the map: output of the third stage of the generator, of the first of the discriminator.
    pub base_channels: usize,
    /// Strided (transposed) convolutions in each network.
    pub stages: usize,
    /// Kappa that the generator's tanh at 1 stands for, and by which the discriminator divides its input.
    ///
    /// The paper's maps fill [-1, 1] and need no scale: 0.9 % of them have a pixel beyond. Maps whose tail ends far below 1
    /// train better with the scale at which about as few reach beyond.
    pub kappa_scale: f32,
    /// What the generator is conditioned on, by name; none yet, and readers refuse what they do not know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
}

/// What a discriminator is, beside its sizes, which are the generator's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DiscriminatorForm {
    /// Whether it has Table 2's batch normalisation.
    pub batch_norm: bool,
    /// Kappa that its input 1 stands for.
    pub input_unit: f64,
    /// Whether it sees asinh of its input: peaks of many units then differ as a logarithm does.
    #[serde(default)]
    pub asinh: bool,
}

impl DiscriminatorForm {
    /// The paper's, Table 2.
    pub fn paper(definition: &NetworkDefinition) -> Self {
        Self { batch_norm: true, input_unit: f64::from(definition.kappa_scale), asinh: false }
    }

    /// Its layers.
    pub fn layers(self, definition: &NetworkDefinition) -> Vec<Layer> {
        if self.batch_norm { definition.discriminator() } else { definition.discriminator_without_batch_norm() }
    }
}

/// Why sizes do not make a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DefinitionError {
    /// A size is zero or beyond what this program can hold.
    #[error("{name} must be between 1 and {most}, got {value}")]
    Size {
        /// Name of the size.
        name: &'static str,
        /// Its value.
        value: usize,
        /// Largest value taken.
        most: usize,
    },
    /// The side is not a multiple of 2^stages.
    #[error("map_side {map_side} must be a multiple of 2^stages = {multiple}, so that every stage halves it exactly")]
    Side {
        /// Pixels along the side of a map.
        map_side: usize,
        /// 2^stages.
        multiple: usize,
    },
    /// The scale of kappa is zero, negative, not finite or absurd.
    #[error("kappa_scale must be between 1e-6 and 1e6, got {0}")]
    Scale(f32),
    /// Conditioned networks cannot be built by this version.
    #[error("this network is conditioned on {0:?}; this version builds unconditional networks only: use a newer one")]
    Conditioned(Vec<String>),
}

/// What a layer computes, on `[batch, channels, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Fully connected, from `inputs` to `outputs` features.
    Dense {
        /// Features in.
        inputs: usize,
        /// Features out.
        outputs: usize,
    },
    /// Batch normalisation per channel, [`EPSILON`] and [`MOMENTUM`].
    BatchNorm {
        /// Channels.
        channels: usize,
    },
    /// Transposed convolution, kernel [`KERNEL`], stride [`STRIDE`], padding [`PADDING`], output padding 1: doubles the side.
    TransposedConvolution {
        /// Channels in.
        inputs: usize,
        /// Channels out.
        outputs: usize,
    },
    /// Convolution, kernel [`KERNEL`], stride [`STRIDE`], padding [`PADDING`]: halves the side.
    Convolution {
        /// Channels in.
        inputs: usize,
        /// Channels out.
        outputs: usize,
    },
}

/// What follows a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// x, or [`LEAKINESS`] x where x is negative.
    LeakyRelu,
    /// tanh(x).
    Tanh,
}

/// Distribution that a parameter starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// All zero.
    Zero,
    /// All one.
    One,
    /// N(0, [`INITIAL_DEVIATION`]).
    Normal,
    /// N(0, [`INITIAL_DEVIATION`]), redrawn beyond two deviations.
    TruncatedNormal,
}

/// One tensor of a layer, named and laid out as PyTorch does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterDefinition {
    /// Name in a weights file, such as `deconv1.weight`.
    pub name: String,
    /// Shape: dense `[out, in]`, transposed convolution `[in, out, k, k]`, convolution `[out, in, k, k]`, else `[channels]`.
    pub shape: Vec<usize>,
    /// Distribution at the start of training.
    pub initial: Initial,
    /// Whether the optimiser changes it; running statistics of batch normalisation are not trained.
    pub trainable: bool,
}

/// One row of Table 1 or 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Name of the layer in a weights file, such as `deconv1`.
    pub name: String,
    /// What it computes.
    pub operation: Operation,
    /// What follows it.
    pub activation: Activation,
    /// Channels, height, width of its output.
    pub output: [usize; 3],
}

/// Side of every convolution kernel.
pub const KERNEL: usize = 5;
/// Stride of every convolution.
pub const STRIDE: usize = 2;
/// Padding of every convolution.
pub const PADDING: usize = 2;
/// Output padding of every transposed convolution, so that it doubles the side.
pub const OUTPUT_PADDING: usize = 1;
/// Epsilon of batch normalisation.
pub const EPSILON: f64 = 1e-5;
/// Weight of the newest batch in the running statistics (TensorFlow's decay 0.9).
pub const MOMENTUM: f64 = 0.1;
/// Slope of the leaky ReLU for negative values (Section 2.3).
pub const LEAKINESS: f64 = 0.2;
/// Standard deviation of initial weights.
pub const INITIAL_DEVIATION: f64 = 0.02;

impl NetworkDefinition {
    /// The paper's networks: z of 64, maps of 256 x 256, 64 base channels, four stages.
    pub fn paper() -> Self {
        Self { latent_size: 64, map_side: 256, base_channels: 64, stages: 4, kappa_scale: 1.0, conditions: Vec::new() }
    }

    /// Checks the sizes.
    ///
    /// # Errors
    /// When a size is out of range, the side cannot be halved `stages` times, or the network is conditioned.
    pub fn validate(&self) -> Result<(), DefinitionError> {
        let sizes = [
            ("latent_size", self.latent_size, 4096),
            ("map_side", self.map_side, 4096),
            ("base_channels", self.base_channels, 512),
            ("stages", self.stages, 7),
        ];
        for (name, value, most) in sizes {
            if value == 0 || value > most {
                return Err(DefinitionError::Size { name, value, most });
            }
        }
        let multiple = 1 << self.stages;
        if !self.map_side.is_multiple_of(multiple) {
            return Err(DefinitionError::Side { map_side: self.map_side, multiple });
        }
        if !(1e-6..=1e6).contains(&self.kappa_scale) {
            return Err(DefinitionError::Scale(self.kappa_scale));
        }
        if self.conditions.is_empty() { Ok(()) } else { Err(DefinitionError::Conditioned(self.conditions.clone())) }
    }

    /// Pixels of a map.
    pub fn map_pixels(&self) -> usize {
        self.map_side * self.map_side
    }

    /// Channels and side of the feature maps at `depth` stages away from the map; the map itself is depth 0.
    fn features(&self, depth: usize) -> [usize; 3] {
        let side = self.map_side >> depth;
        let channels = if depth == 0 { 1 } else { self.base_channels << (depth - 1) };
        [channels, side, side]
    }

    /// Rows of Table 1. Names: `fc`, `bn0`, then `deconv1`, `bn1`, ...; the last `deconv` has no batch normalisation.
    ///
    /// # Examples
    /// ```
    /// use shared::network::{NetworkDefinition, definition::parameters};
    ///
    /// let paper = NetworkDefinition::paper();
    /// let trained = parameters(&paper.generator()).into_iter().filter(|parameter| parameter.trainable);
    /// assert_eq!(trained.map(|parameter| parameter.shape.iter().product::<usize>()).sum::<usize>(), 12_824_449);
    /// ```
    pub fn generator(&self) -> Vec<Layer> {
        let first = self.features(self.stages);
        let dense = Operation::Dense { inputs: self.latent_size, outputs: first.iter().product() };
        let mut layers = vec![layer("fc", dense, Activation::None, first), batch_norm(0, first, Activation::Relu)];
        for stage in 1..=self.stages {
            let depth = self.stages - stage;
            let (input, output) = (self.features(depth + 1), self.features(depth));
            let operation = Operation::TransposedConvolution { inputs: input[0], outputs: output[0] };
            let last = stage == self.stages;
            let activation = if last { Activation::Tanh } else { Activation::None };
            layers.push(layer(&format!("deconv{stage}"), operation, activation, output));
            if !last {
                layers.push(batch_norm(stage, output, Activation::Relu));
            }
        }
        layers
    }

    /// Rows of Table 2, up to the logit: the sigmoid is part of the loss. Names: `conv1`, `conv2`, `bn2`, ..., `fc`.
    pub fn discriminator(&self) -> Vec<Layer> {
        self.discriminator_of(true)
    }

    /// Table 2 without its batch normalisation, so that a map is judged for itself, whatever its batch. The same names.
    pub fn discriminator_without_batch_norm(&self) -> Vec<Layer> {
        self.discriminator_of(false)
    }

    fn discriminator_of(&self, batch_normalised: bool) -> Vec<Layer> {
        let mut layers = Vec::new();
        for stage in 1..=self.stages {
            let (input, output) = (self.features(stage - 1), self.features(stage));
            let operation = Operation::Convolution { inputs: input[0], outputs: output[0] };
            let normalised = batch_normalised && stage > 1;
            let activation = if normalised { Activation::None } else { Activation::LeakyRelu };
            layers.push(layer(&format!("conv{stage}"), operation, activation, output));
            if normalised {
                layers.push(batch_norm(stage, output, Activation::LeakyRelu));
            }
        }
        let inputs = self.features(self.stages).iter().product();
        layers.push(layer("fc", Operation::Dense { inputs, outputs: 1 }, Activation::None, [1, 1, 1]));
        layers
    }
}

impl Default for NetworkDefinition {
    /// The paper's.
    fn default() -> Self {
        Self::paper()
    }
}

fn layer(name: &str, operation: Operation, activation: Activation, output: [usize; 3]) -> Layer {
    Layer { name: name.to_owned(), operation, activation, output }
}

fn batch_norm(stage: usize, output: [usize; 3], activation: Activation) -> Layer {
    layer(&format!("bn{stage}"), Operation::BatchNorm { channels: output[0] }, activation, output)
}

impl Layer {
    /// The layer's tensors, in PyTorch's order.
    pub fn parameters(&self) -> Vec<ParameterDefinition> {
        let parameter = |suffix: &str, shape: &[usize], initial: Initial, trainable: bool| ParameterDefinition {
            name: format!("{}.{suffix}", self.name),
            shape: shape.to_vec(),
            initial,
            trainable,
        };
        match self.operation {
            Operation::Dense { inputs, outputs } => vec![
                parameter("weight", &[outputs, inputs], Initial::Normal, true),
                parameter("bias", &[outputs], Initial::Zero, true),
            ],
            Operation::BatchNorm { channels } => vec![
                parameter("weight", &[channels], Initial::One, true),
                parameter("bias", &[channels], Initial::Zero, true),
                parameter("running_mean", &[channels], Initial::Zero, false),
                parameter("running_var", &[channels], Initial::One, false),
            ],
            Operation::TransposedConvolution { inputs, outputs } => vec![
                parameter("weight", &[inputs, outputs, KERNEL, KERNEL], Initial::Normal, true),
                parameter("bias", &[outputs], Initial::Zero, true),
            ],
            Operation::Convolution { inputs, outputs } => vec![
                parameter("weight", &[outputs, inputs, KERNEL, KERNEL], Initial::TruncatedNormal, true),
                parameter("bias", &[outputs], Initial::Zero, true),
            ],
        }
    }
}

/// All tensors of a network, in the order of its layers.
pub fn parameters(layers: &[Layer]) -> Vec<ParameterDefinition> {
    layers.iter().flat_map(Layer::parameters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trainable(layers: &[Layer]) -> usize {
        let trained = parameters(layers).into_iter().filter(|parameter| parameter.trainable);
        trained.map(|parameter| parameter.shape.iter().product::<usize>()).sum()
    }

    #[test]
    fn paper_networks_have_their_parameter_counts() {
        let paper = NetworkDefinition::paper();
        assert_eq!(trainable(&paper.generator()), 12_824_449);
        assert_eq!(trainable(&paper.discriminator()), 4_436_225);
        // Scale and shift of 128 + 256 + 512 channels less.
        assert_eq!(trainable(&paper.discriminator_without_batch_norm()), 4_436_225 - 2 * 896);
    }

    #[test]
    fn paper_tables() {
        let paper = NetworkDefinition::paper();
        let rows = |layers: Vec<Layer>| layers.into_iter().map(|l| (l.name, l.output)).collect::<Vec<_>>();
        let expect = |rows: &[(&str, [usize; 3])]| rows.iter().map(|r| (r.0.to_owned(), r.1)).collect::<Vec<_>>();
        let table_1 = [
            ("fc", [512, 16, 16]),
            ("bn0", [512, 16, 16]),
            ("deconv1", [256, 32, 32]),
            ("bn1", [256, 32, 32]),
            ("deconv2", [128, 64, 64]),
            ("bn2", [128, 64, 64]),
            ("deconv3", [64, 128, 128]),
            ("bn3", [64, 128, 128]),
            ("deconv4", [1, 256, 256]),
        ];
        assert_eq!(rows(paper.generator()), expect(&table_1));
        let table_2 = [
            ("conv1", [64, 128, 128]),
            ("conv2", [128, 64, 64]),
            ("bn2", [128, 64, 64]),
            ("conv3", [256, 32, 32]),
            ("bn3", [256, 32, 32]),
            ("conv4", [512, 16, 16]),
            ("bn4", [512, 16, 16]),
            ("fc", [1, 1, 1]),
        ];
        assert_eq!(rows(paper.discriminator()), expect(&table_2));
    }

    #[test]
    fn refuses_sizes_that_make_no_network() {
        let paper = NetworkDefinition::paper();
        assert!(paper.validate().is_ok());
        let odd = NetworkDefinition { map_side: 250, ..paper.clone() };
        assert_eq!(odd.validate(), Err(DefinitionError::Side { map_side: 250, multiple: 16 }));
        let empty = NetworkDefinition { latent_size: 0, ..paper.clone() };
        assert_eq!(empty.validate(), Err(DefinitionError::Size { name: "latent_size", value: 0, most: 4096 }));
        let conditioned = NetworkDefinition { conditions: vec!["omega_m".into()], ..paper };
        assert!(matches!(conditioned.validate(), Err(DefinitionError::Conditioned(_))));
    }
}
