//! `trainer assess`: simulated boxes beside theory, as a table.

use std::{fmt::Write, path::PathBuf};

use anyhow::Result;
use clap::Args;
use simulator::assessment::{Against, Boxes, Report, assess, crops::CROP_PIXELS};
use storage::{files::check_free, maps::description::side_angle_of, runs::write_atomically};

use crate::progress::Bar;

/// Compare the boxes of `simulate` with theory.
///
/// One Markdown table of all boxes that are complete, of OUT alone; a campaign may still be running:
///   C_l of whole maps over that of halofit, as a mean over Fourier modes in bands of l (no window)
///   the share of 256 x 256 crops with a pixel outside [-1, 1], which a generator's tanh cannot draw
///   sigma, skewness and excess kurtosis of the pixels of all maps of a box, smoothed with a Gaussian of sigma 1 arcmin; 3 arcmin
///   at the borders are left out
///   P(k) of the particles over that of halofit, as a mean over modes in bands of k
/// Each is a mean over boxes with its standard error over boxes. A goal is met or not by the mean alone: where the error is
/// larger than the goal, make more boxes. Halofit itself is good to 5 or 10 %.
///
/// Maps for --against should show all parts of their planes alike (--size of whole planes): random windows that do not wrap show
/// the middle more often.
///
/// Examples:
///   trainer assess simulated
///   trainer maps --planes lenstools-planes --count 400 --size 512 --out planes.npy
///   trainer assess simulated --against planes.npy --json assessment.json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct AssessArguments {
    /// Folder that `trainer simulate --out` wrote
    out: PathBuf,
    /// Maps of other simulations, of the same cosmology and sources, to compare moments with: .npy or .fits, a file or a folder
    #[arg(long, value_name = "FILE.npy")]
    against: Option<PathBuf>,
    /// Side of the maps of --against in degrees, where the files do not state it
    #[arg(long, value_name = "DEGREES", requires = "against", value_parser = side_angle_of)]
    side_angle: Option<f64>,
    /// File for every number
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// When there is no complete box, files are damaged or missing, maps cannot be compared, or the file cannot be written.
pub fn run(arguments: &AssessArguments) -> Result<()> {
    // A reader that has enough, such as `head`, ends this command without a word.
    sigpipe::reset();
    if let Some(path) = &arguments.json {
        check_free(path, arguments.force)?;
    }
    let boxes = Boxes::open(&arguments.out)?;
    let open = |path: &PathBuf| Against::open(path, arguments.side_angle, &boxes.parameters);
    let against = arguments.against.as_ref().map(open).transpose()?;
    let sources = boxes.parameters.source_redshifts.len();
    let bar = Bar::new(boxes.maps() * sources + against.as_ref().map_or(0, Against::maps), "maps");
    let report = assess(&boxes, against.as_ref(), &|| bar.inc(1))?;
    bar.finish_and_clear();
    if let Some(path) = &arguments.json {
        write_atomically(path, &serde_json::to_vec_pretty(&report)?)?;
    }
    print!("{}\n{}", table(&report), caption(&report));
    Ok(())
}

/// The rows; a value that does not exist is `-`.
fn table(report: &Report) -> String {
    let mut text = String::from("| | mean | standard error | goal | met |\n|---|---|---|---|---|\n");
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    for row in &report.rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.quantity,
            or_none(row.estimate.mean.map(|value| row.quantity.show(value))),
            or_none(row.estimate.standard_error.map(|value| row.quantity.show(value))),
            or_none(row.goal.map(|goal| goal.to_string())),
            row.met.map_or("-", |met| if met { "yes" } else { "no" })
        );
    }
    text
}

/// What the rows are of.
fn caption(report: &Report) -> String {
    let parameters = &report.parameters;
    let several = parameters.source_redshifts.len() > 1;
    let mut text = format!(
        "{} boxes of {}^3 particles in {} Mpc/h; {} maps of {}^2 pixels and {} degrees and {} crops of {CROP_PIXELS}^2{}.\n",
        report.boxes,
        parameters.particles,
        parameters.box_side,
        report.maps,
        parameters.pixels,
        parameters.side_angle,
        report.crops,
        if several { " for each source redshift" } else { "" }
    );
    if report.independent_boxes < report.boxes {
        let _ = writeln!(text, "Errors are over {} pairs of opposite phases.", report.independent_boxes);
    }
    if parameters.fixed_amplitude {
        text += "Initial amplitudes are fixed: boxes scatter less than the universe does, and so do the errors.\n";
    }
    if let Some(against) = &report.against {
        let [sigma, skewness, kurtosis] = against.moments.map(|moment| moment.unwrap_or(f64::NAN));
        let _ = writeln!(
            text,
            "Against {} maps with sigma {sigma:.5}, skewness {skewness:.3} and excess kurtosis {kurtosis:.3}: {}.",
            against.maps,
            against.source.trim_end_matches('.')
        );
    }
    text
}
