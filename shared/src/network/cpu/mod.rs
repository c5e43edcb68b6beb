//! The project's own inference on processors: the same bits natively and in wasm, on one core a map.
//!
//! ```text
//! generator      latent vectors -> dense -> transposed ... -> last -> kappa
//! discriminator  kappa -> convolution ... -> logit
//!
//! dense       the latent vector to the first feature map
//! transposed  a transposed convolution as four phases
//! tiles       both ways between feature maps and products (winograd: how, with fewer of them; gemm: the products)
//! last        the last feature map to kappa (tanh)
//! features    how feature maps lie in memory
//! lanes, width  numbers side by side, as many as the processor's registers hold
//! ```
#![expect(
    clippy::inline_always,
    reason = "what is not inlined would be compiled for the least processor, not for this one"
)]

mod convolution;
mod dense;
mod discriminator;
mod features;
mod gemm;
mod generator;
mod lanes;
mod last;
#[cfg(test)]
mod naive;
mod tanh;
mod tiles;
mod transposed;
mod width;
mod winograd;

pub use discriminator::CpuDiscriminator;
pub use generator::{CpuGenerator, Workspace};
