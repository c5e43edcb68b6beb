//! Checkpoints of other programs: tensors under their own names, read without running anything that a file holds.
//!
//! ```text
//! tensorflow  TensorFlow's second format: an index and files of data
//! pytorch     what torch.save writes: a zip or, before version 1.6, pickles one after the other
//! safe        safetensors without a manifest
//! ```

pub mod pytorch;
pub mod safe;
pub mod tensorflow;

use half::{bf16, f16};

/// A tensor of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes of its axes.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub values: Vec<f32>,
}

/// Why a checkpoint cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Bytes are missing, or contradict each other or their checksum.
    #[error("it is damaged or cut off: {0}")]
    Damaged(String),
    /// It is something else.
    #[error("{0}")]
    Kind(String),
    /// It names code, which is not run.
    #[error(
        "it holds {0}, which only running the file would make sense of, and nothing of it is run: save the tensors alone, with \
         torch.save(model.state_dict(), FILE) or safetensors.torch.save_file(model.state_dict(), FILE)"
    )]
    Code(String),
    /// A tensor that was asked for is not there.
    #[error("tensor {0} is missing")]
    Missing(String),
    /// A tensor holds numbers of a type that weights are not made of.
    #[error("tensor {name} holds {kind}: weights are float32, float64, float16 or bfloat16")]
    Type {
        /// Name of the tensor.
        name: String,
        /// Its type.
        kind: String,
    },
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// Types of numbers that weights are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Float {
    /// bfloat16.
    Brain,
    /// IEEE half precision.
    Half,
    /// IEEE single precision.
    Single,
    /// IEEE double precision.
    Double,
}

impl Float {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::Brain | Self::Half => 2,
            Self::Single => 4,
            Self::Double => 8,
        }
    }

    /// Little-endian numbers in single precision.
    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::Brain => bytes.as_chunks().0.iter().map(|&two| bf16::from_le_bytes(two).to_f32()).collect(),
            Self::Half => bytes.as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).to_f32()).collect(),
            Self::Single => bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
            Self::Double => bytes.as_chunks().0.iter().map(|&eight| f64::from_le_bytes(eight) as f32).collect(),
        }
    }
}

/// Number of values of a shape; `None` beyond what can be addressed.
fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}
