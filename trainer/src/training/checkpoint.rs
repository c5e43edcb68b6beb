//! Everything a run needs to go on, in one safetensors file: both networks, both Adam states, the step.
//!
//! Random numbers and the place in the data follow from the seed and the step, so they need no state of their own. A
//! file is written under another name and renamed, so that a checkpoint is complete or not there.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use shared::formats::weights::Ancestor;
use tch::{Tensor, no_grad};

use super::{config::TrainingConfig, step::Players};
use crate::{files::write_atomically, networks::to_vec};

/// What a checkpoint says of itself, as JSON in the file's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
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
    /// Number of maps.
    pub maps: usize,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What the description beside the file says.
    pub description: Option<crate::maps::output::MapsDescription>,
}

const STATE: &str = "cosmogan.checkpoint";

/// All tensors of a run by name.
fn named(players: &Players) -> Vec<(String, Tensor)> {
    let networks = [("generator", &players.generator), ("discriminator", &players.discriminator)];
    let optimisers = [("generator", &players.generator_adam), ("discriminator", &players.discriminator_adam)];
    let of_network = networks.into_iter().flat_map(|(network, tensors)| {
        tensors.named().map(move |(name, tensor)| (format!("{network}.{name}"), tensor.shallow_clone()))
    });
    let of_optimiser = optimisers.into_iter().flat_map(|(network, adam)| {
        adam.named().map(move |(name, tensor)| (format!("{network}.adam.{name}"), tensor.shallow_clone()))
    });
    of_network.chain(of_optimiser).collect()
}

/// Writes a checkpoint.
///
/// # Errors
/// When the disk is full; an older file of this name then stays as it was.
pub fn save(path: &Path, players: &Players, state: &CheckpointState) -> Result<()> {
    let tensors = named(players);
    let mut buffers = Vec::with_capacity(tensors.len());
    for (name, tensor) in &tensors {
        let bytes: Vec<u8> = to_vec(tensor)?.into_iter().flat_map(f32::to_le_bytes).collect();
        let shape: Vec<usize> = tensor.size().into_iter().map(|size| size as usize).collect();
        buffers.push((name, shape, bytes));
    }
    let views = buffers.iter().map(|(name, shape, bytes)| {
        TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
    });
    let metadata = HashMap::from([(STATE.to_owned(), serde_json::to_string(state)?)]);
    let bytes = safetensors::serialize(views.collect::<Result<Vec<_>, _>>()?, Some(metadata))?;
    write_atomically(path, &bytes)
}

/// Reads only what a checkpoint says of itself.
///
/// # Errors
/// When the bytes are not a checkpoint.
pub fn read_state(bytes: &[u8]) -> Result<CheckpointState> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let state = metadata.metadata().as_ref().and_then(|metadata| metadata.get(STATE));
    let state = state.context("a safetensors file, but not a checkpoint of a training run")?;
    serde_json::from_str(state).context("a checkpoint of another version of this program")
}

/// Puts a checkpoint's tensors into networks and optimisers of the same sizes.
///
/// # Errors
/// When a tensor is missing or of another shape.
pub fn restore(bytes: &[u8], players: &Players) -> Result<()> {
    let file = SafeTensors::deserialize(bytes)?;
    no_grad(|| {
        for (name, mut tensor) in named(players) {
            let view = file.tensor(&name).with_context(|| format!("the checkpoint has no tensor {name}"))?;
            let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
            if shape != tensor.size() || view.dtype() != Dtype::F32 {
                bail!("tensor {name} is {shape:?} in the checkpoint and {:?} in the network", tensor.size());
            }
            let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
            let values = Tensor::f_from_slice(&values)?.f_view(&shape[..])?;
            tensor.f_copy_(&values)?;
        }
        Ok(())
    })
}

/// Path of the checkpoint of a step.
pub fn path(folder: &Path, step: u64) -> PathBuf {
    folder.join(format!("step-{step:07}.safetensors"))
}

/// Path of the newest complete checkpoint of a folder.
///
/// # Errors
/// When the folder cannot be read or holds none.
pub fn newest(folder: &Path) -> Result<PathBuf> {
    let step = steps(folder)?.pop();
    step.map(|step| path(folder, step))
        .with_context(|| format!("{} holds no checkpoint to resume from", folder.display()))
}

/// Steps with a complete checkpoint in a folder, rising.
///
/// # Errors
/// When the folder cannot be read.
pub fn steps(folder: &Path) -> Result<Vec<u64>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot open {}", folder.display()))?;
    let mut steps = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let step: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok());
        steps.extend(step);
    }
    steps.sort_unstable();
    Ok(steps)
}

/// Removes all but the newest `keep` checkpoints and those named in `also`.
///
/// # Errors
/// When a file cannot be removed.
pub fn prune(folder: &Path, keep: usize, also: &[u64]) -> Result<()> {
    let steps = steps(folder)?;
    let old = steps.len().saturating_sub(keep);
    for step in steps.iter().take(old).filter(|step| !also.contains(step)) {
        std::fs::remove_file(path(folder, *step))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_and_the_best_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for step in [10, 20, 30, 40] {
            write_atomically(&path(folder.path(), step), b"x").unwrap();
        }
        std::fs::write(folder.path().join("step-0000050.part"), b"cut off").unwrap();
        prune(folder.path(), 2, &[10]).unwrap();
        assert_eq!(steps(folder.path()).unwrap(), [10, 30, 40]);
    }

    #[test]
    fn other_files_are_not_checkpoints() {
        assert!(read_state(b"").is_err());
        let plain = safetensors::serialize(Vec::<(&str, TensorView)>::new(), None).unwrap();
        assert!(read_state(&plain).unwrap_err().to_string().contains("not a checkpoint"));
    }
}
