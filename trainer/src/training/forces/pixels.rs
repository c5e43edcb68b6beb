//! The force on values of pixels: shares below quantiles of the data, on several scales.

use anyhow::{Context, Result};
use tch::{Device, Kind, Tensor, no_grad};

use super::{
    Aims, Force, Pull,
    field::Field,
    running::RunningMean,
    smoothing::Gaussian,
    table::{Cells, Table},
};
use crate::training::measures::{FORCE_PIXELS, Measure};

/// Quantiles of the data below which shares are compared.
const QUANTILES: [f64; 14] = [0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96, 0.985, 0.995, 0.998, 0.9993];
/// Width of a soft step over the standard deviation.
const STEP_WIDTH: f64 = 0.15;
/// Standard deviations that the tables reach beyond the data.
const MARGIN: f64 = 2.0;
/// Deviations, in the scatter of a map, beyond which a share pulls no harder.
const LARGEST: f64 = 2.0;
/// Data maps whose pixels give the quantiles, and of those one pixel in so many.
const QUANTILE_MAPS: (i64, i64) = (256, 7);

/// What a scale shows of a map.
enum Scale {
    /// The map.
    Whole,
    /// Smoothed.
    Smoothed(Gaussian),
    /// asinh of the difference of two smoothed maps (the map itself for none), over its median modulus in the data: peaks have
    /// more weight in it than in the map.
    Band { fine: Option<Gaussian>, coarse: Gaussian, median: Tensor },
}

/// Pulls the values of pixels.
pub struct Pixels {
    scales: Vec<(Scale, Table)>,
    /// Means of the data's shares over maps, and their scatter from map to map, over all scales.
    mean: Tensor,
    scatter: Tensor,
    running: RunningMean,
}

impl Scale {
    fn all(device: Device, side: i64, data: &Tensor) -> Result<Vec<Self>> {
        let fits = |pixels: f64| Gaussian::reach(pixels) < side;
        let mut scales = vec![Self::Whole];
        for pixels in [1.0, 2.0, 4.0].into_iter().filter(|pixels| fits(*pixels)) {
            scales.push(Self::Smoothed(Gaussian::new(pixels, device)?));
        }
        for (fine, coarse) in [(None, 1.0), (Some(1.0), 2.0)].into_iter().filter(|(_, coarse)| fits(*coarse)) {
            let fine = fine.map(|pixels| Gaussian::new(pixels, device)).transpose()?;
            let coarse = Gaussian::new(coarse, device)?;
            let median = difference(data, fine.as_ref(), &coarse)?.f_abs()?.f_median()?;
            scales.push(Self::Band { fine, coarse, median: median.f_clamp_min(1e-12)? });
        }
        Ok(scales)
    }

    fn show(&self, maps: &Tensor) -> Result<Tensor> {
        match self {
            Self::Whole => Ok(maps.shallow_clone()),
            Self::Smoothed(gaussian) => gaussian.smooth(maps),
            Self::Band { fine, coarse, median } => {
                Ok(difference(maps, fine.as_ref(), coarse)?.f_div(median)?.f_asinh()?)
            }
        }
    }
}

fn difference(maps: &Tensor, fine: Option<&Gaussian>, coarse: &Gaussian) -> Result<Tensor> {
    let fine = fine.map_or_else(|| Ok(maps.shallow_clone()), |gaussian| gaussian.smooth(maps))?;
    Ok(fine.f_sub(&coarse.smooth(maps)?)?)
}

impl Pixels {
    /// Measures the data.
    ///
    /// # Errors
    /// When there are fewer than two maps, or the device fails.
    pub fn new(aims: &Aims, half_life_maps: f64) -> Result<Self> {
        let first = aims.chunks.first().context("there are no data maps")?;
        let (side, device) = (first.size()[3], first.device());
        let mut scales = Vec::new();
        let (maps, stride) = QUANTILE_MAPS;
        let count = aims.chunks.iter().map(|chunk| chunk.size()[0]).scan(0, |before, maps| {
            *before += maps;
            Some(*before)
        });
        let enough = count.take_while(|before| *before < maps).count() + 1;
        let data = Tensor::f_cat(aims.chunks.get(..enough).unwrap_or(aims.chunks), 0)?;
        let quantiles = Tensor::f_from_slice(&QUANTILES.map(|q| q as f32))?.f_to_device(device)?;
        for scale in Scale::all(device, side, &data)? {
            let shown = scale.show(&data)?.f_flatten(0, -1)?.f_slice(0, None, None, stride)?.f_contiguous()?;
            let edges = shown.f_quantile(&quantiles, None::<i64>, false, "linear")?;
            let edges: Vec<f64> = crate::torch::to_vec(&edges)?.into_iter().map(f64::from).collect();
            let [low, high, deviation] =
                [shown.f_min()?, shown.f_max()?, shown.f_std(true)?].map(|value| f64::try_from(value));
            let (low, high, deviation) = (low?, high?, deviation?.max(1e-12));
            let range = [low - MARGIN * deviation, high + MARGIN * deviation];
            scales.push((scale, Table::steps(range, &edges, STEP_WIDTH * deviation, device)?));
        }
        let mut shares = Vec::new();
        for chunk in aims.chunks {
            shares.push(shares_of(&scales, chunk)?.0);
        }
        let shares = Tensor::f_cat(&shares, 0)?;
        let mean = shares.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?;
        let scatter = shares.f_std_dim([0_i64].as_slice(), true, false)?.f_clamp_min(1e-6)?;
        let running = RunningMean::new(&mean, half_life_maps)?;
        Ok(Self { scales, mean, scatter, running })
    }
}

/// Shares of the pixels of each map above every edge of every scale, `[n, shares]`, and what each scale shows with its cells.
fn shares_of(scales: &[(Scale, Table)], maps: &Tensor) -> Result<(Tensor, Vec<(Tensor, Cells)>)> {
    let (mut shares, mut shown) = (Vec::new(), Vec::new());
    for (scale, table) in scales {
        let values = scale.show(maps)?;
        let cells = table.cells(&values)?;
        shares.push(no_grad(|| table.means(&cells, None))?);
        shown.push((values, cells));
    }
    Ok((Tensor::f_cat(&shares, 1)?, shown))
}

impl Force for Pixels {
    fn measure(&self) -> Measure {
        FORCE_PIXELS
    }

    fn pull(&mut self, field: &Field) -> Result<Pull> {
        let (shares, shown) = shares_of(&self.scales, field.maps())?;
        let of_batch = shares.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?;
        let running = self.running.take(&of_batch, field.count())?;
        let off = running.f_sub(&self.mean)?.f_div(&self.scatter)?.f_clamp(-LARGEST, LARGEST)?;
        let factors = off.f_div(&self.scatter)?;
        let deviation = off.f_square()?.f_mean(Kind::Float)?.f_sqrt()?;
        let mut surrogate = deviation.f_zeros_like()?;
        let mut first = 0;
        for ((_, table), (values, cells)) in self.scales.iter().zip(&shown) {
            let own = factors.f_narrow(0, first, table.functions())?;
            first += table.functions();
            let slopes = table.slopes(cells, &own, values)?;
            surrogate = surrogate.f_add(&slopes.f_mul(values)?.f_mean(Kind::Float)?)?;
        }
        Ok(Pull { surrogate, deviation })
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.running.named("pixel_shares").into()
    }
}
