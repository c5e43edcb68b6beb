//! Adversarial training as the paper describes it (Section 2.3).
//!
//! ```text
//! config      what a run does, from a TOML file
//! data        training maps, memory-mapped, shuffled per epoch
//! mapped_file the bytes of a file that may be larger than memory
//! step        losses and updates of one step
//! adam        the optimiser and its state
//! checkpoint  everything a run needs to go on, in one file
//! run         the loop: logs, samples, checkpoints, stops
//! log         JSON lines and TensorBoard events
//! monitor     distance of generated power spectra to the data's
//! ```

pub mod adam;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod log;
pub mod mapped_file;
pub mod monitor;
pub mod run;
pub mod step;
pub mod tensorboard;
