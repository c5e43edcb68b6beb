//! Weights of other programs, under our names and in our layouts.
//!
//! ```text
//! tensorflow  the authors' checkpoints (TensorFlow 1)
//! archive     their files, in a folder or in a tar
//! pytorch     state_dicts under our names, or of cosmogan_pytorch
//! ```

pub mod archive;
pub mod pytorch;
pub mod tensorflow;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use shared::{
    formats::checkpoints::Tensor,
    network::{Layer, NetworkDefinition, definition::parameters},
};

/// More convolutions in a row than any network of this kind has.
const MOST_STAGES: usize = 32;

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

/// Networks that were found in a file.
pub struct Imported {
    /// Sizes, read from the shapes of the tensors; kappa_scale is 1.
    pub network: NetworkDefinition,
    /// The generator's tensors under our names.
    pub generator: Tensors,
    /// The discriminator's, where the file has one that is Table 2's, with or without its batch normalisation.
    pub discriminator: Option<(bool, Tensors)>,
    /// What the file is, in words.
    pub source: String,
    /// SHA-256 of it.
    pub sha256: String,
    /// What a person should know of it.
    pub notes: Vec<String>,
}

/// The sizes of a generator whose dense layer makes `rows` numbers of `latent_size`, in `channels` feature maps, with so many stages.
///
/// # Errors
/// When these are no sizes of such a network.
fn sizes(latent_size: usize, rows: usize, channels: usize, stages: usize) -> Result<NetworkDefinition> {
    let pixels = rows.checked_div(channels).unwrap_or(0);
    let first_side = pixels.isqrt();
    let base_channels = channels.checked_shr(stages.saturating_sub(1) as u32).unwrap_or(0);
    if stages == 0 || first_side == 0 || first_side * first_side * channels != rows {
        bail!(
            "its dense layer makes {rows} numbers of {latent_size} and its first convolution takes {channels} channels, which makes no \
             square feature maps: this is another network"
        );
    }
    let map_side = first_side << stages.min(32);
    let network = NetworkDefinition { latent_size, map_side, base_channels, stages, ..NetworkDefinition::paper() };
    network.validate()?;
    Ok(network)
}

/// Takes the tensors of some layers, and no others.
///
/// # Errors
/// When one is missing or of another shape: it is another network.
fn take(layers: &[Layer], mut tensors: Tensors) -> Result<Tensors> {
    let mut taken = Tensors::new();
    for parameter in parameters(layers) {
        let Some(tensor) = tensors.remove(&parameter.name) else {
            bail!(
                "it lacks {}, floating-point numbers of shape {:?}: this is another network",
                parameter.name,
                parameter.shape
            );
        };
        if tensor.shape != parameter.shape {
            bail!(
                "{} has shape {:?} where this network has {:?}: this is another network",
                parameter.name,
                tensor.shape,
                parameter.shape
            );
        }
        taken.insert(parameter.name, tensor);
    }
    Ok(taken)
}

/// A few names, for people to recognise a file by.
fn some_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let shown = |name: &str| name.chars().take(80).flat_map(char::escape_debug).collect();
    let names: Vec<String> = names.take(6).map(shown).collect();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_from_shapes() {
        assert_eq!(sizes(64, 131_072, 512, 4).unwrap(), NetworkDefinition::paper());
        let small = sizes(16, 8 * 9, 8, 2).unwrap();
        assert_eq!((small.map_side, small.base_channels), (12, 4));
        for (rows, channels, stages) in [(131_073, 512, 4), (0, 512, 4), (512, 0, 4), (131_072, 512, 0), (64, 4, 60)] {
            assert!(sizes(64, rows, channels, stages).is_err(), "{rows} {channels} {stages}");
        }
    }
}
