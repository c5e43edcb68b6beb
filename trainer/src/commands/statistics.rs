//! `trainer statistics`: every statistic of every map, as JSON, NumPy's arrays and CSV.

use std::{
    fmt::Write as _,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::json;
use shared::statistics::{Statistic, StatisticsEdges, correlation::correlation_matrix, moments::NAMES};
use storage::{
    files::{check_distinct, check_free, create_folder},
    runs::AtomicFile,
};

use super::input::{InputArguments, MaskArguments};
use crate::{
    evaluation::{
        arrays::{arrays, write_npz},
        diversity::{self, Similarity},
        measured::{MeasuredMaps, masked_note},
    },
    progress::counted,
};

/// Measure every statistic of every map: P(l), Minkowski functionals, peaks, minima, pixel density, moments, xi(theta), bispectrum;
/// and of pairs of maps their similarity (MS-SSIM).
///
/// Definitions and bins are those of LensTools and the paper: P(l) in steradians at 248 multipoles, V0, V1 and V2 at 19
/// thresholds and peaks at 29 heights in units of each map's sigma, pixel density in 250 bins of kappa from -0.1 to 0.4; xi(theta)
/// in 12 and the equilateral bispectrum in 8 bins of our own. A value
/// that does not exist is null in JSON and nothing in CSV: a bin without Fourier modes, a threshold of a constant map, whose
/// sigma is 0, a correlation with a bin that does not vary.
///
/// Examples:
///   trainer statistics --maps maps.npy --json statistics.json
///   trainer statistics --maps my-fits-maps --side-angle 3.5 --csv tables --npz statistics.npz
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct StatisticsArguments {
    /// File or folder of convergence maps of one size (.npy, .npz, FITS, HDF5); FILE[NAME] takes one array or image of several
    #[arg(long, value_name = "MAPS")]
    maps: PathBuf,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    mask: MaskArguments,
    /// Most maps to measure
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// File for all values: one row a map for each statistic
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    /// Folder for tables: one file a statistic with one line a map, and ensemble.csv with means and sigmas
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
    /// File for all values as NumPy's arrays: power_spectrum [maps, bins], ell [bins] and so on, NaN where a value does not exist
    #[arg(long, value_name = "FILE.npz")]
    npz: Option<PathBuf>,
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
    for path in arguments.json.iter().chain(&arguments.npz) {
        check_free(path, arguments.force)?;
    }
    let files = || arguments.json.iter().chain(&arguments.npz).map(PathBuf::as_path);
    check_distinct(&files().collect::<Vec<_>>())?;
    if let Some(folder) = &arguments.csv {
        let tables: Vec<PathBuf> = table_names().map(|name| folder.join(name)).collect();
        let outputs = tables.iter().map(PathBuf::as_path).chain(files());
        check_distinct(&outputs.collect::<Vec<_>>())?;
        for table in &tables {
            check_free(table, arguments.force)?;
        }
    }
    let archive = arguments.input.open_masked(&arguments.maps, &arguments.mask)?;
    let start = std::time::Instant::now();
    let count = arguments.count.map_or(usize::MAX, |count| count as usize);
    let measured = MeasuredMaps::of_archive(&archive, count, &StatisticsEdges::default(), "maps")?;
    let seconds = start.elapsed().as_secs_f64();
    if measured.masked_share() > 0.0 {
        eprintln!("note: {}", masked_note(measured.masked_share()));
    }
    let similarity = Similarity::of_archive(&archive, count, diversity::range_of(&archive, count)?)?;
    if let Some(path) = &arguments.json {
        let mut file = AtomicFile::create(path)?;
        serde_json::to_writer(&mut file, &Document { measured: &measured, similarity })
            .with_context(|| cannot_write(path))?;
        file.finish()?;
    }
    if let Some(path) = &arguments.npz {
        let mut file = AtomicFile::create(path)?;
        write_npz(&arrays(&measured), &mut file).with_context(|| cannot_write(path))?;
        file.finish()?;
    }
    if let Some(folder) = &arguments.csv {
        write_tables(folder, &measured)?;
    }
    println!(
        "{} of {} pixels and {} degrees in {seconds:.2} s, {:.0} maps/s on {} threads",
        counted(measured.maps.len(), "map"),
        measured.pixels,
        measured.side_angle,
        measured.maps.len() as f64 / seconds,
        rayon::current_num_threads()
    );
    print!("{}", overview(&measured));
    for written in arguments.json.iter().chain(&arguments.npz).chain(&arguments.csv) {
        println!("written: {}", written.display());
    }
    if let Some(Similarity { pairs, mean, standard_error }) = similarity {
        println!("  similarity (MS-SSIM) of two maps, {pairs} pairs: {mean:.4} +- {standard_error:.4}");
    }
    Ok(())
}

/// The document of `--json`, written value by value: the statistics of 200,000 maps as one text would take gigabytes.
struct Document<'a> {
    measured: &'a MeasuredMaps,
    similarity: Option<Similarity>,
}

/// A sequence that is made while it is written.
struct Rows<F>(F);

impl<F: Fn() -> I, I: Iterator<Item = T>, T: Serialize> Serialize for Rows<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let measured = self.measured;
        let mut document = serializer.serialize_map(None)?;
        document.serialize_entry("source", &measured.source)?;
        document.serialize_entry("pixels", &measured.pixels)?;
        document.serialize_entry("side_angle", &measured.side_angle)?;
        let mut abscissas = Vec::new();
        let mut ensemble = serde_json::Map::new();
        for statistic in Statistic::ALL {
            if !abscissas.contains(&statistic.abscissa()) {
                abscissas.push(statistic.abscissa());
                document.serialize_entry(statistic.abscissa(), measured.middles(statistic))?;
            }
            document
                .serialize_entry(statistic.name(), &Rows(|| measured.maps.iter().map(move |map| map.of(statistic))))?;
            let over_maps = measured.ensemble(statistic);
            let both = json!({ "mean": over_maps.mean(), "sigma": over_maps.sigma() });
            ensemble.insert(statistic.name().into(), both);
        }
        document.serialize_entry("moment_names", &NAMES)?;
        document.serialize_entry("moments", &Rows(|| measured.maps.iter().map(|map| map.moments)))?;
        document.serialize_entry("masked", &Rows(|| measured.maps.iter().map(|map| map.masked)))?;
        document.serialize_entry("mean", &Rows(|| measured.maps.iter().map(|map| map.mean)))?;
        let spectra: Vec<_> = measured.maps.iter().map(|map| map.of(Statistic::PowerSpectrum)).collect();
        document.serialize_entry("correlation", &correlation_matrix(&spectra))?;
        document.serialize_entry("ensemble", &ensemble)?;
        document.serialize_entry("similarity", &self.similarity)?;
        document.end()
    }
}

/// Names of the tables of `--csv`.
fn table_names() -> impl Iterator<Item = String> {
    Statistic::ALL.map(Statistic::name).into_iter().chain(["moments", "ensemble"]).map(|name| format!("{name}.csv"))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}: is the disk full?", path.display())
}

/// A table that is written line by line.
struct Table {
    path: PathBuf,
    file: AtomicFile,
}

impl Table {
    fn create(path: PathBuf) -> Result<Self> {
        Ok(Self { file: AtomicFile::create(&path)?, path })
    }

    fn line(&mut self, values: impl IntoIterator<Item = String>) -> Result<()> {
        let line = values.into_iter().collect::<Vec<_>>().join(",");
        writeln!(self.file, "{line}").with_context(|| cannot_write(&self.path))
    }
}

fn write_tables(folder: &Path, measured: &MeasuredMaps) -> Result<()> {
    create_folder(folder)?;
    let cell = |value: Option<f64>| value.map(|value| format!("{value:e}")).unwrap_or_default();
    let headed = |head: &str, values: &mut dyn Iterator<Item = String>| {
        std::iter::once(head.to_owned()).chain(values).collect::<Vec<_>>()
    };
    let mut over_maps = Table::create(folder.join("ensemble.csv"))?;
    over_maps.line(["statistic", "abscissa", "mean", "sigma"].map(str::to_owned))?;
    for statistic in Statistic::ALL {
        let middles = measured.middles(statistic);
        let mut table = Table::create(folder.join(format!("{}.csv", statistic.name())))?;
        let names = middles.iter().map(|middle| format!("{}={middle:.6}", statistic.abscissa()));
        table.line(headed("map", &mut { names }))?;
        for (index, map) in measured.maps.iter().enumerate() {
            table.line(headed(&index.to_string(), &mut map.of(statistic).iter().map(|&value| cell(value))))?;
        }
        table.file.finish()?;
        let ensemble = measured.ensemble(statistic);
        for ((middle, mean), sigma) in middles.iter().zip(ensemble.mean()).zip(ensemble.sigma()) {
            // Middles of bins such as 0.1 and 0.3 are 0.20000000000000001 by their sum.
            let middle = (middle * 1e9).round() / 1e9;
            over_maps.line([statistic.name().to_owned(), middle.to_string(), cell(mean), cell(sigma)])?;
        }
    }
    let mut moments = Table::create(folder.join("moments.csv"))?;
    moments.line(["map", "masked", "mean"].into_iter().chain(NAMES).map(str::to_owned))?;
    for (index, map) in measured.maps.iter().enumerate() {
        let mean = [format!("{}", map.masked), format!("{:e}", map.mean)].into_iter();
        moments.line(headed(&index.to_string(), &mut mean.chain(map.moments.iter().map(|&value| cell(value)))))?;
    }
    moments.file.finish()?;
    // Last: the file that says that the folder is complete.
    over_maps.file.finish()
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
    if measured.masked_share() > 0.0 {
        row("share that is masked", measured.maps.iter().map(|map| map.masked).collect());
    }
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
        let _ = writeln!(
            text,
            "  constant: {}, without thresholds in sigma, and without values there",
            counted(constant, "map")
        );
    }
    text
}
