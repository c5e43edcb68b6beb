//! Adversarial training as the paper describes it (Section 2.3).
//!
//! ```text
//! config      what a run does, from a TOML file
//! data        training maps, memory-mapped; order: which of them a step takes; batches: read ahead by a thread
//! losses      what updates lower, by name; step: both updates of one step
//! adam        the optimiser: gradients and updates
//! recipe      settings of what goes beyond the paper; forces: gradients toward statistics of the data
//! average     the moving average of the generator's weights; finish: what an export makes of them
//! measures    what steps measure, by name
//! checkpoint  everything a run needs to go on, in one file
//! run         phases, steps, logs, samples, checkpoints, reasons to stop
//! log         JSON lines; tensorboard: the same numbers as events
//! monitor     distance of generated power spectra to the data's
//! curves      learning curves of several runs
//! ```
//!
//! What computes (`adam`, `average`, `finish`, `forces`, `losses`, `step`, `run`) needs libtorch; the rest does not.

#[cfg(feature = "torch")]
pub mod adam;
#[cfg(feature = "torch")]
pub mod average;
#[cfg(feature = "torch")]
pub mod batches;
pub mod checkpoint;
pub mod config;
pub mod curves;
pub mod data;
#[cfg(feature = "torch")]
pub mod finish;
#[cfg(feature = "torch")]
pub mod forces;
pub mod log;
#[cfg(feature = "torch")]
pub mod losses;
pub mod measures;
pub mod monitor;
pub mod order;
pub mod recipe;
#[cfg(feature = "torch")]
pub mod run;
#[cfg(feature = "torch")]
pub mod step;
pub mod tensorboard;
