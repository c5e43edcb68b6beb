//! `trainer compare`: are two sets of maps one population?

use std::{fmt::Write, path::PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::statistics::StatisticsEdges;
use storage::{
    files::check_free,
    maps::{MapArchive, sources::overlap},
    runs::write_atomically,
};

use super::input::{InputArguments, MaskArguments};
use crate::{
    evaluation::{
        comparison::{Comparison, LEVELS, PValueSummary, compare},
        diversity::{self, Similarity},
        measured::{MeasuredMaps, masked_note},
        options::TestOptions,
    },
    progress::counted,
};

/// Ask whether two sets of maps are one population.
///
/// For each mode of P(l), each threshold of the Minkowski functionals, each height of peaks and minima and each bin of xi(theta) and
/// of the equilateral bispectrum: the two-sample
/// Kolmogorov-Smirnov and Anderson-Darling statistics with p-values (SciPy's, by permutation, by bootstrap), the ratio of means and
/// of sigmas, the Wasserstein distance. For each statistic: how many p-values are above the paper's levels, how many bins tell
/// the sets apart, whether p-values are spread evenly over 0..1, and one p-value for all bins together. Permutations move whole
/// maps, since bins of one map depend on each other.
///
/// --control C puts a third set through the same tests against B at the same sizes: maps that are real for certain, such as the
/// paper's auxiliary set. A is as good as the data where its p-values are like C's.
///
/// Example:
///   trainer compare --maps generated.npy --against validation.npy --control auxiliary.npy --json comparison.json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct CompareArguments {
    /// Set A: file or folder of convergence maps (.npy, .npz, FITS, HDF5); FILE[NAME] takes one array or image of several
    #[arg(long, value_name = "A")]
    maps: PathBuf,
    /// Set B, the reference
    #[arg(long, value_name = "B")]
    against: PathBuf,
    /// Set C, independent real maps
    #[arg(long, value_name = "C")]
    control: Option<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    mask: MaskArguments,
    /// Most maps of each set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    count: Option<u32>,
    /// Permutations, and bootstraps, of each test: 99 to 100,000
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(99..=100_000))]
    resamples: u32,
    /// Seed of both
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// File for every number
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    levels: [f64; 5],
    /// What makes one set no judge of another.
    warnings: &'a [String],
    comparison: &'a Comparison,
    control: Option<&'a Comparison>,
    /// Mean MS-SSIM over pairs of maps of A, of B and of C.
    similarity: &'a Similarities,
}

/// How alike the maps of each set are.
#[derive(Serialize)]
struct Similarities {
    a: Option<Similarity>,
    b: Option<Similarity>,
    c: Option<Similarity>,
}

/// Runs the command.
///
/// # Errors
/// When a set is not usable, the sets cannot be compared, or the file cannot be written.
pub fn run(arguments: &CompareArguments) -> Result<()> {
    // A reader that has enough, such as `head`, ends this command without a word.
    sigpipe::reset();
    if let Some(path) = &arguments.json {
        check_free(path, arguments.force)?;
    }
    let open = |path: &PathBuf| arguments.input.open_masked(path, &arguments.mask);
    let (a, b) = (open(&arguments.maps)?, open(&arguments.against)?);
    let c = arguments.control.as_ref().map(open).transpose()?;
    let warnings = warnings(&a, &b, c.as_ref())?;
    let count = arguments.count.map_or(usize::MAX, |count| count as usize);
    let range = diversity::range_of(&b, count)?;
    let alike_in = |archive: &MapArchive| Similarity::of_archive(archive, count, range);
    let similarity =
        Similarities { a: alike_in(&a)?, b: alike_in(&b)?, c: c.as_ref().map(alike_in).transpose()?.flatten() };
    // The control has to have the power of the comparison: no more maps than that.
    let most = count.min(a.maps());
    let edges = StatisticsEdges::default();
    let a = MeasuredMaps::of_archive(&a, most, &edges, "A")?;
    let b = MeasuredMaps::of_archive(&b, count, &edges, "B")?;
    a.check_comparable(&b, ["A", "B"])?;
    let c = c.map(|c| MeasuredMaps::of_archive(&c, most, &edges, "C")).transpose()?;
    if let Some(c) = &c {
        c.check_comparable(&b, ["C", "B"])?;
    }
    let options = TestOptions { resamples: arguments.resamples, seed: arguments.seed };
    let start = std::time::Instant::now();
    let comparison = compare(&a, &b, ["A", "B"], options)?;
    let seconds = start.elapsed().as_secs_f64();
    let control = c.map(|c| compare(&c, &b, ["C", "B"], options)).transpose()?;
    if let Some(path) = &arguments.json {
        let control = control.as_ref();
        let document =
            Document { levels: LEVELS, warnings: &warnings, comparison: &comparison, control, similarity: &similarity };
        write_atomically(path, &serde_json::to_vec(&document)?)?;
    }
    for warning in &warnings {
        println!("warning: {warning}");
    }
    for note in masks(&comparison) {
        println!("note: {note}");
    }
    print!("{}{}", table(&comparison, control.as_ref()), alike(&similarity));
    if let Some(path) = &arguments.json {
        println!("written: {}", path.display());
    }
    println!("A against B: {seconds:.1} s on {} threads", rayon::current_num_threads());
    Ok(())
}

/// Maps that two sets share, in words.
fn warnings(a: &MapArchive, b: &MapArchive, c: Option<&MapArchive>) -> Result<Vec<String>> {
    let (of_a, of_b) = (a.sources()?, b.sources()?);
    let mut warnings: Vec<String> = overlap(["A", "B"], &of_a, &of_b).into_iter().collect();
    if let Some(c) = c {
        let of_c = c.sources()?;
        warnings.extend(overlap(["C", "B"], &of_c, &of_b));
    }
    Ok(warnings)
}

/// What is to be said of masked pixels.
fn masks(comparison: &Comparison) -> Vec<String> {
    let [a, b] = comparison.masked;
    let mut said = Vec::new();
    if a.max(b) > 0.0 {
        said.push(masked_note(a.max(b)));
    }
    if (a - b).abs() > 0.01 {
        said.push(format!(
            "{:.1} % of A's pixels are masked and {:.1} % of B's: counts of peaks and minima are of what is left; mask both alike with --mask FILE",
            100.0 * a,
            100.0 * b
        ));
    }
    said
}

/// The comparison, and the control beside it, on one screen.
fn table(comparison: &Comparison, control: Option<&Comparison>) -> String {
    let mut text = String::new();
    let sizes = |of: &Comparison| format!("{} and {} maps", of.maps[0], of.maps[1]);
    let _ = writeln!(text, "A against B: {}, {} resamples", sizes(comparison), comparison.options.resamples);
    if let Some(control) = control {
        let _ = writeln!(text, "control, C against B: {}", sizes(control));
        if control.maps[0] < comparison.maps[0] {
            let _ =
                writeln!(text, "  C has fewer maps than A: its tests see less, and its p-values are no fair control");
        }
    } else {
        let _ = writeln!(text, "no control: give --control, independent real maps, to know what p-values to expect");
    }
    for (set, count) in [("A", comparison.constant_maps[0]), ("B", comparison.constant_maps[1])] {
        if count > 0 {
            let _ =
                writeln!(text, "constant: {} of {set}, left out where thresholds are in sigma", counted(count, "map"));
        }
    }
    let levels: String = LEVELS.iter().map(|level| format!("{:>6}", format!(">{level}"))).collect();
    let _ = writeln!(text, "\n{:<20}{:>6}  {levels}   {:>7}{:>11}{:>11}", "", "", "apart", "together", "evenness");
    let _ = writeln!(text, "{:<20}{:>6}  {:^30}   {:^29}", "", "tests", "bootstrapped p-values", "by permutation");
    for (place, of) in comparison.statistics.iter().enumerate() {
        let theirs = control.and_then(|control| control.statistics.get(place));
        for (test, ours, theirs) in [("KS", &of.ks, theirs.map(|of| &of.ks)), ("AD", &of.ad, theirs.map(|of| &of.ad))] {
            let _ = writeln!(text, "{:<20}{}", format!("{} {test}", of.statistic.label()), counts(ours));
            if let Some(theirs) = theirs {
                let _ = writeln!(text, "{:<20}{}", "  control", counts(theirs));
            }
        }
    }
    let _ = writeln!(
        text,
        "apart: bins with p of at most 0.05; together: p of all bins of the statistic; evenness: p of their p-values' spread\n"
    );
    let mut row = |name: &str, of: &dyn Fn(&Comparison) -> String| {
        let theirs = control.map(|control| format!("   control {}", of(control))).unwrap_or_default();
        let _ = writeln!(text, "{name:<44}{:>10}{theirs}", of(comparison));
    };
    row("pixel values: largest difference", &|of| format!("{:.4}", of.pixels.ks));
    row("  p by permutation of maps", &|of| format!("{:.4}", of.pixels.p_permutation));
    row("  Wasserstein distance in kappa", &|of| format!("{:.2e}", of.pixels.wasserstein));
    row("  share outside -0.1..0.4, A and B", &|of| {
        format!("{:.1e}, {:.1e}", of.pixels.outside[0], of.pixels.outside[1])
    });
    row("correlation of P(l): largest difference", &|of| format!("{:.3}", of.correlation.largest));
    row("  root mean square", &|of| format!("{:.3}", of.correlation.rms));
    row("chi-squared distance of P(l) histograms", &|of| {
        of.spectrum_distance.map_or_else(|| "none".into(), |distance| format!("{distance:.4}"))
    });
    for (place, band) in comparison.bands.iter().enumerate() {
        let name = format!("mean (sigma) of P(l), {}..{}", band.ell_low, band.ell_high);
        row(&name, &|of| {
            of.bands.get(place).map_or_else(String::new, |b| format!("{:.3} ({:.3})", b.mean_ratio, b.sigma_ratio))
        });
    }
    text
}

/// How alike maps are, where they are large enough for it.
fn alike(similarity: &Similarities) -> String {
    let of = |name: &str, similarity: Option<Similarity>| {
        similarity.map(|of| format!("{name} {:.4} +- {:.4}", of.mean, of.standard_error))
    };
    let sets = [of("A", similarity.a), of("B", similarity.b), of("C", similarity.c)];
    let sets: Vec<String> = sets.into_iter().flatten().collect();
    if sets.is_empty() { String::new() } else { format!("similarity (MS-SSIM) of two maps: {}\n", sets.join(", ")) }
}

fn counts(summary: &PValueSummary) -> String {
    let above: String = summary.above.iter().map(|count| format!("{count:>6}")).collect();
    let together = summary.together.map_or_else(|| "none".into(), |p| format!("{p:.4}"));
    let evenness = summary.uniformity.map_or_else(|| "none".into(), |(_, p)| format!("{p:.4}"));
    format!("{:>6}  {above}   {:>7}{together:>11}{evenness:>11}", summary.tests, summary.told_apart)
}
