//! The background universe: parameters, distances and densities, flat or curved. Everything that has a distance uses these.
//!
//! ```text
//! parameters      what files carry along with maps
//! background      distances along and across the line of sight
//! plane_distance  where a lens plane lies, and what it weighs before a source
//! table           smooth functions between nodes
//! ```
//!
//! Distances are comoving and in Mpc/h; the scale factor is 1 today. Radiation and massive neutrinos are left out.
//! Growth and power spectra are the simulator's.

pub mod background;
pub mod parameters;
pub mod plane_distance;
pub mod table;

pub use background::Background;
pub use parameters::{Cosmology, HUBBLE_DISTANCE};
pub use plane_distance::PlaneDistance;

/// Why parameters make no universe, or one whose tables would be wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CosmologyError {
    /// A parameter is NaN or infinite.
    #[error("Omega_m, Omega_L, h, w0 and wa must be finite numbers")]
    NotFinite,
    /// No matter.
    #[error("Omega_m is {0}: structure needs matter, choose it above 0")]
    NoMatter(f64),
    /// No expansion today.
    #[error("h is {0}: choose it above 0, for example 0.7")]
    Hubble(f64),
    /// A universe that turned around in the past.
    #[error(
        "Omega_m {omega_m} and Omega_L {omega_l} make a universe without a Big Bang: choose a smaller Omega_L or a larger Omega_m"
    )]
    NoBigBang {
        /// Matter density.
        omega_m: f64,
        /// Dark-energy density.
        omega_l: f64,
    },
    /// Dark energy that does not fade into the past.
    #[error(
        "w0 {w0} and wa {wa} leave dark energy in the early universe, where matter is only {matter_percent:.0} % of all: \
         choose w0 + wa below -0.3"
    )]
    EarlyDarkEnergy {
        /// Equation of state today.
        w0: f64,
        /// Its change.
        wa: f64,
        /// Share of matter at the earliest scale factor, in percent.
        matter_percent: f64,
    },
}
