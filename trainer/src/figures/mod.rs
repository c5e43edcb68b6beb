//! Figures as SVG, and pages that hold them.
//!
//! ```text
//! plot    panels with axes: bands, curves, histograms
//! matrix  correlation matrices
//! page    style and text of HTML pages
//! ```

pub mod matrix;
pub mod page;
pub mod plot;
