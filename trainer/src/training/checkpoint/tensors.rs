//! From networks and optimisers to a checkpoint and back.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, bail};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use storage::runs::write_atomically;
use tch::{Tensor, no_grad};

use super::{
    checksum,
    state::{CheckpointState, METADATA},
};
use crate::{
    torch::{TorchNetwork, to_vec},
    training::step::Players,
};

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

/// Tensors by name.
type Named = Vec<(String, Tensor)>;

/// The tensors of one network by name.
fn of_network(network: &str, tensors: &TorchNetwork) -> Named {
    tensors.named().map(|(name, tensor)| (format!("{network}.{name}"), tensor.shallow_clone())).collect()
}

/// All tensors of a run by name.
fn named(players: &Players) -> Named {
    let networks = [("generator", &players.generator), ("discriminator", &players.discriminator)];
    let optimisers = [("generator", &players.generator_adam), ("discriminator", &players.discriminator_adam)];
    let of_networks = networks.into_iter().flat_map(|(network, tensors)| of_network(network, tensors));
    let of_optimisers = optimisers.into_iter().flat_map(|(network, adam)| {
        adam.named().map(move |(name, tensor)| (format!("{network}.adam.{name}"), tensor.shallow_clone()))
    });
    let average = players.average.iter().flat_map(|average| {
        average.named().map(|(name, tensor)| (format!("generator.average.{name}"), tensor.shallow_clone()))
    });
    let forces = players
        .forces
        .iter()
        .flat_map(|forces| forces.named().into_iter().map(|(name, tensor)| (format!("forces.{name}"), tensor)));
    of_networks.chain(of_optimisers).chain(average).chain(forces).collect()
}

/// Writes a checkpoint.
///
/// # Errors
/// When the disk is full, an older file of this name then stays as it was; or when a value is not finite, which no run recovers
/// from.
pub fn save(path: &Path, players: &Players, state: &CheckpointState) -> Result<()> {
    write(path, &named(players), state)
}

/// Writes the generator alone, with what a checkpoint says of itself.
///
/// # Errors
/// As [`save`].
pub fn save_generator(path: &Path, players: &Players, state: &CheckpointState) -> Result<()> {
    write(path, &of_network("generator", &players.generator), state)
}

fn write(path: &Path, tensors: &[(String, Tensor)], state: &CheckpointState) -> Result<()> {
    let mut buffers = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
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
    let state = serde_json::to_string(state)?;
    let named = buffers.iter().map(|(name, _, bytes)| (name.as_str(), bytes.as_slice()));
    let metadata = HashMap::from([(METADATA.to_owned(), checksum::with_checksum(&state, named))]);
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
    let tensors = named(players).into_iter().filter(|(name, _)| !new(name)).collect();
    fill(&file, tensors)?;
    match &players.average {
        Some(average) if average.named().any(|(name, _)| new(&format!("{}{name}", BESIDE[0]))) => {
            average.begin_with(&players.generator)
        }
        _ => Ok(()),
    }
}

/// Puts the generator of a checkpoint, or of a file of it alone, into a network of the same sizes.
///
/// # Errors
/// When a tensor is missing or of another shape.
pub fn restore_generator(bytes: &[u8], generator: &TorchNetwork) -> Result<()> {
    fill(&SafeTensors::deserialize(bytes)?, of_network("generator", generator))
}

/// Fills tensors with what a file has under their names.
fn fill(file: &SafeTensors<'_>, tensors: Named) -> Result<()> {
    no_grad(|| {
        for (name, mut tensor) in tensors {
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
