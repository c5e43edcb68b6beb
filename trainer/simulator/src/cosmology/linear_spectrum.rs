//! What halofit needs of linear theory, whatever computed it.

use shared::Cosmology;

use super::linear_power::LinearPower;

/// A power spectrum of linear theory.
pub trait LinearSpectrum: Sync {
    /// The parameters that it belongs to.
    fn cosmology(&self) -> &Cosmology;

    /// Power in (Mpc/h)^3 at a wave number in h/Mpc and a scale factor. Wave numbers from 1e-5 to 1e5 are asked for: a
    /// spectrum that is known in a narrower range has to be continued.
    fn power(&self, k: f64, a: f64) -> f64;
}

impl LinearSpectrum for LinearPower {
    fn cosmology(&self) -> &Cosmology {
        self.cosmology()
    }

    fn power(&self, k: f64, a: f64) -> f64 {
        self.at(k, a)
    }
}
