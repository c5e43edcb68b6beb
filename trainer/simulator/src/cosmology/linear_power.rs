//! The power spectrum of linear theory.

use std::f64::consts::PI;

use anyhow::{Context, Result, ensure};
use shared::Cosmology;

use super::{
    growth::Growth,
    transfer::{EisensteinHu, Wiggles},
};

/// Linear power of matter, `P(k, a) = A k^n_s T(k)^2 D1(a)^2` in (Mpc/h)^3, with the amplitude that gives sigma_8
/// today.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearPower {
    cosmology: Cosmology,
    transfer: EisensteinHu,
    growth: Growth,
    slope: f64,
    amplitude: f64,
}

impl LinearPower {
    /// Normalises the spectrum.
    ///
    /// # Errors
    /// When the cosmology does not state omega_b, n_s or sigma_8, or makes no universe.
    pub fn new(cosmology: &Cosmology, wiggles: Wiggles) -> Result<Self> {
        let sigma_8 =
            cosmology.sigma_8.context("the cosmology does not state sigma_8: give --sigma-8, for example 0.8")?;
        let slope = cosmology.n_s.context("the cosmology does not state n_s: give --n-s, for example 0.96")?;
        ensure!(sigma_8.is_finite() && sigma_8 > 0.0, "sigma_8 is {sigma_8}: choose it above 0");
        ensure!(slope > 0.0 && slope < 2.0, "n_s is {slope}: choose it between 0 and 2, where the fits hold");
        let growth = Growth::new(cosmology)?;
        let transfer = EisensteinHu::new(cosmology, wiggles)?;
        let mut power = Self { cosmology: *cosmology, transfer, growth, slope, amplitude: 1.0 };
        power.amplitude = (sigma_8 / power.sigma(8.0)).powi(2);
        ensure!(power.amplitude.is_finite(), "no spectrum has sigma_8 {sigma_8} with these parameters");
        Ok(power)
    }

    /// Power in (Mpc/h)^3 at a wave number in h/Mpc and a scale factor since [`shared::cosmology::background::EARLIEST`].
    pub fn at(&self, k: f64, a: f64) -> f64 {
        self.today(k) * self.growth.d1(a).powi(2)
    }

    /// Standard deviation today of the density contrast in spheres of this radius in Mpc/h:
    /// `sigma^2 = int dln k k^3 P(k) / (2 pi^2) W(k R)^2` with `W(x) = 3 (sin x - x cos x) / x^3`.
    pub fn sigma(&self, radius: f64) -> f64 {
        // The trapezoidal rule from where spheres hold no structure to where they average it away (W^2 < 1e-9); steps
        // resolve both the oscillations of W at the far end and those of baryons.
        const STEPS: usize = 8_000;
        let (first, last) = (1e-4 * (1.0 / radius).min(1.0), 200.0 / radius);
        let step = (last / first).ln() / STEPS as f64;
        let variance: f64 = (0..=STEPS)
            .map(|i| {
                let k = first * (step * i as f64).exp();
                (k.powf(1.5) * top_hat(k * radius)).powi(2) * self.today(k)
            })
            .sum();
        (variance * step / (2.0 * PI * PI)).sqrt()
    }

    /// The parameters.
    pub fn cosmology(&self) -> &Cosmology {
        &self.cosmology
    }

    /// Growth of structure.
    pub fn growth(&self) -> &Growth {
        &self.growth
    }

    fn today(&self, k: f64) -> f64 {
        self.amplitude * k.powf(self.slope) * self.transfer.at(k).powi(2)
    }
}

/// Fourier transform of a sphere of radius 1 and volume 1.
fn top_hat(x: f64) -> f64 {
    if x < 0.1 {
        let square = x * x;
        1.0 - square / 10.0 * (1.0 - square / 28.0)
    } else {
        3.0 * (x.sin() - x * x.cos()) / x.powi(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSMOLOGY: Cosmology = Cosmology { omega_b: Some(0.042), ..Cosmology::PAPER };

    #[test]
    fn sigma_8_is_as_asked() -> Result<()> {
        for wiggles in [Wiggles::With, Wiggles::Without] {
            let power = LinearPower::new(&COSMOLOGY, wiggles)?;
            assert!((power.sigma(8.0) - 0.798).abs() < 1e-12);
            assert!(power.sigma(1.0) > 2.0 && power.sigma(50.0) < 0.2);
            assert_eq!(power.at(0.0, 1.0), 0.0);
            assert!((power.at(0.1, 0.5) / power.at(0.1, 1.0) - power.growth().d1(0.5).powi(2)).abs() < 1e-12);
        }
        Ok(())
    }

    #[test]
    fn spheres_are_integrated_as_by_a_finer_rule() -> Result<()> {
        let power = LinearPower::new(&COSMOLOGY, Wiggles::With)?;
        for radius in [0.1, 1.0, 8.0, 100.0] {
            // Midpoints in ln k, four times as many over a wider range.
            let (first, last, parts) = (1e-7_f64, 2e3 / radius, 200_000);
            let step = (last / first).ln() / f64::from(parts);
            let part = |i: u32| {
                let k = first * (step * (f64::from(i) + 0.5)).exp();
                k.powi(3) * power.at(k, 1.0) * top_hat(k * radius).powi(2)
            };
            let finer = ((0..parts).map(part).sum::<f64>() * step / (2.0 * PI * PI)).sqrt();
            assert!((power.sigma(radius) / finer - 1.0).abs() < 1e-6, "{radius}: {} {finer}", power.sigma(radius));
        }
        Ok(())
    }

    #[test]
    fn windows_join() {
        let exact = |x: f64| 3.0 * (x.sin() - x * x.cos()) / x.powi(3);
        assert!((top_hat(0.099_999) - exact(0.1)).abs() < 1e-6);
        assert_eq!(top_hat(0.0), 1.0);
    }

    #[test]
    fn says_what_is_missing() {
        let refused = |cosmology| {
            LinearPower::new(&cosmology, Wiggles::With).map_or_else(|error| error.to_string(), |_| String::new())
        };
        assert!(refused(Cosmology { sigma_8: None, ..COSMOLOGY }).contains("--sigma-8"));
        assert!(refused(Cosmology { n_s: None, ..COSMOLOGY }).contains("--n-s"));
        assert!(refused(Cosmology { omega_b: None, ..COSMOLOGY }).contains("--omega-b"));
        assert!(refused(Cosmology { sigma_8: Some(-1.0), ..COSMOLOGY }).contains("above 0"));
        assert!(refused(Cosmology { n_s: Some(f64::NAN), ..COSMOLOGY }).contains("between 0 and 2"));
    }
}
