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

/// Speed of light over 100 km/s/Mpc: the Hubble distance in Mpc/h.
const HUBBLE_DISTANCE: f64 = 2_997.924_58;

impl Cosmology {
    /// Comoving distance to a redshift along the line of sight, in Mpc/h: `c/H0 int_0^z dz' / E(z')`, with
    /// `E^2 = Om (1+z)^3 + Ok (1+z)^2 + Ol (1+z)^(3(1+w))`. NaN for a universe without such a distance.
    pub fn comoving_distance(&self, redshift: f64) -> f64 {
        let curvature = 1.0 - self.omega_m - self.omega_l;
        let inverse_rate = |z: f64| {
            let a = 1.0 + z;
            let dark = self.omega_l * a.powf(3.0 * (1.0 + self.w0));
            1.0 / (self.omega_m * a.powi(3) + curvature * a * a + dark).sqrt()
        };
        // Simpson's rule; the integrand is smooth, so 1024 intervals leave less than 1e-9 up to z = 10.
        let intervals = 1024;
        let step = redshift / f64::from(intervals);
        let sum: f64 = (0..=intervals)
            .map(|i| {
                let weight = if i == 0 || i == intervals {
                    1.0
                } else if i % 2 == 1 {
                    4.0
                } else {
                    2.0
                };
                weight * inverse_rate(f64::from(i) * step)
            })
            .sum();
        HUBBLE_DISTANCE * sum * step / 3.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        // Einstein-de Sitter: 2 c/H0 (1 - 1/sqrt(1+z)).
        let eds = Cosmology { omega_m: 1.0, omega_l: 0.0, ..Cosmology::PAPER };
        assert!((eds.comoving_distance(3.0) - HUBBLE_DISTANCE).abs() < 1e-6);
        // De Sitter: c/H0 z.
        let de_sitter = Cosmology { omega_m: 0.0, omega_l: 1.0, ..Cosmology::PAPER };
        assert!((de_sitter.comoving_distance(1.0) - HUBBLE_DISTANCE).abs() < 1e-6);
        assert!((Cosmology::PAPER.comoving_distance(1.0) - 2_370.0).abs() < 10.0);
    }

    #[test]
    fn agrees_with_a_lenstools_plane() {
        // Header of plane 40: Z and CHI (Mpc/h) with Omega_m 0.26, Omega_L 0.74.
        let distance = Cosmology::PAPER.comoving_distance(0.559_981_452_232_090_9);
        assert!((distance - 1_479.947_522_537_275).abs() < 1.0, "{distance}");
    }
}
