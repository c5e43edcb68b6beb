//! Trained weights on disk: a manifest, and files of tensors beside it.
//!
//! ```text
//! import weights of other programs
//! load   a folder, a manifest or a file of tensors -> what it is, and the generator
//! onnx   a generator as an ONNX model
//! of_run a checkpoint's generator, and what is known of it
//! write  both -> a folder
//! ```

pub mod import;
pub mod load;
#[cfg(feature = "torch")]
pub mod of_run;
pub mod onnx;
pub mod write;

pub use load::{LoadedWeights, WeightsPrecision};
