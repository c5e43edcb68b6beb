//! The two networks as libtorch tensors, built from the definition in `shared`.

use anyhow::{Context, Result};
use shared::{
    formats::weights::{Precision, Weights, encode},
    network::{
        Layer, NetworkDefinition, Operation, ParameterDefinition,
        definition::parameters,
        initial::{Network, initial_values},
    },
};
use tch::{Device, Tensor, no_grad};

use super::{
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
    /// Factor after the last layer, from the network's units to kappa; 1 for a discriminator.
    output_scale: f64,
}

impl TorchNetwork {
    /// The generator (paper Table 1) with seeded initial weights.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn generator(definition: &NetworkDefinition, seed: u64, device: Device) -> Result<Self> {
        definition.validate()?;
        Ok(Self::initial(definition.generator(), Network::Generator, seed, device)?.drawing(definition))
    }

    /// The discriminator (paper Table 2) with seeded initial weights.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn discriminator(definition: &NetworkDefinition, seed: u64, device: Device) -> Result<Self> {
        definition.validate()?;
        Ok(Self::initial(definition.discriminator(), Network::Discriminator, seed, device)?.judging(definition))
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

    /// Takes in kappa, as a discriminator does.
    fn judging(self, definition: &NetworkDefinition) -> Self {
        Self { input_scale: 1.0 / f64::from(definition.kappa_scale), ..self }
    }

    fn initial(layers: Vec<Layer>, network: Network, seed: u64, device: Device) -> Result<Self> {
        let values = |(index, p): (usize, &ParameterDefinition)| Ok(initial_values(p, network, index, seed));
        Self::build(layers, device, values)
    }

    fn from_weights(layers: Vec<Layer>, weights: &Weights, device: Device) -> Result<Self> {
        Self::build(layers, device, |(_, p): (usize, &ParameterDefinition)| Ok(weights.tensor(&p.name)?.to_vec()))
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
        Ok(Self { layers, parameters, tensors, input_scale: 1.0, output_scale: 1.0 })
    }

    /// Computes the network on `[n, channels, height, width]` (latent vectors: `[n, latent_size, 1, 1]`).
    ///
    /// # Errors
    /// When the input has another shape, or the device fails.
    pub fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        scaled(&self.through(&self.layers, input, mode)?, self.output_scale)
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

    fn through(&self, layers: &[Layer], input: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut features = scaled(input, self.input_scale)?;
        let mut rest = &self.tensors[..];
        for layer in layers {
            let count = layer.parameters().len();
            let (own, next) = rest.split_at_checked(count).context("a layer without its tensors")?;
            rest = next;
            features = forward(layer, own, &features, mode).with_context(|| format!("layer {}", layer.name))?;
        }
        Ok(features)
    }

    /// Tensors that the optimiser changes, in the order of the layers.
    pub fn trainable(&self) -> Vec<Tensor> {
        let trainable = self.parameters.iter().zip(&self.tensors).filter(|(parameter, _)| parameter.trainable);
        trainable.map(|(_, tensor)| tensor.shallow_clone()).collect()
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
        let generator = TorchNetwork::generator(&narrow(), 1, Device::Cpu).unwrap();
        let bytes = generator.encode(Precision::F32).unwrap();
        let weights = Weights::read(&bytes, &parameters(&narrow().generator())).unwrap();
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
        let network = TorchNetwork::discriminator(&narrow(), 1, Device::Cpu).unwrap();
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
}
