//! libtorch as what computes a generator's maps.

use std::future::{Future, ready};

use anyhow::Result;
use shared::network::{
    MapGenerator, NetworkDefinition,
    generator::{Backend, InputBatch},
};
use tch::{Device, Tensor, no_grad};

use super::{
    layers::{Mode, to_vec},
    network::TorchNetwork,
};

/// A generator on a device.
#[derive(Debug, Clone, Copy)]
pub struct TorchBackend<'a> {
    /// The network.
    pub network: &'a TorchNetwork,
    /// Where it computes.
    pub device: Device,
}

/// Draws maps through libtorch.
pub type TorchGenerator<'a> = MapGenerator<TorchBackend<'a>>;

impl<'a> TorchBackend<'a> {
    /// Draws maps of `side_angle` degrees, `batch` at once.
    pub fn generator(self, definition: &NetworkDefinition, side_angle: f64, batch: usize) -> TorchGenerator<'a> {
        MapGenerator::new(definition.clone(), side_angle, batch, self)
    }

    /// Kappa of a batch.
    ///
    /// # Errors
    /// When the device fails.
    pub fn compute(&self, batch: &InputBatch) -> Result<Vec<f32>> {
        let (maps, size) = (batch.maps as i64, batch.latents.len() / batch.maps.max(1));
        let latents = Tensor::f_from_slice(&batch.latents)?.f_view([maps, size as i64, 1, 1])?;
        let latents = latents.f_to_device(self.device)?;
        no_grad(|| to_vec(&self.network.forward(&latents, Mode::Inference)?))
    }
}

impl Backend for TorchBackend<'_> {
    type Error = anyhow::Error;

    fn forward(&self, batch: InputBatch) -> impl Future<Output = Result<Vec<f32>>> {
        ready(self.compute(&batch))
    }
}
