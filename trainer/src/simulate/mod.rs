//! Training maps from nothing: N-body simulations and their light cones.
//!
//! ```text
//! parameters, plan        what is made, what it needs
//! cosmology               distances, growth, power spectra of theory
//! initial                 Gaussian field -> particles (2LPT)
//! particles, mesh, power  particles in cells, their density, their power spectrum
//! fourier                 transforms of cubes
//! long_range, short_range, gravity   forces: mesh, pairs, both (P3M)
//! dynamics                kicks and drifts
//! light_cone              shells of particles -> lens planes
//! evolution               one box, from its start to today
//! plane_store, plane_files planes on disk: until rays are traced, and for LensTools
//! checkpoint, campaign    many boxes: files, going on, sharing out
//! assessment              what came of them, beside theory
//! ```
//!
//! Lengths inside a box are in box sides, H0 = 1, and the density is 1 on average; Mpc/h enter with the initial density
//! and leave with the light cone.

pub mod assessment;
pub mod campaign;
pub mod checkpoint;
pub mod cosmology;
pub mod dynamics;
pub mod evolution;
pub mod fourier;
pub mod gravity;
pub mod initial;
pub mod light_cone;
pub mod long_range;
pub mod mesh;
pub mod parameters;
pub mod particles;
pub mod plan;
pub mod plane_files;
pub mod plane_store;
pub mod power;
pub mod short_range;
