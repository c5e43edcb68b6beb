//! How good a generator is: every figure and number of the paper's Section 3, beside a control.
//!
//! ```text
//! run         the evaluation, part by part (parts: what is finished, on disk)
//! measured    statistics of a set of maps, from files or from a generator
//! comparison  two sets against each other, bin by bin; pixel_comparison: their pixel values
//! novelty     nearest training maps, near pairs (pairs, vectors), interpolation, diversity
//! figures     plots; report: figures, HTML page, report.json, terminal screen
//! reference   files of public/reference, which the page reads
//! ```

pub mod comparison;
pub mod figures;
pub mod measured;
pub mod novelty;
pub mod pairs;
pub mod parts;
pub mod pixel_comparison;
pub mod reference;
pub mod report;
pub mod run;
pub mod vectors;
