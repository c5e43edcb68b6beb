//! libtorch: which device computes, the two networks in it, and the few functions that tch does not reach.
//!
//! ```text
//! device     --device auto|cpu|cuda:N, found out at run time
//! threads    how many threads compute, and how they wait for each other
//! network    a network's tensors by name (layers: what each computes)
//! generator  a network as what draws maps
//! shim       bf16 autocast, fused Adam, channels-last, leaky ReLU (C++)
//! ```

pub mod device;
pub mod generator;
pub mod layers;
pub mod network;
pub mod shim;
pub mod threads;

pub use generator::{TorchBackend, TorchGenerator};
pub use layers::{Mode, to_vec};
pub use network::{DiscriminatorForm, TorchNetwork};
