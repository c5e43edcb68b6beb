//! `trainer train`: adversarial training.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::formats::weights::Ancestor;

use storage::{
    maps::{MapsDescription, sources::overlap},
    runs::{Ending, Interruption},
};
use tch::Device;

use super::input::InputArguments;
use crate::{
    drawing::{DeviceChoice, device::describe},
    torch::{Group, group::Place, process},
    training::{
        checkpoint::{CheckpointState, Checkpoints, DataRecord, ResumeFrom},
        config::{Arithmetic, TrainingConfig},
        data::{Part, TrainingMaps, sha256_of_data},
        run::{Run, RunSetup},
    },
    weights::LoadedWeights,
};

/// Train the generator against the discriminator, by a recipe or as the paper does (Section 2.3).
///
/// Without --config it is --config recipe: batches of 8, forces toward statistics of the data and more, a cool-down at the end; weights
/// of it have seen those statistics. --config paper is the paper's procedure: Adam at 2e-4 with beta1 0.5, batches of 64, the
/// non-saturating loss, both updates from one forward pass, labels flipped in 1 % of the steps, and in the last two of 47 epochs a
/// selection among the generators of all steps. --data is maps of the network's size, or whole maps of any size, of which random
/// windows are trained on. The folder RUN then holds config.toml, log.jsonl, TensorBoard events, samples/ (data above, generated
/// below) and checkpoints/. Ctrl-C saves and stops, with exit code 75; --resume goes on, to the bit on the CPU in f32.
///
/// Started by torchrun, srun or a PyTorchJob, several processes train together: --batch-size is that of all of them.
///
/// Examples:
///   trainer train --data simulated/z1.000 --held-out-maps 4 --kappa-scale auto --out runs/first
///   trainer train --data data/maps.npy --config paper --out runs/paper --precision bf16
///   trainer train --data data/my-maps.npy --out runs/mine --start-from public/weights
///   torchrun --nproc-per-node 4 --no-python trainer train --data data/maps.npy --batch-size 64 --out runs/four
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct TrainArguments {
    /// Settings: recipe (without --config), paper, or a TOML file; what it leaves out takes the paper's value
    #[arg(long, value_name = "NAME|FILE")]
    config: Option<PathBuf>,
    /// Training maps: a file (.npy, .npz, FITS, HDF5), or a folder of them such as `trainer simulate` writes
    #[arg(long, value_name = "MAPS")]
    data: PathBuf,
    /// Folder of the run
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Go on from the newest checkpoint of RUN; settings are RUN's own unless given here
    #[arg(long)]
    resume: bool,
    /// Go on from the checkpoint of this step; later ones of RUN are set aside, not deleted
    #[arg(long, value_name = "N")]
    from_step: Option<u64>,
    /// Let the learning rate fall to 0 over so many maps, from a checkpoint of another run: RUN becomes a branch of it, with
    /// weights to ship, and the other one can train on
    #[arg(long, value_name = "MAPS", requires = "branch_of")]
    cool_down: Option<u64>,
    /// The run that --cool-down branches off
    #[arg(long, value_name = "RUN", requires = "cool_down", conflicts_with_all = ["resume", "start_from", "config", "steps", "kappa_scale"])]
    branch_of: Option<PathBuf>,
    /// Begin with the generator of these weights, such as to adapt it to your own maps; the discriminator begins anew
    #[arg(long, value_name = "WEIGHTS", conflicts_with = "resume")]
    start_from: Option<PathBuf>,
    /// Device that computes: auto, cpu, cuda or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Threads that compute, as many as this process may use by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Arithmetic of the networks
    #[arg(long)]
    precision: Option<Arithmetic>,
    /// Training steps in all, of which a cool-down and a selection keep their shares
    #[arg(long)]
    steps: Option<u64>,
    /// Maps in a batch
    #[arg(long)]
    batch_size: Option<usize>,
    /// Learning rate of Adam
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Kappa that the generator's largest output stands for; auto takes what 0.9 % of the data's maps exceed, as the paper's do 1
    #[arg(long, value_name = "auto|KAPPA", conflicts_with_all = ["resume", "start_from"])]
    kappa_scale: Option<KappaScale>,
    /// Maps at the end of each file that are measured against instead of trained on
    #[arg(long, value_name = "N")]
    held_out_maps: Option<usize>,
    /// Seed of everything random
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    input: InputArguments,
}

/// The settings where none are named.
const PROCEDURE: &str = "recipe";
/// Maps of the data on which the scale of kappa and the standard deviation of pixels are measured, at most.
const MEASURED_MAPS: usize = 1024;
/// Share of the paper's maps that have a pixel beyond the generator's largest output.
const SHARE_BEYOND: f64 = 0.009;

/// Kappa that the generator's largest output stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum KappaScale {
    /// As the data have it.
    OfData,
    /// This much.
    Kappa(f32),
}

impl FromStr for KappaScale {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::OfData),
            _ => text.parse().map(Self::Kappa).map_err(|_| "give auto or a number"),
        }
    }
}

/// The kappa, in two digits, that at most [`SHARE_BEYOND`] of the maps exceed, whose largest |kappa| rise.
fn scale_of(largest: &[f32]) -> f32 {
    let beyond = (SHARE_BEYOND * largest.len() as f64) as usize;
    let kappa = f64::from(largest.iter().rev().nth(beyond).copied().unwrap_or(1.0)).max(1e-6);
    let unit = 10.0_f64.powf(kappa.log10().floor() - 1.0);
    ((kappa / unit).ceil() * unit) as f32
}

/// What is to be said of a scale of kappa beside the largest |kappa| of the data's maps, which rise.
fn scale_note(largest: &[f32], scale: f32) -> Option<String> {
    let (most, fitting) = (largest.last().copied()?, scale_of(largest));
    if most < 0.25 * scale {
        Some(format!(
            "the largest kappa of the data is about {most:.2}, far below the {scale} that the generator's largest output stands \
             for; such networks learn slowly or not at all: --kappa-scale {fitting} fits these maps"
        ))
    } else if most > 2.0 * scale {
        Some(format!(
            "the largest kappa of the data is about {most:.2}, and the generator can put out {scale} at most: it cannot draw the \
             highest peaks; --kappa-scale {fitting} fits these maps"
        ))
    } else {
        None
    }
}

/// What is to be said of weights of another angle than the data's, both in degrees.
fn angle_note(weights: f64, data: f64) -> Option<String> {
    ((weights / data - 1.0).abs() > 1e-6).then(|| {
        format!(
            "note: the weights draw maps of {weights} degrees and the data's are {data}: the generator begins with structures of another size"
        )
    })
}

/// Runs the command.
///
/// # Errors
/// When the input is not usable, the run cannot go on, or the disk or the device fails.
pub fn run(arguments: &TrainArguments) -> Result<Ending> {
    if arguments.from_step.is_some() && !arguments.resume && arguments.branch_of.is_none() {
        bail!("--from-step says where --resume or --branch-of goes on: give one of them");
    }
    let from = arguments.from_step.map_or(ResumeFrom::Newest, ResumeFrom::Step);
    let trunk = arguments.branch_of.as_ref().map(|trunk| state_of(trunk, from)).transpose()?;
    // A trunk may train on meanwhile: the branch is of the checkpoint that was looked at.
    let from = trunk.as_ref().map_or(from, |state| ResumeFrom::Step(state.step));
    let mut config = config(arguments, trunk.as_ref())?;
    let start = match &arguments.start_from {
        Some(path) => Some(LoadedWeights::read(path, None)?),
        None => None,
    };
    if let Some(start) = &start {
        // The weights fix the network, down to the kappa that its output stands for.
        config.network = start.manifest.network.clone();
    }
    let (device, group) = meet(arguments, config.batch_size)?;
    // One process speaks for all.
    let say = |line: String| {
        if group.leads() {
            crate::say!("{line}");
        }
    };
    say(format!("device: {}, arithmetic: {}", describe(device), config.precision));
    if group.size() > 1 {
        say(format!("{} processes, batches of {} each", group.size(), config.batch_size / group.size()));
    }
    if device.is_cuda() {
        // All batches have one shape, so the fastest kernels are worth the search.
        tch::Cuda::cudnn_set_benchmark(true);
    }
    let side = config.network.map_side;
    let archive = Arc::new(arguments.input.index(&arguments.data)?);
    let least = config.batch_size;
    let maps = TrainingMaps::of(archive.clone(), side, Part::WithoutLast(config.held_out_maps), least)?;
    let held_out = (config.held_out_maps > 0)
        .then(|| TrainingMaps::of(archive, side, Part::Last(config.held_out_maps), 2))
        .transpose()?;
    let recorded = || if arguments.resume { recorded_description(&arguments.out) } else { Ok(None) };
    let description = match maps.description()? {
        None => recorded()?,
        found => found,
    };
    let description = description.with_context(|| {
        format!("{} does not state the side of its maps: give --side-angle DEGREES", arguments.data.display())
    })?;
    let side_angle = description.side_angle;
    let sha256 = sha256_of_data(&arguments.data)?;
    say(format!("data: {} maps of {side} x {side} pixels, {side_angle:.4} degrees", maps.crops()));
    if let Some(held_out) = &held_out {
        say(format!("held out: {} more, to measure against", held_out.crops()));
        if let Some(overlap) =
            overlap(["the maps trained on", "those held out"], &maps.sources()?, &held_out.sources()?)
        {
            say(format!("warning: {overlap}"));
        }
    }
    if let Some(note) = start.as_ref().and_then(|start| angle_note(start.manifest.side_angle, side_angle)) {
        say(note);
    }
    if !arguments.resume {
        // Now rather than amid a run, which could not go on with other data.
        maps.check_finite()?;
    }
    let (mut largest, deviation) = maps.measure(MEASURED_MAPS)?;
    largest.sort_unstable_by(f32::total_cmp);
    if arguments.kappa_scale == Some(KappaScale::OfData) {
        config.network.kappa_scale = scale_of(&largest);
        say(format!("kappa scale: {}, which 0.9 % of the maps exceed", config.network.kappa_scale));
    }
    if let Some(note) = scale_note(&largest, config.network.kappa_scale) {
        say(format!("note: {note}"));
    }
    // What the command line says of the maps goes into the checkpoints too: an export states it.
    let data = DataRecord { maps: maps.crops(), sha256, deviation, description: Some(description) };
    let maps = Arc::new(maps);
    let setup = RunSetup {
        folder: arguments.out.clone(),
        config,
        maps,
        held_out,
        data,
        side_angle,
        device,
        group: group.clone(),
    };
    let mut run = begin(arguments, from, setup, start, &say)?;
    let ending = run.train(&Interruption::listen()?)?;
    match ending {
        Ending::Complete => say(format!(
            "complete after step {}: export it with `trainer export --run {}`",
            run.step(),
            arguments.out.display()
        )),
        Ending::Interrupted => say(format!("saved after step {}: go on with --resume", run.step())),
    }
    Ok(ending)
}

/// Begins the run, or goes on with one.
fn begin(
    arguments: &TrainArguments,
    from: ResumeFrom,
    setup: RunSetup,
    start: Option<LoadedWeights>,
    say: &dyn Fn(String),
) -> Result<Run> {
    if let Some(start) = start {
        // Of weights from elsewhere only those of this program are known.
        let steps = start.manifest.origin.total_steps();
        match steps {
            Some(steps) => say(format!("begins with the generator of {} after {steps} steps", start.file.file)),
            None => say(format!("begins with the imported generator of {}", start.file.file)),
        }
        let ancestor = Ancestor { sha256: start.file.sha256, steps: steps.unwrap_or(0) };
        return setup.begin_from(&start.generator, ancestor);
    }
    if let Some(trunk) = &arguments.branch_of {
        let run = setup.branch(trunk, from)?;
        say(format!("a branch of {} after step {}", trunk.display(), run.step()));
        return Ok(run);
    }
    if arguments.resume {
        let run = setup.resume(from)?;
        say(format!("resumed after step {}", run.step()));
        return Ok(run);
    }
    setup.begin()
}

/// The device of this process, and the processes that it trains together with.
fn meet(arguments: &TrainArguments, batch_size: usize) -> Result<(Device, Group)> {
    let place = Place::of_environment()?;
    process::settle(arguments.threads, place.as_ref().map_or(1, Place::local_size));
    let device = arguments.device.of_process(place.as_ref().map_or(0, Place::local_rank)).open()?;
    let Some(place) = place else { return Ok((device, Group::default())) };
    let size = place.size();
    if !batch_size.is_multiple_of(size) || batch_size < 2 * size {
        bail!(
            "batches of {batch_size} cannot be shared by {size} processes, each with the same number of maps and at least 2: set \
             --batch-size to a multiple of {size}"
        );
    }
    Ok((device, place.meet(device)?))
}

/// The run's own config when it is resumed, that of the other run when it is a branch, else the file's, with what the command
/// line says.
fn config(arguments: &TrainArguments, trunk: Option<&CheckpointState>) -> Result<TrainingConfig> {
    let own = arguments.out.join("config.toml");
    let mut config = match (trunk, &arguments.config) {
        (Some(state), _) => state.config.clone(),
        (None, Some(path)) => TrainingConfig::read(path)?,
        (None, None) if arguments.resume && own.is_file() => TrainingConfig::read(&own)?,
        (None, None) => TrainingConfig::read(Path::new(PROCEDURE))?,
    };
    config.precision = arguments.precision.unwrap_or(config.precision);
    if let Some(steps) = arguments.steps {
        // The cool-down and the selection keep their shares of the run.
        let share = steps as f64 / config.steps as f64;
        for part in [&mut config.cool_down_steps, &mut config.selection.steps] {
            *part = ((share * *part as f64).round() as u64).min(steps);
        }
        config.steps = steps;
    }
    config.batch_size = arguments.batch_size.unwrap_or(config.batch_size);
    config.learning_rate = arguments.learning_rate.unwrap_or(config.learning_rate);
    config.seed = arguments.seed.unwrap_or(config.seed);
    if let Some(KappaScale::Kappa(kappa)) = arguments.kappa_scale {
        config.network.kappa_scale = kappa;
    }
    config.held_out_maps = arguments.held_out_maps.unwrap_or(config.held_out_maps);
    if let (Some(state), Some(maps)) = (trunk, arguments.cool_down) {
        config.cool_down_steps = maps.div_ceil(config.batch_size as u64).max(1);
        config.selection.steps = 0;
        config.steps = state.step + config.cool_down_steps;
    }
    config.validate()?;
    Ok(config)
}

/// What a checkpoint of a run says of itself.
fn state_of(run: &Path, from: ResumeFrom) -> Result<CheckpointState> {
    let checkpoints = Checkpoints::of_run(run);
    if !checkpoints.folder().is_dir() {
        bail!("{} holds no run to branch off", run.display());
    }
    Ok(checkpoints.read_at(from)?.1)
}

/// What the newest checkpoint of a run says of its data.
fn recorded_description(run: &Path) -> Result<Option<MapsDescription>> {
    Ok(Checkpoints::of_run(run).newest_good()?.1.data.description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_of_the_data_is_what_few_maps_exceed() {
        let largest: Vec<f32> = (1..=1000).map(|at| at as f32 / 2000.0).collect();
        // Nine maps in a thousand may exceed it: the tenth from above has 0.4955.
        assert!((scale_of(&largest) - 0.50).abs() < 1e-6, "{}", scale_of(&largest));
        assert!((scale_of(&[0.0123]) - 0.013).abs() < 1e-7);
        assert_eq!("auto".parse(), Ok(KappaScale::OfData));
        assert_eq!("0.125".parse(), Ok(KappaScale::Kappa(0.125)));
        assert!("much".parse::<KappaScale>().is_err());
    }

    #[test]
    fn a_scale_far_from_the_data_is_told() {
        assert!(scale_note(&[0.05, 0.1], 1.0).unwrap().contains("far below"));
        let high = scale_note(&[0.3, 2.5], 1.0).unwrap();
        assert!(high.contains("highest peaks") && high.contains("--kappa-scale 2.5 "), "{high}");
        assert_eq!(scale_note(&[0.9], 1.0), None);
    }
}
