//! `trainer info`: what a file or folder is.

use std::{
    fmt::Write as _,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use safetensors::SafeTensors;
use shared::{
    formats::{
        maps::content::{looks_like, other_than_kappa},
        weights::{Manifest, Origin},
    },
    statistics::SpectrumReference,
};

use storage::maps::{MapArchive, MapsDescription, MaskFrom, Reading};

use crate::{
    progress::counted,
    training::{
        checkpoint::{self, Checkpoints},
        config::TrainingConfig,
        curves::RunCurves,
    },
    weights::LoadedWeights,
};

/// Most pixels that are looked at for range and fill values; of more, maps spread over the file.
const MOST_PIXELS: usize = 1 << 28;

/// Say what a file or folder is: maps of any kind, lens planes, weights, a manifest, a run, a checkpoint, a training config, a report.
#[derive(Args)]
pub struct InfoArguments {
    /// The file or folder; FILE[NAME] is one array or image of several
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When it is nothing that this program knows.
pub fn run(arguments: &InfoArguments) -> Result<()> {
    // A reader that has enough, such as `head`, ends this command without a word.
    sigpipe::reset();
    let path = &arguments.file;
    if path.is_dir() {
        return folder(path);
    }
    let mut beginning = Vec::new();
    if path.is_file()
        && let Ok(file) = std::fs::File::open(path)
    {
        file.take(16).read_to_end(&mut beginning).with_context(|| format!("cannot read {}", path.display()))?;
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if beginning.get(8) == Some(&b'{') && extension == "safetensors" {
        tensors(path)
    } else if extension == "json" && path.is_file() {
        json(path)
    } else if extension == "toml" && path.is_file() {
        println!("training config\n{}", toml::to_string(&TrainingConfig::read(path)?)?);
        Ok(())
    } else {
        maps(path)
    }
}

/// A folder: of weights, of a run, of simulated boxes, of a report, or of maps.
fn folder(path: &Path) -> Result<()> {
    if path.join("manifest.json").is_file() {
        return weights_folder(path);
    }
    if path.join("config.toml").is_file() || path.join("checkpoints").is_dir() {
        return run_folder(path);
    }
    if path.join("report.json").is_file() {
        println!("report of `trainer evaluate`: open {}", path.join("report.html").display());
        return Ok(());
    }
    if path.join("power_spectrum.json").is_file() {
        println!("reference of simulated maps for the page, as `trainer evaluate` writes it");
        return json(&path.join("power_spectrum.json"));
    }
    let redshifts = subfolders(path)?.into_iter().filter(|name| name.starts_with('z')).collect::<Vec<_>>();
    if path.join("boxes").is_dir() && !redshifts.is_empty() {
        println!("simulated maps, as `trainer simulate` writes them: a folder for each source redshift");
        for name in redshifts {
            println!("\n{name}");
            maps(&path.join(name))?;
        }
        return Ok(());
    }
    maps(path)
}

fn subfolders(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot open the folder {}", path.display()))? {
        let entry = entry?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn run_folder(path: &Path) -> Result<()> {
    println!("training run");
    let checkpoints = Checkpoints::of_run(path);
    let steps = checkpoints.steps().unwrap_or_default();
    match steps.iter().max() {
        Some(_) => {
            let (_, state) = checkpoints.newest_good()?;
            let maps = state.step * state.config.batch_size as u64;
            println!("step {} of {}, {maps} maps shown, on {}", state.step, state.config.steps, state.device);
            println!("trained on {} maps, SHA-256 {}", state.data.maps, state.data.sha256);
            let listed: Vec<String> = steps.iter().map(u64::to_string).collect();
            println!("checkpoints: {}", listed.join(", "));
        }
        None => println!("no checkpoint yet"),
    }
    if let Ok(curves) = RunCurves::read(path)
        && curves.last_measured().is_some()
    {
        println!("its learning curves: trainer runs {}", path.display());
    }
    Ok(())
}

fn json(path: &Path) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if let Ok(description) = serde_json::from_slice::<MapsDescription>(&bytes) {
        print!("description of maps\n{}", described(&description));
        return Ok(());
    }
    if let Ok(reference) = serde_json::from_slice::<SpectrumReference>(&bytes) {
        println!("mean and sigma of P(l) over {} maps of {} degrees", reference.maps, reference.side_angle);
        println!("{}", reference.source);
        return Ok(());
    }
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not readable as JSON", path.display()))?;
    if value.get("format").is_none()
        && let Some(fields) = value.as_object()
    {
        // Statistics and what the page knows of simulated maps: named by what they hold.
        let names: Vec<&str> = fields.keys().map(String::as_str).take(12).collect();
        println!("JSON with {}", names.join(", "));
        if let Some(source) = fields.get("source").and_then(serde_json::Value::as_str) {
            println!("{source}");
        }
        return Ok(());
    }
    print_manifest(&Manifest::from_json(&bytes).with_context(|| path.display().to_string())?);
    Ok(())
}

/// What a description says, in lines.
fn described(description: &MapsDescription) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    line("source", Some(description.source.clone()));
    let MapsDescription { maps, pixels, side_angle, .. } = description;
    line("described", Some(format!("{} of {pixels} pixels and {side_angle} degrees", counted(*maps, "map"))));
    line("seed", description.seed.map(|seed| seed.to_string()));
    line("part", description.split.clone());
    line("source redshift", description.source_redshift.map(|redshift| redshift.to_string()));
    line("cosmology", description.cosmology.and_then(|cosmology| serde_json::to_string(&cosmology).ok()));
    let sources = description.sources.count();
    line("cut from", (sources > 0).then(|| format!("{sources} maps or planes, which it can tell from others")));
    text
}

fn maps(path: &Path) -> Result<()> {
    let reading = Reading { mask: MaskFrom::Auto, as_kappa: true, any_angle: true, ..Reading::default() };
    let archive = MapArchive::index(path, &reading)?;
    let Some(first) = archive.files().first() else { bail!("{} holds no maps", path.display()) };
    let content = first.content();
    let files = archive.files().len();
    let kind = if files > 1 { format!("{files} files, the first: {}", content.kind) } else { content.kind.clone() };
    let part = content.part.as_ref().map(|part| format!(" {part:?}")).unwrap_or_default();
    println!("{kind}{part}");
    let mut sizes: Vec<String> = Vec::new();
    for file in archive.files() {
        let size = format!("{} x {}", file.content().rows(), file.content().columns());
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    }
    println!("{} of {} pixels", counted(archive.maps(), "map"), sizes.join(", of "));
    if archive.has_angle() {
        let angle = archive.side_angle(content.columns());
        let from = if first.description().is_some() { "its description" } else { "its header" };
        println!("side: {angle} degrees, from {from}; a pixel is {:.5} arcminutes", archive.pixel_angle() * 60.0);
    } else {
        println!("side: not stated, give commands --side-angle DEGREES");
    }
    let facts = &content.facts;
    for (name, value) in [
        ("unit", facts.unit.clone()),
        ("comoving distance", facts.plane_distance.map(|distance| format!("{distance} Mpc/h"))),
    ] {
        if let Some(value) = value {
            println!("{name}: {value}");
        }
    }
    if let Some(description) = first.description() {
        print!("{}", described(description));
    } else {
        let origin = archive.origin();
        if let Some(redshift) = origin.source_redshift {
            println!("redshift: {redshift}");
        }
        if let Some(cosmology) = origin.cosmology {
            println!("cosmology: {}", serde_json::to_string(&cosmology)?);
        }
    }
    let (numbers, looked_at) = archive.numbers(MOST_PIXELS)?;
    let of = if looked_at < archive.maps() { format!(" (of {looked_at} maps)") } else { String::new() };
    // Four digits of whatever size.
    let four =
        |value: f64| if value == 0.0 || value.abs() >= 1e-3 { format!("{value:.6}") } else { format!("{value:.3e}") };
    let [least, largest, mean, sigma] =
        [numbers.least.into(), numbers.largest.into(), numbers.mean(), numbers.sigma()].map(four);
    println!("values{of}: {least} to {largest}, mean {mean}, sigma {sigma}");
    match numbers.missing() {
        Some(missing) => println!("without a value: {missing}"),
        None => println!("every pixel has a value"),
    }
    for note in archive.notes() {
        println!("note: {note}");
    }
    if let Some(other) = other_than_kappa(facts) {
        println!("no convergence: {other}");
    } else if let Some(looks) = looks_like(&numbers) {
        println!("note: {looks}");
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
                let (before, all) = (ancestor.steps, training.total_steps());
                println!("begun from the generator {} after its {before} steps: {all} steps in all", ancestor.sha256);
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
