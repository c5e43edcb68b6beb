//! From lens planes to convergence, whatever the planes come from.
//!
//! ```text
//! square       Fourier transforms of periodic squares: potentials and their derivatives
//! multi_plane  rays that are deflected at every plane
//! ```
//!
//! A plane is the Laplacian of its lensing potential with respect to angles in radians. The Born projection is a weighted
//! sum of these; [`shared::cosmology::PlaneDistance::efficiency`] is the weight.

pub mod multi_plane;
pub mod square;

use serde::{Deserialize, Serialize};

/// How light is followed through lens planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum RayTracing {
    /// Along straight lines
    Born,
    /// Deflected and sheared at every plane
    MultiPlane,
}
