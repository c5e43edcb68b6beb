//! The force on P(l): its mean in rings, that of cells of the Fourier plane, and its scatter and correlations from map to map.

use anyhow::{Context, Result};
use tch::{Kind, Tensor, no_grad};

use super::{
    Aims, Force, Pull,
    field::Field,
    modes::Groups,
    running::{Memory, RunningMean},
};
use crate::training::measures::{FORCE_SPECTRUM, Measure};

/// Scatter of bands beyond which a map counts no more.
const LARGEST_SCATTER: [f64; 2] = [-3.0, 8.0];

/// Pulls the power of modes.
///
/// The surrogate of a map is the sum over modes of (d_ring + d_cell + a_band) |F|^2 / (2 sqrt(mean of the ring)), where d is ln of
/// the running mean over the data's, within 1, and a the part of the map's bands in what is wrong with their covariance.
pub struct Spectrum {
    rings: Groups,
    cells: Groups,
    bands: Groups,
    ring_power: Tensor,
    cell_power: Tensor,
    /// Mean, standard deviation and correlation matrix of the data's bands.
    band_mean: Tensor,
    band_deviation: Tensor,
    band_correlation: Tensor,
    /// 1 / (2 sqrt(mean power of the ring)) for each mode.
    weights: Tensor,
    /// Share of scatter and correlations.
    correlations: f64,
    running: [RunningMean; 3],
}

impl Spectrum {
    /// Measures the data.
    ///
    /// # Errors
    /// When there are fewer than two maps, or the device fails.
    pub fn new(aims: &Aims, correlations: f64, memory: &Memory) -> Result<Self> {
        let first = aims.chunks.first().context("there are no data maps")?;
        let (side, device) = (first.size()[3] as usize, first.device());
        let [rings, cells, bands] = [Groups::rings, Groups::cells, Groups::bands].map(|new| new(side, device));
        let (rings, cells, bands) = (rings?, cells?, bands?);
        let mut measured: [Vec<Tensor>; 3] = Default::default();
        for chunk in aims.chunks {
            let power = Field::new(chunk)?.power()?.f_detach()?;
            for (list, groups) in measured.iter_mut().zip([&rings, &cells, &bands]) {
                list.push(groups.means(&power)?);
            }
        }
        let [of_rings, of_cells, of_bands] = measured.map(|list| Tensor::f_cat(&list, 0));
        let mean = |values: Tensor| values.f_mean_dim([0_i64].as_slice(), false, Kind::Float);
        let (ring_power, cell_power) = (mean(of_rings?)?, mean(of_cells?)?);
        let of_bands = of_bands?;
        let band_deviation = of_bands.f_std_dim([0_i64].as_slice(), true, false)?;
        let band_correlation = of_bands.f_transpose(0, 1)?.f_corrcoef()?;
        let band_mean = mean(of_bands)?;
        let weights = rings.spread(&ring_power.f_sqrt()?.f_mul_scalar(2.0)?.f_reciprocal()?)?;
        let running = [
            RunningMean::new(&ring_power, memory)?,
            RunningMean::new(&cell_power, memory)?,
            RunningMean::new(&band_correlation, memory)?,
        ];
        Ok(Self {
            rings,
            cells,
            bands,
            ring_power,
            cell_power,
            band_mean,
            band_deviation,
            band_correlation,
            weights,
            correlations,
            running,
        })
    }

    /// The factor of every mode of every map, `[n, modes]`, and how far all of it is from the data: a scalar.
    fn factors(&mut self, power: &Tensor, maps: i64) -> Result<(Tensor, Tensor)> {
        let mean_of_batch = |values: &Tensor| values.f_mean_dim([0_i64].as_slice(), false, Kind::Float);
        let [of_rings, of_cells, of_bands] = &mut self.running;
        let off = |mean: Tensor, aim: &Tensor| mean.f_div(aim)?.f_log()?.f_clamp(-1.0, 1.0);
        let ring = off(of_rings.take(&mean_of_batch(&self.rings.means(power)?)?, maps)?, &self.ring_power)?;
        let cell = off(of_cells.take(&mean_of_batch(&self.cells.means(power)?)?, maps)?, &self.cell_power)?;
        let mut factors = self.rings.spread(&ring)?.f_add(&self.cells.spread(&cell)?)?.f_unsqueeze(0)?;
        let mut squared = mean_square(&ring)?.f_add(&mean_square(&cell)?)?;
        if self.correlations > 0.0 {
            let [low, high] = LARGEST_SCATTER;
            let scatter =
                self.bands.means(power)?.f_sub(&self.band_mean)?.f_div(&self.band_deviation)?.f_clamp(low, high)?;
            let of_batch = scatter.f_transpose(0, 1)?.f_matmul(&scatter)?.f_div_scalar(maps as f64)?;
            let excess = of_bands.take(&of_batch, maps)?.f_sub(&self.band_correlation)?;
            let size = mean_square(&excess)?.f_sqrt()?;
            let part = scatter.f_matmul(&excess.f_clamp(-1.0, 1.0)?)?.f_div_scalar((self.bands.count as f64).sqrt())?;
            let share = size.f_clamp_min(1e-6)?.f_reciprocal()?.f_clamp_max(1.0)?.f_mul_scalar(self.correlations)?;
            factors = factors.f_add(&self.bands.spread(&part.f_clamp(-2.0, 2.0)?.f_mul(&share)?)?)?;
            squared = squared.f_add(&size.f_mul_scalar(self.correlations)?.f_clamp_max(1.0)?.f_square()?)?;
        }
        Ok((factors.f_mul(&self.weights)?, squared.f_sqrt()?))
    }
}

fn mean_square(values: &Tensor) -> Result<Tensor> {
    Ok(values.f_square()?.f_mean(Kind::Float)?)
}

impl Force for Spectrum {
    fn measure(&self) -> Measure {
        FORCE_SPECTRUM
    }

    fn pull(&mut self, field: &Field) -> Result<Pull> {
        let power = field.power()?;
        let (factors, deviation) = no_grad(|| self.factors(&power.f_detach()?, field.count()))?;
        let surrogate = power.f_mul(&factors)?.f_sum(Kind::Float)?.f_div_scalar(field.count() as f64)?;
        Ok(Pull { surrogate, deviation })
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let names = ["ring_power", "cell_power", "band_covariance"];
        names.iter().zip(&self.running).flat_map(|(name, running)| running.named(name)).collect()
    }
}
