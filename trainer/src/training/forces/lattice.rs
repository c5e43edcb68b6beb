//! The force against a lattice that all maps share: on the modes of the generator's first feature map's spacing, the mean over maps
//! of the complex amplitude, which has no reason to differ from 0, is pulled there.

use anyhow::Result;
use tch::{Kind, Tensor, no_grad};

use super::{
    Aims, Force, Pull,
    field::Field,
    running::{Memory, RunningMean},
};
use crate::training::measures::{FORCE_LATTICE, Measure};

/// Pulls shared phases.
pub struct Lattice {
    /// From one mode of the lattice to the next.
    stride: i64,
    /// Root mean square amplitude of these modes in the data, `[modes, 1]`.
    amplitude: Tensor,
    running: RunningMean,
}

impl Lattice {
    /// Measures the data.
    ///
    /// # Errors
    /// When there are no maps, or the device fails.
    pub fn new(aims: &Aims, memory: &Memory) -> Result<Self> {
        let stride = aims.lattice as i64;
        let mut powers = Vec::new();
        for chunk in aims.chunks {
            let modes = modes(&Field::new(chunk)?, stride)?.f_detach()?;
            powers.push(modes.f_square()?.f_sum_dim_intlist([-1_i64].as_slice(), true, Kind::Float)?);
        }
        let power = Tensor::f_cat(&powers, 0)?.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?;
        let amplitude = power.f_sqrt()?.f_clamp_min(1e-12)?;
        let like = amplitude.f_expand([-1_i64, 2].as_slice(), false)?.f_contiguous()?;
        Ok(Self { stride, running: RunningMean::new(&like, memory)?, amplitude })
    }
}

/// Real and imaginary parts of the modes of the lattice but for the mean of the map, `[n, modes, 2]`.
fn modes(field: &Field, stride: i64) -> Result<Tensor> {
    let lattice = field.transform().f_slice(1, None, None, stride)?.f_slice(2, None, None, stride)?;
    let flat = lattice.f_reshape([field.count(), -1, 2])?;
    let modes = flat.size()[1];
    Ok(flat.f_narrow(1, 1, modes - 1)?)
}

impl Force for Lattice {
    fn measure(&self) -> Measure {
        FORCE_LATTICE
    }

    fn pull(&mut self, field: &Field) -> Result<Pull> {
        let modes = modes(field, self.stride)?.f_div(&self.amplitude)?;
        let (shared, deviation) = no_grad(|| -> Result<(Tensor, Tensor)> {
            let of_batch = modes.f_detach()?.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?;
            let shared = self.running.take(&of_batch, field.count())?;
            let modulus = shared.f_square()?.f_sum_dim_intlist([-1_i64].as_slice(), true, Kind::Float)?.f_sqrt()?;
            let held = shared.f_div(&modulus.f_clamp_min(1.0)?)?;
            let squared = held.f_square()?.f_sum_dim_intlist([-1_i64].as_slice(), false, Kind::Float)?;
            Ok((held, squared.f_mean(Kind::Float)?.f_sqrt()?))
        })?;
        let surrogate = modes.f_mul(&shared)?.f_sum(Kind::Float)?.f_div_scalar(field.count() as f64)?;
        Ok(Pull { surrogate, deviation })
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.running.named("lattice").into()
    }
}
