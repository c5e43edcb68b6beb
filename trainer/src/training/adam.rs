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
    /// Learning rate of each parameter over that of the step.
    rates: Vec<f64>,
    settings: AdamSettings,
}

impl Adam {
    /// An optimiser that has taken no step yet, with one learning rate for all parameters.
    pub fn new(network: &TorchNetwork, config: &TrainingConfig) -> Self {
        Self::with_rates(network, config, |_| 1.0)
    }

    /// An optimiser that has taken no step yet; `rate_of` gives each parameter's learning rate over that of the step, by name.
    pub fn with_rates(network: &TorchNetwork, config: &TrainingConfig, rate_of: impl Fn(&str) -> f64) -> Self {
        let parameters = network.trainable();
        let zeros = || parameters.iter().map(|tensor| tensor.detach().zeros_like()).collect::<Vec<_>>();
        let steps = parameters.iter().map(|tensor| Tensor::zeros([], (Kind::Float, tensor.device()))).collect();
        let settings = AdamSettings {
            learning_rate: config.learning_rate,
            beta1: config.beta1,
            beta2: config.beta2,
            epsilon: config.epsilon,
        };
        let rates = network.trainable_names().map(rate_of).collect();
        Self { first_moments: zeros(), second_moments: zeros(), steps, rates, parameters, settings }
    }

    /// Gradients of a loss with respect to this network's parameters, one a parameter. `keep_graph` where another loss is to go
    /// back through the same forward pass.
    ///
    /// # Errors
    /// When the loss does not depend on a parameter, or the device fails.
    pub fn gradients(&self, loss: &Tensor, keep_graph: bool) -> Result<Vec<Tensor>> {
        // With respect to this network alone: nothing is computed or kept for the other one.
        Ok(Tensor::f_run_backward(&[loss], &self.parameters, keep_graph, false)?)
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
            // One kernel for each run of parameters of one rate.
            let mut first = 0;
            for run in self.rates.chunk_by(|a, b| a == b) {
                let of_run = first..first + run.len();
                first += run.len();
                let tensors = AdamTensors {
                    parameters: &self.parameters[of_run.clone()],
                    gradients: &gradients[of_run.clone()],
                    first_moments: &self.first_moments[of_run.clone()],
                    second_moments: &self.second_moments[of_run.clone()],
                    steps: &self.steps[of_run],
                };
                let learning_rate = learning_rate * run.first().copied().unwrap_or(1.0);
                shim::fused_adam(&tensors, AdamSettings { learning_rate, ..self.settings }).context("Adam")?;
            }
            Ok(())
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
    use shared::network::{DiscriminatorForm, NetworkDefinition};
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
        let network = TorchNetwork::discriminator(&sizes, DiscriminatorForm::paper(&sizes), 1, Device::Cpu).unwrap();
        // The last layer learns at half the rate.
        let rate = |name: &str| if name.starts_with("fc.") { 0.5 } else { 1.0 };
        let mut adam = Adam::with_rates(&network, &config, rate);
        let rates: Vec<f64> = network.trainable_names().map(rate).collect();
        let input = Tensor::from_slice(&[0.1_f32, -0.4, 0.3, 0.9].repeat(4)).view([1, 1, 4, 4]);
        let loss = || network.forward(&input, Mode::Training).unwrap().square().sum(Kind::Float);
        let start: Vec<Vec<f32>> = network.trainable().iter().map(|t| to_vec(t).unwrap()).collect();
        let mut expected: Vec<Vec<[f64; 3]>> =
            start.iter().map(|t| t.iter().map(|&p| [f64::from(p), 0.0, 0.0]).collect()).collect();
        for step in 1..=3 {
            let gradients = Tensor::f_run_backward(&[loss()], &network.trainable(), false, false).unwrap();
            for ((tensor, gradient), rate) in expected.iter_mut().zip(&gradients).zip(&rates) {
                for ([p, m, v], g) in tensor.iter_mut().zip(to_vec(gradient).unwrap()) {
                    let g = f64::from(g);
                    *m = config.beta1 * *m + (1.0 - config.beta1) * g;
                    *v = config.beta2 * *v + (1.0 - config.beta2) * g * g;
                    let (m, v) = (*m / (1.0 - config.beta1.powi(step)), *v / (1.0 - config.beta2.powi(step)));
                    *p -= rate * config.learning_rate * m / (v.sqrt() + config.epsilon);
                }
            }
            let gradients = adam.gradients(&loss(), false).unwrap();
            adam.update(&gradients, config.learning_rate).unwrap();
            for (tensor, expected) in network.trainable().iter().zip(&expected) {
                for (found, [expected, ..]) in to_vec(tensor).unwrap().into_iter().zip(expected) {
                    assert!((f64::from(found) - expected).abs() < 1e-5, "step {step}: {found} {expected}");
                }
            }
        }
    }
}
