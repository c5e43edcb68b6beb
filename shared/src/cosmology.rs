//! Cosmological parameters that files carry along with maps.

use serde::{Deserialize, Serialize};

/// Parameters of a flat or curved w-CDM universe, as far as a file states them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cosmology {
    /// Matter density today in units of the critical density.
    pub omega_m: f64,
    /// Dark-energy density today in units of the critical density.
    pub omega_l: f64,
    /// H0 in units of 100 km/s/Mpc.
    pub h: f64,
    /// Equation of state of dark energy.
    pub w0: f64,
    /// Amplitude of linear fluctuations in spheres of 8 Mpc/h at z = 0; a plane or map often does not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma_8: Option<f64>,
    /// Slope of the primordial spectrum; a plane or map often does not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_s: Option<f64>,
}

impl Cosmology {
    /// The paper's simulations (Section 2.1).
    pub const PAPER: Self =
        Self { omega_m: 0.26, omega_l: 0.74, h: 0.72, w0: -1.0, sigma_8: Some(0.798), n_s: Some(0.96) };
}
