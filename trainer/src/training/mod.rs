//! Adversarial training as the paper describes it (Section 2.3).
//!
//! ```text
//! config      what a run does, from a TOML file
//! data        training maps, memory-mapped; order: which of them a step takes; batches: read ahead by a thread
//! losses      what updates lower, by name; step: both updates of one step
//! adam        the optimiser: gradients and updates
//! measures    what steps measure, by name
//! checkpoint  everything a run needs to go on, in one file
//! run         phases, steps, logs, samples, checkpoints, reasons to stop
//! log         JSON lines; tensorboard: the same numbers as events
//! monitor     distance of generated power spectra to the data's
//! ```
//!
//! What computes (`adam`, `losses`, `step`, `run`) needs libtorch; the rest does not.

#[cfg(feature = "torch")]
pub mod adam;
pub mod batches;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod log;
#[cfg(feature = "torch")]
pub mod losses;
pub mod measures;
pub mod monitor;
pub mod order;
#[cfg(feature = "torch")]
pub mod run;
#[cfg(feature = "torch")]
pub mod step;
pub mod tensorboard;
