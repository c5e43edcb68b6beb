//! Where weights come from.

use serde::{Deserialize, Serialize};

use crate::Cosmology;

/// Where weights come from: in a manifest, the field `training` or the field `imported`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Origin {
    /// Trained by this program.
    #[serde(rename = "training")]
    Trained(TrainingRecord),
    /// Trained elsewhere and brought into this form.
    #[serde(rename = "imported")]
    Imported(ImportRecord),
}

impl Origin {
    /// The maps that the network has seen, in words.
    pub fn data(&self) -> &str {
        match self {
            Self::Trained(training) => &training.data,
            Self::Imported(import) => &import.data,
        }
    }

    /// Cosmology of these maps, where it is known.
    pub fn cosmology(&self) -> Option<Cosmology> {
        match self {
            Self::Trained(training) => training.cosmology,
            Self::Imported(import) => import.cosmology,
        }
    }

    /// Redshift of their sources, where it is known.
    pub fn source_redshift(&self) -> Option<f64> {
        match self {
            Self::Trained(training) => training.source_redshift,
            Self::Imported(import) => import.source_redshift,
        }
    }

    /// Training steps behind the weights, where they are known.
    pub fn total_steps(&self) -> Option<u64> {
        match self {
            Self::Trained(training) => Some(training.total_steps()),
            Self::Imported(_) => None,
        }
    }
}

/// Weights that another program trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// Where they were found: paper, program, address.
    pub source: String,
    /// SHA-256 of the file that they were read from.
    pub sha256: String,
    /// The training maps in words, as far as they are known.
    pub data: String,
    /// Cosmology of the simulation, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosmology: Option<Cosmology>,
    /// Redshift of the source plane, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_redshift: Option<f64>,
}

/// What weights were trained on, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The training maps in words: simulation, source, how the maps were cut.
    pub data: String,
    /// Number of training maps.
    pub maps: usize,
    /// SHA-256 of the file of training maps.
    pub data_sha256: String,
    /// Marks of the training maps and of those that they were cut from, 12 hexadecimal digits each: validation maps must not be among
    /// them. Older manifests have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data_marks: String,
    /// Cosmology of the simulation, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosmology: Option<Cosmology>,
    /// Redshift of the source plane, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_redshift: Option<f64>,
    /// Training steps taken.
    pub step: u64,
    /// The generator that the first of these steps began from; `None` for random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<Ancestor>,
    /// Maps in a batch.
    pub batch_size: usize,
    /// Learning rate of Adam at the last step; older manifests do not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Seed of the run.
    pub seed: u64,
    /// Precision of the arithmetic, `f32` or `bf16`.
    pub precision: String,
    /// Device that trained it, in words.
    pub device: String,
    /// How the discriminator differed from the paper's Table 2, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<String>,
    /// Statistics of the data that training pulled maps toward, beside the discriminator: for these, a comparison with data of
    /// the same kind is no blind test. None by the paper's procedure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trained_toward: Vec<String>,
}

/// Weights that a run was begun from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// SHA-256 of their file.
    pub sha256: String,
    /// Training steps behind them, those of their own ancestors included.
    pub steps: u64,
}

impl TrainingRecord {
    /// Training steps behind these weights, those of the weights that they were begun from included.
    pub fn total_steps(&self) -> u64 {
        self.step + self.started_from.as_ref().map_or(0, |ancestor| ancestor.steps)
    }
}
