//! A generator's transposed convolutions on WebGPU by a kernel of our own, three times as fast as burn's on a software adapter.
//!
//! ```text
//! shader  the kernel's text for a layer's sizes, and the order in which it reads its weights
//! layer   a layer on a device (feature `webgpu`)
//! launch  the kernel as an operation of burn's tensors (likewise)
//! ```

#[cfg(feature = "webgpu")]
mod launch;
#[cfg(feature = "webgpu")]
mod layer;
mod shader;

#[cfg(feature = "webgpu")]
pub use self::layer::TransposedConvolution;
pub use self::shader::Shader;
