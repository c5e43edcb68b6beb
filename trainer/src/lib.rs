//! The `trainer` command as a library, for its own program and the tests.
//!
//! ```text
//! simulator::campaign -> storage::maps -> training -> weights -> public/weights
//!                              |             |
//!                              +-------- evaluation -> report, public/reference
//! spectra    P(l) of many maps
//! figures    plots, and the pages that hold them
//! drawing    maps from weights, on whichever device
//! torch      libtorch and the two networks in it
//! viewer     the page on one's own weights
//! progress   what people look at meanwhile
//! commands   one module a subcommand
//! ```
//!
//! Feature `torch`, on by default: what trains networks. Without it nothing here needs libtorch.

pub mod commands;
pub mod drawing;
pub mod evaluation;
pub mod figures;
pub mod progress;
pub mod spectra;
#[cfg(feature = "torch")]
pub mod torch;
pub mod training;
pub mod viewer;
pub mod weights;
