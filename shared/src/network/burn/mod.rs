//! The two networks as burn modules, for inference on any burn device, WebGPU among them.
//!
//! ```text
//! networks    generator and discriminator, stage by stage, from the definition and weights
//! transposed  transposed convolutions on WebGPU by a kernel of our own (feature `webgpu`)
//! backend     the generator as what computes a [`MapGenerator`](super::generator::MapGenerator)'s maps
//! ```

pub mod backend;
pub mod networks;
pub mod transposed;

pub use backend::{BurnBackend, DeviceError};
pub use networks::{Discriminator, Generator, Kernels};
