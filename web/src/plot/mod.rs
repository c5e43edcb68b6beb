//! Plots: one component for all of them.
//!
//! ```text
//! axis    where values lie, and the numbers along an axis
//! series  lines and bands of values
//! figure  the component: lines, legend, read-out, a marker that can be dragged
//! export  the figure as SVG, its numbers as CSV
//! ```

mod axis;
mod export;
mod figure;
mod series;

pub use axis::{AxisKind, AxisSpec, round_step};
pub use figure::{Brush, Marker, Plot};
pub use series::{Kind, Series};
