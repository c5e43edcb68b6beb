//! Everything a run needs to go on, in one safetensors file: both networks, both Adam states, the step.
//!
//! Random numbers and the place in the data follow from the seed and the step, so they need no state of their own. A
//! file is written under another name and renamed, so that a checkpoint is complete or not there, and it is written only when
//! every value in it is finite. It holds a checksum, and older ones go only when the new one has been read back.
//!
//! ```text
//! state     what a checkpoint says of itself
//! checksum  whether its bytes are those that were written
//! folder    the checkpoints of a run: which are there, which is good, which go
//! tensors   from and to networks and optimisers (libtorch)
//! ```

pub mod checksum;
pub mod folder;
pub mod state;
#[cfg(feature = "torch")]
pub mod tensors;

pub use folder::{Checkpoints, ResumeFrom};
pub use state::{CheckpointState, DataRecord, VERSION, read_state};
#[cfg(feature = "torch")]
pub use tensors::{NotFinite, check_finite, restore, restore_generator, save, save_generator};
