//! What the trainer and the page of CosmoGAN have in common: the network definition of Mustafa et al. (2019), its latent
//! prior, convergence maps with their statistics, and the file formats.
//!
//! Everything here is values in, values out: no files, threads or devices beyond what the caller hands in, and it
//! compiles for native targets and `wasm32-unknown-unknown`.
//!
//! ```text
//! latent -> network -> map -> statistics
//!                       |
//!            formats (.npy, FITS, weights), colour, survey (noise, smoothing, deflection of light)
//! cosmology             distances, below everything that has one
//! ```
//!
//! Feature `burn`: the generator and the discriminator as burn modules, `network::burn`.
#![warn(missing_docs)]

pub mod colour;
pub mod cosmology;
pub mod formats;
pub mod latent;
pub mod map;
pub mod network;
pub mod parallel;
pub mod random;
pub mod statistics;
pub mod survey;

pub use cosmology::{Cosmology, HUBBLE_DISTANCE};
pub use map::ConvergenceMap;
