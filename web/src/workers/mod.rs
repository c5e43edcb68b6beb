//! The Web Workers that compute.
//!
//! ```text
//! client    the one that draws what is on screen: jobs, time limits, a fresh start, which device
//! weights   what they load
//! ensemble  as many as the machine has room for, which share out the maps of an ensemble
//! graphics  the graphics processor: whether there is one, and whether it was worth it last time
//! link      one worker
//! newest    work that follows what the visitor does
//! limit     time limits
//! ```

pub mod client;
mod ensemble;
mod graphics;
mod limit;
mod link;
pub mod newest;
mod weights;

pub use client::{Answered, Unanswered, WorkerClient};
pub use ensemble::{Generated, Scatter};
pub use weights::{OWN_FOLDER, VisitorWeights, WeightsSource};
