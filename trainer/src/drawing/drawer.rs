//! Weights on a device, as what computes a generator's maps.

use std::future::{Future, ready};

use anyhow::Result;
use shared::{
    formats::weights::{Manifest, Weights},
    network::{
        MapGenerator, NetworkDefinition,
        cpu::CpuGenerator,
        generator::{Backend, InputBatch},
    },
};

use super::device::DeviceChoice;
#[cfg(feature = "torch")]
use crate::torch::{TorchBackend, TorchNetwork, process};

/// Trained weights on a device.
pub enum Drawer {
    /// The project's own inference, the same bits as on the page.
    Cpu(Box<CpuGenerator>),
    /// libtorch.
    #[cfg(feature = "torch")]
    Torch(TorchNetwork, tch::Device),
}

/// Draws maps with trained weights.
pub type Generator = MapGenerator<Drawer>;

impl Drawer {
    /// Puts a generator's weights on the device that was asked for. `auto` takes CUDA where there is some, else the CPU.
    ///
    /// # Errors
    /// When the device is not there, or the weights are of another network.
    pub fn new(network: &NetworkDefinition, weights: &Weights, choice: DeviceChoice) -> Result<Self> {
        #[cfg(feature = "torch")]
        if choice != DeviceChoice::Cpu {
            let device = choice.open()?;
            if choice != DeviceChoice::Auto || device.is_cuda() {
                return Ok(Self::Torch(TorchNetwork::generator_from(network, weights, device)?, device));
            }
        }
        #[cfg(not(feature = "torch"))]
        if matches!(choice, DeviceChoice::TorchCpu | DeviceChoice::Cuda(_)) {
            return Err(super::device::DeviceError::NoTorch(choice).into());
        }
        Ok(Self::Cpu(Box::new(CpuGenerator::new(network, weights)?)))
    }

    /// Draws maps as a manifest states them, `batch` at once.
    pub fn generator(self, manifest: &Manifest, batch: usize) -> Generator {
        MapGenerator::new(manifest.network.clone(), manifest.side_angle, batch, self)
    }

    /// Where libtorch computes beside this.
    #[cfg(feature = "torch")]
    pub fn torch_device(&self) -> tch::Device {
        match self {
            Self::Cpu(_) => tch::Device::Cpu,
            Self::Torch(_, device) => *device,
        }
    }

    /// The device in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Cpu(_) => format!("CPU, {} threads", shared::parallel::threads()),
            #[cfg(feature = "torch")]
            Self::Torch(_, tch::Device::Cpu) => format!("CPU through libtorch, {} threads", tch::get_num_threads()),
            #[cfg(feature = "torch")]
            Self::Torch(_, device) => super::device::describe(*device),
        }
    }
}

impl Backend for Drawer {
    type Error = anyhow::Error;

    fn forward(&self, batch: InputBatch) -> impl Future<Output = Result<Vec<f32>>> {
        ready(match self {
            Self::Cpu(generator) => generator.compute(&batch).map_err(anyhow::Error::from),
            #[cfg(feature = "torch")]
            Self::Torch(network, device) => TorchBackend { network, device: *device }.compute(&batch),
        })
    }
}

/// Settles how this process computes, as many threads as it may use by default. Called before anything else.
#[cfg(feature = "torch")]
pub fn settle(threads: Option<u16>) {
    process::settle(threads, 1);
}

/// Settles how this process computes, as many threads as it may use by default. Called before anything else.
#[cfg(not(feature = "torch"))]
pub fn settle(threads: Option<u16>) {
    let threads = threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    // Refused where the pool runs already, as in a test; its size then stays.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}
