//! `trainer evaluate`: every figure and number of the paper's evaluation, beside a control.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::{
    formats::weights::{Manifest, Origin},
    network::NetworkDefinition,
    statistics::StatisticsEdges,
};

use storage::{
    maps::{MapArchive, Sources, sources::overlap},
    runs::{Ending, Interrupted, Interruption},
};
use tch::Device;

use super::input::InputArguments;
use crate::{
    drawing::{DeviceChoice, Drawer},
    evaluation::{
        options::TestOptions,
        reference,
        report::summary,
        run::{BATCH, Evaluation},
    },
    spectra::compared_modes,
    torch::{TorchNetwork, process},
    training::{
        checkpoint::{self, read_state},
        step::Players,
    },
    weights::LoadedWeights,
};

/// Number of the form of finished parts; another number makes them anew.
const FORMAT: u32 = 4;

/// Reproduce the paper's evaluation: every figure and number of its Section 3, beside a control.
///
/// Generates 6400 maps (100 batches of 64), measures them, validation maps and control maps, runs all tests, looks for the nearest
/// training maps and for near pairs among 32768 generated maps, and writes OUT/report.html (one file, no network), the figures as
/// SVG and PNG, and OUT/report.json with every number. An interrupted evaluation (Ctrl-C, exit code 75), begun again with the same
/// options, goes on from its finished parts. The maps for near pairs take 8.6 GB in OUT/parts until they are compared, and on a CPU most of the
/// time: --pair-maps makes them fewer.
///
/// Examples:
///   trainer evaluate --weights public/weights --data validation.npy --control auxiliary.npy --training maps.npy --out report
///   trainer evaluate --weights public/weights --data validation.npy --out report --quick
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct EvaluateArguments {
    /// Weights: a folder with manifest.json, the manifest, or a file of tensors beside it
    #[arg(long, value_name = "WEIGHTS")]
    weights: PathBuf,
    /// Validation maps: of the simulation that the network was trained on, not trained on themselves
    #[arg(long, value_name = "VALID")]
    data: PathBuf,
    /// Independent simulated maps (the paper's auxiliary set), put through the same tests
    #[arg(long, value_name = "AUX")]
    control: Option<PathBuf>,
    /// The training maps, for the nearest of them
    #[arg(long, value_name = "TRAIN")]
    training: Option<PathBuf>,
    /// Checkpoint whose discriminator's features are the third space of near pairs
    #[arg(long, value_name = "CHECKPOINT")]
    discriminator: Option<PathBuf>,
    /// Folder for the report
    #[arg(long, value_name = "REPORT")]
    out: PathBuf,
    /// Folder for what the page knows of simulated maps, such as public/reference [default: REPORT/reference]
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
    /// A version of about a minute, with rough numbers
    #[arg(long)]
    quick: bool,
    /// Generated maps, and most maps of each other set [default: 6400; 256 with --quick]
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Generated maps among which near pairs are looked for [default: 32768; 512 with --quick]
    #[arg(long, value_name = "N")]
    pair_maps: Option<usize>,
    /// Permutations, and bootstraps, of each test [default: 1000; 200 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(99..=100_000))]
    resamples: Option<u32>,
    /// Seed of both
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Replace a report of other weights or maps that the folder holds
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    input: InputArguments,
    /// Device that computes: auto, cpu, torch-cpu, cuda or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Threads that compute, as many as this process may use by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

/// Runs the command.
///
/// # Errors
/// When an input is not usable, the sets cannot be compared, or the report cannot be written.
pub fn run(arguments: &EvaluateArguments) -> Result<Ending> {
    process::settle(arguments.threads, 1);
    let evaluation = open(arguments)?;
    check_report(arguments, &evaluation.inputs())?;
    let steps = evaluation.manifest.origin.total_steps().map(|steps| format!(" ({steps} steps)")).unwrap_or_default();
    crate::say!("device: {}, weights: {}{steps}", evaluation.generator.backend().describe(), evaluation.file.file);
    let reference = arguments.reference.clone().unwrap_or_else(|| arguments.out.join("reference"));
    match evaluation.run(&arguments.out, &reference, &Interruption::listen()?) {
        Ok(results) => {
            print!("{}", summary::screen(&results));
            crate::say!("{}", arguments.out.join("report.html").display());
            Ok(Ending::Complete)
        }
        Err(error) if error.is::<Interrupted>() => {
            crate::say!("{}: what is finished is kept; the same command goes on", arguments.out.display());
            Ok(Ending::Interrupted)
        }
        Err(error) => Err(error),
    }
}

/// Opens and checks every input.
fn open(arguments: &EvaluateArguments) -> Result<Evaluation> {
    let weights = LoadedWeights::read(&arguments.weights, None)?;
    let manifest = &weights.manifest;
    let archive = |path: &PathBuf| -> Result<MapArchive> {
        let archive = arguments.input.open(path)?;
        let pixels = archive.one_size()?;
        let side_angle = archive.side_angle(pixels);
        if pixels != manifest.network.map_side || (side_angle / manifest.side_angle - 1.0).abs() > 1e-6 {
            bail!(
                "{} has maps of {pixels} pixels and {side_angle} degrees, the weights draw {} pixels and {} degrees: they cannot be \
                 compared; cut maps with `trainer maps --size {}`",
                path.display(),
                manifest.network.map_side,
                manifest.side_angle,
                manifest.network.map_side
            );
        }
        Ok(archive)
    };
    let validation = archive(&arguments.data)?;
    if validation.maps() < 2 {
        bail!("{} holds a single map: an evaluation needs at least two", arguments.data.display());
    }
    let control = arguments.control.as_ref().map(archive).transpose()?;
    let training = arguments.training.as_ref().map(archive).transpose()?;
    for (role, other) in [("--control", &control), ("--training", &training)] {
        if let Some(other) = other
            && other.fingerprint()? == validation.fingerprint()?
        {
            bail!("{role} and --data are the same file: maps cannot be judged by themselves");
        }
    }
    let warnings = warnings(&weights.manifest, &validation, control.as_ref())?;
    if control.as_ref().is_some_and(|control| control.maps() < 2) {
        bail!("the control holds a single map: tests need at least two");
    }
    let (pixels, side_angle) = (manifest.network.map_side, manifest.side_angle);
    if compared_modes(pixels, side_angle)?.is_empty() {
        bail!(
            "maps of {pixels} pixels and {side_angle} degrees have no mode of P(l) that could be compared: they are too small"
        );
    }
    let device = arguments.device.open()?;
    let generator = Drawer::new(&manifest.network, &weights.generator, arguments.device)?.generator(manifest, BATCH);
    let judge = |path: &PathBuf| discriminator_of(path, &manifest.network, device);
    let discriminator = arguments.discriminator.as_ref().map(judge).transpose()?;
    let defaults = if arguments.quick { (256, 512, 200) } else { (6400, 32_768, 1000) };
    let (count, pair_maps) = (arguments.count.unwrap_or(defaults.0), arguments.pair_maps.unwrap_or(defaults.1));
    if count < 2 || pair_maps < 2 {
        bail!("--count and --pair-maps must be at least 2");
    }
    let mut edges = StatisticsEdges::default();
    if manifest.network.kappa_scale != 1.0 {
        // Not the paper's maps: the same number of bins over the range that these have, and half of it beyond.
        let [low, high] = reference::kappa_range(&validation, count, [0.0, 1.0])?.map(f64::from);
        if high > low {
            let (low, high) = (low - 0.25 * (high - low), high + 0.25 * (high - low));
            edges.kappa = (0..=250).map(|bin| low + (high - low) * f64::from(bin) / 250.0).collect();
        }
    }
    let depends_on = format!(
        "{FORMAT} {} {}\n{:?} {}\n{} {}\n{edges:?}",
        env!("CARGO_PKG_VERSION"),
        weights.file.sha256,
        manifest.network,
        manifest.side_angle,
        validation.fingerprint()?,
        validation.pixel_angle()
    );
    let judged_by = match &arguments.discriminator {
        Some(path) => format!("{} {:?}", path.display(), path.metadata()?.modified()?),
        None => String::new(),
    };
    let options = TestOptions { resamples: arguments.resamples.unwrap_or(defaults.2), seed: arguments.seed };
    Ok(Evaluation {
        manifest: weights.manifest,
        file: weights.file,
        generator,
        discriminator,
        validation,
        control,
        training,
        device,
        count,
        pair_maps,
        options,
        edges,
        quick: arguments.quick,
        warnings,
        depends_on,
        judged_by,
    })
}

/// Refuses to replace a report of something else.
fn check_report(arguments: &EvaluateArguments, inputs: &str) -> Result<()> {
    let path = arguments.out.join("report.json");
    let Ok(text) = std::fs::read(&path) else { return Ok(()) };
    let of = serde_json::from_slice::<serde_json::Value>(&text).ok();
    let of = of.as_ref().and_then(|report| report.get("inputs")?.as_str());
    if of != Some(inputs) && !arguments.force {
        bail!("{} is a report of other weights or maps: give another --out, or --force to replace it", path.display());
    }
    Ok(())
}

/// What makes the sets no fair judges: maps that they share with each other or with the training data.
fn warnings(manifest: &Manifest, validation: &MapArchive, control: Option<&MapArchive>) -> Result<Vec<String>> {
    let trained_on = match &manifest.origin {
        Origin::Trained(training) => Sources::of_text(&training.data_marks).unwrap_or_default(),
        Origin::Imported(_) => Sources::default(),
    };
    let validation = validation.sources()?;
    let control = control.map(MapArchive::sources).transpose()?;
    let mut pairs = vec![(["the training data", "--data"], &trained_on, &validation)];
    if let Some(control) = &control {
        pairs.push((["--data", "--control"], &validation, control));
    }
    Ok(pairs.into_iter().filter_map(|(names, a, b)| overlap(names, a, b)).collect())
}

/// The discriminator of a checkpoint.
///
/// # Errors
/// When the file is no checkpoint, or of a network for other maps.
fn discriminator_of(path: &Path, network: &NetworkDefinition, device: Device) -> Result<TorchNetwork> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let state = read_state(&bytes).with_context(|| path.display().to_string())?;
    if state.config.network.map_side != network.map_side {
        bail!(
            "{} judges maps of {} pixels, the weights draw {}",
            path.display(),
            state.config.network.map_side,
            network.map_side
        );
    }
    let players = Players::new(&state.config, state.data.deviation, device)?;
    checkpoint::restore(&bytes, &players)?;
    Ok(players.discriminator)
}
