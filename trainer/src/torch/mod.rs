//! libtorch: the two networks in it, and the few functions that tch does not reach.
//!
//! ```text
//! process    how this process computes: how many threads, how they wait, what becomes of freed memory
//! group      processes that train together
//! network    a network's tensors by name (layers: what each computes)
//! generator  a network as what draws maps
//! shim       bf16 autocast, fused Adam, channels-last, leaky ReLU, sums over processes (C++)
//! ```

pub mod generator;
pub mod group;
pub mod layers;
pub mod network;
pub mod process;
pub mod shim;

pub use generator::{TorchBackend, TorchGenerator};
pub use group::Group;
pub use layers::{Mode, to_vec};
pub use network::TorchNetwork;
