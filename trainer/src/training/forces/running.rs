//! Means over generated maps that forget: a map's weight is halved after so many others.

use anyhow::Result;
use tch::{Kind, Tensor, no_grad};

use crate::torch::Group;

/// How running means remember.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Maps after which a map's weight is halved.
    pub half_life_maps: f64,
    /// Processes whose batches are one batch.
    pub group: Group,
}

/// The running mean of a statistic.
#[derive(Debug)]
pub struct RunningMean {
    half_life_maps: f64,
    /// Weighted sum.
    sum: Tensor,
    /// Sum of the weights, a scalar: it corrects the bias toward 0 of the first steps.
    weight: Tensor,
    /// Over whose batches it is.
    group: Group,
}

impl RunningMean {
    /// No map yet, of a statistic like `like`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn new(like: &Tensor, memory: &Memory) -> Result<Self> {
        let sum = like.f_detach()?.f_zeros_like()?;
        let weight = Tensor::f_zeros([], (Kind::Float, like.device()))?;
        let Memory { half_life_maps, group } = memory.clone();
        Ok(Self { half_life_maps, sum, weight, group })
    }

    /// Takes in the mean over a batch of `maps` maps, the same number in each process, and gives the running one, that batch
    /// included.
    ///
    /// # Errors
    /// When it is of another shape, or the device fails.
    pub fn take(&mut self, mean: &Tensor, maps: i64) -> Result<Tensor> {
        let mean = self.group.mean(mean)?;
        let maps = maps * self.group.size() as i64;
        no_grad(|| {
            let kept = 0.5_f64.powf(maps as f64 / self.half_life_maps);
            let add = |old: &Tensor, new: &Tensor| old.f_mul_scalar(kept)?.f_add(&new.f_mul_scalar(1.0 - kept)?);
            self.sum = add(&self.sum, &mean.f_detach()?)?;
            self.weight = add(&self.weight, &self.weight.f_ones_like()?)?;
            Ok(self.sum.f_div(&self.weight)?)
        })
    }

    /// What it remembers, under the name of its statistic.
    pub fn named(&self, statistic: &str) -> [(String, Tensor); 2] {
        let named = |part: &str, tensor: &Tensor| (format!("{statistic}.{part}"), tensor.shallow_clone());
        [named("sum", &self.sum), named("weight", &self.weight)]
    }
}

/// A list of statistics of a map, each beside its mean in the data and in its scatter from map to map.
#[derive(Debug)]
pub struct Deviations {
    mean: Tensor,
    scatter: Tensor,
    running: RunningMean,
}

/// Deviations, in the scatter of a map, beyond which a statistic pulls no harder.
const LARGEST: f64 = 2.0;

impl Deviations {
    /// From the statistics of data maps, `[n, statistics]`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn from_data(data: &Tensor, memory: &Memory) -> Result<Self> {
        let mean = data.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?;
        let scatter = data.f_std_dim([0_i64].as_slice(), true, false)?.f_clamp_min(1e-6)?;
        let running = RunningMean::new(&mean, memory)?;
        Ok(Self { mean, scatter, running })
    }

    /// Takes in the statistics of generated maps, `[n, statistics]`. Gives the factor by which each is to be pulled, and the root
    /// mean square deviation of all, a scalar.
    ///
    /// # Errors
    /// When the device fails.
    pub fn take(&mut self, generated: &Tensor, maps: i64) -> Result<(Tensor, Tensor)> {
        let of_batch = generated.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?;
        let running = self.running.take(&of_batch, maps)?;
        let off = running.f_sub(&self.mean)?.f_div(&self.scatter)?.f_clamp(-LARGEST, LARGEST)?;
        Ok((off.f_div(&self.scatter)?, off.f_square()?.f_mean(Kind::Float)?.f_sqrt()?))
    }

    /// What it remembers, under the name of its statistics.
    pub fn named(&self, statistics: &str) -> [(String, Tensor); 2] {
        self.running.named(statistics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_vec;

    fn alone(half_life_maps: f64) -> Memory {
        Memory { half_life_maps, group: Group::default() }
    }

    #[test]
    fn the_mean_is_unbiased_and_forgets() {
        let mut mean = RunningMean::new(&Tensor::from_slice(&[0.0_f32]), &alone(8.0)).unwrap();
        let mut take = |value: f32| to_vec(&mean.take(&Tensor::from_slice(&[value]), 8).unwrap()).unwrap()[0];
        assert_eq!(take(3.0), 3.0);
        // Weights 1/2 and 1/4 over their sum.
        assert!((take(6.0) - 5.0).abs() < 1e-6);
        for _ in 0..30 {
            take(1.0);
        }
        assert!((take(1.0) - 1.0).abs() < 1e-6);
    }
}
