//! The checkpoints of a run: which are there, which is good, which go.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use safetensors::SafeTensors;

use super::{
    checksum,
    state::{CheckpointState, read_state},
};

/// Which checkpoint a run goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeFrom {
    /// The newest one that is whole and finite.
    Newest,
    /// That of this step.
    Step(u64),
}

/// A folder of checkpoints.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those of a run's folder.
    pub fn of_run(run: &Path) -> Self {
        Self { folder: run.join("checkpoints") }
    }

    /// Generators that a run's selection kept: files like checkpoints that hold the generator alone.
    pub fn of_selection(run: &Path) -> Self {
        Self { folder: run.join("selection") }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of the checkpoint of a step.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step:07}.safetensors"))
    }

    /// Steps with a checkpoint, rising.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn steps(&self) -> Result<Vec<u64>> {
        let entries =
            std::fs::read_dir(&self.folder).with_context(|| format!("cannot open {}", self.folder.display()))?;
        let mut steps = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let step: Option<u64> =
                name.to_str().and_then(|name| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok());
            steps.extend(step);
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// The bytes of the checkpoint of a step, and what it says of itself.
    ///
    /// # Errors
    /// When it is not there, cut off, damaged, or holds values that are not finite.
    pub fn read(&self, step: u64) -> Result<(Vec<u8>, CheckpointState)> {
        let path = self.path(step);
        let bytes = std::fs::read(&path).with_context(|| {
            let kept = self.steps().unwrap_or_default();
            format!("there is no checkpoint of step {step} in {}; there are {kept:?}", self.folder.display())
        })?;
        let checked = || -> Result<CheckpointState> {
            let state = read_state(&bytes)?;
            checksum::check(&bytes)?;
            for (name, tensor) in SafeTensors::deserialize(&bytes)?.iter() {
                let finite = |value: &[u8; 4]| f32::from_le_bytes(*value).is_finite();
                if !tensor.data().as_chunks().0.iter().all(finite) {
                    bail!("{name} holds a value that is not finite");
                }
            }
            Ok(state)
        };
        let state = checked().with_context(|| path.display().to_string())?;
        Ok((bytes, state))
    }

    /// The bytes of the checkpoint to go on from, and what it says of itself.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn read_at(&self, from: ResumeFrom) -> Result<(Vec<u8>, CheckpointState)> {
        match from {
            ResumeFrom::Newest => self.newest_good(),
            ResumeFrom::Step(step) => self.read(step),
        }
    }

    /// The newest checkpoint that is whole and finite; those that are not are named on the way.
    ///
    /// # Errors
    /// When there is none.
    pub fn newest_good(&self) -> Result<(Vec<u8>, CheckpointState)> {
        for step in self.steps()?.into_iter().rev() {
            match self.read(step) {
                Ok(good) => return Ok(good),
                Err(error) => eprintln!("note: a checkpoint is damaged and left aside: {error:#}"),
            }
        }
        bail!("{} holds no checkpoint to resume from", self.folder.display())
    }

    /// Removes all but the newest `keep` checkpoints and those named in `also`.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn prune(&self, keep: usize, also: &[u64]) -> Result<()> {
        let steps = self.steps()?;
        let old = steps.len().saturating_sub(keep);
        for step in steps.iter().take(old).filter(|step| !also.contains(step)) {
            std::fs::remove_file(self.path(*step))?;
        }
        Ok(())
    }

    /// Puts the checkpoints after a step into a folder of their own, out of the way of a run that goes on from it. Returns the
    /// folder, where there were any.
    ///
    /// # Errors
    /// When a file cannot be moved.
    pub fn set_aside_after(&self, step: u64) -> Result<Option<PathBuf>> {
        let later: Vec<u64> = self.steps()?.into_iter().filter(|later| *later > step).collect();
        if later.is_empty() {
            return Ok(None);
        }
        // A name that is free: what was set aside before stays, too.
        let named = |again: u32| self.folder.join(format!("after-step-{step:07}-{again}"));
        let aside = (1..=u32::MAX).map(named).find(|folder| !folder.exists()).context("every name is taken")?;
        storage::files::create_folder(&aside)?;
        for later in later {
            let path = self.path(later);
            let name = path.file_name().context("a checkpoint has a name")?;
            std::fs::rename(&path, aside.join(name)).with_context(|| format!("cannot move {}", path.display()))?;
        }
        Ok(Some(aside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_steps(folder: &Path, steps: &[u64]) -> Checkpoints {
        let checkpoints = Checkpoints::of_run(folder);
        std::fs::create_dir_all(checkpoints.folder()).unwrap();
        for step in steps {
            std::fs::write(checkpoints.path(*step), b"x").unwrap();
        }
        checkpoints
    }

    #[test]
    fn the_newest_and_those_asked_for_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = with_steps(folder.path(), &[10, 20, 30, 40]);
        std::fs::write(checkpoints.folder().join("step-0000050.part"), b"cut off").unwrap();
        checkpoints.prune(2, &[10]).unwrap();
        assert_eq!(checkpoints.steps().unwrap(), [10, 30, 40]);
        assert!(format!("{:#}", checkpoints.newest_good().unwrap_err()).contains("no checkpoint to resume from"));
        assert!(format!("{:#}", checkpoints.read(20).unwrap_err()).contains("there are [10, 30, 40]"));
    }

    #[test]
    fn later_ones_are_set_aside_and_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = with_steps(folder.path(), &[10, 20, 30]);
        assert_eq!(checkpoints.set_aside_after(30).unwrap(), None);
        let aside = checkpoints.set_aside_after(10).unwrap().unwrap();
        assert_eq!((checkpoints.steps().unwrap(), std::fs::read_dir(&aside).unwrap().count()), (vec![10], 2));
        with_steps(folder.path(), &[20]);
        assert_ne!(checkpoints.set_aside_after(10).unwrap(), Some(aside.clone()));
        assert_eq!(std::fs::read_dir(aside).unwrap().count(), 2, "what was set aside first is still there");
    }
}
