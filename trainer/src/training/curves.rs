//! Learning curves of runs, side by side: what their logs measured, by maps shown.

use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::statistics::SpectrumBand;

use super::{
    config::TrainingConfig,
    log::{LogLine, MeasuredLine, SelectionLine, StatisticDistances, StepMeans, read_lines},
    measures::Measure,
};
use crate::figures::plot::{Panel, Scale, Series, Shape};

/// Steps of a curve that are drawn, at most: neighbours are averaged.
const POINTS: usize = 400;

/// The log of a run.
#[derive(Debug, Clone)]
pub struct RunCurves {
    /// Name of its folder.
    pub name: String,
    /// Maps in a batch, by which steps are maps.
    batch_size: u64,
    steps: Vec<StepMeans>,
    measured: Vec<MeasuredLine>,
    selection: Vec<SelectionLine>,
    /// Steps that the run is to take.
    planned: u64,
}

impl RunCurves {
    /// Reads the log of a run's folder.
    ///
    /// # Errors
    /// When it holds no run, or nothing was logged yet.
    pub fn read(folder: &Path) -> Result<Self> {
        let config = folder.join("config.toml");
        if !config.is_file() {
            bail!("{} holds no training run: there is no config.toml in it", folder.display());
        }
        let config = TrainingConfig::read(&config)?;
        let (mut steps, mut measured, mut selection) = (Vec::new(), Vec::new(), Vec::new());
        for line in read_lines(&folder.join("log.jsonl"))? {
            match line {
                LogLine::Progress(means) => steps.push(means),
                LogLine::Measured(line) => measured.push(line),
                LogLine::Selection(line) => selection.push(line),
            }
        }
        if steps.is_empty() {
            bail!("{} has logged no step yet", folder.display());
        }
        // A run may be named by `.` or with a slash at its end.
        let named = folder.canonicalize().with_context(|| format!("cannot open {}", folder.display()))?;
        let name = named.file_name().map_or_else(|| folder.display().to_string(), |name| name.display().to_string());
        Ok(Self { name, batch_size: config.batch_size as u64, steps, measured, selection, planned: config.steps })
    }

    /// Maps shown so far, and all that the run is to show.
    pub fn maps(&self) -> [u64; 2] {
        let last = self.steps.last().map_or(0, |means| means.step);
        [last * self.batch_size, self.planned * self.batch_size]
    }

    /// Seconds that the rest takes at the pace of the last log lines.
    pub fn seconds_left(&self) -> f64 {
        let last = self.steps.iter().rev().take(20);
        let pace = last.clone().map(|means| means.step_seconds).sum::<f64>() / last.count().max(1) as f64;
        let done = self.steps.last().map_or(0, |means| means.step);
        pace * self.planned.saturating_sub(done) as f64
    }

    /// The last value of a measure, averaged over the last tenth of the log.
    pub fn last(&self, measure: Measure) -> Option<f64> {
        let from = self.steps.len() - self.steps.len().div_ceil(10);
        let values: Vec<f64> = self.steps[from..].iter().filter_map(|means| means.values.get(measure)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The last measurement of generated maps.
    pub fn last_measured(&self) -> Option<&MeasuredLine> {
        self.measured.last()
    }

    fn curve_of_steps(&self, measure: Measure) -> Vec<(f64, f64)> {
        let points: Vec<(f64, f64)> = self
            .steps
            .iter()
            .filter_map(|means| Some(((means.step * self.batch_size) as f64, means.values.get(measure)?)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        let chunk = points.len().div_ceil(POINTS).max(1);
        let mean = |points: &[(f64, f64)]| {
            let count = points.len() as f64;
            (
                points.iter().map(|point| point.0).sum::<f64>() / count,
                points.iter().map(|point| point.1).sum::<f64>() / count,
            )
        };
        points.chunks(chunk).map(mean).collect()
    }

    fn curve_of_measured(&self, of: impl Fn(&MeasuredLine) -> Option<f64>) -> Vec<(f64, f64)> {
        let point = |line: &MeasuredLine| Some(((line.step * self.batch_size) as f64, of(line)?));
        self.measured.iter().filter_map(point).filter(|(_, value)| value.is_finite()).collect()
    }
}

/// One of the distances of other statistics.
type Of = fn(StatisticDistances) -> f64;

/// One panel a measure and one a band of P(l), of all runs; what none of them measured is left out.
pub fn panels(runs: &[RunCurves]) -> Vec<Panel> {
    let panel = |title: String, y_label: &str, curve: &dyn Fn(&RunCurves) -> Vec<(f64, f64)>| Panel {
        title,
        x_label: "maps shown".into(),
        y_label: y_label.into(),
        scales: [Scale::Linear; 2],
        series: runs
            .iter()
            .enumerate()
            .map(|(colour, run)| Series { name: run.name.clone(), colour, shape: Shape::Curve(curve(run)) })
            .filter(|series| series.shape != Shape::Curve(Vec::new()))
            .collect(),
    };
    let mut panels = vec![panel("Power-spectrum distance".into(), "chi-squared distance", &|run| {
        run.curve_of_measured(|line| Some(line.distance))
    })];
    panels.push(panel("Selection: power-spectrum distance".into(), "chi-squared distance", &|run| {
        run.selection.iter().map(|line| ((line.step * run.batch_size) as f64, line.distance)).collect()
    }));
    let others: [(&str, &str, Of); 3] = [
        ("Correlation of P(l)", "rms difference", |of| of.correlation_rms),
        ("Pixels", "largest difference of distributions", |of| of.pixels),
        ("Minkowski functionals", "rms difference / scatter", |of| of.minkowski),
    ];
    for (title, label, of) in others {
        panels.push(panel(title.into(), label, &|run| run.curve_of_measured(|line| line.statistics.map(of))));
    }
    let same = |a: &SpectrumBand, b: &SpectrumBand| (a.ell_low, a.ell_high) == (b.ell_low, b.ell_high);
    let mut bands: Vec<SpectrumBand> = Vec::new();
    for band in runs.iter().flat_map(|run| &run.measured).flat_map(|line| &line.bands) {
        if !bands.iter().any(|known| same(known, band)) {
            bands.push(*band);
        }
    }
    bands.sort_by(|a, b| a.ell_low.total_cmp(&b.ell_low));
    for band in &bands {
        let title = |of: &str| format!("{of} of P(l), l = {} to {}", band.ell_low, band.ell_high);
        let of = |line: &MeasuredLine| line.bands.iter().find(|other| same(other, band)).copied();
        panels.push(panel(title("Mean"), "generated / data", &|run| {
            run.curve_of_measured(|line| Some(of(line)?.mean_ratio))
        }));
        panels.push(panel(title("Scatter"), "generated / data", &|run| {
            run.curve_of_measured(|line| Some(of(line)?.sigma_ratio))
        }));
    }
    for measure in Measure::ALL {
        panels.push(panel(measure.tag.to_owned(), measure.label, &|run| run.curve_of_steps(measure)));
    }
    panels.retain(|panel| !panel.series.is_empty());
    panels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{
        log::RunLog,
        measures::{DISCRIMINATOR_LOSS, Values},
    };

    fn run(folder: &Path, steps: u64) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("config.toml"), "steps = 4000\nbatch_size = 8\n").unwrap();
        let mut log = RunLog::open(folder, 0).unwrap();
        for step in 1..=steps {
            let values = Values(vec![("discriminator_loss".into(), step as f64)]);
            log.write(&LogLine::Progress(StepMeans {
                step,
                epoch: 0.0,
                step_seconds: 0.5,
                seconds_left: None,
                values,
            }))
            .unwrap();
        }
        let band = SpectrumBand { ell_low: 500.0, ell_high: 1000.0, mean_ratio: 0.9, sigma_ratio: 1.1 };
        log.write(&LogLine::Measured(MeasuredLine {
            step: steps,
            distance: 0.3,
            bands: vec![band],
            modes: 5,
            statistics: None,
        }))
        .unwrap();
    }

    #[test]
    fn curves_are_by_maps_shown_and_long_ones_are_averaged() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        run(&a, 1000);
        run(&b, 20);
        let runs = [&a, &b].map(|folder| RunCurves::read(folder).unwrap());
        assert_eq!((runs[0].maps(), runs[0].seconds_left()), ([8000, 32_000], 1500.0));
        assert_eq!(runs[1].last(DISCRIMINATOR_LOSS), Some(19.5));
        let panels = panels(&runs);
        let titles: Vec<&str> = panels.iter().map(|panel| panel.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "Power-spectrum distance",
                "Mean of P(l), l = 500 to 1000",
                "Scatter of P(l), l = 500 to 1000",
                "loss/discriminator"
            ]
        );
        let Shape::Curve(points) = &panels[3].series[0].shape else { panic!("a curve") };
        // Three steps a point: the first is at step 2, 16 maps.
        assert_eq!((points.len(), points[0]), (334, (16.0, 2.0)));
        assert_eq!(panels[1].series[1].shape, Shape::Curve(vec![(160.0, 0.9)]));
    }

    #[test]
    fn a_folder_without_a_run_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(RunCurves::read(folder.path()).unwrap_err().to_string().contains("no config.toml"));
        std::fs::write(folder.path().join("config.toml"), "").unwrap();
        assert!(RunCurves::read(folder.path()).unwrap_err().to_string().contains("no step yet"));
    }
}
