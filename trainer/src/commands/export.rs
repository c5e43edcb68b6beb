//! `trainer export`: a run's generator as weights for the page and for `generate`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::{
    formats::weights::{
        Manifest, Precision, SelfCheck, TrainingRecord, Weights, WeightsFile,
        manifest::{FORMAT, VERSION},
    },
    latent::latent,
    network::{NetworkDefinition, definition::parameters},
    statistics::{SpectrumBand, bins::middles, distance::band_ratios, power_spectrum::paper_edges},
};
use tch::Device;

use super::generate::WeightsPrecision;
use crate::{
    files::write_atomically,
    maps::output::MapsDescription,
    networks::{TorchNetwork, generate, to_vec},
    progress,
    training::{
        checkpoint::{self, CheckpointState},
        data::TrainingMaps,
        monitor::spectra,
        run::best_checkpoint,
        step::Players,
    },
};

/// Seed of the map by which a device shows that it computes the network rightly.
const SELF_CHECK_SEED: u64 = 0;
/// Largest difference between devices that rounding explains, as a share of the range of kappa; the page promises no more.
const SELF_CHECK_TOLERANCE: f32 = 1e-3;

/// Write a run's generator as weights for the page and for `generate`.
///
/// Without --step it is the checkpoint whose power spectra are closest to the data's, as the paper selects its generator,
/// or the newest one where none was measured.
///
/// Example:
///   trainer export --run runs/first --out public/weights --data data/validation.npy
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct ExportArguments {
    /// Folder of a training run
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// Checkpoint to export
    #[arg(long)]
    step: Option<u64>,
    /// Folder to write manifest.json and the weights to; what is there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Precisions to write
    #[arg(long, value_delimiter = ',', default_values = ["f16", "f32"])]
    precision: Vec<WeightsPrecision>,
    /// Maps that were not trained on: the manifest then states how far the generator's P(l) is from theirs
    #[arg(long, value_name = "FILE.npy")]
    data: Option<PathBuf>,
    /// Most maps of --data to measure, and maps to generate
    #[arg(long, default_value_t = 512)]
    measured_maps: usize,
}

/// Runs the command.
///
/// # Errors
/// When the run has no such checkpoint, the data are not usable, or the output cannot be written.
pub fn run(arguments: &ExportArguments) -> Result<()> {
    let checkpoints = arguments.run.join("checkpoints");
    let step = match arguments.step {
        Some(step) => step,
        None => match best_checkpoint(&arguments.run, u64::MAX)? {
            Some((step, _)) => step,
            None => checkpoint::steps(&checkpoints)?.pop().context("the run has no checkpoint")?,
        },
    };
    let path = checkpoint::path(&checkpoints, step);
    let bytes = std::fs::read(&path).with_context(|| {
        let kept = checkpoint::steps(&checkpoints).unwrap_or_default();
        format!("there is no checkpoint of step {step}; there are {kept:?}")
    })?;
    let state = checkpoint::read_state(&bytes).with_context(|| path.display().to_string())?;
    let players = Players::new(&state.config, Device::Cpu)?;
    checkpoint::restore(&bytes, &players)?;
    let network = &state.config.network;

    let (mut files, mut encoded) = (Vec::new(), Vec::new());
    for precision in arguments.precision.iter().map(|&precision| Precision::from(precision)) {
        let name = match precision {
            Precision::F16 => "generator-f16.safetensors",
            Precision::F32 => "generator-f32.safetensors",
        };
        let bytes = players.generator.encode(precision)?;
        files.push(WeightsFile::describe(name, precision, &bytes));
        encoded.push(bytes);
    }
    let coarsest = files.iter().position(|file| file.precision == Precision::F16).unwrap_or(0);
    let coarsest = encoded.get(coarsest).context("give at least one --precision")?;
    // What the manifest states is measured on the weights that the page loads.
    let weights = Weights::read(coarsest, &parameters(&network.generator()))?;
    let generator = TorchNetwork::generator_from(network, &weights, Device::Cpu)?;
    let described = state.data.description.as_ref();
    let side_angle =
        described.map(|description| description.side_angle).context("the run does not know its maps' angle")?;
    let measured = match &arguments.data {
        Some(path) => Some(measure(arguments, path, network, &generator, side_angle)?),
        None => None,
    };
    let manifest = Manifest {
        format: FORMAT.into(),
        version: VERSION,
        network: network.clone(),
        side_angle,
        generator: files,
        training: record(&state),
        spectrum: measured.unwrap_or_default(),
        self_check: self_check(network, &generator)?,
    };
    // All is measured: only now is what lies in the folder replaced.
    std::fs::create_dir_all(&arguments.out).with_context(|| format!("cannot create {}", arguments.out.display()))?;
    for (file, bytes) in manifest.generator.iter().zip(&encoded) {
        write_atomically(&arguments.out.join(&file.file), bytes)?;
    }
    // Last, so that a manifest never names weights that are not there yet.
    write_atomically(&arguments.out.join("manifest.json"), manifest.to_json()?.as_bytes())?;
    println!("{}: generator of step {step}", arguments.out.display());
    for band in &manifest.spectrum {
        println!(
            "  l {:>5}..{:<5}  mean P(l) {:.3} of the data's, sigma {:.3}",
            band.ell_low, band.ell_high, band.mean_ratio, band.sigma_ratio
        );
    }
    Ok(())
}

fn record(state: &CheckpointState) -> TrainingRecord {
    let description = state.data.description.as_ref();
    TrainingRecord {
        data: description.map_or_else(|| "not described".to_owned(), |description| description.source.clone()),
        maps: state.data.maps,
        data_sha256: state.data.sha256.clone(),
        cosmology: description.and_then(|description| description.cosmology),
        source_redshift: description.and_then(|description| description.source_redshift),
        step: state.step,
        started_from: state.started_from.clone(),
        batch_size: state.config.batch_size,
        learning_rate: Some(state.config.learning_rate),
        seed: state.config.seed,
        precision: state.config.precision.to_string(),
        device: state.device.clone(),
    }
}

/// Ratios per band of generated maps to maps that were not trained on.
fn measure(
    arguments: &ExportArguments,
    path: &Path,
    network: &NetworkDefinition,
    generator: &TorchNetwork,
    side_angle: f64,
) -> Result<Vec<SpectrumBand>> {
    let side = network.map_side;
    let maps = TrainingMaps::open(path, side, 2, 0)?;
    if let Some(description) = MapsDescription::beside(path)?
        && (description.side_angle / side_angle - 1.0).abs() > 1e-6
    {
        bail!(
            "{} has maps of {} degrees, the run was trained on {side_angle}: they cannot be compared",
            path.display(),
            description.side_angle
        );
    }
    let count = maps.maps().min(arguments.measured_maps.max(2));
    let bar = progress::bar(2 * count, "maps");
    let (mut of_data, mut of_generator) = (Vec::new(), Vec::new());
    for first in (0..count).step_by(32) {
        let places: Vec<usize> = (first..(first + 32).min(count)).collect();
        let indices: Vec<i64> = places.iter().map(|&place| place as i64).collect();
        let kappa = to_vec(&maps.select(&indices, Device::Cpu)?)?;
        of_data.extend(spectra(&kappa, side, side_angle)?);
        let latents: Vec<Vec<f32>> = places.iter().map(|&seed| latent(seed as u64, network.latent_size)).collect();
        of_generator.extend(spectra(&generate(generator, &latents, Device::Cpu)?, side, side_angle)?);
        bar.inc(2 * places.len() as u64);
    }
    bar.finish_and_clear();
    let ell = middles(&paper_edges());
    Ok(band_ratios(&ell, &of_data, &of_generator))
}

/// Pixels spread over one map.
fn self_check(network: &NetworkDefinition, generator: &TorchNetwork) -> Result<SelfCheck> {
    let kappa = generate(generator, &[latent(SELF_CHECK_SEED, network.latent_size)], Device::Cpu)?;
    let side = network.map_side;
    // A step that shares no factor with the side visits every row and column pattern.
    let pixel = |i: usize| (i * 37 % side, i * 101 % side);
    let pixels = (0..64).map(|i| {
        let (row, column) = pixel(i);
        (row, column, kappa[row * side + column])
    });
    Ok(SelfCheck {
        seed: SELF_CHECK_SEED,
        pixels: pixels.collect(),
        tolerance: SELF_CHECK_TOLERANCE * network.kappa_scale,
    })
}
