//! The paper's selection of a generator (Section 2.3): in the last steps of a run every generator draws maps, and those whose power
//! spectra are closest to the development set's are kept, as small files of the generator alone.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use storage::{
    files::create_folder,
    runs::{AtomicFile, Interruption},
};

use super::{Run, steps::FIRST_MEASURED_SEED};
use crate::training::{
    checkpoint::{self, Checkpoints},
    log::{LogLine, SelectionLine, read_lines},
    monitor::SpectrumMonitor,
};

/// Generators that were measured.
pub struct Selection {
    /// The development set; measured when the selection begins.
    monitor: Option<SpectrumMonitor>,
    /// Distance by step.
    measured: BTreeMap<u64, f64>,
}

impl Selection {
    /// Goes on with what the log of a run says.
    pub fn new(log: &[LogLine]) -> Self {
        let measured = log.iter().filter_map(|line| match line {
            LogLine::Selection(line) => Some((line.step, line.distance)),
            _ => None,
        });
        Self { monitor: None, measured: measured.collect() }
    }

    /// Whether the generator after this step was measured.
    pub fn has(&self, step: u64) -> bool {
        self.measured.contains_key(&step)
    }

    /// The `keep` best of some generators by their steps, the best first; those that were not measured are left out.
    fn best(&self, of: &[u64], keep: usize) -> Vec<u64> {
        let mut steps: Vec<u64> = of.iter().copied().filter(|step| self.has(*step)).collect();
        steps.sort_by(|a, b| self.measured[a].total_cmp(&self.measured[b]));
        steps.truncate(keep);
        steps
    }

    /// Measures the generator of a run as it is, and keeps it if it is one of the best.
    ///
    /// # Errors
    /// When the disk or the device fails, or [`Interrupted`](storage::runs::Interrupted): it is then to be measured again.
    pub fn take(&mut self, run: &Run, interruption: &Interruption) -> Result<SelectionLine> {
        let config = &run.config().selection;
        let snapshots = Checkpoints::of_selection(run.folder());
        if self.monitor.is_none() {
            create_folder(snapshots.folder())?;
            AtomicFile::remove_leftovers(snapshots.folder(), "step-")?;
            self.monitor = Some(SpectrumMonitor::new(run.measured_against(), run.setup.side_angle, config.maps)?);
        }
        let monitor = self.monitor.as_ref().context("the development set was measured")?;
        // Several processes stop together or not at all.
        let alone = run.group().size() == 1;
        let tick = |_| if alone { Ok(interruption.check()?) } else { Ok(()) };
        let (distance, _) = monitor.measure(&run.generator(), FIRST_MEASURED_SEED, config.maps, tick)?;
        self.measured.insert(run.step, distance);
        // Of those whose files are still there: a run that went on from before may have lost some.
        let mut candidates = snapshots.steps()?;
        candidates.retain(|step| *step != run.step);
        candidates.push(run.step);
        let best = self.best(&candidates, config.keep);
        if best.contains(&run.step) {
            checkpoint::save_generator(&snapshots.path(run.step), &run.players, &run.state(Some(distance)))?;
            snapshots.read(run.step).context("a generator that was kept cannot be read back")?;
            snapshots.prune(0, &best)?;
        }
        Ok(SelectionLine { step: run.step, distance })
    }
}

/// Step and distance of the best generator that a run's selection kept; `None` where there was none.
///
/// # Errors
/// When the run's folder cannot be read.
pub fn best_selected(run: &Path) -> Result<Option<(u64, f64)>> {
    let snapshots = Checkpoints::of_selection(run);
    if !snapshots.folder().is_dir() {
        return Ok(None);
    }
    let (kept, selection) = (snapshots.steps()?, Selection::new(&read_lines(&run.join("log.jsonl"))?));
    Ok(selection.best(&kept, 1).first().map(|step| (*step, selection.measured[step])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_a_log_is_remembered() {
        let line = |step, distance| LogLine::Selection(SelectionLine { step, distance });
        let selection = Selection::new(&[line(11, 0.3), line(12, 0.1), line(13, 0.2), line(14, 0.4)]);
        assert_eq!(
            (selection.best(&[11, 12, 13, 14], 2), selection.has(14), selection.has(15)),
            (vec![12, 13], true, false)
        );
    }

    #[test]
    fn generators_whose_files_are_gone_take_no_place() {
        let line = |step, distance| LogLine::Selection(SelectionLine { step, distance });
        let selection = Selection::new(&[line(11, 0.1), line(12, 0.2), line(13, 0.3)]);
        assert_eq!(selection.best(&[12, 13, 20], 2), [12, 13]);
    }

    #[test]
    fn a_run_without_selection_has_no_best() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(best_selected(folder.path()).unwrap(), None);
    }
}
