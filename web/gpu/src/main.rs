//! The worker for visitors with a graphics processor: it draws through burn on WebGPU.

use burn::tensor::Device as BurnDevice;
use protocol::DeviceKind;
use shared::network::{
    burn::{BurnBackend, DeviceError, Kernels},
    generator::{Backend, DrawError, InputBatch},
};
use worker::{Failure, device::Device, serve};

/// What computes the transposed convolutions.
const KERNELS: Kernels =
    if cfg!(any(feature = "flex", feature = "burn-kernels")) { Kernels::Burn } else { Kernels::Own };

/// burn, whose failures are those of a worker.
struct Graphics(BurnBackend);

/// A failure of the graphics processor.
struct GraphicsFailure(Failure);

impl From<DrawError> for GraphicsFailure {
    fn from(error: DrawError) -> Self {
        Self(error.into())
    }
}

impl From<DeviceError> for GraphicsFailure {
    fn from(error: DeviceError) -> Self {
        Self(match error {
            DeviceError::Draw(error) => error.into(),
            error @ DeviceError::Device(_) => {
                Failure::of_device(format!("The graphics processor could not draw the map ({error})."))
            }
        })
    }
}

impl From<GraphicsFailure> for Failure {
    fn from(failure: GraphicsFailure) -> Self {
        failure.0
    }
}

impl Backend for Graphics {
    type Error = GraphicsFailure;

    async fn forward(&self, batch: InputBatch) -> Result<Vec<f32>, GraphicsFailure> {
        Ok(self.0.forward(batch).await?)
    }
}

/// The visitor's graphics processor.
#[cfg(not(feature = "flex"))]
async fn open() -> Result<BurnDevice, Failure> {
    let refused = |error| Failure::of_device(format!("The graphics processor refused to start ({error})."));
    BurnDevice::wgpu_options().init_async().await.map_err(refused)
}

/// burn's CPU backend, for the benchmark.
#[cfg(feature = "flex")]
async fn open() -> Result<BurnDevice, Failure> {
    Ok(BurnDevice::flex())
}

fn main() {
    serve(|network, weights| {
        Box::pin(async move {
            let device = open().await?;
            let backend = BurnBackend::new(&network, &weights, &device, KERNELS)
                .map_err(|error| Failure::final_one(format!("The weights cannot be used: {error}.")))?;
            Ok(Device { kind: DeviceKind::WebGpu, compute: Box::new(Graphics(backend)), layers: None })
        })
    });
}
