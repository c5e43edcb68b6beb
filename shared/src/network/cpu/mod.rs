//! The project's own inference on processors: the same bits natively and in wasm, on one core a map.
//!
//! ```text
//! generator   latent vectors -> dense -> transposed ... -> last -> kappa
//! dense       the latent vector to the first feature map
//! transposed  a transposed convolution as four phases (winograd: fewer products; gemm: the products)
//! last        the last feature map to kappa (tanh)
//! features    how feature maps lie in memory
//! lanes, width  numbers side by side, as many as the processor's registers hold
//! ```
#![expect(
    clippy::inline_always,
    reason = "what is not inlined would be compiled for the least processor, not for this one"
)]

mod dense;
mod features;
mod gemm;
mod generator;
mod lanes;
mod last;
#[cfg(test)]
mod naive;
mod tanh;
mod transposed;
mod width;
mod winograd;

pub use generator::{CpuGenerator, Workspace};
