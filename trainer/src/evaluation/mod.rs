//! How good a generator is: every figure and number of the paper's Section 3, beside a control.
//!
//! ```text
//! run         the evaluation, part by part
//! arrays      these as arrays with names, and as .npz
//! measured    statistics of a set of maps, from files or from a generator
//! comparison  two sets against each other, bin by bin (options: how); pixel_comparison: their pixel values
//! diversity   how alike the maps of one set are
//! novelty     nearest training maps, near pairs (pairs, vectors), interpolation
//! report      figures, HTML page, report.json, terminal screen
//! reference   files of public/reference, which the page reads
//! ```

pub mod arrays;
pub mod comparison;
pub mod diversity;
#[cfg(test)]
mod fixtures;
pub mod measured;
#[cfg(feature = "torch")]
pub mod novelty;
pub mod options;
#[cfg(feature = "torch")]
pub mod pairs;
pub mod pixel_comparison;
pub mod reference;
#[cfg(feature = "torch")]
pub mod report;
#[cfg(feature = "torch")]
pub mod run;
#[cfg(feature = "torch")]
pub mod vectors;
