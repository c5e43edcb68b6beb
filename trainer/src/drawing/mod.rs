//! Maps from trained weights, on whichever device.
//!
//! ```text
//! device  --device auto|cpu|torch-cpu|cuda:N, found out at run time
//! drawer  weights on a device: the project's own inference on processors, libtorch on CUDA and where it is asked for
//! ```

pub mod device;
pub mod drawer;

pub use device::DeviceChoice;
pub use drawer::{Drawer, Generator};
