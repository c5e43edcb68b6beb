//! The force on values of pixels: shares below quantiles of the data, on several scales.

use anyhow::{Context, Result, bail};
use tch::{Kind, Tensor, no_grad};

use super::{
    Aims, Force, Pull,
    field::Field,
    running::{Deviations, Memory},
    smoothing::Gaussian,
    table::{Cells, Table},
};
use crate::{
    torch::to_vec,
    training::measures::{FORCE_PIXELS, Measure},
};

/// Quantiles of the data below which shares are compared.
const QUANTILES: [f64; 14] = [0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96, 0.985, 0.995, 0.998, 0.9993];
/// Width of a soft step over the standard deviation.
const STEP_WIDTH: f64 = 0.15;
/// Standard deviations that the tables reach beyond the data.
const MARGIN: f64 = 2.0;
/// Data maps whose pixels give the quantiles, and of those one pixel in so many.
const QUANTILE_MAPS: (i64, i64) = (256, 7);

/// Standard deviations of the Gaussians, in pixels.
const SMOOTHING: [f64; 3] = [1.0, 2.0, 4.0];

/// What is looked at, of a map and of what the Gaussians make of it: level 0 is the map, 1 what the first one makes.
enum Scale {
    /// A level.
    Level(usize),
    /// asinh of the difference of a level and the next one, over its median modulus in the data: peaks have more weight in it than
    /// in the map.
    Band { level: usize, median: Tensor },
}

/// Pulls the values of pixels.
pub struct Pixels {
    looks: Looks,
    /// Of the shares of all scales.
    deviations: Deviations,
}

/// The scales, and the functions of pixels on each.
struct Looks {
    gaussians: Vec<Gaussian>,
    scales: Vec<(Scale, Table)>,
}

impl Scale {
    /// What it shows of the levels of maps.
    fn show(&self, levels: &[Tensor]) -> Result<Tensor> {
        match self {
            Self::Level(level) => Ok(levels.get(*level).context("no such level")?.shallow_clone()),
            Self::Band { level, median } => Ok(difference(levels, *level)?.f_div(median)?.f_asinh()?),
        }
    }
}

fn difference(levels: &[Tensor], level: usize) -> Result<Tensor> {
    match levels.get(level..level + 2) {
        Some([fine, coarse]) => Ok(fine.f_sub(coarse)?),
        _ => bail!("no such level"),
    }
}

impl Looks {
    /// Scales that maps of this size have room for, with the quantiles of data maps.
    fn new(data: &Tensor) -> Result<Self> {
        let (side, device) = (data.size()[3], data.device());
        let fitting = SMOOTHING.into_iter().filter(|pixels| Gaussian::reach(*pixels) < side);
        let gaussians = fitting.map(|pixels| Gaussian::new(pixels, side, device)).collect::<Result<Vec<_>>>()?;
        let mut looks = Self { gaussians, scales: Vec::new() };
        let levels = looks.levels(data)?;
        let mut scales: Vec<Scale> = (0..levels.len()).map(Scale::Level).collect();
        for level in 0..levels.len().saturating_sub(1).min(2) {
            let median = difference(&levels, level)?.f_abs()?.f_median()?.f_clamp_min(1e-12)?;
            scales.push(Scale::Band { level, median });
        }
        let quantiles = Tensor::f_from_slice(&QUANTILES.map(|q| q as f32))?.f_to_device(device)?;
        for scale in scales {
            let shown = scale.show(&levels)?.f_flatten(0, -1)?;
            let shown = shown.f_slice(0, None, None, QUANTILE_MAPS.1)?.f_contiguous()?;
            let edges = shown.f_quantile(&quantiles, None::<i64>, false, "linear")?;
            let edges: Vec<f64> = to_vec(&edges)?.into_iter().map(f64::from).collect();
            let numbers = Tensor::f_stack(&[shown.f_min()?, shown.f_max()?, shown.f_std(true)?], 0)?;
            let [low, high, deviation] = to_vec(&numbers)?[..] else { bail!("three numbers were asked for") };
            let (low, high, deviation) = (f64::from(low), f64::from(high), f64::from(deviation).max(1e-12));
            let range = [low - MARGIN * deviation, high + MARGIN * deviation];
            looks.scales.push((scale, Table::steps(range, &edges, STEP_WIDTH * deviation, device)?));
        }
        Ok(looks)
    }

    /// The maps, and what the Gaussians make of them.
    fn levels(&self, maps: &Tensor) -> Result<Vec<Tensor>> {
        let smoothed = self.gaussians.iter().map(|gaussian| gaussian.smooth(maps));
        std::iter::once(Ok(maps.shallow_clone())).chain(smoothed).collect()
    }

    /// Shares of the pixels of each map above every edge of every scale, `[n, shares]`, and what each scale shows with its cells.
    fn shares(&self, maps: &Tensor) -> Result<(Tensor, Vec<(Tensor, Cells)>)> {
        let levels = self.levels(maps)?;
        let (mut shares, mut shown) = (Vec::new(), Vec::new());
        for (scale, table) in &self.scales {
            let values = scale.show(&levels)?;
            let cells = table.cells(&values)?;
            shares.push(no_grad(|| table.means(&cells, None))?);
            shown.push((values, cells));
        }
        Ok((Tensor::f_cat(&shares, 1)?, shown))
    }
}

impl Pixels {
    /// Measures the data.
    ///
    /// # Errors
    /// When there are fewer than two maps, or the device fails.
    pub fn new(aims: &Aims, memory: &Memory) -> Result<Self> {
        let before = aims.chunks.iter().scan(0, |before, chunk| {
            let maps = *before;
            *before += chunk.size()[0];
            Some(maps)
        });
        let enough = before.take_while(|maps| *maps < QUANTILE_MAPS.0).count();
        let looks = Looks::new(&Tensor::f_cat(&aims.chunks[..enough], 0).context("there are no data maps")?)?;
        let shares = aims.chunks.iter().map(|chunk| Ok(looks.shares(chunk)?.0)).collect::<Result<Vec<_>>>()?;
        let shares = Tensor::f_cat(&shares, 0)?;
        Ok(Self { looks, deviations: Deviations::from_data(&shares, memory)? })
    }
}

impl Force for Pixels {
    fn measure(&self) -> Measure {
        FORCE_PIXELS
    }

    fn pull(&mut self, field: &Field) -> Result<Pull> {
        let (shares, shown) = self.looks.shares(field.maps())?;
        let (factors, deviation) = self.deviations.take(&shares, field.count())?;
        let mut surrogate = deviation.f_zeros_like()?;
        let mut first = 0;
        for ((_, table), (values, cells)) in self.looks.scales.iter().zip(&shown) {
            let own = factors.f_narrow(0, first, table.functions())?;
            first += table.functions();
            let slopes = table.slopes(cells, &own, values)?;
            surrogate = surrogate.f_add(&slopes.f_mul(values)?.f_mean(Kind::Float)?)?;
        }
        Ok(Pull { surrogate, deviation })
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.deviations.named("pixel_shares").into()
    }
}
