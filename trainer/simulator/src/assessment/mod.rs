//! A finished or partly finished campaign against theory: the numbers that `trainer assess` prints.
//!
//! ```text
//! boxes (manifests, maps) -> maps (each: angular_power, crops, smoothing -> moments) -+
//!       |                                                                             +-> report (estimate, quantity)
//!       +-> matter_power                             against (moments of other maps) -+
//! ```
//!
//! A row has a mean over boxes and its standard error over boxes, since maps of one box share its structures. Whether a
//! goal is met is decided by the mean alone: a goal that is missed by less than the error needs more boxes.

pub mod against;
pub mod angular_power;
pub mod boxes;
pub mod crops;
pub mod estimate;
pub mod maps;
pub mod matter_power;
pub mod moments;
pub mod quantity;
pub mod report;
pub mod smoothing;

pub use against::Against;
pub use boxes::Boxes;
pub use report::{Report, Row, assess};
