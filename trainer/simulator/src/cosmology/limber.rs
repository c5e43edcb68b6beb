//! The angular power spectrum of the convergence, from the power of matter along the line of sight.

use anyhow::{Result, ensure};
use shared::cosmology::{Background, Cosmology, HUBBLE_DISTANCE, background::EARLIEST};

use super::{halofit::Fit, linear_power::LinearPower, transfer::Wiggles};

/// Distances between observer and source: 32 times as many change C_l by less than 1e-6 from l = 30 to 1e5.
const INTERVALS: usize = 128;

/// Power spectrum of kappa for sources at one redshift, with nonlinear matter of halofit.
///
/// `C_l = int_0^chi_s dchi W(chi)^2 / f_K(chi)^2 P((l + 1/2) / f_K(chi), a)` with
/// `W = 3/2 Om (H0/c)^2 f_K(chi) f_K(chi_s - chi) / f_K(chi_s) / a` (Bartelmann & Schneider 2001, Section 6), by
/// Limber's approximation with `l + 1/2` (LoVerde & Afshordi 2008), which is better than `l` on the sphere. On a flat
/// map `l` itself is the wave number: that gives 0.7 % more at l = 100 and less than 0.1 % more at 1000.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvergencePower {
    linear: LinearPower,
    planes: Vec<Plane>,
}

/// What one distance adds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plane {
    /// `W^2 / f_K^2` times the weight of the quadrature, in (h/Mpc)^3.
    weight: f64,
    /// f_K in Mpc/h.
    transverse: f64,
    scale_factor: f64,
    fit: Fit,
}

impl ConvergencePower {
    /// Prepares the line of sight.
    ///
    /// # Errors
    /// When the cosmology is not complete or makes no universe, the source lies nowhere in it, or halofit does not
    /// apply up to the source.
    pub fn new(cosmology: &Cosmology, source_redshift: f64) -> Result<Self> {
        Self::with_intervals(cosmology, source_redshift, INTERVALS)
    }

    /// `C_l` in steradian, without `l (l + 1) / 2 pi`.
    pub fn at(&self, ell: f64) -> f64 {
        let part = |plane: &Plane| {
            let k = (ell + 0.5) / plane.transverse;
            plane.weight * plane.fit.power(k, self.linear.at(k, plane.scale_factor))
        };
        self.planes.iter().map(part).sum()
    }

    fn with_intervals(cosmology: &Cosmology, source_redshift: f64, intervals: usize) -> Result<Self> {
        let background = Background::new(cosmology)?;
        let linear = LinearPower::new(cosmology, Wiggles::With)?;
        ensure!(
            source_redshift > 0.0 && source_redshift < 1.0 / EARLIEST - 1.0,
            "no source can have the redshift {source_redshift}: choose one above 0, for example 1"
        );
        let source = background.chi_of_redshift(source_redshift);
        ensure!(
            source < background.half_around(),
            "redshift {source_redshift} lies behind the far pole of this closed universe: choose a nearer source"
        );
        let plane = |i: usize| -> Result<Plane> {
            // Evenly in the root of the distance, as near planes change faster: Simpson's rule over it.
            let root = i as f64 / intervals as f64;
            let chi = source * root * root;
            let simpson = if i % 2 == 1 { 4.0 } else { 2.0 } / 3.0 * 2.0 * source * root / intervals as f64;
            let (scale_factor, transverse) = (background.a_of_chi(chi), background.transverse(chi));
            let strength = 1.5 * cosmology.omega_m / HUBBLE_DISTANCE.powi(2) / scale_factor;
            let kernel = strength * background.lensing_distance(chi, source) / transverse;
            let fit = Fit::new(&linear, scale_factor)?;
            Ok(Plane { weight: simpson * kernel * kernel, transverse, scale_factor, fit })
        };
        // At both ends there is nothing: no power at infinite k, and no lensing at the source.
        let planes = (1..intervals).map(plane).collect::<Result<_>>()?;
        Ok(Self { linear, planes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSMOLOGY: Cosmology = Cosmology { omega_b: Some(0.042), ..Cosmology::PAPER };

    #[test]
    fn twice_as_many_distances_change_nothing() -> Result<()> {
        for redshift in [0.5, 1.0, 3.0] {
            let (power, finer) = (
                ConvergencePower::new(&COSMOLOGY, redshift)?,
                ConvergencePower::with_intervals(&COSMOLOGY, redshift, 2 * INTERVALS)?,
            );
            for ell in [30.0, 100.0, 1e3, 5e3, 2e4] {
                let difference = (power.at(ell) / finer.at(ell) - 1.0).abs();
                assert!(difference < 3e-6, "{redshift} {ell}: {difference}");
            }
        }
        Ok(())
    }

    #[test]
    fn farther_sources_are_lensed_more() -> Result<()> {
        let (near, far) = (ConvergencePower::new(&COSMOLOGY, 0.5)?, ConvergencePower::new(&COSMOLOGY, 1.0)?);
        assert!(far.at(1e3) > 3.0 * near.at(1e3));
        Ok(())
    }

    #[test]
    fn says_what_to_change() {
        let refused = |cosmology, redshift| {
            ConvergencePower::new(&cosmology, redshift).map_or_else(|error| error.to_string(), |_| String::new())
        };
        assert!(refused(COSMOLOGY, 0.0).contains("redshift 0"));
        assert!(refused(COSMOLOGY, f64::NAN).contains("redshift NaN"));
        assert!(refused(Cosmology::PAPER, 1.0).contains("--omega-b"));
        // One that all but stood still for long.
        let closed = Cosmology { omega_m: 0.3, omega_l: 1.65, ..COSMOLOGY };
        assert!(refused(closed, 4.0).contains("far pole"));
    }
}
