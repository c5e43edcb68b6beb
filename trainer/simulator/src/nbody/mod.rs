//! Particles and their gravity, from a Gaussian field to today.
//!
//! ```text
//! initial                 Gaussian field -> particles (2LPT)
//! particles, mesh, power  particles in cells, their density, their power spectrum
//! fourier                 transforms of cubes
//! long_range, short_range, gravity   forces: mesh, pairs, both (P3M)
//! dynamics                time steps: kicks and drifts
//! ```

pub mod dynamics;
pub mod fourier;
pub mod gravity;
pub mod initial;
pub mod long_range;
pub mod mesh;
pub mod particles;
pub mod power;
pub mod short_range;
