//! The paper's figures as SVG.
//!
//! ```text
//! plot    panels with axes: bands, curves, histograms
//! matrix  correlation matrices
//! ```

pub mod matrix;
pub mod plot;
