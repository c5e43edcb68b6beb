//! The evaluation as a report: figures, an HTML page that holds them, a file with every number, a screen of text.
//!
//! ```text
//! results  every number, as report.json holds it
//! figures  the paper's Figures 1 to 8 and three more
//! page     the HTML page
//! summary  the terminal's screen
//! ```

pub mod figures;
pub mod page;
pub mod results;
pub mod summary;
