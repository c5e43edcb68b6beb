//! What a survey would see of a convergence map, and what of it one looks at.
//!
//! ```text
//! treatment  noise of galaxy shapes, Gaussian smoothing, a band of multipoles
//! lensing    deflection of light by a map
//! galaxies   a picture of the galaxies behind it
//! ```

pub mod galaxies;
pub mod lensing;
pub mod treatment;

pub use galaxies::GalaxyField;
pub use lensing::{Deflection, DeflectionPlan};
pub use treatment::{ShapeNoise, Treatment, TreatmentPlan};
