//! Adam (Kingma & Ba 2014) over the trainable tensors of one network.

use anyhow::{Context, Result};
use tch::{Kind, Tensor, no_grad};

use super::config::TrainingConfig;
use crate::torch::{
    TorchNetwork,
    shim::{self, AdamSettings, AdamTensors},
};

/// Optimiser of one network.
pub struct Adam {
    parameters: Vec<Tensor>,
    first_moments: Vec<Tensor>,
    second_moments: Vec<Tensor>,
    steps: Vec<Tensor>,
    settings: AdamSettings,
}

impl Adam {
    /// An optimiser that has taken no step yet.
    pub fn new(network: &TorchNetwork, config: &TrainingConfig) -> Self {
        let parameters = network.trainable();
        let zeros = || parameters.iter().map(|tensor| tensor.detach().zeros_like()).collect::<Vec<_>>();
        let steps = parameters.iter().map(|tensor| Tensor::zeros([], (Kind::Float, tensor.device()))).collect();
        let settings = AdamSettings {
            learning_rate: config.learning_rate,
            beta1: config.beta1,
            beta2: config.beta2,
            epsilon: config.epsilon,
        };
        Self { first_moments: zeros(), second_moments: zeros(), steps, parameters, settings }
    }

    /// Gradients of a loss with respect to this network's parameters, one a parameter.
    ///
    /// # Errors
    /// When the loss does not depend on a parameter, or the device fails.
    pub fn gradients(&self, loss: &Tensor) -> Result<Vec<Tensor>> {
        // With respect to this network alone: nothing is computed or kept for the other one.
        Ok(Tensor::f_run_backward(&[loss], &self.parameters, false, false)?)
    }

    /// Takes one step down these gradients, at a learning rate.
    ///
    /// # Errors
    /// When they are of other parameters, or the device fails.
    pub fn update(&mut self, gradients: &[Tensor], learning_rate: f64) -> Result<()> {
        // The kernel wants the memory order of the parameter.
        let gradients: Vec<Tensor> = gradients
            .iter()
            .zip(&self.parameters)
            .map(
                |(gradient, parameter)| {
                    if parameter.dim() == 4 { shim::channels_last(gradient) } else { Ok(gradient.contiguous()) }
                },
            )
            .collect::<Result<_, _>>()?;
        no_grad(|| {
            for step in &mut self.steps {
                let _ = step.f_add_scalar_(1.0)?;
            }
            let tensors = AdamTensors {
                parameters: &self.parameters,
                gradients: &gradients,
                first_moments: &self.first_moments,
                second_moments: &self.second_moments,
                steps: &self.steps,
            };
            shim::fused_adam(&tensors, AdamSettings { learning_rate, ..self.settings }).context("Adam")
        })
    }

    /// The state as named tensors: `first.0`, `second.0`, ..., and the step count.
    pub fn named(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let named = |prefix: &'static str, tensors: &'_ [Tensor]| {
            (0..tensors.len()).map(move |index| format!("{prefix}.{index}")).collect::<Vec<_>>()
        };
        let names =
            [named("first", &self.first_moments), named("second", &self.second_moments), named("step", &self.steps)];
        names.into_iter().flatten().zip(self.first_moments.iter().chain(&self.second_moments).chain(&self.steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::{Mode, to_vec};
    use shared::network::NetworkDefinition;
    use tch::Device;

    #[test]
    fn equals_the_definition() {
        let sizes = NetworkDefinition {
            latent_size: 2,
            map_side: 4,
            base_channels: 2,
            stages: 1,
            ..NetworkDefinition::paper()
        };
        let config = TrainingConfig { learning_rate: 0.01, ..TrainingConfig::default() };
        let network = TorchNetwork::discriminator(&sizes, 1, Device::Cpu).unwrap();
        let mut adam = Adam::new(&network, &config);
        let input = Tensor::from_slice(&[0.1_f32, -0.4, 0.3, 0.9].repeat(4)).view([1, 1, 4, 4]);
        let loss = || network.forward(&input, Mode::Training).unwrap().square().sum(Kind::Float);
        let start: Vec<Vec<f32>> = network.trainable().iter().map(|t| to_vec(t).unwrap()).collect();
        let mut expected: Vec<Vec<[f64; 3]>> =
            start.iter().map(|t| t.iter().map(|&p| [f64::from(p), 0.0, 0.0]).collect()).collect();
        for step in 1..=3 {
            let gradients = Tensor::f_run_backward(&[loss()], &network.trainable(), false, false).unwrap();
            for (tensor, gradient) in expected.iter_mut().zip(&gradients) {
                for ([p, m, v], g) in tensor.iter_mut().zip(to_vec(gradient).unwrap()) {
                    let g = f64::from(g);
                    *m = config.beta1 * *m + (1.0 - config.beta1) * g;
                    *v = config.beta2 * *v + (1.0 - config.beta2) * g * g;
                    let (m, v) = (*m / (1.0 - config.beta1.powi(step)), *v / (1.0 - config.beta2.powi(step)));
                    *p -= config.learning_rate * m / (v.sqrt() + config.epsilon);
                }
            }
            let gradients = adam.gradients(&loss()).unwrap();
            adam.update(&gradients, config.learning_rate).unwrap();
            for (tensor, expected) in network.trainable().iter().zip(&expected) {
                for (found, [expected, ..]) in to_vec(tensor).unwrap().into_iter().zip(expected) {
                    assert!((f64::from(found) - expected).abs() < 1e-5, "step {step}: {found} {expected}");
                }
            }
        }
    }
}
