//! The two networks as libtorch tensors, built from the definition in `shared`.

use anyhow::{Context, Result};
use shared::{
    formats::weights::{Precision, Weights, encode},
    network::{
        DiscriminatorForm, Layer, NetworkDefinition, Operation, ParameterDefinition,
        definition::parameters,
        initial::{Initialisation, Network, initial_network},
    },
};
use tch::{Device, Kind, Tensor, no_grad};

use super::{
    group::Group,
    layers::{Mode, forward, to_vec},
    shim,
};

/// A network on a device: the layers of its table, and their tensors by name.
#[derive(Debug)]
pub struct TorchNetwork {
    layers: Vec<Layer>,
    parameters: Vec<ParameterDefinition>,
    /// One tensor a parameter, f32, convolution kernels channels-last.
    tensors: Vec<Tensor>,
    /// Factor before the first layer, from kappa to the network's units; 1 for a generator.
    input_scale: f64,
    /// Whether the first layer sees asinh of the scaled input.
    input_asinh: bool,
    /// Factor after the last layer, from the network's units to kappa; 1 for a discriminator.
    output_scale: f64,
    /// Processes over whose batches batch normalisation measures; this one alone, unless [`TorchNetwork::synchronise`] says otherwise.
    synchronised: Group,
}

impl TorchNetwork {
    /// The generator (paper Table 1) with seeded initial weights.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn generator(
        definition: &NetworkDefinition,
        begins: Initialisation,
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        definition.validate()?;
        Ok(Self::initial(definition.generator(), Network::Generator, begins, seed, device)?.drawing(definition))
    }

    /// The discriminator (paper Table 2, or without its batch normalisation) with seeded initial weights.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn discriminator(
        definition: &NetworkDefinition,
        form: DiscriminatorForm,
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        definition.validate()?;
        let (layers, begins) = if form.batch_norm {
            (definition.discriminator(), Initialisation::Paper)
        } else {
            (definition.discriminator_without_batch_norm(), Initialisation::He)
        };
        let network = Self::initial(layers, Network::Discriminator, begins, seed, device)?;
        Ok(Self { input_scale: 1.0 / form.input_unit, input_asinh: form.asinh, ..network })
    }

    /// A trained generator from a file's weights.
    ///
    /// # Errors
    /// When the weights are of another network, or the device has no room.
    pub fn generator_from(definition: &NetworkDefinition, weights: &Weights, device: Device) -> Result<Self> {
        definition.validate()?;
        Ok(Self::from_weights(definition.generator(), weights, device)?.drawing(definition))
    }

    /// Puts out kappa, as a generator does.
    fn drawing(self, definition: &NetworkDefinition) -> Self {
        Self { output_scale: f64::from(definition.kappa_scale), ..self }
    }

    fn initial(
        layers: Vec<Layer>,
        network: Network,
        begins: Initialisation,
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        let values = initial_network(&layers, network, begins, seed);
        Self::build(layers, device, |(index, _)| values.get(index).cloned().context("a parameter without values"))
    }

    fn from_weights(layers: Vec<Layer>, weights: &Weights, device: Device) -> Result<Self> {
        Self::build(layers, device, |(_, p): (usize, &ParameterDefinition)| Ok(weights.tensor(&p.name)?))
    }

    fn build(
        layers: Vec<Layer>,
        device: Device,
        values: impl Fn((usize, &ParameterDefinition)) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let parameters = parameters(&layers);
        let tensor = |(index, parameter): (usize, &ParameterDefinition)| -> Result<Tensor> {
            let shape: Vec<i64> = parameter.shape.iter().map(|&size| size as i64).collect();
            let tensor = Tensor::f_from_slice(&values((index, parameter))?)?.f_view(&shape[..])?.f_to_device(device)?;
            let tensor = if shape.len() == 4 { shim::channels_last(&tensor)? } else { tensor };
            Ok(tensor.f_set_requires_grad(parameter.trainable)?)
        };
        let tensors = parameters.iter().enumerate().map(tensor).collect::<Result<_>>()?;
        Ok(Self {
            layers,
            parameters,
            tensors,
            input_scale: 1.0,
            input_asinh: false,
            output_scale: 1.0,
            synchronised: Group::default(),
        })
    }

    /// Computes the network on `[n, channels, height, width]` (latent vectors: `[n, latent_size, 1, 1]`).
    ///
    /// # Errors
    /// When the input has another shape, or the device fails.
    pub fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        scaled(&self.through(&self.layers, input, mode)?, self.output_scale)
    }

    /// The same with products in bf16, but for the layer next to the map, whose eight bits would show.
    ///
    /// # Errors
    /// When the input has another shape, or the device fails.
    pub fn forward_in_bf16(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        let input = self.seen(input)?;
        let draws =
            matches!(self.layers.last(), Some(Layer { operation: Operation::TransposedConvolution { .. }, .. }));
        let output = if draws {
            let (inner, last) = self.layers.split_at(self.layers.len() - 1);
            let features = in_bf16(&input, || self.through_at(inner, 0, &input, mode))?;
            self.through_at(last, inner.len(), &features.f_to_kind(Kind::Float)?, mode)?
        } else {
            let (first, inner) = self.layers.split_at(1);
            let features = self.through_at(first, 0, &input, mode)?;
            in_bf16(&input, || self.through_at(inner, 1, &features, mode))?
        };
        scaled(&output.f_to_kind(Kind::Float)?, self.output_scale)
    }

    /// Activations of a discriminator's last convolutional layer, in inference mode: `[n, features]` of `[n, 1, side, side]`
    /// values of kappa. Distances between these are a measure of likeness that the network learned (paper Section 3.2).
    ///
    /// # Errors
    /// When the input has another shape, or the device fails.
    pub fn features(&self, kappa: &Tensor) -> Result<Tensor> {
        let dense = |layer: &Layer| matches!(layer.operation, Operation::Dense { .. });
        let convolutions = self.layers.split(dense).next().unwrap_or(&[]);
        Ok(no_grad(|| self.through(convolutions, kappa, Mode::Inference))?.f_reshape([kappa.size()[0], -1])?)
    }

    /// What the last layer is given, in inference mode.
    ///
    /// # Errors
    /// When the input has another shape, or the device fails.
    pub fn before_last_layer(&self, input: &Tensor) -> Result<Tensor> {
        let layers = self.layers.split_last().map_or(&[][..], |(_, before)| before);
        no_grad(|| self.through(layers, input, Mode::Inference))
    }

    /// What the first layer sees of an input.
    fn seen(&self, input: &Tensor) -> Result<Tensor> {
        let scaled = scaled(input, self.input_scale)?;
        Ok(if self.input_asinh { scaled.f_asinh()? } else { scaled })
    }

    fn through(&self, layers: &[Layer], input: &Tensor, mode: Mode) -> Result<Tensor> {
        self.through_at(layers, 0, &self.seen(input)?, mode)
    }

    /// Through some layers, of which there are `before` others in front.
    fn through_at(&self, layers: &[Layer], before: usize, input: &Tensor, mode: Mode) -> Result<Tensor> {
        let skipped = self.layers.iter().take(before).map(|layer| layer.parameters().len()).sum();
        let mut rest = self.tensors.get(skipped..).context("layers without their tensors")?;
        let mut features = input.shallow_clone();
        for layer in layers {
            let count = layer.parameters().len();
            let (own, next) = rest.split_at_checked(count).context("a layer without its tensors")?;
            rest = next;
            features = forward(layer, own, &features, mode, &self.synchronised)
                .with_context(|| format!("layer {}", layer.name))?;
        }
        Ok(features)
    }

    /// Tensors that the optimiser changes, in the order of the layers.
    pub fn trainable(&self) -> Vec<Tensor> {
        let trainable = self.parameters.iter().zip(&self.tensors).filter(|(parameter, _)| parameter.trainable);
        trainable.map(|(_, tensor)| tensor.shallow_clone()).collect()
    }

    /// Lets batch normalisation measure the batches of all processes of a group.
    pub fn synchronise(&mut self, group: Group) {
        self.synchronised = group;
    }

    /// Where the network is.
    pub fn device(&self) -> Device {
        self.tensors.first().map_or(Device::Cpu, Tensor::device)
    }

    /// Names of the tensors that the optimiser changes, in the same order.
    pub fn trainable_names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(|parameter| parameter.trainable).map(|parameter| parameter.name.as_str())
    }

    /// Every tensor with its name.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.parameters.iter().map(|parameter| parameter.name.as_str()).zip(&self.tensors)
    }

    /// The tensors as a safetensors file under PyTorch's names and layouts.
    ///
    /// # Errors
    /// When a value is not finite in this precision.
    pub fn encode(&self, precision: Precision) -> Result<Vec<u8>> {
        let values: Vec<Vec<f32>> = self.tensors.iter().map(to_vec).collect::<Result<_>>()?;
        let of = |wanted: &ParameterDefinition| {
            let index = self.parameters.iter().position(|parameter| parameter == wanted);
            index.map(|index| values[index].clone()).unwrap_or_default()
        };
        Ok(encode(&self.parameters, precision, of)?)
    }
}

/// Runs a forward pass with products in bf16, on the device of a tensor.
fn in_bf16<T>(on: &Tensor, forward: impl FnOnce() -> Result<T>) -> Result<T> {
    let cuda = on.device().is_cuda();
    shim::set_bf16_autocast(cuda, true)?;
    let result = forward();
    shim::set_bf16_autocast(cuda, false)?;
    result
}

fn scaled(values: &Tensor, factor: f64) -> Result<Tensor> {
    Ok(if factor == 1.0 { values.shallow_clone() } else { values.f_mul_scalar(factor)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::generator::TorchBackend;

    fn narrow() -> NetworkDefinition {
        NetworkDefinition { latent_size: 8, map_side: 32, base_channels: 4, stages: 3, ..NetworkDefinition::paper() }
    }

    #[test]
    fn saved_weights_compute_the_same_map() {
        let generator = TorchNetwork::generator(&narrow(), Initialisation::Paper, 1, Device::Cpu).unwrap();
        let bytes = generator.encode(Precision::F32).unwrap();
        let weights = Weights::read(bytes, &parameters(&narrow().generator())).unwrap();
        let loaded = TorchNetwork::generator_from(&narrow(), &weights, Device::Cpu).unwrap();
        let draw = |network: &TorchNetwork| {
            TorchBackend { network, device: Device::Cpu }.generator(&narrow(), 1.0, 2).draw_seeds([1, 2]).unwrap()
        };
        let maps = draw(&generator);
        assert_eq!(maps, draw(&loaded));
        assert_eq!((maps.len(), maps[0].len()), (2, 32 * 32));
        assert_ne!(maps[0], maps[1]);
    }

    #[test]
    fn training_mode_alone_moves_the_running_statistics() {
        let network =
            TorchNetwork::discriminator(&narrow(), DiscriminatorForm::paper(&narrow()), 1, Device::Cpu).unwrap();
        let maps = Tensor::f_from_slice(&(0..2048).map(|i| (i % 37) as f32 / 37.0).collect::<Vec<_>>()).unwrap();
        let maps = maps.view([2, 1, 32, 32]);
        let mean = || {
            let (_, tensor) = network.named().find(|(name, _)| *name == "bn2.running_mean").unwrap();
            to_vec(tensor).unwrap()
        };
        let before = mean();
        assert_eq!(network.forward(&maps, Mode::Inference).unwrap().size(), [2, 1, 1, 1]);
        assert_eq!(mean(), before);
        let batch = to_vec(&network.forward(&maps, Mode::BatchStatistics).unwrap()).unwrap();
        assert_eq!(mean(), before);
        assert_eq!(to_vec(&network.forward(&maps, Mode::Training).unwrap()).unwrap(), batch);
        assert_ne!(mean(), before);
    }

    #[test]
    fn measured_anew_the_running_statistics_are_means_over_batches() {
        let definition = narrow();
        let network = TorchNetwork::generator(&definition, Initialisation::Spline, 1, Device::Cpu).unwrap();
        let latents: Vec<Tensor> = (0..3)
            .map(|batch| Tensor::from_slice(&(0..32).map(|i| ((i * 7 + batch) % 11) as f32 - 5.0).collect::<Vec<_>>()))
            .map(|latents| latents.view([4, 8, 1, 1]))
            .collect();
        let statistics = || {
            let (_, tensor) = network.named().find(|(name, _)| *name == "bn1.running_var").unwrap();
            to_vec(tensor).unwrap()
        };
        let mut of_batches = vec![0.0; statistics().len()];
        for latents in &latents {
            let _ = network.forward(latents, Mode::Measuring(1)).unwrap();
            of_batches.iter_mut().zip(statistics()).for_each(|(sum, value)| *sum += value / 3.0);
        }
        for (batch, latents) in (1..).zip(&latents) {
            let _ = network.forward(latents, Mode::Measuring(batch)).unwrap();
        }
        for (found, expected) in statistics().into_iter().zip(of_batches) {
            assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn bf16_is_close_and_the_layer_next_to_the_map_has_all_bits() {
        let definition = narrow();
        let generator = TorchNetwork::generator(&definition, Initialisation::Spline, 1, Device::Cpu).unwrap();
        let latents = Tensor::from_slice(&(0..16).map(|i| (i % 5) as f32 - 2.0).collect::<Vec<_>>()).view([2, 8, 1, 1]);
        let [full, mixed] = [
            generator.forward(&latents, Mode::Training).unwrap(),
            generator.forward_in_bf16(&latents, Mode::Training).unwrap(),
        ];
        assert_eq!(mixed.kind(), Kind::Float);
        let (full, mixed) = (to_vec(&full).unwrap(), to_vec(&mixed).unwrap());
        let largest = full.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        assert!(full.iter().zip(&mixed).all(|(a, b)| (a - b).abs() < 0.05 * largest));
        let has_more_than_bf16 = mixed.iter().filter(|value| value.to_bits() & 0xffff != 0).count();
        assert!(has_more_than_bf16 > mixed.len() / 2);
        let discriminator = TorchNetwork::discriminator(
            &definition,
            DiscriminatorForm { batch_norm: false, input_unit: 0.5, asinh: true },
            1,
            Device::Cpu,
        )
        .unwrap();
        let maps = Tensor::from_slice(&full).view([2, 1, 32, 32]);
        let [full, mixed] = [
            discriminator.forward(&maps, Mode::Training).unwrap(),
            discriminator.forward_in_bf16(&maps, Mode::Training).unwrap(),
        ];
        let difference = f64::try_from((full - mixed).abs().max()).unwrap();
        assert!(difference > 0.0 && difference < 0.05, "{difference}");
    }
}
