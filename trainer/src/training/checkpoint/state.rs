//! What a checkpoint says of itself.

use anyhow::{Context, Result};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use shared::formats::weights::Ancestor;
use storage::maps::MapsDescription;

use crate::training::config::TrainingConfig;

/// What a checkpoint says of itself, as JSON in the file's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// [`VERSION`]; checkpoints of earlier versions have none.
    #[serde(default)]
    pub version: u32,
    /// Steps taken.
    pub step: u64,
    /// Configuration of the run.
    pub config: TrainingConfig,
    /// Power-spectrum distance to the data, where it was measured at this step.
    pub spectrum_distance: Option<f64>,
    /// The training data: file, number of maps, SHA-256 and the description beside it.
    pub data: DataRecord,
    /// Device in words.
    pub device: String,
    /// The weights that the run was begun from, where it was not begun from random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<Ancestor>,
}

/// Which data a run was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Number of maps of the network's size that lie side by side in the data.
    pub maps: usize,
    /// SHA-256 of the file, or over those of a folder.
    pub sha256: String,
    /// Standard deviation of kappa over pixels.
    #[serde(default)]
    pub deviation: f64,
    /// What the description beside the file says.
    pub description: Option<MapsDescription>,
}

/// Version of what a checkpoint holds; a run goes on from this one alone. 1: the procedure in one forward pass, recipes.
pub const VERSION: u32 = 1;

/// Where the state stands in the metadata of a safetensors file.
pub const METADATA: &str = "cosmogan.checkpoint";

/// Reads only what a checkpoint says of itself.
///
/// # Errors
/// When the bytes are not a checkpoint.
pub fn read_state(bytes: &[u8]) -> Result<CheckpointState> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let state = metadata.metadata().as_ref().and_then(|metadata| metadata.get(METADATA));
    let state = state.context("a safetensors file, but not a checkpoint of a training run")?;
    serde_json::from_str(state).context("a checkpoint of another version of this program")
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    #[test]
    fn other_files_are_not_checkpoints() {
        assert!(read_state(b"").is_err());
        let plain = safetensors::serialize(Vec::<(&str, TensorView)>::new(), None).unwrap();
        assert!(read_state(&plain).unwrap_err().to_string().contains("not a checkpoint"));
    }
}
