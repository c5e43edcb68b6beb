//! Convergence maps from nothing: N-body simulations and their light cones; and from lens planes of others.
//!
//! ```text
//! parameters, needs   what is made, and what that takes
//! limits              ranges of the parameters
//! cosmology           growth and power spectra of theory
//! nbody               particles and their gravity, from a Gaussian field to today
//! light_cone          shells of particles -> lens planes, as an observer sees them
//! evolution           one box, from its start to today, and what is seen of it
//! ray_tracing         lens planes -> convergence
//! planes              lens planes on disk, and lines of sight through those of LensTools
//! campaign            many boxes: files, going on, sharing out
//! assessment          what came of them, beside theory
//! ```
//!
//! Lengths inside a box are in box sides, H0 = 1, and the density is 1 on average; Mpc/h enter with the initial density
//! and leave with the light cone. No libtorch, no network: it builds and runs wherever Rust does.
#![warn(missing_docs)]

pub mod assessment;
pub mod campaign;
pub mod cosmology;
pub mod evolution;
pub mod light_cone;
pub mod limits;
pub mod nbody;
pub mod needs;
pub mod parameters;
pub mod planes;
pub mod ray_tracing;
