//! Generated maps as the forces see them.

use anyhow::Result;
use tch::{Kind, Tensor};

/// Maps `[n, 1, side, side]` with respect to which forces are taken, and their Fourier transform.
pub struct Field {
    maps: Tensor,
    /// Real and imaginary parts, `[n, side, side / 2 + 1, 2]`.
    transform: Tensor,
}

impl Field {
    /// Of maps that depend on nothing.
    ///
    /// # Errors
    /// When they are of another rank, or the device fails.
    pub fn new(maps: &Tensor) -> Result<Self> {
        let maps = maps.f_detach()?.f_set_requires_grad(true)?;
        let planes = maps.f_squeeze_dim(1)?;
        let transform = planes.f_fft_rfft2(None::<&[i64]>, [-2_i64, -1].as_slice(), "backward")?.f_view_as_real()?;
        Ok(Self { maps, transform })
    }

    /// The maps.
    pub fn maps(&self) -> &Tensor {
        &self.maps
    }

    /// Number of maps.
    pub fn count(&self) -> i64 {
        self.maps.size().first().copied().unwrap_or(0)
    }

    /// Real and imaginary parts of the modes, `[n, side, side / 2 + 1, 2]`.
    pub fn transform(&self) -> &Tensor {
        &self.transform
    }

    /// Squared modulus of every mode, `[n, side * (side / 2 + 1)]`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn power(&self) -> Result<Tensor> {
        let power = self.transform.f_square()?.f_sum_dim_intlist([-1_i64].as_slice(), false, Kind::Float)?;
        Ok(power.f_reshape([self.count(), -1])?)
    }
}
