//! `trainer export`: a run's generator as weights for the page and for `generate`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use shared::{formats::weights::Precision, network::MapGenerator, statistics::SpectrumBand};
use storage::{files::check_free, maps::sources::overlap, runs::write_atomically};

use crate::{
    drawing::Drawer,
    progress::Bar,
    training::{
        checkpoint::{CheckpointState, Checkpoints},
        data::{self, TrainingMaps},
        monitor::SpectrumMonitor,
        run::{best_checkpoint, best_selected},
    },
    weights::{
        LoadedWeights, WeightsPrecision,
        of_run::{self, Part},
        onnx,
        write::WEIGHTS_FILES,
    },
};

/// Maps that are drawn at once.
const BATCH: usize = 32;

/// Write a run's generator as weights for the page and for `generate`.
///
/// Without --step it is the generator that the run's selection found best (paper Section 2.3), or without one the checkpoint whose
/// power spectra are closest to the data's, or the newest one where none was measured.
///
/// Examples:
///   trainer export --run runs/first --out public/weights --data data/validation.npy --force
///   trainer export --weights public/weights --onnx generator.onnx
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct ExportArguments {
    /// Folder of a training run
    #[arg(long, value_name = "RUN", required_unless_present = "weights")]
    run: Option<PathBuf>,
    /// Weights that are there already, to be written as --onnx
    #[arg(long, value_name = "WEIGHTS", requires = "onnx", conflicts_with_all = ["run", "step", "out", "data", "as_trained", "discriminator", "precision", "measured_maps"])]
    weights: Option<PathBuf>,
    /// Also write the generator as an ONNX model: operator set 17, f32, z [maps, latent_size] to kappa [maps, 1, side, side]
    #[arg(long, value_name = "FILE.onnx")]
    onnx: Option<PathBuf>,
    /// Checkpoint to export
    #[arg(long)]
    step: Option<u64>,
    /// Folder to write manifest.json and the weights to
    #[arg(long, value_name = "DIR", required_unless_present = "weights")]
    out: Option<PathBuf>,
    /// Replace the weights that are there
    #[arg(long)]
    force: bool,
    /// Precisions to write
    #[arg(long, value_delimiter = ',', default_values = ["f16", "f32"])]
    precision: Vec<WeightsPrecision>,
    /// Leave the generator as training left it, whatever the run's [export] says
    #[arg(long)]
    as_trained: bool,
    /// Also write the discriminator (9 MB), whose answers the page then shows beside the visitor's
    #[arg(long)]
    discriminator: bool,
    /// Maps that were not trained on: the manifest then states how far the generator's P(l) is from theirs
    #[arg(long, value_name = "MAPS")]
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
    if let Some(onnx) = &arguments.onnx {
        if onnx.exists() && !arguments.force {
            bail!("{} is there already: give another --onnx, or --force to replace it", onnx.display());
        }
        let name = onnx.file_name().unwrap_or_default();
        if WEIGHTS_FILES.iter().any(|file| name == *file) {
            bail!("{} is a name of a file of weights: give --onnx FILE.onnx", onnx.display());
        }
    }
    let weights = match (&arguments.run, &arguments.out, &arguments.weights) {
        (Some(run), Some(out), _) => {
            export_run(arguments, run, out)?;
            out
        }
        (_, _, Some(weights)) => weights,
        _ => bail!("give --run RUN and --out DIR, or --weights WEIGHTS and --onnx FILE.onnx"),
    };
    if let Some(onnx) = &arguments.onnx {
        let weights = LoadedWeights::read(weights, None)?;
        write_atomically(onnx, &onnx::encode(&weights.manifest, &weights.generator)?)?;
        crate::say!("{}: ONNX, operator set {}", onnx.display(), onnx::OPERATOR_SET);
    }
    Ok(())
}

/// Writes a run's generator as weights.
fn export_run(arguments: &ExportArguments, run: &Path, out: &Path) -> Result<()> {
    // The folder is made only when there is something to write.
    if out.exists() {
        for name in WEIGHTS_FILES {
            check_free(&out.join(name), arguments.force)?;
        }
    }
    let checkpoints = Checkpoints::of_run(run);
    let selection = Checkpoints::of_selection(run);
    let selected = match arguments.step {
        Some(step) => selection.path(step).is_file().then_some(step),
        None => best_selected(run)?.map(|(step, _)| step),
    };
    let best = || Ok::<_, anyhow::Error>(best_checkpoint(run, u64::MAX)?.map(|(step, _)| step));
    let (bytes, state) = match selected {
        Some(step) => selection.read(step)?,
        None => match arguments.step.map_or_else(best, |step| Ok(Some(step)))? {
            Some(step) => checkpoints.read(step)?,
            None => checkpoints.newest_good()?,
        },
    };
    let precisions = arguments.precision.iter().map(|&precision| Precision::from(precision));
    let part = if selected.is_some() { Part::Generator } else { Part::Whole };
    let encoded = of_run::encode(&bytes, &state, part, [!arguments.as_trained, arguments.discriminator], precisions)?;
    let measured = match &arguments.data {
        Some(path) => measure(path, arguments.measured_maps, &encoded.generator(BATCH), &state)?,
        None => Vec::new(),
    };
    // All is measured: only now is what lies in the folder replaced.
    let manifest = encoded.write(out, of_run::origin(&state), measured)?;
    crate::say!("{}: generator of step {}", out.display(), state.step);
    for band in &manifest.spectrum {
        crate::say!(
            "  l {:>5}..{:<5}  mean P(l) {:.3} of the data's, sigma {:.3}",
            band.ell_low,
            band.ell_high,
            band.mean_ratio,
            band.sigma_ratio
        );
    }
    Ok(())
}

/// Ratios per band of generated maps to maps that were not trained on.
fn measure(
    path: &Path,
    most: usize,
    generator: &MapGenerator<&Drawer>,
    state: &CheckpointState,
) -> Result<Vec<SpectrumBand>> {
    let (side, side_angle) = (generator.pixels(), generator.side_angle());
    let maps = TrainingMaps::open(path, side, data::Part::WithoutLast(0), 2)?;
    if let Some(trained_on) = &state.data.description
        && let Some(overlap) = overlap(["the training data", "--data"], &trained_on.sources, &maps.sources()?)
    {
        eprintln!("warning: {overlap}");
    }
    if let Some(description) = maps.description()?
        && (description.side_angle / side_angle - 1.0).abs() > 1e-6
    {
        bail!(
            "maps of {side} pixels of {} are {} degrees wide, the run was trained on {side_angle}: they cannot be compared",
            path.display(),
            description.side_angle
        );
    }
    let count = maps.crops().min(most.max(2));
    let bar = Bar::new(count, "maps");
    let monitor = SpectrumMonitor::of_first(&maps, side_angle, count)?;
    let (_, bands) = monitor.measure(generator, 0, count, |drawn| {
        bar.inc(drawn as u64);
        Ok(())
    })?;
    bar.finish_and_clear();
    Ok(bands)
}
