//! What a training run does; every field has the paper's value as its default.

use std::{fmt, path::Path};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use shared::network::NetworkDefinition;

/// A run's configuration, as in a TOML file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Seed of initial weights, latent vectors, shuffling and label flips.
    pub seed: u64,
    /// Training steps; one step updates each network once.
    pub steps: u64,
    /// Maps in a batch.
    pub batch_size: usize,
    /// Adam's learning rate. The paper's 2e-4 is for batches of 64; batches of 8 learned at 5e-5 and did not at 2e-4, where the
    /// discriminator's last layer overshoots.
    pub learning_rate: f64,
    /// Adam's decay of the first moment.
    pub beta1: f64,
    /// Adam's decay of the second moment.
    pub beta2: f64,
    /// Adam's epsilon.
    pub epsilon: f64,
    /// Probability that a step swaps the labels of real and generated maps for the discriminator.
    pub label_flip: f64,
    /// Arithmetic of the networks.
    pub precision: Arithmetic,
    /// Steps between two log lines.
    pub log_every: u64,
    /// Steps between two sample sheets with the power-spectrum distance; 0 for none.
    pub sample_every: u64,
    /// Generated (and data) maps in a power-spectrum distance.
    pub sample_maps: usize,
    /// Steps between two checkpoints; the last step always writes one.
    pub checkpoint_every: u64,
    /// Newest checkpoints that are kept, beside the best by power-spectrum distance.
    pub keep_checkpoints: usize,
    /// The run stops when the discriminator's loss stays below this ...
    pub collapse_loss: f64,
    /// ... for so many steps: the generator then gets no gradient.
    pub collapse_steps: u64,
    /// Sizes of the networks.
    pub network: NetworkDefinition,
}

/// Arithmetic of forward and backward passes; weights and their updates are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    /// IEEE single precision throughout; reproducible to the bit on one CPU.
    F32,
    /// bfloat16 products (autocast), f32 elsewhere.
    Bf16,
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            // 45 epochs of 200,000 maps in batches of 64, and the 2 of the selection.
            steps: 146_875,
            batch_size: 64,
            learning_rate: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
            epsilon: 1e-8,
            label_flip: 0.01,
            precision: Arithmetic::F32,
            log_every: 10,
            sample_every: 500,
            sample_maps: 256,
            checkpoint_every: 500,
            keep_checkpoints: 3,
            collapse_loss: 1e-3,
            collapse_steps: 1000,
            network: NetworkDefinition::paper(),
        }
    }
}

impl TrainingConfig {
    /// Reads a TOML file; what it leaves out takes its default.
    ///
    /// # Errors
    /// When the file is not readable, has an unknown field, or a value is out of range.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config: Self =
            toml::from_str(&text).with_context(|| format!("{} is not a training config", path.display()))?;
        config.validate().with_context(|| path.display().to_string())?;
        Ok(config)
    }

    /// Checks the values.
    ///
    /// # Errors
    /// Names the first one that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.network.validate()?;
        let at_least_one = [
            ("steps", self.steps),
            ("batch_size", self.batch_size as u64),
            ("log_every", self.log_every),
            ("checkpoint_every", self.checkpoint_every),
            ("keep_checkpoints", self.keep_checkpoints as u64),
            ("sample_maps", self.sample_maps as u64),
            ("collapse_steps", self.collapse_steps),
        ];
        if let Some((name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            bail!("{name} must be at least 1");
        }
        if self.batch_size < 2 {
            bail!("batch_size must be at least 2: batch normalisation measures a batch");
        }
        let in_range = |value: f64, low: f64, high: f64| (low..high).contains(&value);
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            bail!("learning_rate must be a positive number, got {}", self.learning_rate);
        }
        if !in_range(self.beta1, 0.0, 1.0) || !in_range(self.beta2, 0.0, 1.0) {
            bail!("beta1 and beta2 must be in [0, 1), got {} and {}", self.beta1, self.beta2);
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            bail!("epsilon must be a positive number, got {}", self.epsilon);
        }
        if !in_range(self.label_flip, 0.0, 0.5 + 1e-12) {
            bail!("label_flip must be in [0, 0.5], got {}", self.label_flip);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_paper() {
        let config: TrainingConfig = toml::from_str("").unwrap();
        assert_eq!(config, TrainingConfig::default());
        assert!(config.validate().is_ok());
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<TrainingConfig>(&text).unwrap(), config);
        let scaled: TrainingConfig = toml::from_str("[network]\nkappa_scale = 0.125").unwrap();
        assert_eq!(scaled.network, NetworkDefinition { kappa_scale: 0.125, ..NetworkDefinition::paper() });
    }

    #[test]
    fn unknown_fields_and_bad_values_are_named() {
        let error = toml::from_str::<TrainingConfig>("batchsize = 3").unwrap_err().to_string();
        assert!(error.contains("batchsize"), "{error}");
        for (text, name) in [
            ("batch_size = 1", "batch_size"),
            ("steps = 0", "steps"),
            ("learning_rate = -1.0", "learning_rate"),
            ("beta1 = 1.0", "beta1"),
            ("label_flip = 0.7", "label_flip"),
            ("[network]\nlatent_size = 64\nmap_side = 100\nbase_channels = 64\nstages = 4", "map_side"),
        ] {
            let error = toml::from_str::<TrainingConfig>(text).unwrap().validate().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
