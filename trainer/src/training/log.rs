//! Log of a run: one JSON object a line, and the same numbers for TensorBoard.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use shared::statistics::SpectrumBand;

use super::tensorboard::EventFile;

/// A line of `log.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogLine {
    /// Means over the steps since the last such line.
    Progress(Progress),
    /// Generated power spectra against the data's.
    Spectrum(SpectrumLine),
}

/// Means over some steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps taken.
    pub step: u64,
    /// Epochs of the data seen.
    pub epoch: f64,
    /// Paper Eq. 2.
    pub discriminator_loss: f64,
    /// Paper Eq. 3.
    pub generator_loss: f64,
    /// Share of data maps that the discriminator recognises.
    pub accuracy_data: f64,
    /// Share of generated maps that it recognises.
    pub accuracy_generated: f64,
    /// Seconds a step.
    pub step_seconds: f64,
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
            .filter(|line| match line {
                LogLine::Progress(progress) => progress.step <= step,
                LogLine::Spectrum(spectrum) => spectrum.step <= step,
            })
            .map(|line| Ok(serde_json::to_string(&line)? + "\n"))
            .collect::<Result<_>>()?;
        crate::files::write_atomically(&path, kept.concat().as_bytes())?;
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
            LogLine::Progress(progress) => self.events.scalars(
                progress.step,
                &[
                    ("loss/discriminator", progress.discriminator_loss),
                    ("loss/generator", progress.generator_loss),
                    ("accuracy/data", progress.accuracy_data),
                    ("accuracy/generated", progress.accuracy_generated),
                    ("time/step", progress.step_seconds),
                ],
            ),
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
