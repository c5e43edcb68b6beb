//! The evaluation as a report: figures, an HTML page that holds them, a file with every number, a screen of text.
//!
//! ```text
//! results  every number, as report.json holds it
//! figures  Figures 2 to 6, peaks, p-values; novelty_figures: 7, 8, closest pairs
//! page     the HTML page
//! summary  the terminal's screen
//! ```

pub mod figures;
pub mod novelty_figures;
pub mod page;
pub mod results;
pub mod summary;
