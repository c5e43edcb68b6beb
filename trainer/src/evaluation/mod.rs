//! How good a generator is: every figure and number of the paper's Section 3, beside a control.
//!
//! ```text
//! measured    statistics of a set of maps, from files or from a generator
//! comparison  two sets against each other
//! ```

pub mod comparison;
pub mod figures;
pub mod measured;
pub mod novelty;
pub mod pairs;
pub mod parts;
pub mod reference;
pub mod report;
pub mod vectors;
