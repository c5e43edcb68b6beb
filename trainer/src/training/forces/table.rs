//! Smooth functions of a pixel's value, tabulated: means over pixels cost a histogram, and derivatives a lookup.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

/// Cells of a table.
const CELLS: usize = 1024;

/// Some functions on one grid of values; values beyond it count as its ends.
pub struct Table {
    low: f64,
    width: f64,
    /// `[CELLS, functions]`.
    values: Tensor,
    /// Their derivatives, `[CELLS, functions]`.
    slopes: Tensor,
}

/// Values of pixels by cell of a table.
pub struct Cells {
    /// Cell of every pixel, `[n, pixels]`.
    of_pixel: Tensor,
}

impl Table {
    /// Cumulative shares: soft steps of this width, each from 0 below its edge to 1 above it.
    ///
    /// # Errors
    /// When the device fails.
    pub fn steps(range: [f64; 2], edges: &[f64], width: f64, device: Device) -> Result<Self> {
        let step = |value: f64, edge: f64| logistic((value - edge) / width);
        Self::new(range, edges.len(), device, |value, at| {
            let share = step(value, edges[at]);
            [share, share * (1.0 - share) / width]
        })
    }

    /// Bins between neighbouring edges, with soft steps of this width.
    ///
    /// # Errors
    /// When the device fails.
    pub fn bins(range: [f64; 2], edges: &[f64], width: f64, device: Device) -> Result<Self> {
        Self::new(range, edges.len().saturating_sub(1), device, |value, at| {
            let [above, below] = [edges[at], edges[at + 1]].map(|edge| logistic((value - edge) / width));
            [above - below, (above * (1.0 - above) - below * (1.0 - below)) / width]
        })
    }

    fn new(
        [low, high]: [f64; 2],
        functions: usize,
        device: Device,
        of: impl Fn(f64, usize) -> [f64; 2],
    ) -> Result<Self> {
        let width = (high - low) / CELLS as f64;
        let (mut values, mut slopes) = (Vec::new(), Vec::new());
        for cell in 0..CELLS {
            for at in 0..functions {
                let [value, slope] = of(low + (cell as f64 + 0.5) * width, at);
                values.push(value as f32);
                slopes.push(slope as f32);
            }
        }
        let tensor = |numbers: Vec<f32>| -> Result<Tensor> {
            Ok(Tensor::f_from_slice(&numbers)?.f_view([CELLS as i64, functions as i64])?.f_to_device(device)?)
        };
        Ok(Self { low, width, values: tensor(values)?, slopes: tensor(slopes)? })
    }

    /// Number of functions.
    pub fn functions(&self) -> i64 {
        self.values.size().last().copied().unwrap_or(0)
    }

    /// Cells of the pixels of maps, `[n, 1, side, side]`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn cells(&self, maps: &Tensor) -> Result<Cells> {
        let place = maps.f_detach()?.f_sub_scalar(self.low)?.f_div_scalar(self.width)?.f_flatten(1, -1)?;
        Ok(Cells { of_pixel: place.f_clamp(0.0, CELLS as f64 - 1.0)?.f_to_kind(Kind::Int64)? })
    }

    /// Mean of every function over the pixels of each map, `[n, functions]`; each pixel counts by its weight where there are
    /// weights, `[n, 1, side, side]`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn means(&self, cells: &Cells, weights: Option<&Tensor>) -> Result<Tensor> {
        let of_pixel = &cells.of_pixel;
        let weights = match weights {
            Some(weights) => weights.f_detach()?.f_flatten(1, -1)?,
            None => Tensor::f_ones(of_pixel.size(), (Kind::Float, of_pixel.device()))?,
        };
        let [maps, pixels] = [0, 1].map(|axis| of_pixel.size()[axis]);
        let empty = Tensor::f_zeros([maps, CELLS as i64], (Kind::Float, of_pixel.device()))?;
        let histogram = empty.f_scatter_add(1, of_pixel, &weights)?;
        Ok(histogram.f_matmul(&self.values)?.f_div_scalar(pixels as f64)?)
    }

    /// Sum of the functions at every pixel, each times its factor, `[functions]`: like the maps.
    ///
    /// # Errors
    /// When the device fails.
    pub fn values(&self, cells: &Cells, factors: &Tensor, like: &Tensor) -> Result<Tensor> {
        lookup(&self.values, cells, factors, like)
    }

    /// Sum of the functions' derivatives at every pixel, each times its factor, `[functions]`: like the maps.
    ///
    /// # Errors
    /// When the device fails.
    pub fn slopes(&self, cells: &Cells, factors: &Tensor, like: &Tensor) -> Result<Tensor> {
        lookup(&self.slopes, cells, factors, like)
    }
}

fn lookup(table: &Tensor, cells: &Cells, factors: &Tensor, like: &Tensor) -> Result<Tensor> {
    let of_cell = table.f_mv(factors)?;
    Ok(of_cell.f_index_select(0, &cells.of_pixel.f_flatten(0, -1)?)?.f_view_as(like)?)
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_vec;

    #[test]
    fn means_are_those_of_the_functions_and_slopes_their_derivatives() {
        let edges = [-1.0, 0.0, 1.5];
        let table = Table::steps([-4.0, 6.0], &edges, 0.3, Device::Cpu).unwrap();
        let maps = Tensor::from_slice(&[-2.0_f32, -0.9, 0.1, 1.4, 7.0, -9.0, 0.0, 3.0]).view([2, 1, 2, 2]);
        let means = to_vec(&table.means(&table.cells(&maps).unwrap(), None).unwrap()).unwrap();
        let values = to_vec(&maps).unwrap();
        for map in 0..2 {
            for (at, edge) in edges.iter().enumerate() {
                let of_map = values[4 * map..4 * map + 4].iter();
                let expected: f64 =
                    of_map.map(|v| logistic((f64::from(v.clamp(-4.0, 6.0)) - edge) / 0.3)).sum::<f64>() / 4.0;
                assert!((f64::from(means[3 * map + at]) - expected).abs() < 5e-3);
            }
        }
        let bins = Table::bins([-4.0, 6.0], &edges, 0.3, Device::Cpu).unwrap();
        assert_eq!((table.functions(), bins.functions()), (3, 2));
        let factors = Tensor::from_slice(&[0.5_f32, -2.0]);
        let inside = Tensor::from_slice(&[-0.9_f32, -0.1, 0.3, 1.2]).view([1, 1, 2, 2]);
        let at = |shift: f64| {
            let maps = &inside + shift;
            to_vec(&bins.values(&bins.cells(&maps).unwrap(), &factors, &maps).unwrap()).unwrap()
        };
        let slopes = to_vec(&bins.slopes(&bins.cells(&inside).unwrap(), &factors, &inside).unwrap()).unwrap();
        for ((up, down), slope) in at(0.1).iter().zip(at(-0.1)).zip(slopes) {
            assert!(((up - down) / 0.2 - slope).abs() < 0.15, "{up} {down} {slope}");
        }
    }

    #[test]
    fn weighted_pixels_count_by_their_weight() {
        let table = Table::steps([-1.0, 1.0], &[0.0], 0.01, Device::Cpu).unwrap();
        let maps = Tensor::from_slice(&[-0.5_f32, -0.5, 0.5, 0.5]).view([1, 1, 2, 2]);
        let weights = Tensor::from_slice(&[9.0_f32, 9.0, 3.0, 1.0]).view([1, 1, 2, 2]);
        let mean = table.means(&table.cells(&maps).unwrap(), Some(&weights)).unwrap();
        assert!((to_vec(&mean).unwrap()[0] - 1.0).abs() < 1e-4);
    }
}
