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
    /// Generated power spectra against the data's.
    Spectrum(SpectrumLine),
}

/// Means over some steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepMeans {
    /// Steps taken.
    pub step: u64,
    /// Epochs of the data seen.
    pub epoch: f64,
    /// Seconds a step.
    pub step_seconds: f64,
    /// What steps measure.
    #[serde(flatten)]
    pub values: Values,
}

/// Distance of generated power spectra to the data's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectrumLine {
    /// Steps taken.
    pub step: u64,
    /// Chi-squared distance between histograms of P(l), averaged over modes; 0 is equal, 1 is disjoint.
    pub distance: f64,
    /// Ratio of mean and sigma per band.
    pub bands: Vec<SpectrumBand>,
    /// Modes that were compared; distances over other modes are other numbers. Earlier versions did not say.
    #[serde(default)]
    pub modes: usize,
}

impl LogLine {
    /// Steps taken when it was written.
    pub fn step(&self) -> u64 {
        match self {
            Self::Progress(means) => means.step,
            Self::Spectrum(spectrum) => spectrum.step,
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
                self.events.scalars(means.step, &scalars)
            }
            LogLine::Spectrum(spectrum) => {
                self.events.scalars(spectrum.step, &[("spectrum/distance", spectrum.distance)])
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
            LogLine::Progress(StepMeans { step, epoch: 0.5, step_seconds: 2.0, values })
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
