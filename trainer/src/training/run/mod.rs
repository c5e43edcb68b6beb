//! A training run and its folder: `config.toml`, `log.jsonl`, TensorBoard events, `samples/`, `checkpoints/`.
//!
//! ```text
//! setup    beginning a run, or going on with one
//! phases   parts of a run, one after the other, and what is due after a step
//! steps    the loop: steps, logs, sample sheets, checkpoints
//! selection  the paper's choice of a generator
//! window   means of what steps measure
//! health   the reasons to stop, and the last checkpoint from before them
//! ```

mod health;
mod phases;
mod selection;
mod setup;
mod steps;
mod window;

use std::{path::Path, sync::Arc};

use anyhow::Result;
use shared::formats::weights::Ancestor;
use storage::runs::FolderLock;
use tch::Device;

pub use selection::best_selected;
pub use setup::RunSetup;

use super::{
    checkpoint::{Checkpoints, DataRecord},
    config::TrainingConfig,
    data::TrainingMaps,
    log::{LogLine, MeasuredLine, read_lines},
    step::Players,
};
use crate::torch::Group;

/// A run that holds its folder.
pub struct Run {
    setup: RunSetup,
    players: Players,
    step: u64,
    started_from: Option<Ancestor>,
    /// Of the process that writes.
    _lock: Option<FolderLock>,
}

impl Run {
    /// Steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    fn folder(&self) -> &Path {
        &self.setup.folder
    }

    fn config(&self) -> &TrainingConfig {
        &self.setup.config
    }

    fn maps(&self) -> &Arc<TrainingMaps> {
        &self.setup.maps
    }

    /// What the generator is measured against, and shown beside.
    fn measured_against(&self) -> &TrainingMaps {
        self.setup.held_out.as_ref().unwrap_or(&self.setup.maps)
    }

    fn data(&self) -> &DataRecord {
        &self.setup.data
    }

    fn group(&self) -> &Group {
        &self.setup.group
    }

    fn device(&self) -> Device {
        self.setup.device
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::of_run(self.folder())
    }
}

/// Step and distance of the checkpoint with the least power-spectrum distance up to `last`, of those that are there and were
/// measured over the modes that the newest was.
///
/// # Errors
/// When the run's folder cannot be read.
pub fn best_checkpoint(run: &Path, last: u64) -> Result<Option<(u64, f64)>> {
    let kept = Checkpoints::of_run(run).steps()?;
    let measured = read_lines(&run.join("log.jsonl"))?.into_iter().filter_map(|line| match line {
        LogLine::Measured(line) if line.step <= last => Some(line),
        _ => None,
    });
    let measured: Vec<MeasuredLine> = measured.collect();
    let modes = measured.last().map(|line| line.modes);
    let comparable = measured.iter().filter(|line| Some(line.modes) == modes && kept.contains(&line.step));
    Ok(comparable.map(|line| (line.step, line.distance)).min_by(|a, b| a.1.total_cmp(&b.1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::log::RunLog;

    #[test]
    fn distances_over_other_modes_are_not_compared() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of_run(folder.path());
        std::fs::create_dir_all(checkpoints.folder()).unwrap();
        let mut log = RunLog::open(folder.path(), 0).unwrap();
        for (step, distance, modes) in [(10, 0.1, 0), (20, 0.5, 131), (30, 0.4, 131), (40, 0.2, 131)] {
            log.write(&LogLine::Measured(MeasuredLine { step, distance, bands: Vec::new(), modes, statistics: None }))
                .unwrap();
            if step < 40 {
                std::fs::write(checkpoints.path(step), "x").unwrap();
            }
        }
        assert_eq!(best_checkpoint(folder.path(), u64::MAX).unwrap(), Some((30, 0.4)));
        assert_eq!(best_checkpoint(folder.path(), 20).unwrap(), Some((20, 0.5)));
        assert_eq!(best_checkpoint(folder.path(), 10).unwrap(), Some((10, 0.1)));
    }
}
