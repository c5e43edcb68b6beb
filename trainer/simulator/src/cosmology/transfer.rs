//! The transfer function of matter, by the fit of Eisenstein & Hu (1998, ApJ 496, 605), whose equations are cited
//! below.

use std::f64::consts::E;

use anyhow::{Result, ensure};
use shared::Cosmology;

/// Temperature of the microwave background in K (Fixsen 2009).
pub const T_CMB: f64 = 2.7255;

/// Whether baryons leave their acoustic oscillations in the transfer function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiggles {
    /// The full fit (Section 3).
    With,
    /// Its shape without oscillations (Section 4.2).
    Without,
}

/// A transfer function, 1 on the largest scales.
#[derive(Debug, Clone, PartialEq)]
pub struct EisensteinHu {
    wiggles: Wiggles,
    /// Baryons over matter.
    baryons: f64,
    /// Wave number in h/Mpc of the horizon when matter and radiation were equal (Eq. 3).
    k_equality: f64,
    /// Sound horizon at the drag epoch in Mpc/h (Eq. 6).
    sound_horizon: f64,
    /// Wave number in h/Mpc of Silk damping (Eq. 7).
    k_silk: f64,
    /// Suppression and shift of cold dark matter (Eqs. 11 and 12).
    alpha_c: f64,
    beta_c: f64,
    /// Suppression, envelope and node shift of baryons (Eqs. 14, 24 and 23).
    alpha_b: f64,
    beta_b: f64,
    beta_node: f64,
    /// Shape without wiggles: `Gamma` in the far small scales over that on large ones (Eq. 31), the latter in units of
    /// `k/q`, and the approximate sound horizon in Mpc/h (Eq. 26).
    alpha_gamma: f64,
    shape: f64,
    approximate_horizon: f64,
}

impl EisensteinHu {
    /// Prepares the fit.
    ///
    /// # Errors
    /// When the cosmology does not state its baryons, or states impossible ones.
    pub fn new(cosmology: &Cosmology, wiggles: Wiggles) -> Result<Self> {
        let Cosmology { omega_m, h, omega_b: Some(omega_b), .. } = *cosmology else {
            anyhow::bail!("the cosmology does not state its baryons: give --omega-b, for example 0.045");
        };
        ensure!(omega_m.is_finite() && omega_m > 0.0, "Omega_m is {omega_m}: choose it above 0");
        ensure!(h.is_finite() && h > 0.0, "h is {h}: choose it above 0, for example 0.7");
        ensure!(
            omega_b > 0.0 && omega_b < omega_m,
            "Omega_b is {omega_b}: baryons are part of matter, choose it between 0 and Omega_m = {omega_m}"
        );
        let (matter, baryon, share) = (omega_m * h * h, omega_b * h * h, omega_b / omega_m);
        let theta = T_CMB / 2.7;
        // Eqs. 2 to 5: redshifts of equality and drag, and the ratio of baryons to photons there.
        let z_equality = 2.5e4 * matter / theta.powi(4);
        let k_equality = 0.0746 * matter / theta.powi(2) / h;
        let b1 = 0.313 * matter.powf(-0.419) * (1.0 + 0.607 * matter.powf(0.674));
        let b2 = 0.238 * matter.powf(0.223);
        let z_drag = 1291.0 * matter.powf(0.251) / (1.0 + 0.659 * matter.powf(0.828)) * (1.0 + b1 * baryon.powf(b2));
        let ratio = |z: f64| 31.5e3 * baryon / theta.powi(4) / z;
        // Eq. 5 with 1 + z at the drag epoch, as in the code of its authors.
        let (r_equality, r_drag) = (ratio(z_equality), ratio(1.0 + z_drag));
        // Eq. 6.
        let speed = ((1.0 + r_drag).sqrt() + (r_drag + r_equality).sqrt()) / (1.0 + r_equality.sqrt());
        let sound_horizon = 2.0 / (3.0 * k_equality) * (6.0 / r_equality).sqrt() * speed.ln();
        let k_silk = 1.6 * baryon.powf(0.52) * matter.powf(0.73) * (1.0 + (10.4 * matter).powf(-0.95)) / h;
        let a1 = (46.9 * matter).powf(0.670) * (1.0 + (32.1 * matter).powf(-0.532));
        let a2 = (12.0 * matter).powf(0.424) * (1.0 + (45.0 * matter).powf(-0.582));
        let c1 = 0.944 / (1.0 + (458.0 * matter).powf(-0.708));
        let c2 = (0.395 * matter).powf(-0.0266);
        // Eq. 15.
        let y = z_equality / (1.0 + z_drag);
        let root = (1.0 + y).sqrt();
        let envelope = y * (-6.0 * root + (2.0 + 3.0 * y) * ((root + 1.0) / (root - 1.0)).ln());
        Ok(Self {
            wiggles,
            baryons: share,
            k_equality,
            sound_horizon,
            k_silk,
            alpha_c: a1.powf(-share) * a2.powf(-share.powi(3)),
            beta_c: 1.0 / (1.0 + c1 * ((1.0 - share).powf(c2) - 1.0)),
            alpha_b: 2.07 * k_equality * sound_horizon * (1.0 + r_drag).powf(-0.75) * envelope,
            beta_b: 0.5 + share + (3.0 - 2.0 * share) * ((17.2 * matter).powi(2) + 1.0).sqrt(),
            beta_node: 8.41 * matter.powf(0.435),
            alpha_gamma: 1.0 - 0.328 * (431.0 * matter).ln() * share + 0.38 * (22.3 * matter).ln() * share.powi(2),
            shape: omega_m * h / theta.powi(2),
            approximate_horizon: h * 44.5 * (9.83 / matter).ln() / (1.0 + 10.0 * baryon.powf(0.75)).sqrt(),
        })
    }

    /// The transfer function at a wave number in h/Mpc.
    pub fn at(&self, k: f64) -> f64 {
        match self.wiggles {
            // Eq. 16.
            Wiggles::With => self.baryons * self.baryon(k) + (1.0 - self.baryons) * self.cold(k),
            Wiggles::Without => self.smooth(k),
        }
    }

    /// Sound horizon at the drag epoch in Mpc/h (Eq. 6).
    pub fn sound_horizon(&self) -> f64 {
        self.sound_horizon
    }

    /// Eqs. 17 and 18.
    fn cold(&self, k: f64) -> f64 {
        let large = 1.0 / (1.0 + (k * self.sound_horizon / 5.4).powi(4));
        large * self.pressureless(k, 1.0, self.beta_c) + (1.0 - large) * self.pressureless(k, self.alpha_c, self.beta_c)
    }

    /// Eqs. 21 and 22.
    fn baryon(&self, k: f64) -> f64 {
        let x = k * self.sound_horizon;
        let shifted = x / (1.0 + (self.beta_node / x).powi(3)).cbrt();
        let sine = if shifted < 1e-2 { 1.0 - shifted * shifted / 6.0 } else { shifted.sin() / shifted };
        let damping = (-(k / self.k_silk).powf(1.4)).exp();
        let acoustic = self.alpha_b / (1.0 + (self.beta_b / x).powi(3)) * damping;
        sine * (self.pressureless(k, 1.0, 1.0) / (1.0 + (x / 5.2).powi(2)) + acoustic)
    }

    /// Eqs. 10, 19 and 20.
    fn pressureless(&self, k: f64, alpha: f64, beta: f64) -> f64 {
        let q = k / (13.41 * self.k_equality);
        let c = 14.2 / alpha + 386.0 / (1.0 + 69.9 * q.powf(1.08));
        let log = (E + 1.8 * beta * q).ln();
        log / (log + c * q * q)
    }

    /// Eqs. 28 to 30.
    fn smooth(&self, k: f64) -> f64 {
        let turn = 1.0 + (0.43 * k * self.approximate_horizon).powi(4);
        let q = k / (self.shape * (self.alpha_gamma + (1.0 - self.alpha_gamma) / turn));
        let log = (2.0 * E + 1.8 * q).ln();
        log / (log + (14.2 + 731.0 / (1.0 + 62.5 * q)) * q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSMOLOGY: Cosmology = Cosmology { omega_b: Some(0.042), ..Cosmology::PAPER };

    #[test]
    fn nothing_is_suppressed_on_large_scales() -> Result<()> {
        for wiggles in [Wiggles::With, Wiggles::Without] {
            let transfer = EisensteinHu::new(&COSMOLOGY, wiggles)?;
            assert_eq!(transfer.at(0.0), 1.0);
            assert!((transfer.at(1e-5) - 1.0).abs() < 1e-4, "{}", transfer.at(1e-5));
        }
        Ok(())
    }

    #[test]
    fn wiggles_go_around_the_smooth_shape() -> Result<()> {
        let (with, without) =
            (EisensteinHu::new(&COSMOLOGY, Wiggles::With)?, EisensteinHu::new(&COSMOLOGY, Wiggles::Without)?);
        let ratio = |k: f64| with.at(k) / without.at(k);
        let ratios: Vec<f64> = (0..100).map(|i| ratio(0.02 * 1.04_f64.powi(i))).collect();
        assert!(ratios.iter().all(|ratio| (ratio - 1.0).abs() < 0.06), "{ratios:?}");
        let turns = ratios.windows(3).filter(|r| (r[1] - r[0]) * (r[2] - r[1]) < 0.0).count();
        assert!(turns >= 6, "{turns} {ratios:?}");
        // 150 Mpc or so, as measured.
        assert!((140.0..165.0).contains(&(with.sound_horizon() / COSMOLOGY.h)), "{}", with.sound_horizon());
        Ok(())
    }

    #[test]
    fn says_what_is_missing() {
        let refused = |omega_b| {
            let refused = EisensteinHu::new(&Cosmology { omega_b, ..COSMOLOGY }, Wiggles::With);
            refused.map_or_else(|error| error.to_string(), |_| String::new())
        };
        assert!(refused(None).contains("--omega-b"));
        assert!(refused(Some(0.0)).contains("between 0 and Omega_m"));
        assert!(refused(Some(f64::NAN)).contains("between 0 and Omega_m"));
    }
}
