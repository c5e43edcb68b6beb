//! Log of a run: one JSON object a line, and the same numbers for TensorBoard.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use shared::statistics::SpectrumBand;

use super::{
    measures::{Measure, Values},
    tensorboard::EventFile,
};

/// A line of `log.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogLine {
    /// Means over the steps since the last such line.
    Progress(StepMeans),
    /// Generated maps against the data's.
    #[serde(rename = "spectrum")]
    Measured(MeasuredLine),
    /// A generator that the paper's selection measured.
    Selection(SelectionLine),
}

/// Means over some steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepMeans {
    /// Steps taken.
    pub step: u64,
    /// Epochs of the data seen.
    pub epoch: f64,
    /// Seconds a step, of training alone.
    pub step_seconds: f64,
    /// Seconds that the steps which are left take at this pace; earlier versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
    /// What steps measure.
    #[serde(flatten)]
    pub values: Values,
}

/// How far generated maps are from the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredLine {
    /// Steps taken.
    pub step: u64,
    /// Chi-squared distance between histograms of P(l), averaged over modes; 0 is equal, 1 is disjoint.
    pub distance: f64,
    /// Ratio of mean and sigma per band.
    pub bands: Vec<SpectrumBand>,
    /// Modes that were compared; distances over other modes are other numbers. Earlier versions did not say.
    #[serde(default)]
    pub modes: usize,
    /// Other statistics; earlier versions measured none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<StatisticDistances>,
}

/// How far other statistics than P(l) itself are from the data's; 0 is equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StatisticDistances {
    /// Largest difference of the correlation matrices of P(l).
    pub correlation_largest: f64,
    /// Its root mean square beside the diagonal.
    pub correlation_rms: f64,
    /// Largest difference of the distribution functions of all pixels.
    pub pixels: f64,
    /// Root mean square difference of mean V0, V1 and V2 over thresholds, in the data's scatter of a map.
    pub minkowski: f64,
}

/// A generator that the selection measured (paper Section 2.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectionLine {
    /// Steps taken.
    pub step: u64,
    /// Chi-squared distance between histograms of P(l), of its maps and of the development set.
    pub distance: f64,
}

impl LogLine {
    /// Steps taken when it was written.
    pub fn step(&self) -> u64 {
        match self {
            Self::Progress(means) => means.step,
            Self::Measured(measured) => measured.step,
            Self::Selection(selection) => selection.step,
        }
    }
}

/// Writes both logs.
pub struct RunLog {
    lines: File,
    events: EventFile,
}

impl RunLog {
    /// Opens the log of a run that has taken `step` steps: lines of later steps, from a part of the run that was lost, go.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn open(folder: &Path, step: u64) -> Result<Self> {
        let path = folder.join("log.jsonl");
        let kept: Vec<String> = read_lines(&path)?
            .into_iter()
            .filter(|line| line.step() <= step)
            .map(|line| Ok(serde_json::to_string(&line)? + "\n"))
            .collect::<Result<_>>()?;
        storage::runs::write_atomically(&path, kept.concat().as_bytes())?;
        let lines = OpenOptions::new().append(true).open(&path)?;
        Ok(Self { lines, events: EventFile::create(folder)? })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn write(&mut self, line: &LogLine) -> Result<()> {
        let text = serde_json::to_string(line)? + "\n";
        self.lines.write_all(text.as_bytes()).context("cannot write the log")?;
        match line {
            LogLine::Progress(means) => {
                let measured = means.values.0.iter();
                let mut scalars: Vec<(&str, f64)> =
                    measured.filter_map(|(key, value)| Some((Measure::of_key(key)?.tag, *value))).collect();
                scalars.push(("time/step", means.step_seconds));
                scalars.extend(means.seconds_left.map(|left| ("time/hours_left", left / 3600.0)));
                self.events.scalars(means.step, &scalars)
            }
            LogLine::Measured(measured) => {
                let mut scalars = vec![("spectrum/distance", measured.distance)];
                if let Some(of) = measured.statistics {
                    scalars.extend([
                        ("spectrum/correlation_rms", of.correlation_rms),
                        ("pixels/distance", of.pixels),
                        ("minkowski/distance", of.minkowski),
                    ]);
                }
                self.events.scalars(measured.step, &scalars)
            }
            LogLine::Selection(selection) => {
                self.events.scalars(selection.step, &[("selection/distance", selection.distance)])
            }
        }
    }
}

/// Lines of a log; a last line that was cut off is left out, and there are none where there is no file.
///
/// # Errors
/// When the file cannot be read.
pub fn read_lines(path: &Path) -> Result<Vec<LogLine>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = BufReader::new(file).lines().collect::<std::io::Result<Vec<_>>>()?;
    Ok(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_return_and_those_of_a_lost_part_go() {
        let folder = tempfile::tempdir().unwrap();
        let line = |step: u64| {
            let values = Values(vec![("discriminator_loss".into(), 1.25), ("generator_loss".into(), 0.5)]);
            LogLine::Progress(StepMeans { step, epoch: 0.5, step_seconds: 2.0, seconds_left: Some(60.0), values })
        };
        let mut log = RunLog::open(folder.path(), 0).unwrap();
        for step in [10, 20, 30] {
            log.write(&line(step)).unwrap();
        }
        drop(log);
        let path = folder.path().join("log.jsonl");
        // The form that earlier versions wrote, field by field.
        let text = std::fs::read_to_string(&path).unwrap();
        let value: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((&value["kind"], &value["generator_loss"]), (&"progress".into(), &0.5.into()));
        RunLog::open(folder.path(), 20).unwrap();
        assert_eq!(read_lines(&path).unwrap(), [line(10), line(20)]);
    }
}
