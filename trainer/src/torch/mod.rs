//! libtorch: which device computes, and the few functions that tch does not reach.
//!
//! ```text
//! device  --device auto|cpu|cuda:N, found out at run time
//! shim    bf16 autocast, fused Adam, channels-last, leaky ReLU (C++)
//! ```

pub mod device;
pub mod shim;
