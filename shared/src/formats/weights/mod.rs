//! Trained weights: tensors in safetensors, and a JSON manifest that says what they are.
//!
//! ```text
//! manifest    what the network is, how good it is, the SHA-256 of each file
//! origin      where it comes from: trained here, or imported
//! self_check  pixels that a device has to draw
//! tensors     safetensors in f32 or f16, under PyTorch's names and layouts
//! ```

pub mod manifest;
pub mod origin;
pub mod self_check;
pub mod tensors;

pub use manifest::{DiscriminatorWeights, Manifest, WeightsFile};
pub use origin::{Ancestor, ImportRecord, Origin, TrainingRecord};
pub use self_check::SelfCheck;
pub use tensors::{Precision, Values, Weights, encode};

use crate::network::definition::DefinitionError;

/// Why bytes are not usable weights.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The manifest is not JSON of the expected form.
    #[error("the manifest is not readable: {0}")]
    Manifest(serde_json::Error),
    /// The manifest belongs to something else or to a newer version of this program.
    #[error("the manifest says format {format:?} version {version}; this program reads {expected:?} version {newest}")]
    Version {
        /// Format that the file names.
        format: String,
        /// Version that the file names.
        version: u32,
        /// Format read here.
        expected: &'static str,
        /// Newest version read here.
        newest: u32,
    },
    /// A number of the manifest is out of range.
    #[error("the manifest's {name} is {value}, which is out of range")]
    Value {
        /// Name of the field.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The network's sizes are not usable.
    #[error("the manifest's network is not usable: {0}")]
    Network(DefinitionError),
    /// The file has another length than the manifest says: a download was cut off, or it is another file.
    #[error("{file} has {found} bytes, its manifest says {expected}: it is cut off or not the file meant")]
    Length {
        /// Name of the file.
        file: String,
        /// Bytes found.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// The file's SHA-256 differs from the manifest's.
    #[error("{file} is damaged or not the file meant: its SHA-256 is {found}, its manifest says {expected}")]
    Checksum {
        /// Name of the file.
        file: String,
        /// SHA-256 found, in hexadecimal.
        found: String,
        /// SHA-256 expected, in hexadecimal.
        expected: String,
    },
    /// The file is not safetensors.
    #[error("not a safetensors file: {0}")]
    Safetensors(safetensors::SafeTensorError),
    /// A tensor of the network is missing.
    #[error("tensor {0} is missing")]
    Missing(String),
    /// A tensor has another shape than the network.
    #[error("tensor {name} has shape {found:?}, the network needs {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// Shape found.
        found: Vec<usize>,
        /// Shape expected.
        expected: Vec<usize>,
    },
    /// A tensor is neither f32 nor f16.
    #[error("tensor {name} holds {dtype}; weights are F32 or F16")]
    Type {
        /// Name of the tensor.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// A tensor holds NaN or an infinite value.
    #[error("tensor {0} holds a value that is not finite: training had diverged, or the file is damaged")]
    NotFinite(String),
    /// A tensor holds a value beyond the largest of half precision.
    #[error(
        "tensor {0} holds a value beyond 65,504, the largest of half precision: write it in single precision alone (--precision f32)"
    )]
    BeyondHalf(String),
    /// A variance is negative.
    #[error("{0} has a running_var of {1}: no variance is negative, so the file is damaged")]
    Variance(String, f64),
}

// By hand, without a source: the cause stands in the message, and is not to be said twice.
impl From<serde_json::Error> for WeightsError {
    fn from(error: serde_json::Error) -> Self {
        Self::Manifest(error)
    }
}

impl From<DefinitionError> for WeightsError {
    fn from(error: DefinitionError) -> Self {
        Self::Network(error)
    }
}

impl From<safetensors::SafeTensorError> for WeightsError {
    fn from(error: safetensors::SafeTensorError) -> Self {
        Self::Safetensors(error)
    }
}
