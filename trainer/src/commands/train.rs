//! `trainer train`: adversarial training.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use clap::Args;
use shared::formats::weights::Ancestor;

use storage::{
    files::sha256_of_file,
    maps::{
        MapsDescription,
        description::{one_side_angle, side_angle_of},
    },
    runs::{Ending, Interruption},
};

use crate::{
    torch::{
        device::{DeviceChoice, describe},
        threads,
    },
    training::{
        checkpoint::{Checkpoints, DataRecord},
        config::{Arithmetic, TrainingConfig},
        data::TrainingMaps,
        run::{ResumeFrom, RunSetup},
    },
    weights::LoadedWeights,
};

/// Train the generator against the discriminator, as the paper does (Section 2.3).
///
/// Without --config every setting is the paper's: Adam at 2e-4 with beta1 0.5, batches of 64, the non-saturating loss,
/// labels flipped in 1 % of the steps. The folder RUN then holds config.toml, log.jsonl, TensorBoard events, samples/
/// (data above, generated below) and checkpoints/. Ctrl-C saves and stops, with exit code 75; --resume goes on, to the bit on the CPU in f32.
///
/// Examples:
///   trainer train --data data/maps.npy --out runs/first --precision bf16
///   trainer train --data data/my-maps.npy --out runs/mine --start-from public/weights
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct TrainArguments {
    /// TOML file of settings; what it leaves out takes the paper's value
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Training maps: .npy from `trainer maps`
    #[arg(long, value_name = "FILE.npy")]
    data: PathBuf,
    /// Folder of the run
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Go on from the newest checkpoint of RUN; settings are RUN's own unless given here
    #[arg(long)]
    resume: bool,
    /// Go on from the checkpoint of this step; later ones are set aside, not deleted
    #[arg(long, value_name = "N", requires = "resume")]
    from_step: Option<u64>,
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
    /// Training steps in all
    #[arg(long)]
    steps: Option<u64>,
    /// Maps in a batch
    #[arg(long)]
    batch_size: Option<usize>,
    /// Learning rate of Adam
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Kappa that the generator's largest output stands for: about the largest kappa of the data
    #[arg(long, value_name = "KAPPA", conflicts_with_all = ["resume", "start_from"])]
    kappa_scale: Option<f32>,
    /// Seed of everything random
    #[arg(long)]
    seed: Option<u64>,
    /// Side of the maps in degrees, where no description lies beside the data
    #[arg(long, value_name = "DEGREES", value_parser = side_angle_of)]
    side_angle: Option<f64>,
}

/// Runs the command.
///
/// # Errors
/// When the input is not usable, the run cannot go on, or the disk or the device fails.
pub fn run(arguments: &TrainArguments) -> Result<Ending> {
    let mut config = config(arguments)?;
    let start = match &arguments.start_from {
        Some(path) => Some(LoadedWeights::read(path, None)?),
        None => None,
    };
    if let Some(start) = &start {
        // The weights fix the network, down to the kappa that its output stands for.
        config.network = start.manifest.network.clone();
    }
    threads::settle(arguments.threads);
    let device = arguments.device.open()?;
    println!("device: {}, arithmetic: {}", describe(device), config.precision);
    if device.is_cuda() {
        // All batches have one shape, so the fastest kernels are worth the search.
        tch::Cuda::cudnn_set_benchmark(true);
    }
    let side = config.network.map_side;
    let maps = TrainingMaps::open(&arguments.data, side, config.batch_size)?;
    let description = match MapsDescription::beside(&arguments.data, maps.maps(), side)? {
        None if arguments.resume => recorded_description(&arguments.out)?,
        found => found,
    };
    let described = description.as_ref().map(|description| description.side_angle);
    let side_angle = one_side_angle(arguments.side_angle, described)?.with_context(|| {
        format!("no description lies beside {}: give --side-angle DEGREES", arguments.data.display())
    })?;
    let sha256 = sha256_of_file(&arguments.data)?;
    println!("data: {} maps of {side} x {side} pixels, {side_angle:.4} degrees", maps.maps());
    let (largest, scale) = (maps.largest_kappa(256)?, f64::from(config.network.kappa_scale));
    if largest < 0.25 * scale {
        println!(
            "note: the largest kappa of the data is about {largest:.2}, far below the {scale} that the generator's largest \
             output stands for; such networks learn slowly or not at all: consider --kappa-scale {largest:.2}"
        );
    }
    // What the command line says of the maps goes into the checkpoints too: an export states it.
    let undescribed = || MapsDescription {
        source: format!("maps of {}", arguments.data.file_name().unwrap_or_default().display()),
        maps: maps.maps(),
        pixels: side,
        side_angle,
        seed: None,
        source_redshift: None,
        cosmology: None,
    };
    let description = MapsDescription { side_angle, ..description.unwrap_or_else(undescribed) };
    let data = DataRecord { maps: maps.maps(), sha256, description: Some(description) };
    let maps = Arc::new(maps);
    let setup = RunSetup { folder: arguments.out.clone(), config, maps, data, side_angle, device };
    let mut run = match start {
        Some(start) => {
            // Of weights from elsewhere only those of this program are known.
            let steps = start.manifest.origin.total_steps().unwrap_or(0);
            match start.manifest.origin.total_steps() {
                Some(steps) => println!("begins with the generator of {} after {steps} steps", start.file.file),
                None => println!("begins with the imported generator of {}", start.file.file),
            }
            setup.begin_from(&start.generator, Ancestor { sha256: start.file.sha256, steps })?
        }
        None if arguments.resume => setup.resume(arguments.from_step.map_or(ResumeFrom::Newest, ResumeFrom::Step))?,
        None => setup.begin()?,
    };
    if run.step() > 0 {
        println!("resumed after step {}", run.step());
    }

    let ending = run.train(&Interruption::listen()?)?;
    match ending {
        Ending::Complete => println!(
            "complete after step {}: export it with `trainer export --run {}`",
            run.step(),
            arguments.out.display()
        ),
        Ending::Interrupted => println!("saved after step {}: go on with --resume", run.step()),
    }
    Ok(ending)
}

/// The run's own config when it is resumed, else the file's, with what the command line says.
fn config(arguments: &TrainArguments) -> Result<TrainingConfig> {
    let own = arguments.out.join("config.toml");
    let mut config = match &arguments.config {
        Some(path) => TrainingConfig::read(path)?,
        None if arguments.resume && own.is_file() => TrainingConfig::read(&own)?,
        None => TrainingConfig::default(),
    };
    config.precision = arguments.precision.unwrap_or(config.precision);
    config.steps = arguments.steps.unwrap_or(config.steps);
    config.batch_size = arguments.batch_size.unwrap_or(config.batch_size);
    config.learning_rate = arguments.learning_rate.unwrap_or(config.learning_rate);
    config.seed = arguments.seed.unwrap_or(config.seed);
    config.network.kappa_scale = arguments.kappa_scale.unwrap_or(config.network.kappa_scale);
    config.validate()?;
    Ok(config)
}

/// What the newest checkpoint of a run says of its data.
fn recorded_description(run: &Path) -> Result<Option<MapsDescription>> {
    Ok(Checkpoints::of_run(run).newest_good()?.1.data.description)
}
