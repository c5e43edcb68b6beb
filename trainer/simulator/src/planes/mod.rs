//! Lens planes on disk: those of a box until its rays are traced, and those that LensTools writes and reads.
//!
//! ```text
//! store           planes of a box, by the numbers of their shells
//! files           planes of a map -> FITS for LensTools
//! potentials      LensTools' FITS -> Laplacians
//! lines_of_sight  Laplacians -> kappa, along straight lines or deflected ones
//! ```

pub mod files;
pub mod lines_of_sight;
pub mod potentials;
pub mod store;

pub use lines_of_sight::LinesOfSight;
pub use potentials::{LensPlane, LensPlanes};
pub use store::PlaneStore;
