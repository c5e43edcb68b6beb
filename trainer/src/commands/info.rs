//! `trainer info`: what a file is.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use safetensors::SafeTensors;
use shared::{
    formats::{
        fits::FitsImage,
        weights::{Manifest, Origin},
    },
    statistics::{SpectrumReference, pixels::moments},
};

use storage::maps::{MapsDescription, archive::open_npy};

use crate::{
    training::{checkpoint, config::TrainingConfig},
    weights::LoadedWeights,
};

/// Say what a file is: maps (.npy, .fits), a lens plane, weights, a manifest, a checkpoint, a training config.
#[derive(Args)]
pub struct InfoArguments {
    /// The file, or a folder of weights
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the file is none that this program knows.
pub fn run(arguments: &InfoArguments) -> Result<()> {
    // A reader that has enough, such as `head`, ends this command without a word.
    sigpipe::reset();
    let path = &arguments.file;
    let mut beginning = Vec::new();
    if path.is_dir() {
        return weights_folder(path);
    }
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(16).read_to_end(&mut beginning)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if beginning.starts_with(b"\x93NUMPY") {
        array(path)
    } else if beginning.starts_with(b"SIMPLE") {
        image(path)
    } else if beginning.get(8) == Some(&b'{') && extension == "safetensors" {
        tensors(path)
    } else if extension == "json" {
        let bytes = std::fs::read(path)?;
        if let Ok(description) = serde_json::from_slice::<MapsDescription>(&bytes) {
            println!("{}", serde_json::to_string_pretty(&description)?);
            return Ok(());
        }
        if let Ok(reference) = serde_json::from_slice::<SpectrumReference>(&bytes) {
            println!("mean and sigma of P(l) over {} maps of {} degrees", reference.maps, reference.side_angle);
            println!("{}", reference.source);
            return Ok(());
        }
        print_manifest(&Manifest::from_json(&bytes).with_context(|| path.display().to_string())?);
        Ok(())
    } else if extension == "toml" {
        println!("training config\n{}", toml::to_string(&TrainingConfig::read(path)?)?);
        Ok(())
    } else {
        bail!("{} is none of .npy, FITS, safetensors, manifest (.json) or training config (.toml)", path.display())
    }
}

fn array(path: &Path) -> Result<()> {
    let (_, header) = open_npy(path)?;
    println!("{} maps of {} x {} pixels (.npy)", header.maps, header.rows, header.columns);
    if let Some(description) = MapsDescription::beside(path, header.maps, header.rows)? {
        println!("{}", serde_json::to_string_pretty(&description)?);
    }
    Ok(())
}

fn image(path: &Path) -> Result<()> {
    let image = FitsImage::read(&std::fs::read(path)?).with_context(|| path.display().to_string())?;
    println!("FITS image of {} x {} pixels", image.rows, image.columns);
    let lines = [
        ("side angle", image.side_angle(), "degrees"),
        ("redshift", image.redshift(), ""),
        ("comoving distance", image.comoving_distance(), "Mpc/h"),
    ];
    for (name, value, unit) in lines {
        if let Some(value) = value {
            println!("{name}: {value} {unit}");
        }
    }
    if let Some(cosmology) = image.cosmology() {
        println!("cosmology: {}", serde_json::to_string(&cosmology)?);
    }
    let plane = image.comoving_distance().is_some();
    if !plane && let Ok(map) = image.into_map(Some(1.0)) {
        let moments = moments(&map);
        println!("mean {:.6}, sigma {:.6}", moments.mean, moments.sigma);
    }
    Ok(())
}

fn tensors(path: &Path) -> Result<()> {
    let bytes = std::fs::read(path)?;
    if let Ok(state) = checkpoint::read_state(&bytes) {
        println!("checkpoint after step {} ({})", state.step, state.device);
        println!("trained on {} maps, SHA-256 {}", state.data.maps, state.data.sha256);
        if let Some(distance) = state.spectrum_distance {
            println!("power-spectrum distance to the data: {distance:.4}");
        }
        println!("{}", toml::to_string(&state.config)?);
        checkpoint::checksum::check(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        println!("{} is whole", path.display());
        return Ok(());
    }
    let file = SafeTensors::deserialize(&bytes).with_context(|| path.display().to_string())?;
    println!("safetensors");
    for (name, tensor) in file.iter() {
        println!("  {name}: {:?} {:?}", tensor.dtype(), tensor.shape());
    }
    Ok(())
}

fn weights_folder(path: &Path) -> Result<()> {
    let weights = LoadedWeights::read(path, None)?;
    print_manifest(&weights.manifest);
    println!("{} is whole (SHA-256 agrees)", weights.file.file);
    Ok(())
}

fn print_manifest(manifest: &Manifest) {
    let network = &manifest.network;
    println!(
        "CosmoGAN generator: z of {}, maps of {} x {} pixels",
        network.latent_size, network.map_side, network.map_side
    );
    println!("side angle: {} degrees", manifest.side_angle);
    match &manifest.origin {
        Origin::Trained(training) => {
            println!("trained on {} maps: {}", training.maps, training.data);
            let rate = training.learning_rate.map(|rate| format!(", learning rate {rate:e}")).unwrap_or_default();
            println!(
                "{} steps of {} maps{rate}, {}, {}, seed {}",
                training.step, training.batch_size, training.precision, training.device, training.seed
            );
            if let Some(discriminator) = &training.discriminator {
                println!("discriminator: {discriminator}");
            }
            if !training.trained_toward.is_empty() {
                println!("pulled toward the data's {}", training.trained_toward.join("; "));
            }
            if let Some(ancestor) = &training.started_from {
                println!("begun from the generator {} after its {} steps", ancestor.sha256, ancestor.steps);
            }
        }
        Origin::Imported(import) => {
            println!("imported from {} (SHA-256 {})", import.source, import.sha256);
            println!("trained on {}", import.data);
        }
    }
    for band in &manifest.spectrum {
        println!(
            "  l {:>5}..{:<5}  mean P(l) {:.3} of the data's, sigma {:.3}",
            band.ell_low, band.ell_high, band.mean_ratio, band.sigma_ratio
        );
    }
    for file in &manifest.generator {
        println!("{}: {} bytes, SHA-256 {}", file.file, file.bytes, file.sha256);
    }
}
