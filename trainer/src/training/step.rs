//! One training step: the discriminator's loss (paper Eq. 2), then the generator's (Eq. 3).

use anyhow::Result;
use shared::random::{Stream, stream};
use tch::{Device, Kind, Tensor, no_grad};

use super::{
    adam::Adam,
    config::{Arithmetic, TrainingConfig},
    losses::{Losses, cross_entropy},
    measures::{ACCURACY_DATA, ACCURACY_GENERATED, DISCRIMINATOR_LOSS, GENERATOR_LOSS, Measure},
};
use crate::torch::{Mode, TorchNetwork, shim};

/// Both networks and their optimisers.
pub struct Players {
    /// Draws maps.
    pub generator: TorchNetwork,
    /// Tells drawn maps from data.
    pub discriminator: TorchNetwork,
    /// The generator's optimiser.
    pub generator_adam: Adam,
    /// The discriminator's optimiser.
    pub discriminator_adam: Adam,
    device: Device,
}

/// What a step measures, still on the device.
pub struct StepMeasures {
    /// What each of the values is.
    pub of: Vec<Measure>,
    /// One value a measure.
    pub values: Tensor,
}

impl Players {
    /// Seeded networks that have not been trained.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn new(config: &TrainingConfig, device: Device) -> Result<Self> {
        Self::with_generator(TorchNetwork::generator(&config.network, config.seed, device)?, config, device)
    }

    /// A generator as it is, against a seeded discriminator that has not been trained.
    ///
    /// # Errors
    /// When the sizes make no network, or the device has no room.
    pub fn with_generator(generator: TorchNetwork, config: &TrainingConfig, device: Device) -> Result<Self> {
        let discriminator = TorchNetwork::discriminator(&config.network, config.seed, device)?;
        let generator_adam = Adam::new(&generator, config);
        let discriminator_adam = Adam::new(&discriminator, config);
        Ok(Self { generator, discriminator, generator_adam, discriminator_adam, device })
    }

    /// Trains on one batch of data, `[n, 1, side, side]`, at a learning rate; everything random follows from the seed and the
    /// step's number.
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
        let batch = data.size().first().copied().unwrap_or(0);
        let latent = self.latent(config, step, batch)?;
        let flipped = stream(config.seed, Stream::LabelFlip).at(step).uniform() < config.label_flip;
        let (label_data, label_generated) = if flipped { (0.0, 1.0) } else { (1.0, 0.0) };

        let generated = self.autocast(config.precision, || self.generator.forward(&latent, Mode::Training))?;
        let [on_data, on_generated] = self.autocast(config.precision, || {
            let on_data = self.discriminator.forward(data, Mode::Training)?;
            let on_generated = self.discriminator.forward(&generated.detach(), Mode::Training)?;
            Ok([on_data, on_generated])
        })?;
        let losses = Losses::new([
            ("data", cross_entropy(&on_data, label_data)?),
            ("generated", cross_entropy(&on_generated, label_generated)?),
        ]);
        let discriminator_loss = losses.total()?;
        let gradients = self.discriminator_adam.gradients(&discriminator_loss)?;
        self.discriminator_adam.update(&gradients, learning_rate)?;

        // The same maps a second time: the running statistics have seen them.
        let judge = || self.discriminator.forward(&generated, Mode::BatchStatistics);
        let judged = self.autocast(config.precision, judge)?;
        let generator_loss = Losses::new([("adversarial", cross_entropy(&judged, 1.0)?)]).total()?;
        let gradients = self.generator_adam.gradients(&generator_loss)?;
        self.generator_adam.update(&gradients, learning_rate)?;

        let measured = no_grad(|| -> Result<Vec<(Measure, Tensor)>> {
            let share = |right: Tensor| right.f_to_kind(Kind::Float)?.f_mean(Kind::Float);
            // Eq. 2 itself: a step with flipped labels would make a discriminator that has won look as if it had lost.
            let unflipped = if flipped {
                cross_entropy(&on_data, 1.0)? + cross_entropy(&on_generated, 0.0)?
            } else {
                discriminator_loss.detach()
            };
            Ok(vec![
                (DISCRIMINATOR_LOSS, unflipped),
                (GENERATOR_LOSS, generator_loss.detach()),
                (ACCURACY_DATA, share(on_data.f_gt(0.0)?)?),
                (ACCURACY_GENERATED, share(on_generated.f_le(0.0)?)?),
            ])
        })?;
        let (of, values): (Vec<Measure>, Vec<Tensor>) = measured.into_iter().unzip();
        Ok(StepMeasures { of, values: no_grad(|| Tensor::f_stack(&values, 0))? })
    }

    fn latent(&self, config: &TrainingConfig, step: u64, batch: i64) -> Result<Tensor> {
        let size = config.network.latent_size;
        let mut random = stream(config.seed, Stream::TrainingLatent).at(step);
        let values: Vec<f32> = (0..batch as usize * size).map(|_| random.normal() as f32).collect();
        Ok(Tensor::f_from_slice(&values)?.f_view([batch, size as i64, 1, 1])?.f_to_device(self.device)?)
    }

    /// Runs a forward pass in the arithmetic that the config asks for.
    fn autocast<T>(&self, precision: Arithmetic, forward: impl FnOnce() -> Result<T>) -> Result<T> {
        if precision == Arithmetic::F32 {
            return forward();
        }
        let cuda = self.device.is_cuda();
        shim::set_bf16_autocast(cuda, true)?;
        let result = forward();
        shim::set_bf16_autocast(cuda, false)?;
        result
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
    fn the_running_statistics_of_the_discriminator_move_twice_a_step() {
        let config = TrainingConfig { network: narrow(), ..TrainingConfig::default() };
        let data = maps();
        let mean = |players: &Players| {
            let (_, tensor) = players.discriminator.named().find(|(name, _)| *name == "bn2.running_mean").unwrap();
            to_vec(tensor).unwrap()
        };
        let mut trained = Players::new(&config, Device::Cpu).unwrap();
        let before = Players::new(&config, Device::Cpu).unwrap();
        trained.step(&config, 0, config.learning_rate, &data).unwrap();
        // By hand: the data, then the maps that the generator drew, once each.
        let latent = before.latent(&config, 0, 4).unwrap();
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
            let mut players = Players::new(config, Device::Cpu).unwrap();
            let measures: Vec<f32> = (0..2)
                .map(|step| {
                    to_vec(&players.step(config, step, config.learning_rate, &data).unwrap().values).unwrap()[0]
                })
                .collect();
            (measures[0], measures[1])
        };
        let (flipped, unflipped) = (run(&always), run(&never));
        assert_eq!(flipped.0, unflipped.0);
        assert!(flipped.1 > unflipped.1, "{flipped:?} {unflipped:?}");
    }
}
