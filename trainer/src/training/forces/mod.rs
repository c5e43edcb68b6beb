//! Forces on generated maps toward statistics of the data, beside the adversarial gradient.
//!
//! A force looks at running means of a statistic over generated maps, and pulls every map along the gradient of a surrogate: the
//! statistic's own derivative, weighted by how far the mean is from the data's. The pull of each is then brought to a share of the
//! adversarial gradient's size, which no force can overrun; as plain losses they made training collapse.
//!
//! ```text
//! field         maps and their Fourier transform, which forces share
//! running       means that forget
//! spectrum      power of rings and cells; scatter and correlations of P(l) (modes: which of them belong together)
//! pixels        values of pixels, of smoothed maps and of band passes (smoothing; table: functions of a pixel)
//! shape         boundary length and genus
//! lattice       phases that all maps share
//! ```

mod field;
mod lattice;
mod modes;
mod pixels;
mod running;
mod shape;
mod smoothing;
mod spectrum;
mod table;

use anyhow::{Context, Result};
use tch::{Kind, Tensor, no_grad};

use self::{field::Field, lattice::Lattice, pixels::Pixels, shape::Shape, spectrum::Spectrum};
use super::{measures::Measure, recipe::ForcesConfig};
use crate::torch::Group;

pub use running::{Memory, RunningMean};

/// Data maps on which the aims of the forces are measured, at most.
pub const MEASURED_MAPS: usize = 1024;
/// Data maps that are in memory at once.
const CHUNK: usize = 64;
/// The adversarial gradient's size is a running mean with this weight on what was.
const MEMORY: f64 = 0.98;
/// A step's adversarial gradient counts, and acts, up to this many times its running size.
const LARGEST_SURGE: f64 = 4.0;
/// A map's share of a force is at most this many times the median map's.
const LARGEST_SHARE: f64 = 2.0;

/// What a force makes of a batch.
struct Pull {
    /// A number whose gradient with respect to the maps is the force's direction.
    surrogate: Tensor,
    /// How far the statistic is from the data's, in its own scatter: a scalar.
    deviation: Tensor,
}

/// A force on maps in units of the data's standard deviation, `[n, 1, side, side]`.
trait Force {
    /// Which deviation it measures.
    fn measure(&self) -> Measure;
    /// Takes a batch into its running means, and says where to pull it.
    fn pull(&mut self, field: &Field) -> Result<Pull>;
    /// Its running means by name.
    fn state(&self) -> Vec<(String, Tensor)>;
}

/// All forces of a run.
pub struct Forces {
    /// Each with its strength.
    all: Vec<(f64, Box<dyn Force>)>,
    /// Standard deviation of the data's kappa.
    deviation: f64,
    /// Running size of the adversarial gradient, and whether there is one: scalars.
    adversarial: [Tensor; 2],
    /// Processes whose maps are one batch.
    group: Group,
}

/// A gradient with respect to generated maps.
pub struct Joined {
    /// `[n, 1, side, side]`, like the maps.
    pub gradient: Tensor,
    /// How far each statistic is from the data's: a scalar each.
    pub deviations: Vec<(Measure, Tensor)>,
}

/// Data maps in chunks, `[n, 1, side, side]` in units of their standard deviation.
struct Aims<'a> {
    chunks: &'a [Tensor],
    /// Pixels of the generator's first lattice along the side of a map.
    lattice: usize,
}

impl Forces {
    /// Measures on data maps, `[n, 1, side, side]` of kappa, what the forces aim at. `deviation` is the standard deviation of
    /// their pixels, `lattice` the number of pixels along a side of the generator's first feature map. The maps that all processes of
    /// `group` draw in a step are one batch.
    ///
    /// # Errors
    /// When there are fewer than two maps, or the device fails.
    pub fn new(config: &ForcesConfig, kappa: &Tensor, deviation: f64, lattice: usize, group: &Group) -> Result<Self> {
        let memory = &Memory { half_life_maps: config.half_life_maps, group: group.clone() };
        no_grad(|| {
            let maps = kappa.f_div_scalar(deviation)?;
            let chunks = maps.f_split(CHUNK as i64, 0)?;
            let aims = Aims { chunks: &chunks, lattice };
            let mut forces: Vec<(f64, Box<dyn Force>)> = Vec::new();
            if config.spectrum > 0.0 {
                let spectrum = Spectrum::new(&aims, config.correlations, memory)?;
                forces.push((config.spectrum, Box::new(spectrum)));
            }
            if config.pixels > 0.0 {
                forces.push((config.pixels, Box::new(Pixels::new(&aims, memory)?)));
            }
            if config.shape > 0.0 {
                forces.push((config.shape, Box::new(Shape::new(&aims, memory)?)));
            }
            if config.lattice > 0.0 {
                forces.push((config.lattice, Box::new(Lattice::new(&aims, memory)?)));
            }
            let scalar = || Tensor::f_zeros([], (Kind::Float, kappa.device()));
            Ok(Self { all: forces, deviation, adversarial: [scalar()?, scalar()?], group: group.clone() })
        })
    }

    /// The adversarial gradient with respect to generated maps, both `[n, 1, side, side]` (kappa, and per kappa), with the forces
    /// added.
    ///
    /// # Errors
    /// When the device fails.
    pub fn join(&mut self, kappa: &Tensor, adversarial: &Tensor) -> Result<Joined> {
        let maps = no_grad(|| kappa.f_detach()?.f_to_kind(Kind::Float)?.f_div_scalar(self.deviation))?;
        let field = Field::new(&maps)?;
        let (size, mut gradient) = no_grad(|| self.surge(adversarial))?;
        let mut deviations = Vec::with_capacity(self.all.len());
        for (strength, force) in &mut self.all {
            let Pull { surrogate, deviation } = force.pull(&field)?;
            let direction = Tensor::f_run_backward(&[surrogate], &[field.maps()], true, false)?;
            let direction = direction.into_iter().next().context("a surrogate without its gradient")?;
            gradient = no_grad(|| -> Result<Tensor> {
                let direction = limited(&direction, &self.group)?;
                let wanted = size.f_mul_scalar(*strength)?.f_mul(&deviation.f_clamp_max(1.0)?)?;
                let factor = wanted.f_div(&length(&direction, &self.group)?.f_clamp_min(1e-12)?)?;
                Ok(gradient.f_add(&direction.f_mul(&factor)?)?)
            })?;
            deviations.push((force.measure(), deviation));
        }
        Ok(Joined { gradient, deviations })
    }

    /// Takes the adversarial gradient into its running size, and holds it to a few times that.
    fn surge(&mut self, adversarial: &Tensor) -> Result<(Tensor, Tensor)> {
        let [running, begun] = &self.adversarial;
        let now = length(adversarial, &self.group)?;
        // Before the first step, the first gradient is the running one.
        let before = running.f_where_self(&begun.f_gt(0.0)?, &now)?;
        let held = now.f_minimum(&before.f_mul_scalar(LARGEST_SURGE)?)?;
        let size = before.f_mul_scalar(MEMORY)?.f_add(&held.f_mul_scalar(1.0 - MEMORY)?)?;
        let factor = size.f_mul_scalar(LARGEST_SURGE)?.f_div(&now.f_clamp_min(1e-30)?)?.f_clamp_max(1.0)?;
        let one = begun.f_ones_like()?;
        self.adversarial = [size.shallow_clone(), one];
        Ok((size, adversarial.f_mul(&factor)?))
    }

    /// Everything that the forces remember from step to step, by name.
    pub fn named(&self) -> Vec<(String, Tensor)> {
        let [size, begun] = &self.adversarial;
        let own = [("size".to_owned(), size.shallow_clone()), ("begun".to_owned(), begun.shallow_clone())];
        let of_forces = self.all.iter().flat_map(|(_, force)| force.state());
        own.into_iter().chain(of_forces).collect()
    }
}

/// Euclidean length of all numbers of a gradient, of the maps of a whole group: a scalar. Each process has the gradient of the mean
/// over its own maps, as many times that of the mean over all as there are processes.
fn length(gradient: &Tensor, group: &Group) -> Result<Tensor> {
    let squared = gradient.f_to_kind(Kind::Float)?.f_square()?.f_sum(Kind::Float)?;
    Ok(group.sum(&squared)?.f_sqrt()?.f_div_scalar(group.size() as f64)?)
}

/// A gradient in which no map's part is longer than twice the median's.
fn limited(gradient: &Tensor, group: &Group) -> Result<Tensor> {
    let lengths = gradient.f_square()?.f_sum_dim_intlist([1_i64, 2, 3].as_slice(), true, Kind::Float)?.f_sqrt()?;
    let most = group.gather(&lengths)?.f_median()?.f_mul_scalar(LARGEST_SHARE)?;
    Ok(gradient.f_mul(&most.f_div(&lengths.f_clamp_min(1e-12)?)?.f_clamp_max(1.0)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::forces::smoothing::Gaussian;
    use shared::random::{Stream, stream};
    use tch::Device;

    /// Smoothed noise of unit variance, and cubes of it on top for `skewed`.
    fn noise(maps: i64, seed: u64, pixels: f64, skewed: f64) -> Tensor {
        let mut random = stream(seed, Stream::Crops);
        let values: Vec<f32> = (0..maps * 1024).map(|_| random.normal() as f32).collect();
        let noise = Tensor::from_slice(&values).view([maps, 1, 32, 32]);
        let smooth = Gaussian::new(pixels, 32, Device::Cpu).unwrap().smooth(&noise).unwrap();
        let smooth = &smooth / smooth.std(true);
        &smooth + skewed * smooth.pow_tensor_scalar(3)
    }

    fn only(force: &str) -> ForcesConfig {
        let strength = |name: &str| if name == force { 3.0 } else { 0.0 };
        ForcesConfig {
            spectrum: strength("spectrum"),
            pixels: strength("pixels"),
            shape: strength("shape"),
            lattice: strength("lattice"),
            half_life_maps: 8.0,
            ..ForcesConfig::default()
        }
    }

    fn number(tensor: &Tensor) -> f64 {
        f64::try_from(tensor).unwrap()
    }

    #[test]
    fn each_force_pulls_its_statistic_to_the_data() {
        let data = noise(96, 1, 1.5, 0.0);
        let deviation = number(&data.std(true));
        for (force, least) in [("spectrum", 0.5), ("pixels", 0.5), ("shape", 0.6), ("lattice", 0.6)] {
            let mut forces = Forces::new(&only(force), &data, deviation, 4, &Group::default()).unwrap();
            // Rougher, skewed, and with a lattice that all maps share.
            let dots = Tensor::from_slice(
                &(0..1024).map(|at| f32::from(u8::from(at % 8 == 0 && at / 32 % 8 == 0))).collect::<Vec<_>>(),
            );
            let mut maps = noise(16, 2, 0.8, 0.1) + 3.0 * dots.view([1, 1, 32, 32]);
            let push = Tensor::ones([16, 1, 32, 32], (Kind::Float, Device::Cpu)) * 1e-3;
            let (mut first, mut last) = (0.0, 0.0);
            for step in 0..150 {
                let Joined { gradient, deviations } = forces.join(&maps, &push).unwrap();
                last = number(&deviations[0].1);
                if step == 0 {
                    first = last;
                }
                let direction = &gradient - &push;
                maps = &maps - 2.0 * &direction / direction.square().sum(Kind::Float).sqrt();
            }
            assert!(last < least * first, "{force}: {first} -> {last}");
            assert!(maps.isfinite().all().int64_value(&[]) == 1, "{force}");
        }
    }

    #[test]
    fn a_force_has_its_share_of_the_adversarial_gradient_and_no_surge_passes() {
        let data = noise(64, 1, 1.5, 0.0);
        let deviation = number(&data.std(true));
        let mut forces = Forces::new(&only("spectrum"), &data, deviation, 4, &Group::default()).unwrap();
        let maps = noise(8, 2, 0.5, 0.0);
        let push = noise(8, 3, 1.0, 0.0);
        let size = number(&length(&push, &Group::default()).unwrap());
        let Joined { gradient, deviations } = forces.join(&maps, &push).unwrap();
        let share = number(&length(&(&gradient - &push), &Group::default()).unwrap()) / size;
        assert!((share - 3.0 * number(&deviations[0].1).min(1.0)).abs() < 1e-3, "{share}");
        // A hundred times the gradient acts as four times the running one, which it moves by 6 %.
        let Joined { gradient, .. } = forces.join(&maps, &(&push * 100.0)).unwrap();
        assert!(number(&length(&gradient, &Group::default()).unwrap()) < (4.0 + 3.0) * 1.1 * size);
        let names: Vec<String> = forces.named().into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"size".to_owned()) && names.contains(&"ring_power.sum".to_owned()), "{names:?}");
    }

    #[test]
    fn data_against_data_are_hardly_pulled() {
        let all = noise(256, 1, 1.5, 0.0);
        let deviation = number(&all.std(true));
        let config = ForcesConfig {
            spectrum: 3.0,
            pixels: 3.0,
            shape: 2.0,
            lattice: 1.0,
            half_life_maps: 1e6,
            ..ForcesConfig::default()
        };
        let mut forces = Forces::new(&config, &all.narrow(0, 0, 128), deviation, 4, &Group::default()).unwrap();
        let push = Tensor::ones([32, 1, 32, 32], (Kind::Float, Device::Cpu));
        let mut last = Vec::new();
        for batch in 0..4 {
            last = forces.join(&all.narrow(0, 128 + 32 * batch, 32), &push).unwrap().deviations;
        }
        for (measure, deviation) in last {
            assert!(number(&deviation) < 0.45, "{measure:?}: {}", number(&deviation));
        }
    }

    #[test]
    fn one_map_is_limited_to_twice_the_median() {
        let mut gradient = vec![1.0_f32; 3 * 4];
        gradient[..4].fill(100.0);
        let limited = limited(&Tensor::from_slice(&gradient).view([3, 1, 2, 2]), &Group::default()).unwrap();
        let values = crate::torch::to_vec(&limited).unwrap();
        assert_eq!(values, [[2.0; 4], [1.0; 4], [1.0; 4]].concat());
    }
}
