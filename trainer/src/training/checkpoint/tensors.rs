//! From networks and optimisers to a checkpoint and back.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, bail};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use storage::runs::write_atomically;
use tch::{Tensor, no_grad};

use super::state::{CheckpointState, METADATA};
use crate::{torch::to_vec, training::step::Players};

/// An update left the range of floats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} holds a value that is not finite after step {step}")]
pub struct NotFinite {
    /// The tensor.
    pub name: String,
    /// Steps taken.
    pub step: u64,
}

/// Checks that what a network holds after a step can be drawn with and measured.
///
/// # Errors
/// [`NotFinite`] for the first tensor that cannot, or when the device fails.
pub fn check_finite(players: &Players, step: u64) -> Result<()> {
    for (name, tensor) in players.generator.named().chain(players.discriminator.named()) {
        if !bool::try_from(tensor.f_isfinite()?.f_all()?)? {
            return Err(NotFinite { name: name.to_owned(), step }.into());
        }
    }
    Ok(())
}

/// Prefixes of what a run may have beside its networks and optimisers.
const BESIDE: [&str; 2] = ["generator.average.", "forces."];

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
    let average = players.average.iter().flat_map(|average| {
        average.named().map(|(name, tensor)| (format!("generator.average.{name}"), tensor.shallow_clone()))
    });
    let forces = players
        .forces
        .iter()
        .flat_map(|forces| forces.named().into_iter().map(|(name, tensor)| (format!("forces.{name}"), tensor)));
    of_network.chain(of_optimiser).chain(average).chain(forces).collect()
}

/// Writes a checkpoint.
///
/// # Errors
/// When the disk is full, an older file of this name then stays as it was; or when a value is not finite, which no run recovers
/// from.
pub fn save(path: &Path, players: &Players, state: &CheckpointState) -> Result<()> {
    let tensors = named(players);
    let mut buffers = Vec::with_capacity(tensors.len());
    for (name, tensor) in &tensors {
        let values = to_vec(tensor)?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(NotFinite { name: name.clone(), step: state.step }.into());
        }
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        let shape: Vec<usize> = tensor.size().into_iter().map(|size| size as usize).collect();
        buffers.push((name, shape, bytes));
    }
    let views = buffers.iter().map(|(name, shape, bytes)| {
        TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
    });
    let metadata = HashMap::from([(METADATA.to_owned(), serde_json::to_string(state)?)]);
    let bytes = safetensors::serialize(views.collect::<Result<Vec<_>, _>>()?, Some(metadata))?;
    write_atomically(path, &bytes)
}

/// Puts a checkpoint's tensors into networks and optimisers of the same sizes. What the checkpoint has no part of, since the run
/// had no such average or force before, stays as it is, but for an average, which begins with the checkpoint's weights.
///
/// # Errors
/// When a tensor is missing or of another shape.
pub fn restore(bytes: &[u8], players: &Players) -> Result<()> {
    let file = SafeTensors::deserialize(bytes)?;
    let new = |name: &str| BESIDE.iter().any(|prefix| name.starts_with(prefix)) && file.tensor(name).is_err();
    no_grad(|| {
        for (name, mut tensor) in named(players).into_iter().filter(|(name, _)| !new(name)) {
            let view = file.tensor(&name).with_context(|| format!("the checkpoint has no tensor {name}"))?;
            let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
            if shape != tensor.size() || view.dtype() != Dtype::F32 {
                bail!("tensor {name} is {shape:?} in the checkpoint and {:?} in the network", tensor.size());
            }
            let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
            let values = Tensor::f_from_slice(&values)?.f_view(&shape[..])?;
            tensor.f_copy_(&values)?;
        }
        if let Some(average) = &players.average
            && average.named().any(|(name, _)| new(&format!("{}{name}", BESIDE[0])))
        {
            average.begin_with(&players.generator)?;
        }
        Ok(())
    })
}
