//! Seeded initial weights: as the paper has them, or so that training begins closer to its end.

use serde::{Deserialize, Serialize};

use super::definition::{INITIAL_DEVIATION, Initial, KERNEL, LEAKINESS, Layer, Operation, ParameterDefinition};
use crate::random::{Random, Stream, stream};

/// Which of the two networks a parameter belongs to; keeps their random numbers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Table 1.
    Generator,
    /// Table 2.
    Discriminator,
}

/// How the weights of a network begin. Biases begin at 0, batch normalisation as the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Initialisation {
    /// N(0, 0.02), truncated at two deviations for convolutions (Section 2.3).
    #[default]
    Paper,
    /// Kernels of transposed convolutions are cubic B-splines plus some noise, so that the four phases of a doubled map begin
    /// alike: independent kernels begin with up to 3e4 times too much power beyond the Nyquist multipole.
    Spline,
    /// N(0, 2 / ((1 + slope^2) inputs)), which keeps the variance of a network without batch normalisation (He et al. 2015).
    He,
}

/// Noise in B-spline kernels of inner layers: least, and where the first layer begins.
const SPLINE_NOISE: [f64; 2] = [0.15, 0.25];
/// Noise in the B-spline kernel next to the map.
const LAST_SPLINE_NOISE: f64 = 0.05;
/// Factor on the B-spline kernel next to the map: the first maps are faint, instead of saturating the tanh.
const LAST_SPLINE_FACTOR: f64 = 0.3;

/// Initial values of every parameter of a network, row-major, in the order of its layers; the same on every platform.
pub fn initial_network(layers: &[Layer], network: Network, begins: Initialisation, seed: u64) -> Vec<Vec<f32>> {
    let transposed = |layer: &&Layer| matches!(layer.operation, Operation::TransposedConvolution { .. });
    let stages = layers.iter().filter(transposed).count();
    let (mut values, mut stage) = (Vec::new(), 0);
    for layer in layers {
        stage += usize::from(transposed(&layer));
        for parameter in layer.parameters() {
            let index = values.len();
            let is_weight = !matches!(parameter.initial, Initial::Zero | Initial::One);
            values.push(match begins {
                Initialisation::Spline if is_weight && transposed(&layer) => {
                    spline_kernels(&parameter, stage, stages, &mut random_of(network, index, seed))
                }
                Initialisation::He if is_weight => {
                    let inputs: usize = parameter.shape.iter().skip(1).product();
                    let deviation = (2.0 / ((1.0 + LEAKINESS.powi(2)) * inputs as f64)).sqrt();
                    let mut random = random_of(network, index, seed);
                    (0..parameter.shape.iter().product()).map(|_| (deviation * random.normal()) as f32).collect()
                }
                _ => initial_values(&parameter, network, index, seed),
            });
        }
    }
    values
}

/// Initial values, as the paper has them, of the parameter at place `index` of its network, row-major.
pub fn initial_values(parameter: &ParameterDefinition, network: Network, index: usize, seed: u64) -> Vec<f32> {
    let count = parameter.shape.iter().product();
    let mut random = random_of(network, index, seed);
    let mut scaled = |draw: fn(&mut Random) -> f64| -> Vec<f32> {
        (0..count).map(|_| (INITIAL_DEVIATION * draw(&mut random)) as f32).collect()
    };
    match parameter.initial {
        Initial::Zero => vec![0.0; count],
        Initial::One => vec![1.0; count],
        Initial::Normal => scaled(Random::normal),
        Initial::TruncatedNormal => scaled(Random::truncated_normal),
    }
}

fn random_of(network: Network, index: usize, seed: u64) -> Random {
    let place = 2 * index as u64 + u64::from(network == Network::Discriminator);
    stream(seed, Stream::InitialWeights).at(place)
}

/// 0.02 (sqrt(1 - f^2) n K + f noise) for each pair of channels: n one normal number, K the B-spline kernel of unit rms, f the
/// noise of the stage, counted from 1.
fn spline_kernels(parameter: &ParameterDefinition, stage: usize, stages: usize, random: &mut Random) -> Vec<f32> {
    // The outer product of these taps; its even and its odd ones have equal sums, so that a constant stays constant.
    let taps = [1.0, 4.0, 6.0, 4.0, 1.0_f64];
    let root_mean_square = taps.iter().map(|tap| tap * tap).sum::<f64>() / KERNEL as f64;
    let spline: Vec<f64> = taps.iter().flat_map(|a| taps.map(|b| a * b / root_mean_square)).collect();
    let last = stage == stages;
    let noise =
        if last { LAST_SPLINE_NOISE } else { (SPLINE_NOISE[1] - 0.05 * (stage as f64 - 1.0)).max(SPLINE_NOISE[0]) };
    let factor = INITIAL_DEVIATION * if last { LAST_SPLINE_FACTOR } else { 1.0 };
    let pairs = parameter.shape.iter().take(2).product();
    let mut kernel = || {
        let amplitude = (1.0 - noise * noise).sqrt() * random.normal();
        let values = spline.iter().map(|tap| (factor * (amplitude * tap + noise * random.normal())) as f32);
        values.collect::<Vec<_>>()
    };
    (0..pairs).flat_map(|_: usize| kernel()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NetworkDefinition;
    use crate::network::definition::parameters;

    fn deviation(values: &[f32]) -> f64 {
        (values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn weights_have_their_distribution_and_depend_on_the_seed() {
        let all = parameters(&NetworkDefinition::paper().discriminator());
        let conv2 = &all[2];
        assert_eq!(conv2.name, "conv2.weight");
        let values = initial_values(conv2, Network::Discriminator, 2, 1);
        assert!((deviation(&values) - 0.02 * 0.7737_f64.sqrt()).abs() < 1e-4, "{}", deviation(&values));
        assert!(values.iter().all(|x| x.abs() < 0.04));
        assert_ne!(values, initial_values(conv2, Network::Discriminator, 2, 2));
        assert_ne!(values, initial_values(conv2, Network::Generator, 2, 1));
        assert!(initial_values(&all[3], Network::Discriminator, 3, 1).iter().all(|&x| x == 0.0));
    }

    #[test]
    fn a_network_begins_parameter_by_parameter() {
        let layers = NetworkDefinition { base_channels: 4, ..NetworkDefinition::paper() }.generator();
        let all = initial_network(&layers, Network::Generator, Initialisation::Paper, 3);
        for (index, (parameter, values)) in parameters(&layers).iter().zip(&all).enumerate() {
            assert_eq!(*values, initial_values(parameter, Network::Generator, index, 3), "{}", parameter.name);
        }
        assert_eq!(all.len(), parameters(&layers).len());
    }

    #[test]
    fn spline_kernels_have_equal_phases_but_for_their_noise() {
        let layers = NetworkDefinition { base_channels: 16, ..NetworkDefinition::paper() }.generator();
        let all = initial_network(&layers, Network::Generator, Initialisation::Spline, 1);
        for (parameter, values) in parameters(&layers).iter().zip(&all) {
            if !parameter.name.starts_with("deconv") || !parameter.name.ends_with("weight") {
                continue;
            }
            let last = parameter.shape[1] == 1;
            // The last layer has 16 amplitudes here.
            let (expected, tolerance) = if last { (0.006, 0.4) } else { (0.02, 0.15) };
            assert!((deviation(values) / expected - 1.0_f64).abs() < tolerance, "{}", parameter.name);
            // Of each kernel: sums over the taps of the four phases of a doubled map.
            let mut spread = 0.0;
            for kernel in values.chunks(25) {
                let mut sums = [0.0_f64; 4];
                for (at, value) in kernel.iter().enumerate() {
                    sums[2 * (at / 5 % 2) + at % 5 % 2] += f64::from(*value);
                }
                let mean = sums.iter().sum::<f64>() / 4.0;
                spread += sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / 4.0;
            }
            let spread = (spread / (values.len() / 25) as f64).sqrt() / deviation(values);
            // Independent taps would give about 2.2.
            assert!(spread < if last { 0.15 } else { 0.65 }, "{}: {spread}", parameter.name);
        }
    }

    #[test]
    fn he_weights_keep_the_variance_of_their_inputs() {
        let layers = NetworkDefinition::paper().discriminator_without_batch_norm();
        let all = initial_network(&layers, Network::Discriminator, Initialisation::He, 1);
        for (parameter, values) in parameters(&layers).iter().zip(&all).filter(|(p, _)| p.name.ends_with("weight")) {
            let inputs: usize = parameter.shape[1..].iter().product();
            let expected = (2.0 / 1.04 / inputs as f64).sqrt();
            assert!((deviation(values) / expected - 1.0).abs() < 0.05, "{}", parameter.name);
        }
    }
}
