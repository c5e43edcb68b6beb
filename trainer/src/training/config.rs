//! What a training run does; every field has the paper's value as its default, but that there is no selection, and `configs/` has
//! the two whole procedures.

use std::{fmt, path::Path};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use shared::network::{NetworkDefinition, initial::Initialisation};

use super::recipe::{DiscriminatorConfig, ExportConfig, ForcesConfig, Updates};

/// A run's configuration, as in a TOML file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Seed of initial weights, latent vectors, shuffling, windows and label flips.
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
    /// Last steps of the run, in which the learning rate falls to 0 in a straight line.
    pub cool_down_steps: u64,
    /// Whether maps are turned at random by the symmetries of the square; windows of larger maps are random anyway.
    pub symmetries: bool,
    /// Maps at the end of each file that are not trained on but measured against; 0 measures against training maps.
    pub held_out_maps: usize,
    /// The paper's selection of a generator, at the end of the run.
    pub selection: SelectionConfig,
    /// When the two networks are updated.
    pub updates: Updates,
    /// How the generator's weights begin.
    pub initialisation: Initialisation,
    /// Standard deviations of the data's kappa that the generator's output 1 would stand for if nothing else mattered; 0 for what
    /// `kappa_scale` makes of it. The last layer's first kernels and its learning rate are then those of such a generator: Adam moves
    /// the output by as much in every step, which is coarse beside maps whose peaks stand far above their scatter.
    pub output_deviations: f64,
    /// Maps after which a step's weight in the moving average of the generator's weights is halved; 0 for no average.
    pub average_half_life_maps: f64,
    /// Whether batch normalisation measures the batches of all processes that train together; each measures its own otherwise.
    pub synchronised_batch_norm: bool,
    /// Sizes of the networks.
    pub network: NetworkDefinition,
    /// How the discriminator differs from Table 2.
    pub discriminator: DiscriminatorConfig,
    /// Forces toward statistics of the data.
    pub forces: ForcesConfig,
    /// What an export makes of the generator.
    pub export: ExportConfig,
}

/// The selection of a generator (paper Section 2.3): while its statistics vary from step to step, each generator draws maps, and
/// those whose power spectra are closest to the development set's are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionConfig {
    /// Last steps of the run, in which generators are measured; 0 for no selection.
    pub steps: u64,
    /// Steps from one that is measured to the next.
    pub every: u64,
    /// Maps that each one draws, and most maps of the development set: the held-out maps, or without such the training maps.
    pub maps: usize,
    /// Best generators that are kept.
    pub keep: usize,
}

impl Default for SelectionConfig {
    fn default() -> Self {
        // 100 batches of 64.
        Self { steps: 0, every: 1, maps: 6400, keep: 3 }
    }
}

/// The procedures that come with the program, by name: TOML files with a reason for each value.
const PROCEDURES: [(&str, &str); 2] =
    [("paper", include_str!("../../configs/paper.toml")), ("recipe", include_str!("../../configs/recipe.toml"))];

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
            cool_down_steps: 0,
            symmetries: false,
            held_out_maps: 0,
            selection: SelectionConfig::default(),
            updates: Updates::Together,
            initialisation: Initialisation::Paper,
            output_deviations: 0.0,
            average_half_life_maps: 0.0,
            synchronised_batch_norm: false,
            network: NetworkDefinition::paper(),
            discriminator: DiscriminatorConfig::default(),
            forces: ForcesConfig::default(),
            export: ExportConfig::default(),
        }
    }
}

impl TrainingConfig {
    /// Reads a TOML file, or one of the procedures that come with the program, `paper` and `recipe`; what it leaves out takes its default.
    ///
    /// # Errors
    /// When the file is not readable, has an unknown field, or a value is out of range.
    pub fn read(path: &Path) -> Result<Self> {
        let procedure = PROCEDURES.iter().find(|(name, _)| path.as_os_str() == *name);
        let text = match procedure {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}: give a file, or one of paper and recipe", path.display()))?,
        };
        let config: Self = toml::from_str(&text)
            .with_context(|| format!("{} is not a training config of this version", path.display()))?;
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
            ("[selection] every", self.selection.every),
            ("[selection] keep", self.selection.keep as u64),
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
        if self.cool_down_steps > self.steps {
            bail!("cool_down_steps must be at most steps = {}, got {}", self.steps, self.cool_down_steps);
        }
        if self.selection.steps > self.steps {
            bail!("[selection] steps must be at most steps = {}, got {}", self.steps, self.selection.steps);
        }
        if self.selection.steps > 0 && self.selection.maps < 2 {
            bail!("[selection] maps must be at least 2, got {}", self.selection.maps);
        }
        if self.selection.steps > 0 && (self.cool_down_steps > 0 || self.export.averaged) {
            bail!(
                "[selection] is of weights at a constant learning rate: it wants cool_down_steps = 0 and no [export] averaged"
            );
        }
        if !(self.average_half_life_maps >= 0.0 && self.average_half_life_maps.is_finite()) {
            bail!("average_half_life_maps must be 0 or a positive number, got {}", self.average_half_life_maps);
        }
        if !(self.output_deviations >= 0.0 && self.output_deviations.is_finite()) {
            bail!("output_deviations must be 0 or a positive number, got {}", self.output_deviations);
        }
        if self.export.averaged && self.average_half_life_maps == 0.0 {
            bail!("[export] averaged wants an average: set average_half_life_maps");
        }
        self.discriminator.validate()?;
        self.forces.validate()
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
    fn the_procedures_that_come_with_the_program_are_read_by_name() {
        let mut paper = TrainingConfig::default();
        // Two epochs of 200,000 maps.
        paper.selection.steps = 6250;
        assert_eq!(TrainingConfig::read(Path::new("paper")).unwrap(), paper);
        let recipe = TrainingConfig::read(Path::new("recipe")).unwrap();
        assert!(recipe.forces.any() && !recipe.discriminator.batch_norm);
        // The generator stays the paper's.
        assert_eq!(recipe.network, NetworkDefinition::paper());
        let error = format!("{:#}", TrainingConfig::read(Path::new("no such file")).unwrap_err());
        assert!(error.contains("one of paper and recipe"), "{error}");
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
            ("steps = 10\ncool_down_steps = 11", "cool_down_steps"),
            ("average_half_life_maps = -1.0", "average_half_life_maps"),
            ("output_deviations = -1.0", "output_deviations"),
            ("[export]\naveraged = true", "average_half_life_maps"),
            ("steps = 10\n[selection]\nsteps = 11", "[selection] steps"),
            ("[selection]\nsteps = 1\nevery = 0", "[selection] every"),
            ("[selection]\nsteps = 1\nmaps = 1", "[selection] maps"),
            ("cool_down_steps = 1\n[selection]\nsteps = 1", "constant learning rate"),
            ("[discriminator]\nlast_layer_rate = 0.0", "last_layer_rate"),
            ("[discriminator]\ngradient_penalty_every = 0", "gradient_penalty_every"),
            ("[discriminator]\nnoise = -0.5", "noise"),
            ("[forces]\npixels = -1.0", "pixels"),
            ("[forces]\nhalf_life_maps = 0.0", "half_life_maps"),
            ("[network]\nlatent_size = 64\nmap_side = 100\nbase_channels = 64\nstages = 4", "map_side"),
        ] {
            let error = toml::from_str::<TrainingConfig>(text).unwrap().validate().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
