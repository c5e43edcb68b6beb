//! One training step: the discriminator's loss (paper Eq. 2), the generator's (Eq. 3), and what a recipe adds to them.

use anyhow::{Context, Result};
use shared::{
    network::DiscriminatorForm,
    random::{Stream, stream},
};
use tch::{Device, Kind, Tensor, no_grad};

use super::{
    adam::Adam,
    average::MovingAverage,
    config::{Arithmetic, TrainingConfig},
    forces::{Forces, Joined},
    losses::{Losses, cross_entropy},
    measures::{ACCURACY_DATA, ACCURACY_GENERATED, DISCRIMINATOR_LOSS, GENERATOR_LOSS, GRADIENT_PENALTY, Measure},
    recipe::{DiscriminatorInput, Updates},
};
use crate::torch::{Group, Mode, TorchNetwork};

/// Both networks, their optimisers, and what a recipe keeps beside them.
pub struct Players {
    /// Draws maps.
    pub generator: TorchNetwork,
    /// Tells drawn maps from data.
    pub discriminator: TorchNetwork,
    /// The generator's optimiser.
    pub generator_adam: Adam,
    /// The discriminator's optimiser.
    pub discriminator_adam: Adam,
    /// The moving average of the generator's weights, where the config asks for one.
    pub average: Option<MovingAverage>,
    /// Forces toward statistics of the data; [`Forces::new`] measures those.
    pub forces: Option<Forces>,
    /// Standard deviation of the data's kappa.
    deviation: f64,
    device: Device,
    /// Processes that train together.
    group: Group,
}

/// What a step measures, scalars still on the device.
pub type StepMeasures = Vec<(Measure, Tensor)>;

/// The last layer of the discriminator, which may have a learning rate of its own.
const LAST_LAYER: &str = "fc.";

/// Name with which the tensors of the generator's last layer begin.
fn last_layer(config: &TrainingConfig) -> String {
    format!("deconv{}.", config.network.stages)
}

/// What the first kernels and the learning rate of the generator's last layer are multiplied by, as `output_deviations` has it.
fn output_factor(config: &TrainingConfig, deviation: f64) -> f64 {
    let unit = config.output_deviations * deviation;
    if unit > 0.0 { unit / f64::from(config.network.kappa_scale) } else { 1.0 }
}

/// What the discriminator is, for data whose kappa has this standard deviation.
pub fn discriminator_form(config: &TrainingConfig, deviation: f64) -> DiscriminatorForm {
    let TrainingConfig { discriminator, network, .. } = config;
    let input_unit = match discriminator.input {
        DiscriminatorInput::KappaScale => f64::from(network.kappa_scale),
        DiscriminatorInput::Deviation | DiscriminatorInput::Asinh => deviation,
    };
    DiscriminatorForm {
        batch_norm: discriminator.batch_norm,
        input_unit,
        asinh: discriminator.input == DiscriminatorInput::Asinh,
    }
}

impl Players {
    /// Seeded networks that have not been trained, for data whose kappa has this standard deviation.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn new(config: &TrainingConfig, deviation: f64, device: Device) -> Result<Self> {
        let generator = TorchNetwork::generator(&config.network, config.initialisation, config.seed, device)?;
        let factor = output_factor(config, deviation);
        if factor != 1.0 {
            let last = last_layer(config);
            let kernels = generator.named().filter(|(name, _)| name.starts_with(&last));
            no_grad(|| {
                kernels.into_iter().try_for_each(|(_, tensor)| tensor.shallow_clone().f_mul_scalar_(factor).map(drop))
            })?;
        }
        Self::with_generator(generator, config, deviation, device)
    }

    /// A generator as it is, against a seeded discriminator that has not been trained.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn with_generator(
        generator: TorchNetwork,
        config: &TrainingConfig,
        deviation: f64,
        device: Device,
    ) -> Result<Self> {
        let differs = &config.discriminator;
        let form = discriminator_form(config, deviation);
        let discriminator = TorchNetwork::discriminator(&config.network, form, config.seed, device)?;
        let (last, factor) = (last_layer(config), output_factor(config, deviation));
        let generator_adam =
            Adam::with_rates(&generator, config, |name| if name.starts_with(&last) { factor } else { 1.0 });
        let discriminator_adam = Adam::with_rates(&discriminator, config, |name| {
            differs.rate * if name.starts_with(LAST_LAYER) { differs.last_layer_rate } else { 1.0 }
        });
        let half_life = config.average_half_life_maps;
        let average = (half_life > 0.0).then(|| MovingAverage::of(&generator, half_life)).transpose()?;
        let forces = None;
        let group = Group::default();
        Ok(Self {
            generator,
            discriminator,
            generator_adam,
            discriminator_adam,
            average,
            forces,
            deviation,
            device,
            group,
        })
    }

    /// Lets the processes of a group train together from now on.
    pub fn join(&mut self, group: &Group, config: &TrainingConfig) {
        self.group = group.clone();
        if config.synchronised_batch_norm {
            self.generator.synchronise(group.clone());
            self.discriminator.synchronise(group.clone());
        }
    }

    /// Trains on one batch of data, `[n, 1, side, side]` of kappa, at a learning rate; everything random follows from the seed and
    /// the step's number. In a group each process has its share of the batch, of one size.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step(
        &mut self,
        config: &TrainingConfig,
        step: u64,
        learning_rate: f64,
        data: &Tensor,
    ) -> Result<StepMeasures> {
        let own = data.size().first().copied().unwrap_or(0);
        let batch = own * self.group.size() as i64;
        // The same latent vectors as of a process alone.
        let latent = latents(config, step, batch, self.device)?.f_narrow(0, own * self.group.rank() as i64, own)?;
        let flipped = stream(config.seed, Stream::LabelFlip).at(step).uniform() < config.label_flip;
        let (label_data, label_generated) = if flipped { (0.0, 1.0) } else { (1.0, 0.0) };
        let together = config.updates == Updates::Together;
        let penalty = &config.discriminator;
        let penalised = penalty.gradient_penalty > 0.0 && step.is_multiple_of(penalty.gradient_penalty_every);

        let generated = forward(config, &self.generator, &latent, Mode::Training)?;
        let noise = self.noise(config, step, learning_rate, batch, data)?;
        let data = match &noise {
            Some([noise, _]) => data.f_add(noise)?,
            None => data.shallow_clone(),
        };
        let shown = match &noise {
            Some([_, noise]) => generated.f_add(noise)?,
            None => generated.shallow_clone(),
        };
        let data = if penalised { data.f_detach()?.f_set_requires_grad(true)? } else { data };
        let on_data = forward(config, &self.discriminator, &data, Mode::Training)?;
        let seen = if together { shown.shallow_clone() } else { shown.f_detach()? };
        let on_generated = forward(config, &self.discriminator, &seen, Mode::Training)?;
        let of_data = cross_entropy(&on_data, label_data)?;
        let of_generated = cross_entropy(&on_generated, label_generated)?;
        let adversarial_loss = no_grad(|| of_data.f_add(&of_generated))?;
        let mut losses = vec![("data", of_data), ("generated", of_generated)];
        let mut measures = Vec::new();
        if penalised {
            let squared = self.squared_slope(&on_data, &data)?;
            let times = penalty.gradient_penalty_every as f64;
            losses.push(("gradient penalty", squared.f_mul_scalar(0.5 * penalty.gradient_penalty * times)?));
            measures.push((GRADIENT_PENALTY, squared.f_detach()?));
        }
        let discriminator_gradients = self.discriminator_adam.gradients(&Losses::new(losses).total()?, together)?;
        let discriminator_gradients = self.group.means(discriminator_gradients)?;
        let judged = if together {
            on_generated.shallow_clone()
        } else {
            self.discriminator_adam.update(&discriminator_gradients, learning_rate)?;
            // The same maps a second time: the running statistics have seen them.
            forward(config, &self.discriminator, &shown, Mode::BatchStatistics)?
        };
        let generator_loss = Losses::new([("adversarial", cross_entropy(&judged, 1.0)?)]).total()?;
        let (generator_gradients, deviations) = self.generator_gradients(&generator_loss, &generated)?;
        let generator_gradients = self.group.means(generator_gradients)?;
        if together {
            self.discriminator_adam.update(&discriminator_gradients, learning_rate)?;
        }
        self.generator_adam.update(&generator_gradients, learning_rate)?;
        if let Some(average) = &mut self.average {
            average.take(&self.generator, step + 1, batch)?;
        }

        no_grad(|| -> Result<StepMeasures> {
            let share = |right: Tensor| right.f_to_kind(Kind::Float)?.f_mean(Kind::Float);
            // Eq. 2 itself: a step with flipped labels would make a discriminator that has won look as if it had lost.
            let unflipped = if flipped {
                cross_entropy(&on_data, 1.0)? + cross_entropy(&on_generated, 0.0)?
            } else {
                adversarial_loss
            };
            let mut all = vec![
                (DISCRIMINATOR_LOSS, unflipped.f_detach()?),
                (GENERATOR_LOSS, generator_loss.f_detach()?),
                (ACCURACY_DATA, share(on_data.f_gt(0.0)?)?),
                (ACCURACY_GENERATED, share(on_generated.f_le(0.0)?)?),
            ];
            all.append(&mut measures);
            all.extend(deviations);
            Ok(all)
        })
    }

    /// Gradients of the generator's parameters: of its loss, and of the forces where there are any. Also how far the statistics
    /// are from the data's.
    fn generator_gradients(&mut self, loss: &Tensor, generated: &Tensor) -> Result<(Vec<Tensor>, StepMeasures)> {
        let Some(forces) = &mut self.forces else {
            return Ok((self.generator_adam.gradients(loss, false)?, Vec::new()));
        };
        let adversarial = Tensor::f_run_backward(&[loss], &[generated], false, false)?;
        let adversarial = adversarial.first().context("the loss does not depend on the maps")?;
        let Joined { gradient, deviations } = forces.join(generated, adversarial)?;
        // A number with this gradient takes it from the maps to the parameters.
        let joined = generated.f_mul(&gradient)?.f_sum(Kind::Float)?;
        Ok((self.generator_adam.gradients(&joined, false)?, deviations))
    }

    /// Noise on what the discriminator sees of the data and of generated maps, where the config has any. Of a group, each process has
    /// its share of what a process alone has.
    fn noise(
        &self,
        config: &TrainingConfig,
        step: u64,
        learning_rate: f64,
        batch: i64,
        data: &Tensor,
    ) -> Result<Option<[Tensor; 2]>> {
        let size = config.discriminator.noise * self.deviation * learning_rate / config.learning_rate;
        if size == 0.0 {
            return Ok(None);
        }
        let mut shape = data.size();
        let own = shape.first().copied().unwrap_or(0);
        if let Some(first) = shape.first_mut() {
            *first = 2 * batch;
        }
        // libtorch's own numbers, from a seed of the step's: millions a step, which differ from device to device.
        tch::manual_seed(stream(config.seed, Stream::DiscriminatorNoise).at(step).word().cast_signed());
        let all = Tensor::f_randn(&shape[..], (Kind::Float, self.device))?.f_mul_scalar(size)?;
        let first = own * self.group.rank() as i64;
        Ok(Some([all.f_narrow(0, first, own)?, all.f_narrow(0, batch + first, own)?]))
    }

    /// E |dD/dx|^2 over maps of the data, x in units of their standard deviation, as a number that has a gradient itself.
    fn squared_slope(&self, logits: &Tensor, data: &Tensor) -> Result<Tensor> {
        let batch = data.size().first().copied().unwrap_or(1) as f64;
        let slope = Tensor::f_run_backward(&[logits.f_sum(Kind::Float)?], &[data], true, true)?;
        let slope = slope.first().context("the logits do not depend on the data")?;
        Ok(slope.f_square()?.f_sum(Kind::Float)?.f_mul_scalar(self.deviation.powi(2) / batch)?)
    }
}

/// Latent vectors of a training step, `[maps, latent_size, 1, 1]`.
///
/// # Errors
/// When the device has no room.
pub fn latents(config: &TrainingConfig, step: u64, maps: i64, device: Device) -> Result<Tensor> {
    let size = config.network.latent_size;
    let mut random = stream(config.seed, Stream::TrainingLatent).at(step);
    let values: Vec<f32> = (0..maps as usize * size).map(|_| random.normal() as f32).collect();
    Ok(Tensor::f_from_slice(&values)?.f_view([maps, size as i64, 1, 1])?.f_to_device(device)?)
}

/// A forward pass in the arithmetic that the config asks for.
fn forward(config: &TrainingConfig, network: &TorchNetwork, input: &Tensor, mode: Mode) -> Result<Tensor> {
    match config.precision {
        Arithmetic::F32 => network.forward(input, mode),
        Arithmetic::Bf16 => network.forward_in_bf16(input, mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_vec;
    use shared::network::NetworkDefinition;

    fn narrow() -> NetworkDefinition {
        NetworkDefinition { latent_size: 4, map_side: 16, base_channels: 2, stages: 2, ..NetworkDefinition::paper() }
    }

    /// Four maps of 16 x 16.
    fn maps() -> Tensor {
        Tensor::from_slice(&(0..1024).map(|i| (i % 29) as f32 / 29.0).collect::<Vec<_>>()).view([4, 1, 16, 16])
    }

    #[test]
    fn the_output_learns_in_deviations_of_the_data_whatever_the_scale() {
        let with = |output_deviations: f64, kappa_scale: f32| {
            let network = NetworkDefinition { kappa_scale, ..narrow() };
            let config = TrainingConfig { output_deviations, network, ..TrainingConfig::default() };
            let mut players = Players::new(&config, 0.02, Device::Cpu).unwrap();
            let draw = |players: &Players| {
                let latent = latents(&config, 0, 4, Device::Cpu).unwrap();
                players.generator.forward(&latent, Mode::BatchStatistics).unwrap()
            };
            let before = draw(&players);
            let gradients: Vec<Tensor> = players.generator.trainable().iter().map(Tensor::ones_like).collect();
            players.generator_adam.update(&gradients, 1e-3).unwrap();
            let last = players.generator.named().find(|(name, _)| *name == "deconv2.bias").unwrap().1.shallow_clone();
            (
                f64::try_from(before.std(true)).unwrap(),
                f64::from(kappa_scale) * f64::try_from(last.sum(Kind::Float)).unwrap(),
            )
        };
        // tanh bends an output that is not small: within 1 %.
        let ((narrow, own), (wide, other)) = (with(10.0, 0.5), with(10.0, 2.0));
        assert!(
            (narrow / wide - 1.0).abs() < 0.01 && (own / other - 1.0).abs() < 0.01,
            "{narrow} {wide} {own} {other}"
        );
        assert!((with(0.0, 2.0).0 / with(0.0, 0.5).0 - 4.0).abs() < 0.04);
        // Where it is ten deviations, nothing changes.
        assert!((with(10.0, 0.2).0 / with(0.0, 0.2).0 - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_running_statistics_of_the_discriminator_move_twice_a_step() {
        let config = TrainingConfig { network: narrow(), ..TrainingConfig::default() };
        let data = maps();
        let mean = |players: &Players| {
            let (_, tensor) = players.discriminator.named().find(|(name, _)| *name == "bn2.running_mean").unwrap();
            to_vec(tensor).unwrap()
        };
        let mut trained = Players::new(&config, 0.5, Device::Cpu).unwrap();
        let before = Players::new(&config, 0.5, Device::Cpu).unwrap();
        trained.step(&config, 0, config.learning_rate, &data).unwrap();
        // By hand: the data, then the maps that the generator drew, once each.
        let latent = latents(&config, 0, 4, Device::Cpu).unwrap();
        let generated = before.generator.forward(&latent, Mode::Training).unwrap();
        for maps in [&data, &generated] {
            let _ = before.discriminator.forward(maps, Mode::Training).unwrap();
        }
        assert_eq!(mean(&trained), mean(&before));
    }

    #[test]
    fn the_measured_loss_does_not_know_of_flipped_labels_and_the_update_does() {
        let always = TrainingConfig { label_flip: 1.0, network: narrow(), ..TrainingConfig::default() };
        let never = TrainingConfig { label_flip: 0.0, ..always.clone() };
        let data = maps();
        let run = |config: &TrainingConfig| {
            let mut players = Players::new(config, 0.5, Device::Cpu).unwrap();
            let measures: Vec<f32> = (0..2)
                .map(|step| {
                    let (_, loss) = players.step(config, step, config.learning_rate, &data).unwrap().swap_remove(0);
                    f32::try_from(loss).unwrap()
                })
                .collect();
            (measures[0], measures[1])
        };
        let (flipped, unflipped) = (run(&always), run(&never));
        assert_eq!(flipped.0, unflipped.0);
        assert!(flipped.1 > unflipped.1, "{flipped:?} {unflipped:?}");
    }
}
