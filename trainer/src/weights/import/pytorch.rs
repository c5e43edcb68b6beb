//! `state_dict`s of PyTorch: under our names, or those of cosmogan_pytorch (github.com/vmos1/cosmogan_pytorch).
//!
//! cosmogan_pytorch's generator is the same chain of layers without biases in the convolutions, whose first batch normalisation has
//! one channel for all numbers of the dense layer. Both are special cases of ours. Its discriminators normalise their first layer
//! too, which Table 2 does not: they are left out.

use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::{
    formats::{
        checkpoints::{Tensor, pytorch::StateFile, safe},
        source::Source,
    },
    network::NetworkDefinition,
};
use storage::{files::sha256_of_file, maps::bytes::FileSource};

use super::{Imported, MOST_STAGES, Tensors, sizes, some_names, take};

/// What a dictionary's names are prefixed with where a network was wrapped or was part of another.
const PREFIXES: [&str; 5] = ["module.", "_orig_mod.", "generator.", "netG.", "G."];

const CONDITIONED: &str =
    "holds a conditional generator of cosmogan_pytorch, which takes cosmologies too: unconditional ones are read";

/// Names by which networks are known; what has none of them is not read.
const KNOWN: [&str; 3] = ["deconv1.weight", "main.0.weight", "conv1.weight"];

/// Reads a generator, and a discriminator where one is there, from a safetensors file or from one that `torch.save` wrote. `state`
/// is the key of the dictionary that is meant, where there are several generators.
///
/// # Errors
/// When the file is damaged, holds code, or tensors of another network.
pub fn read(path: &Path, state: Option<&str>) -> Result<Imported> {
    let source = FileSource::open(path)?;
    let beginning = source.piece(0, 16)?;
    let (dictionaries, kind) = if StateFile::is_one(&beginning) {
        (state_dicts(&source)?, "torch.save")
    } else if beginning.get(8) == Some(&b'{') {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        (vec![(String::new(), safe::read(&bytes)?)], "safetensors")
    } else if beginning.starts_with(&[0x80]) {
        bail!("is a pickle, but none that torch.save writes: save model.state_dict() with torch.save or safetensors");
    } else {
        let is_tar = source.piece(257, 5)? == b"ustar" || beginning.starts_with(&[0x1f, 0x8b]);
        let hint = if is_tar { "; a tar of a TensorFlow checkpoint is for --tensorflow" } else { "" };
        bail!("is neither what torch.save writes nor safetensors{hint}");
    };
    let sha256 = sha256_of_file(path)?;
    let mut others = Vec::new();
    let mut found = Vec::new();
    for (place, tensors) in dictionaries {
        let tensors = without_prefixes(tensors);
        let brought = if tensors.contains_key("deconv1.weight") {
            ours(tensors)?
        } else if tensors.contains_key("main.0.weight")
            && tensors.contains_key("main.4.weight")
            && !is_discriminator(&tensors)
        {
            theirs(tensors)?
        } else {
            // A conditional one's is shown the cosmology as a second map.
            if is_discriminator(&tensors) && tensors["main.0.weight"].shape[1] != 1 {
                bail!("{CONDITIONED}");
            }
            others.push((place, tensors));
            continue;
        };
        found.push((place, brought));
    }
    if let Some(state) = state {
        found.retain(|(place, _)| place == state);
    }
    if found.len() > 1 {
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        bail!("holds several generators: choose one with --state, {}", places.join(" or "));
    }
    let Some((place, (network, generator, program))) = found.pop() else {
        let names = others.iter().flat_map(|(_, tensors)| tensors.keys().map(String::as_str));
        bail!(
            "holds no generator of ours (fc.weight, bn0.weight, deconv1.weight, ...) or of cosmogan_pytorch's (main.0.weight, \
             main.4.weight, ...): it has {}",
            some_names(names)
        );
    };
    let mut notes = Vec::new();
    let discriminator = discriminator(&network, others, &mut notes);
    let place = if place.is_empty() { String::new() } else { format!(", {place}") };
    Ok(Imported {
        network,
        generator,
        discriminator,
        source: format!("{program} in {} ({kind}{place})", path.file_name().unwrap_or_default().to_string_lossy()),
        sha256,
        notes,
    })
}

/// Dictionaries of tensors that a file of `torch.save` holds; of those that are no network's the names and shapes alone.
fn state_dicts(source: &FileSource) -> Result<Vec<(String, Tensors)>> {
    let file = StateFile::open(source)?;
    let mut read = Vec::new();
    for dictionary in file.dictionaries() {
        let mut tensors = Tensors::new();
        let is_network = dictionary.tensors.keys().any(|name| KNOWN.contains(&plain(name)));
        for (name, place) in &dictionary.tensors {
            // Counters, such as num_batches_tracked, are no floats.
            if is_network && place.float().is_some() {
                tensors.insert(name.clone(), file.tensor(name, place)?);
            } else if !is_network {
                tensors.insert(name.clone(), Tensor { shape: place.shape.clone(), values: Vec::new() });
            }
        }
        read.push((dictionary.path.clone(), tensors));
    }
    Ok(read)
}

/// A name without what it is prefixed with.
fn plain(mut name: &str) -> &str {
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        name = rest;
    }
    name
}

fn without_prefixes(tensors: Tensors) -> Tensors {
    tensors.into_iter().map(|(name, tensor)| (plain(&name).to_owned(), tensor)).collect()
}

/// Whether tensors under cosmogan_pytorch's names are a discriminator: it begins with kernels, a generator with a matrix.
fn is_discriminator(tensors: &Tensors) -> bool {
    tensors.get("main.0.weight").is_some_and(|weight| weight.shape.len() == 4)
}

/// A network, its tensors, and whose it is.
type Found = (NetworkDefinition, Tensors, &'static str);

/// A generator under our names.
fn ours(tensors: Tensors) -> Result<Found> {
    let shape = |name: &str| tensors.get(name).map(|tensor| tensor.shape.as_slice()).unwrap_or_default();
    let stages = (1..=MOST_STAGES).take_while(|stage| tensors.contains_key(&format!("deconv{stage}.weight"))).count();
    let (&[rows, latent_size], &[channels, ..]) = (shape("fc.weight"), shape("deconv1.weight")) else {
        bail!("fc.weight is no matrix, or missing: this is another network");
    };
    let network = sizes(latent_size, rows, channels, stages)?;
    let generator = take(&network.generator(), tensors)?;
    Ok((network, generator, "a generator under our names"))
}

/// A generator of cosmogan_pytorch: `main.0` dense, `main.1` batch normalisation of one channel, then every three places from
/// `main.4` on a transposed convolution and its batch normalisation.
fn theirs(mut tensors: Tensors) -> Result<Found> {
    if tensors.keys().any(|name| name.starts_with("main.") && name.contains(".embed.")) {
        bail!("{CONDITIONED}");
    }
    let shape = |name: &str| tensors.get(name).map(|tensor| tensor.shape.clone()).unwrap_or_default();
    let stages =
        (1..=MOST_STAGES).take_while(|stage| tensors.contains_key(&format!("main.{}.weight", 3 * stage + 1))).count();
    let (&[rows, latent_size], &[channels, ..]) = (&shape("main.0.weight")[..], &shape("main.4.weight")[..]) else {
        bail!("main.0.weight is no matrix: this is another network");
    };
    for stage in 1..=stages {
        match shape(&format!("main.{}.weight", 3 * stage + 1))[..] {
            [_, _, 5, 5] => {}
            [_, _, 5, 5, 5] => {
                bail!("this is a generator of cubes, of cosmogan_pytorch's 3D variant: those of maps are read")
            }
            [_, _, rows, columns] => bail!("its kernels are {rows} x {columns}: those of this network are 5 x 5"),
            _ => bail!("main.{}.weight is no kernel: this is another network", 3 * stage + 1),
        }
    }
    let network = sizes(latent_size, rows, channels, stages)?;
    let mut generator = Tensors::new();
    let mut take_as = |theirs: String, ours: String, spread: usize| -> Result<()> {
        let Some(tensor) = tensors.remove(&theirs) else { bail!("it lacks {theirs}: this is another variant") };
        let tensor = match &tensor.values[..] {
            &[value] if spread > 1 => Tensor { shape: vec![spread], values: vec![value; spread] },
            _ => tensor,
        };
        generator.insert(ours, tensor);
        Ok(())
    };
    for name in ["weight", "bias"] {
        take_as(format!("main.0.{name}"), format!("fc.{name}"), 1)?;
    }
    for stage in 0..=stages {
        if stage > 0 {
            take_as(format!("main.{}.weight", 3 * stage + 1), format!("deconv{stage}.weight"), 1)?;
        }
        if stage < stages {
            let (place, spread) = if stage == 0 { (1, channels) } else { (3 * stage + 2, 1) };
            for name in ["weight", "bias", "running_mean", "running_var"] {
                take_as(format!("main.{place}.{name}"), format!("bn{stage}.{name}"), spread)?;
            }
        }
    }
    for layer in network.generator().iter().filter(|layer| layer.name.starts_with("deconv")) {
        let channels = layer.output[0];
        let zeros = Tensor { shape: vec![channels], values: vec![0.0; channels] };
        generator.insert(format!("{}.bias", layer.name), zeros);
    }
    let generator = take(&network.generator(), generator)?;
    Ok((network, generator, "a generator of cosmogan_pytorch"))
}

/// A discriminator of the generator's sizes among the other dictionaries.
fn discriminator(
    network: &NetworkDefinition,
    others: Vec<(String, Tensors)>,
    notes: &mut Vec<String>,
) -> Option<(bool, Tensors)> {
    for (_, tensors) in others {
        if is_discriminator(&tensors) {
            notes.push("its discriminator is left out: it normalises its first layer, which Table 2 does not".into());
        } else if tensors.contains_key("conv1.weight") {
            let normalised = tensors.contains_key("bn2.weight");
            let layers = if normalised { network.discriminator() } else { network.discriminator_without_batch_norm() };
            match take(&layers, tensors) {
                Ok(tensors) => return Some((normalised, tensors)),
                Err(error) => notes.push(format!("its discriminator is left out: {error:#}")),
            }
        }
    }
    None
}
