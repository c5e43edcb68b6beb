//! Seeded initial weights: N(0, 0.02), truncated for convolutions, biases 0.

use super::definition::{INITIAL_DEVIATION, Initial, ParameterDefinition};
use crate::random::{Stream, stream};

/// Which of the two networks a parameter belongs to; keeps their random numbers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Table 1.
    Generator,
    /// Table 2.
    Discriminator,
}

/// Initial values of the parameter at place `index` of its network, row-major; the same on every platform.
pub fn initial_values(parameter: &ParameterDefinition, network: Network, index: usize, seed: u64) -> Vec<f32> {
    let count = parameter.shape.iter().product();
    let place = 2 * index as u64 + u64::from(network == Network::Discriminator);
    let mut random = stream(seed, Stream::InitialWeights).at(place);
    let mut scaled = |draw: fn(&mut crate::random::Random) -> f64| -> Vec<f32> {
        (0..count).map(|_| (INITIAL_DEVIATION * draw(&mut random)) as f32).collect()
    };
    match parameter.initial {
        Initial::Zero => vec![0.0; count],
        Initial::One => vec![1.0; count],
        Initial::Normal => scaled(crate::random::Random::normal),
        Initial::TruncatedNormal => scaled(crate::random::Random::truncated_normal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NetworkDefinition;
    use crate::network::definition::parameters;

    #[test]
    fn weights_have_their_distribution_and_depend_on_the_seed() {
        let all = parameters(&NetworkDefinition::paper().discriminator());
        let conv2 = &all[2];
        assert_eq!(conv2.name, "conv2.weight");
        let values = initial_values(conv2, Network::Discriminator, 2, 1);
        let variance = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64;
        assert!((variance.sqrt() - 0.02 * 0.7737_f64.sqrt()).abs() < 1e-4, "{}", variance.sqrt());
        assert!(values.iter().all(|x| x.abs() < 0.04));
        assert_ne!(values, initial_values(conv2, Network::Discriminator, 2, 2));
        assert_ne!(values, initial_values(conv2, Network::Generator, 2, 1));
        assert!(initial_values(&all[3], Network::Discriminator, 3, 1).iter().all(|&x| x == 0.0));
    }
}
