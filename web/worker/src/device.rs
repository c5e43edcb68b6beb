//! What draws: a generator on some device, behind one type whatever the device.

use std::{future::Future, pin::Pin};

use protocol::DeviceKind;
use shared::{
    formats::weights::Weights,
    network::{
        NetworkDefinition,
        generator::{Backend, DrawError, InputBatch},
    },
};

use crate::messages::Failure;

/// A value to come.
pub type Coming<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Puts a generator with its weights on the program's device.
pub type Open = fn(NetworkDefinition, Weights) -> Coming<'static, Result<Device, Failure>>;

/// A generator on a device.
pub struct Device {
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// What computes.
    pub compute: Box<dyn Compute>,
    /// What shows each layer's part, where the device can.
    pub layers: Option<Layers>,
}

/// What each layer makes of a latent vector, `[channels, side, side]` each.
pub type Layers = Box<dyn Fn(&[f32]) -> Result<Vec<Vec<f32>>, Failure>>;

/// [`Backend`] for devices that are chosen at run time.
pub trait Compute {
    /// Kappa of a batch.
    fn compute(&self, batch: InputBatch) -> Coming<'_, Result<Vec<f32>, Failure>>;
}

impl<B: Backend> Compute for B
where
    Failure: From<B::Error>,
{
    fn compute(&self, batch: InputBatch) -> Coming<'_, Result<Vec<f32>, Failure>> {
        Box::pin(async move { Ok(self.forward(batch).await?) })
    }
}

/// What computes, as a generator takes it.
pub struct Computing(pub Box<dyn Compute>);

impl Backend for Computing {
    type Error = Failure;

    fn forward(&self, batch: InputBatch) -> impl Future<Output = Result<Vec<f32>, Failure>> {
        self.0.compute(batch)
    }
}

impl From<DrawError> for Failure {
    fn from(error: DrawError) -> Self {
        match error {
            DrawError::Latent { .. } | DrawError::Conditions { .. } => {
                Self::final_one(format!("The map cannot be drawn: {error}."))
            }
            error => Self::of_device(format!("The device could not draw the map ({error}).")),
        }
    }
}
