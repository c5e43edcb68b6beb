//! burn as what computes a generator's maps.

use burn::tensor::{Device, Tensor, TensorData};

use super::networks::{Generator, Kernels};
use crate::{
    formats::weights::{Weights, WeightsError},
    network::{
        NetworkDefinition,
        generator::{Backend, DrawError, InputBatch},
    },
};

/// A generator on a burn device.
#[derive(Debug)]
pub struct BurnBackend {
    generator: Generator,
    device: Device,
    latent_size: usize,
}

/// Why a device drew no maps.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// What was asked for was wrong.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// The device failed, in its own words.
    #[error("{0}")]
    Device(String),
}

impl BurnBackend {
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
        let generator = Generator::new(definition, weights, device, kernels)?;
        Ok(Self { generator, device: device.clone(), latent_size: definition.latent_size })
    }
}

impl Backend for BurnBackend {
    type Error = DeviceError;

    async fn forward(&self, batch: InputBatch) -> Result<Vec<f32>, DeviceError> {
        let shape = [batch.maps, self.latent_size];
        let latents = Tensor::<2>::from_data(TensorData::new(batch.latents, shape), &self.device);
        let data = self.generator.forward(latents).into_data_async().await;
        let data = data.map_err(|error| DeviceError::Device(error.to_string()))?;
        data.try_into_vec::<f32>().map_err(|error| DeviceError::Device(format!("{error:?}")))
    }
}
