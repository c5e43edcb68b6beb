//! Cosmological parameters that files carry along with maps.

use serde::{Deserialize, Serialize};

/// Parameters of a flat or curved universe with dark energy of `w(a) = w0 + wa (1 - a)`, as far as a file states them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cosmology {
    /// Matter density today in units of the critical density.
    pub omega_m: f64,
    /// Dark-energy density today in units of the critical density.
    pub omega_l: f64,
    /// H0 in units of 100 km/s/Mpc.
    pub h: f64,
    /// Equation of state of dark energy today.
    pub w0: f64,
    /// Change of the equation of state with the scale factor, as `wa (1 - a)`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wa: f64,
    /// Baryon density today in units of the critical density; a plane or map often does not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omega_b: Option<f64>,
    /// Amplitude of linear fluctuations in spheres of 8 Mpc/h at z = 0; a plane or map often does not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma_8: Option<f64>,
    /// Slope of the primordial spectrum; a plane or map often does not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_s: Option<f64>,
}

impl Cosmology {
    /// The paper's simulations (Section 2.1), which do not state their baryons.
    pub const PAPER: Self = Self {
        omega_m: 0.26,
        omega_l: 0.74,
        h: 0.72,
        w0: -1.0,
        wa: 0.0,
        omega_b: None,
        sigma_8: Some(0.798),
        n_s: Some(0.96),
    };
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// Speed of light over 100 km/s/Mpc: the Hubble distance in Mpc/h.
pub const HUBBLE_DISTANCE: f64 = 2_997.924_58;

impl Cosmology {
    /// Curvature today in units of the critical density: positive for an open universe.
    pub fn omega_k(&self) -> f64 {
        1.0 - self.omega_m - self.omega_l
    }

    /// Dark-energy density at a scale factor over that of today, `a^(-3(1 + w0 + wa)) exp(-3 wa (1 - a))`.
    pub fn dark_energy(&self, a: f64) -> f64 {
        a.powf(-3.0 * (1.0 + self.w0 + self.wa)) * (-3.0 * self.wa * (1.0 - a)).exp()
    }

    /// Expansion rate at a scale factor over that of today, `E = H/H0`, with
    /// `E^2 = Om a^-3 + Ok a^-2 + Ol dark_energy(a)`; radiation is left out. NaN where the universe never had that size.
    pub fn expansion_rate(&self, a: f64) -> f64 {
        (self.omega_m / a.powi(3) + self.omega_k() / (a * a) + self.omega_l * self.dark_energy(a)).sqrt()
    }
}
