//! What an export makes of a run's generator: averaged weights, statistics of batch normalisation measured anew, and a last layer
//! that draws no lattice of its own.

use anyhow::{Context, Result};
use shared::network::definition::KERNEL;
use tch::{Kind, Tensor, no_grad};

use super::{
    config::TrainingConfig,
    step::{Players, latents},
};
use crate::torch::{Mode, TorchNetwork, to_vec};

/// Latent vectors that are drawn at once.
const BATCH: i64 = 64;
/// Maps over which the mean inputs of the last layer are taken.
const NULL_MAPS: i64 = 256;

/// Finishes the generator as the run's config has it.
///
/// # Errors
/// When there is no average to take, or the device fails.
pub fn finish(players: &Players, config: &TrainingConfig) -> Result<()> {
    let export = &config.export;
    let generator = &players.generator;
    if export.averaged {
        let average = players.average.as_ref().context("the run keeps no average of its weights")?;
        average.give_to(generator)?;
    }
    measure_statistics(generator, config, export.statistics_maps)?;
    if export.last_layer_null { null_last_layer(generator, config) } else { Ok(()) }
}

/// Latent vectors of batch `batch`, which no training step had.
fn unseen_latents(generator: &TorchNetwork, config: &TrainingConfig, batch: u64, maps: i64) -> Result<Tensor> {
    latents(config, u64::MAX - batch, maps, generator.device())
}

/// Measures the statistics of batch normalisation anew, on whole batches of at least `maps` maps; 0 keeps what there is.
fn measure_statistics(generator: &TorchNetwork, config: &TrainingConfig, maps: usize) -> Result<()> {
    no_grad(|| {
        for batch in 1..=maps.div_ceil(BATCH as usize) as u32 {
            let latents = unseen_latents(generator, config, u64::from(batch), BATCH)?;
            let _ = generator.forward(&latents, Mode::Measuring(batch))?;
        }
        Ok(())
    })
}

/// Takes the lattice out of the last layer: where its inputs are at their means, the four phases of the doubled map are equal.
///
/// With mu the mean inputs and S_p the sum over channels and the taps of phase p of mu W, it subtracts
/// mu_c (S_p - S) / (n_p |mu|^2) from each tap, S the mean over phases weighted by 1 / n_p: the smallest change that does it.
fn null_last_layer(generator: &TorchNetwork, config: &TrainingConfig) -> Result<()> {
    let latents = unseen_latents(generator, config, 0, NULL_MAPS)?;
    let mut means = Vec::new();
    for latents in latents.f_split(BATCH, 0)? {
        let inputs = generator.before_last_layer(&latents)?;
        means.push(inputs.f_mean_dim([0_i64, 2, 3].as_slice(), false, Kind::Float)?);
    }
    let means = to_vec(&Tensor::f_stack(&means, 0)?.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?)?;
    let last = format!("deconv{}.weight", config.network.stages);
    let (_, weight) = generator.named().find(|(name, _)| *name == last).context("a generator without a last layer")?;
    // [channels, 1, 5, 5]: one output, the map.
    let mut kernels = to_vec(weight)?;
    remove_phases(&mut kernels, &means);
    let nulled = Tensor::f_from_slice(&kernels)?.f_view_as(weight)?.f_to_device(weight.device())?;
    no_grad(|| Ok(weight.shallow_clone().f_copy_(&nulled)?))
}

/// Of kernels of one output, a mean input each.
fn remove_phases(kernels: &mut [f32], means: &[f32]) {
    let phase = |tap: usize| 2 * (tap / KERNEL % 2) + tap % KERNEL % 2;
    let (mut sums, mut taps) = ([0.0_f64; 4], [0.0_f64; 4]);
    for (kernel, mean) in kernels.chunks(KERNEL * KERNEL).zip(means) {
        for (tap, weight) in kernel.iter().enumerate() {
            sums[phase(tap)] += f64::from(*mean) * f64::from(*weight);
        }
    }
    for tap in 0..KERNEL * KERNEL {
        taps[phase(tap)] += 1.0;
    }
    let weights: f64 = taps.iter().map(|count| 1.0 / count).sum();
    let level = sums.iter().zip(&taps).map(|(sum, count)| sum / count).sum::<f64>() / weights;
    let squared: f64 = means.iter().map(|mean| f64::from(*mean).powi(2)).sum();
    if squared == 0.0 {
        return;
    }
    for (kernel, mean) in kernels.chunks_mut(KERNEL * KERNEL).zip(means) {
        for (tap, weight) in kernel.iter_mut().enumerate() {
            let excess = (sums[phase(tap)] - level) / taps[phase(tap)];
            *weight -= (f64::from(*mean) * excess / squared) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::network::NetworkDefinition;
    use tch::Device;

    #[test]
    fn at_mean_inputs_the_phases_are_equal() {
        let mut kernels: Vec<f32> = (0..75).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
        let means = [0.3, 1.2, 0.0];
        let phases = |kernels: &[f32]| {
            let mut sums = [0.0_f32; 4];
            for (at, weight) in kernels.iter().enumerate() {
                sums[2 * (at % 25 / 5 % 2) + at % 5 % 2] += means[at / 25] * weight;
            }
            sums
        };
        let (before, unseen) = (phases(&kernels), kernels[50..].to_vec());
        assert!((before[0] - before[3]).abs() > 0.1);
        remove_phases(&mut kernels, &means);
        let after = phases(&kernels);
        assert!(after.iter().all(|sum| (sum - after[0]).abs() < 1e-5), "{after:?}");
        assert_eq!(kernels[50..], unseen, "a channel that is never active has no part in it");
    }

    #[test]
    fn finishing_takes_the_average_and_measures_it() {
        let network = NetworkDefinition {
            latent_size: 4,
            map_side: 16,
            base_channels: 2,
            stages: 2,
            ..NetworkDefinition::paper()
        };
        let mut config = TrainingConfig { network, average_half_life_maps: 100.0, ..TrainingConfig::default() };
        let players = Players::new(&config, 1.0, Device::Cpu).unwrap();
        let value = |name: &str| {
            let (_, tensor) = players.generator.named().find(|(own, _)| *own == name).unwrap();
            to_vec(tensor).unwrap()
        };
        let begun = value("deconv1.weight");
        let (_, weight) = players.generator.named().find(|(name, _)| *name == "deconv1.weight").unwrap();
        let _ = no_grad(|| weight.shallow_clone().fill_(0.25));
        let statistics = value("bn1.running_var");
        finish(&players, &config).unwrap();
        assert_eq!((value("deconv1.weight")[0], value("bn1.running_var")), (0.25, statistics.clone()));
        config.export.averaged = true;
        config.export.statistics_maps = 65;
        config.export.last_layer_null = true;
        let last = value("deconv2.weight");
        finish(&players, &config).unwrap();
        assert_eq!(value("deconv1.weight"), begun);
        assert_ne!(value("bn1.running_var"), statistics);
        assert_ne!(value("deconv2.weight"), last);
    }
}
