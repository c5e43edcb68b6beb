//! One training step: the discriminator's loss (paper Eq. 2), then the generator's (Eq. 3).

use anyhow::Result;
use shared::random::{Stream, stream};
use tch::{Device, Kind, Reduction, Tensor, no_grad};

use super::{
    adam::Adam,
    config::{Arithmetic, TrainingConfig},
};
use crate::{
    networks::{Mode, TorchNetwork},
    torch::shim,
};

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

/// What a step measures, still on the device: losses of both networks and the discriminator's accuracy.
pub struct StepMeasures {
    /// `[discriminator loss, generator loss, accuracy on data, accuracy on generated maps]`.
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

    /// Trains on one batch of data, `[n, 1, side, side]`; everything random follows from the seed and the step's number.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step(&mut self, config: &TrainingConfig, step: u64, data: &Tensor) -> Result<StepMeasures> {
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
        let discriminator_loss = cross_entropy(&on_data, label_data)? + cross_entropy(&on_generated, label_generated)?;
        self.discriminator_adam.step(&discriminator_loss)?;

        let judged = self.autocast(config.precision, || self.discriminator.forward(&generated, Mode::Training))?;
        let generator_loss = cross_entropy(&judged, 1.0)?;
        self.generator_adam.step(&generator_loss)?;

        let values = no_grad(|| -> Result<Tensor> {
            let share = |right: Tensor| right.f_to_kind(Kind::Float)?.f_mean(Kind::Float);
            let right_on_data = share(on_data.f_gt(0.0)?)?;
            let right_on_generated = share(on_generated.f_le(0.0)?)?;
            // Eq. 2 itself: a step with flipped labels would make a discriminator that has won look as if it had lost.
            let unflipped = if flipped {
                cross_entropy(&on_data, 1.0)? + cross_entropy(&on_generated, 0.0)?
            } else {
                discriminator_loss.detach()
            };
            let measures = [unflipped, generator_loss.detach(), right_on_data, right_on_generated];
            Ok(Tensor::f_stack(&measures, 0)?)
        })?;
        Ok(StepMeasures { values })
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

/// Mean cross-entropy of logits with one label, in f32.
fn cross_entropy(logits: &Tensor, label: f64) -> Result<Tensor> {
    let logits = logits.f_to_kind(Kind::Float)?;
    let labels = logits.f_full_like(label)?;
    Ok(logits.f_binary_cross_entropy_with_logits::<Tensor>(&labels, None, None, Reduction::Mean)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::to_vec;
    use shared::network::NetworkDefinition;

    #[test]
    fn the_measured_loss_does_not_know_of_flipped_labels_and_the_update_does() {
        let network = NetworkDefinition {
            latent_size: 4,
            map_side: 16,
            base_channels: 2,
            stages: 2,
            ..NetworkDefinition::paper()
        };
        let always = TrainingConfig { label_flip: 1.0, network, ..TrainingConfig::default() };
        let never = TrainingConfig { label_flip: 0.0, ..always.clone() };
        let data =
            Tensor::from_slice(&(0..1024).map(|i| (i % 29) as f32 / 29.0).collect::<Vec<_>>()).view([4, 1, 16, 16]);
        let run = |config: &TrainingConfig| {
            let mut players = Players::new(config, Device::Cpu).unwrap();
            let measures: Vec<f32> =
                (0..2).map(|step| to_vec(&players.step(config, step, &data).unwrap().values).unwrap()[0]).collect();
            (measures[0], measures[1])
        };
        let (flipped, unflipped) = (run(&always), run(&never));
        assert_eq!(flipped.0, unflipped.0);
        assert!(flipped.1 > unflipped.1, "{flipped:?} {unflipped:?}");
    }
}
