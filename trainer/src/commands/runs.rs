//! `trainer runs`: learning curves of training runs, side by side.

use std::{fmt::Write, path::PathBuf};

use anyhow::Result;
use clap::Args;
use storage::{files::check_free, runs::write_atomically};

use crate::{
    figures::{
        page::{beginning, escaped},
        plot::svg,
    },
    training::{
        curves::{RunCurves, panels},
        log::StatisticDistances,
        measures::{DISCRIMINATOR_LOSS, GENERATOR_LOSS},
    },
};

/// Columns of panels on the page.
const COLUMNS: usize = 2;

/// Show the learning curves of training runs side by side, by maps shown.
///
/// The table has the last values; --html writes one page with all curves: losses, deviations, mean and scatter of P(l) per band,
/// its correlations (corr), pixels and Minkowski functionals (V). A run may still be going on.
///
/// Example:
///   trainer runs runs/paper runs/recipe --html curves.html
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct RunsArguments {
    /// Folders of training runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Page to write
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
    /// Replace the page if it is there
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// When a folder holds no run, or the page cannot be written.
pub fn run(arguments: &RunsArguments) -> Result<()> {
    if let Some(path) = &arguments.html {
        check_free(path, arguments.force)?;
    }
    let runs = arguments.runs.iter().map(|folder| RunCurves::read(folder)).collect::<Result<Vec<_>>>()?;
    print!("{}", table(&runs));
    if let Some(path) = &arguments.html {
        write_atomically(path, page(&runs)?.as_bytes())?;
        println!("{}: all curves", path.display());
    }
    Ok(())
}

/// The last values of every run.
fn table(runs: &[RunCurves]) -> String {
    let width = runs.iter().map(|run| run.name.chars().count()).max().unwrap_or(0).max(3);
    let mut text = format!(
        "{:<width$} {:>10} {:>9} {:>8} {:>7} {:>7} {:>9} {:>6} {:>7} {:>6}  mean P(l) per band; scatter per band, generated / data\n",
        "run", "maps", "of", "left", "D", "G", "distance", "corr", "pixels", "V"
    );
    let number =
        |value: Option<f64>, decimals: usize| value.map_or_else(|| "-".into(), |value| format!("{value:.decimals$}"));
    for run in runs {
        let [shown, planned] = run.maps();
        let measured = run.last_measured();
        let other = |of: fn(StatisticDistances) -> f64| measured?.statistics.map(of);
        let bands = measured.map_or_else(String::new, |line| {
            let ratios = |of: fn(&shared::statistics::SpectrumBand) -> f64| {
                line.bands.iter().map(|band| format!("{:.2}", of(band))).collect::<Vec<_>>().join(" ")
            };
            format!("  {}; {}", ratios(|band| band.mean_ratio), ratios(|band| band.sigma_ratio))
        });
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<width$} {shown:>10} {planned:>9} {:>8} {:>7} {:>7} {:>9} {:>6} {:>7} {:>6}{bands}",
            run.name,
            time(run.seconds_left()),
            number(run.last(DISCRIMINATOR_LOSS), 3),
            number(run.last(GENERATOR_LOSS), 3),
            number(measured.map(|line| line.distance), 4),
            number(other(|of| of.correlation_rms), 3),
            number(other(|of| of.pixels), 4),
            number(other(|of| of.minkowski), 2),
        );
    }
    text
}

/// Hours and minutes, or minutes.
fn time(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil() as u64;
    if minutes >= 60 { format!("{} h {:02}", minutes / 60, minutes % 60) } else { format!("{minutes} min") }
}

fn page(runs: &[RunCurves]) -> Result<String> {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    Ok(format!(
        "{}<pre class=\"scroll\">{}</pre>\n<figure>\n{}</figure>\n</body>\n</html>\n",
        beginning(&format!("Training runs: {}", names.join(", "))),
        escaped(&table(runs)),
        svg(&panels(runs), COLUMNS)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_to_minutes() {
        assert_eq!([0.0, 61.0, 3600.0, 7260.0].map(time), ["0 min", "2 min", "1 h 00", "2 h 01"]);
    }
}
