//! Trained weights on disk: a manifest, and files of tensors beside it.
//!
//! ```text
//! load   a folder, a manifest or a file of tensors -> what it is, and the generator
//! onnx   a generator as an ONNX model
//! of_run a checkpoint's generator, and what is known of it
//! write  both -> a folder
//! ```

pub mod load;
#[cfg(feature = "torch")]
pub mod of_run;
pub mod onnx;
#[cfg(feature = "torch")]
pub mod write;

pub use load::{LoadedWeights, WeightsPrecision};
