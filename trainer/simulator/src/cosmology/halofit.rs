//! Nonlinear power of matter, by the fit of Takahashi et al. (2012, ApJ 761, 152), whose equations are cited below.

use std::f64::consts::PI;

use anyhow::{Result, ensure};
use shared::cosmology::background::{dark_energy_fraction, equation_of_state, matter_fraction};

use super::{linear_spectrum::LinearSpectrum, nonlinear_scale::Smoothed};

/// Nonlinear power at one scale factor. Its authors state errors of 5 % up to k = 1 h/Mpc for z < 10, and of 10 % up to
/// k = 10 h/Mpc for z < 3.
#[derive(Clone, Copy)]
pub struct Halofit<'a> {
    linear: &'a dyn LinearSpectrum,
    scale_factor: f64,
    fit: Fit,
}

impl<'a> Halofit<'a> {
    /// Prepares the fit to a linear spectrum.
    ///
    /// # Errors
    /// When fluctuations are not 1 on any scale, so that there is no nonlinear scale.
    pub fn new(linear: &'a dyn LinearSpectrum, a: f64) -> Result<Self> {
        Ok(Self { linear, scale_factor: a, fit: Fit::new(linear, a)? })
    }

    /// Power in (Mpc/h)^3 at a wave number in h/Mpc.
    pub fn at(&self, k: f64) -> f64 {
        self.fit.power(k, self.linear.power(k, self.scale_factor))
    }

    /// The fit's coefficients.
    pub fn fit(&self) -> &Fit {
        &self.fit
    }
}

/// Coefficients of the fit at one scale factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Nonlinear wave number in h/Mpc, the inverse of the radius whose Gaussian spheres have `sigma = 1` (Eq. A4).
    pub k_sigma: f64,
    /// Effective slope of the spectrum there (Eq. A5).
    pub n_eff: f64,
    /// Its curvature (Eq. A5).
    pub curvature: f64,
    /// `a`, `b`, `c` and `gamma` of the one-halo term (Eqs. A6 to A9).
    halo: [f64; 4],
    /// `nu` of Eq. A13; `mu` is 0.
    nu: f64,
    /// `alpha` and `beta` of the two-halo term (Eqs. A10 and A11).
    quasi_linear: [f64; 2],
    /// `f1`, `f2` and `f3`, which hold what depends on Omega_m(a) (Smith et al. 2003, Eqs. C17 and C18).
    density: [f64; 3],
}

impl Fit {
    /// Coefficients for a linear spectrum.
    ///
    /// Takahashi et al. fitted universes of constant w. For another the one of this moment is taken, `w(a)`, as CAMB
    /// does; pyccl takes `w0`.
    ///
    /// # Errors
    /// When fluctuations are not 1 on any scale, so that there is no nonlinear scale.
    pub fn new(linear: &dyn LinearSpectrum, a: f64) -> Result<Self> {
        let smoothed = Smoothed::new(linear, a);
        let (radius, n, c) = smoothed.nonlinear_scale().ok_or_else(|| {
            anyhow::anyhow!(
                "halofit does not apply at redshift {:.1}: matter is nonlinear on no scale or on all",
                1.0 / a - 1.0
            )
        })?;
        let cosmology = linear.cosmology();
        let (matter, dark) = (matter_fraction(cosmology, a), dark_energy_fraction(cosmology, a));
        ensure!(matter.is_finite() && matter > 0.0, "there is no universe at redshift {:.1}", 1.0 / a - 1.0);
        let pressure = dark * (1.0 + equation_of_state(cosmology, a));
        let polynomial = |coefficients: [f64; 5]| coefficients.into_iter().rev().fold(0.0, |sum, next| sum * n + next);
        let ten = |exponent: f64| 10.0_f64.powf(exponent);
        Ok(Self {
            k_sigma: 1.0 / radius,
            n_eff: n,
            curvature: c,
            halo: [
                ten(polynomial([1.5222, 2.8553, 2.3706, 0.9903, 0.2250]) - 0.6038 * c + 0.1749 * pressure),
                ten(polynomial([-0.5642, 0.5864, 0.5716, 0.0, 0.0]) - 1.5474 * c + 0.2279 * pressure),
                ten(polynomial([0.3698, 2.0404, 0.8161, 0.0, 0.0]) + 0.5869 * c),
                polynomial([0.1971, -0.0843, 0.0, 0.0, 0.0]) + 0.8460 * c,
            ],
            nu: ten(polynomial([5.2105, 3.6902, 0.0, 0.0, 0.0])),
            quasi_linear: [
                (polynomial([6.0835, 1.3373, -0.1959, 0.0, 0.0]) - 5.5274 * c).abs(),
                polynomial([2.0379, -0.7354, 0.3157, 1.2490, 0.3980]) - 0.1682 * c,
            ],
            density: density_factors(matter, dark),
        })
    }

    /// Power in (Mpc/h)^3 at a wave number in h/Mpc where linear theory has the power `linear` (Eqs. A1 to A3).
    pub fn power(&self, k: f64, linear: f64) -> f64 {
        let per_power = k.powi(3) / (2.0 * PI * PI);
        let (y, delta) = (k / self.k_sigma, per_power * linear);
        let ([a, b, c, gamma], [alpha, beta], [f1, f2, f3]) = (self.halo, self.quasi_linear, self.density);
        let damping = (-y / 4.0 - y * y / 8.0).exp();
        let quasi_linear = delta * (1.0 + delta).powf(beta) / (1.0 + alpha * delta) * damping;
        let halo = a * y.powf(3.0 * f1) / (1.0 + b * y.powf(f2) + (c * f3 * y).powf(3.0 - gamma));
        (quasi_linear + halo / (1.0 + self.nu / (y * y))) / per_power
    }
}

/// `f1`, `f2` and `f3` between those of open universes and those of flat ones, by the share of dark energy in what is
/// not matter (Smith et al. 2003, Eqs. C17 and C18). CAMB and pyccl set them to 1 where Omega_m(a) is within 1 % of 1,
/// so that their power jumps by some tenths of a per cent, in flat universes at z = 5 or 6; here it does not.
fn density_factors(matter: f64, dark: f64) -> [f64; 3] {
    // Where matter is all, the factors are 1 and the share is 0/0: a millionth beside, both are fine.
    let rest = if (1.0 - matter).abs() < 1e-6 { 1e-6 } else { 1.0 - matter };
    let share = dark / rest;
    let factor = |open: f64, flat: f64| share * (1.0 - rest).powf(flat) + (1.0 - share) * (1.0 - rest).powf(open);
    [factor(-0.0732, -0.0307), factor(-0.1423, -0.0585), factor(0.0725, 0.0743)]
}

#[cfg(test)]
mod tests {
    use shared::cosmology::Cosmology;

    use super::{
        super::{LinearPower, Wiggles},
        *,
    };

    const COSMOLOGY: Cosmology = Cosmology { omega_b: Some(0.042), ..Cosmology::PAPER };

    /// `P = A k^n`.
    struct PowerLaw(f64, f64);

    impl LinearSpectrum for PowerLaw {
        fn cosmology(&self) -> &Cosmology {
            &COSMOLOGY
        }

        fn power(&self, k: f64, _: f64) -> f64 {
            self.0 * k.powf(self.1)
        }
    }

    /// `sigma^2 = A Gamma((n + 3)/2) / (4 pi^2) R^-(n + 3)`, so slope and curvature are n and 0.
    #[test]
    fn scale_of_power_laws() -> Result<()> {
        for (slope, gamma) in [(-1.0, 1.0), (0.0, 0.5 * PI.sqrt())] {
            let fit = *Halofit::new(&PowerLaw(300.0, slope), 1.0)?.fit();
            let exact = (300.0 * gamma / (4.0 * PI * PI)).powf(-1.0 / (slope + 3.0));
            assert!((fit.k_sigma / exact - 1.0).abs() < 1e-8, "{} {exact}", fit.k_sigma);
            assert!((fit.n_eff - slope).abs() < 1e-8 && fit.curvature.abs() < 1e-8, "{fit:?}");
        }
        Ok(())
    }

    #[test]
    fn linear_on_large_scales_and_far_above_on_small_ones() -> Result<()> {
        let linear = LinearPower::new(&COSMOLOGY, Wiggles::With)?;
        for a in [0.1, 0.5, 1.0] {
            let nonlinear = Halofit::new(&linear, a)?;
            let boost = |k: f64| nonlinear.at(k) / linear.at(k, a);
            assert!((boost(1e-3) - 1.0).abs() < 2e-3, "{a}: {}", boost(1e-3));
            assert!(boost(10.0 * nonlinear.fit().k_sigma) > 3.0, "{a}");
        }
        Ok(())
    }

    #[test]
    fn nothing_jumps_where_matter_is_all() {
        for dark in [0.0, 0.01] {
            let factors =
                [1.0 - 1e-4, 1.0 - 1e-9, 1.0, 1.0 + 1e-9, 1.0 + 1e-4].map(|matter| density_factors(matter, dark));
            for pair in factors.windows(2) {
                assert!(pair[0].iter().zip(pair[1]).all(|(a, b)| (a - b).abs() < 3e-5), "{factors:?}");
            }
        }
    }

    #[test]
    fn refuses_a_linear_universe() {
        let refused =
            Halofit::new(&PowerLaw(1e-9, -2.0), 0.5).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(refused.contains("redshift 1.0"), "{refused}");
    }
}
