//! `trainer statistics`: every statistic of every map, as JSON and CSV.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value, json};
use shared::statistics::{Statistic, StatisticsEdges, correlation::correlation_matrix, moments::NAMES};

use crate::{
    evaluation::measured::MeasuredMaps,
    files::write_atomically,
    maps::{
        archive::MapArchive,
        output::{check_free, side_angle_of},
    },
};

/// Measure every statistic of every map: P(l), Minkowski functionals, peaks, minima, pixel density, moments.
///
/// Definitions and bins are those of LensTools and the paper: P(l) in steradians at 248 multipoles, V0, V1 and V2 at 19
/// thresholds and peaks at 29 heights in units of each map's sigma, pixel density in 250 bins of kappa from -0.1 to 0.4. A value
/// that does not exist is null in JSON and nothing in CSV: a bin without Fourier modes, a threshold of a constant map, whose
/// sigma is 0, a correlation with a bin that does not vary.
///
/// Examples:
///   trainer statistics --maps maps.npy --json statistics.json
///   trainer statistics --maps my-fits-maps --side-angle 3.5 --csv tables
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct StatisticsArguments {
    /// File or folder of convergence maps of one size: .fits, or .npy of [H,W], [N,H,W] or [N,1,H,W]
    #[arg(long, value_name = "MAPS")]
    maps: PathBuf,
    /// Side of the maps in degrees, where the files do not state it
    #[arg(long, value_name = "DEGREES", value_parser = side_angle_of)]
    side_angle: Option<f64>,
    /// Most maps to measure
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// File for all values: one row a map for each statistic
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    /// Folder for tables: one file a statistic with one line a map, and ensemble.csv with means and sigmas
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// When a map is not usable, the maps differ in size, or a file cannot be written.
pub fn run(arguments: &StatisticsArguments) -> Result<()> {
    // A reader that has enough, such as `head`, ends this command without a word.
    sigpipe::reset();
    if let Some(path) = &arguments.json {
        check_free(path, arguments.force)?;
    }
    if let Some(folder) = &arguments.csv {
        check_free(&folder.join("ensemble.csv"), arguments.force)?;
    }
    let archive = MapArchive::open(&arguments.maps, arguments.side_angle)?;
    let start = std::time::Instant::now();
    let count = arguments.count.unwrap_or(usize::MAX);
    let measured = MeasuredMaps::of_archive(&archive, count, &StatisticsEdges::default(), "maps")?;
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &arguments.json {
        write_atomically(path, &serde_json::to_vec(&document(&measured))?)?;
    }
    if let Some(folder) = &arguments.csv {
        write_tables(folder, &measured)?;
    }
    println!(
        "{} maps of {} pixels and {} degrees in {seconds:.2} s, {:.0} maps/s on {} threads",
        measured.maps.len(),
        measured.pixels,
        measured.side_angle,
        measured.maps.len() as f64 / seconds,
        rayon::current_num_threads()
    );
    print!("{}", overview(&measured));
    Ok(())
}

/// The document of `--json`.
fn document(measured: &MeasuredMaps) -> Value {
    let mut document = Map::new();
    document.insert("source".into(), json!(measured.source));
    document.insert("pixels".into(), json!(measured.pixels));
    document.insert("side_angle".into(), json!(measured.side_angle));
    let mut ensemble = Map::new();
    for statistic in Statistic::ALL {
        document.insert(statistic.abscissa().into(), json!(measured.middles(statistic)));
        let rows: Vec<&[Option<f64>]> = measured.maps.iter().map(|map| map.of(statistic)).collect();
        document.insert(statistic.name().into(), json!(rows));
        let over_maps = measured.ensemble(statistic);
        ensemble.insert(statistic.name().into(), json!({ "mean": over_maps.mean(), "sigma": over_maps.sigma() }));
    }
    document.insert("moment_names".into(), json!(NAMES));
    document.insert("moments".into(), json!(measured.maps.iter().map(|map| map.moments).collect::<Vec<_>>()));
    document.insert("mean".into(), json!(measured.maps.iter().map(|map| map.mean).collect::<Vec<_>>()));
    let spectra: Vec<_> = measured.maps.iter().map(|map| map.of(Statistic::PowerSpectrum)).collect();
    document.insert("correlation".into(), json!(correlation_matrix(&spectra)));
    document.insert("ensemble".into(), Value::Object(ensemble));
    Value::Object(document)
}

fn write_tables(folder: &Path, measured: &MeasuredMaps) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let cell = |value: Option<f64>| value.map(|value| format!("{value:e}")).unwrap_or_default();
    let line = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(",") + "\n";
    let mut over_maps = String::from("statistic,abscissa,mean,sigma\n");
    for statistic in Statistic::ALL {
        let middles = measured.middles(statistic);
        let mut text =
            format!("map,{}", line(&mut middles.iter().map(|middle| format!("{}={middle:.6}", statistic.abscissa()))));
        for (index, map) in measured.maps.iter().enumerate() {
            let _ = write!(text, "{index},{}", line(&mut map.of(statistic).iter().map(|&value| cell(value))));
        }
        write_atomically(&folder.join(format!("{}.csv", statistic.name())), text.as_bytes())?;
        let ensemble = measured.ensemble(statistic);
        for ((middle, mean), sigma) in middles.iter().zip(ensemble.mean()).zip(ensemble.sigma()) {
            let _ = writeln!(over_maps, "{},{middle},{},{}", statistic.name(), cell(mean), cell(sigma));
        }
    }
    let mut moments = format!("map,mean,{}\n", NAMES.join(","));
    for (index, map) in measured.maps.iter().enumerate() {
        let values = line(&mut map.moments.iter().map(|&value| cell(value)));
        let _ = write!(moments, "{index},{:e},{values}", map.mean);
    }
    write_atomically(&folder.join("moments.csv"), moments.as_bytes())?;
    // Last: the file that says that the folder is complete.
    write_atomically(&folder.join("ensemble.csv"), over_maps.as_bytes())
}

/// A few numbers for the terminal.
fn overview(measured: &MeasuredMaps) -> String {
    let mut text = String::new();
    let mut row = |name: &str, values: Vec<f64>| {
        let count = values.len() as f64;
        if count > 0.0 {
            let mean = values.iter().sum::<f64>() / count;
            let sigma = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
            let _ = writeln!(text, "  {name:<26} {mean:>12.4e} +- {sigma:.2e}");
        }
    };
    row("mean of kappa", measured.maps.iter().map(|map| map.mean).collect());
    row("sigma of kappa", measured.maps.iter().map(|map| map.sigma).collect());
    for (statistic, wanted) in [
        (Statistic::PowerSpectrum, 1000.0),
        (Statistic::PowerSpectrum, 5000.0),
        (Statistic::V0, 0.0),
        (Statistic::V1, 0.0),
        (Statistic::V2, 1.0),
        (Statistic::Peaks, 2.0),
    ] {
        let middles = measured.middles(statistic);
        let nearest =
            (0..middles.len()).min_by(|&a, &b| (middles[a] - wanted).abs().total_cmp(&(middles[b] - wanted).abs()));
        if let Some(bin) = nearest {
            let name = format!("{} at {} = {:.4}", statistic.name(), statistic.abscissa(), middles[bin]);
            row(&name, measured.column(statistic, bin));
        }
    }
    let constant = measured.maps.iter().filter(|map| map.sigma == 0.0).count();
    if constant > 0 {
        let _ = writeln!(text, "  {constant} maps are constant: they have no thresholds in sigma, and no values there");
    }
    text
}
