//! The reasons to stop a run that cannot recover, and the last checkpoint from before them.

use anyhow::{Result, bail};

use crate::training::{
    checkpoint::Checkpoints,
    config::TrainingConfig,
    log::{LogLine, StepMeans},
    measures::{DISCRIMINATOR_LOSS, GENERATOR_LOSS},
};

/// Watches the losses of a run.
pub struct Health {
    collapse_loss: f64,
    collapse_steps: u64,
    checkpoints: Checkpoints,
    /// The last step that was logged.
    logged: u64,
    /// The last step before the discriminator's loss fell below the limit, where it is.
    collapsed_since: Option<u64>,
}

impl Health {
    /// Begins after `step` steps, with what the log of a resumed run says.
    pub fn new(config: &TrainingConfig, checkpoints: Checkpoints, log: &[LogLine], step: u64) -> Self {
        let mut health = Self {
            collapse_loss: config.collapse_loss,
            collapse_steps: config.collapse_steps,
            checkpoints,
            logged: 0,
            collapsed_since: None,
        };
        for line in log {
            if let LogLine::Progress(means) = line {
                health.note(means);
            }
        }
        health.logged = health.logged.max(step);
        health
    }

    fn note(&mut self, means: &StepMeans) {
        let low = means.values.get(DISCRIMINATOR_LOSS).is_some_and(|loss| loss < self.collapse_loss);
        self.collapsed_since = low.then(|| self.collapsed_since.unwrap_or(self.logged));
        self.logged = means.step;
    }

    /// The newest checkpoint from before the discriminator began to win, if it is winning: it must not be pruned.
    pub fn protected(&self) -> Option<u64> {
        let since = self.collapsed_since?;
        self.checkpoints.steps().ok()?.into_iter().rfind(|step| *step <= since)
    }

    /// Stops a run that cannot recover.
    ///
    /// # Errors
    /// When a loss is not finite, or the discriminator has won.
    pub fn check(&mut self, means: &StepMeans) -> Result<()> {
        self.note(means);
        for measure in [DISCRIMINATOR_LOSS, GENERATOR_LOSS] {
            if means.values.get(measure).is_some_and(|loss| !loss.is_finite()) {
                bail!("a loss is not finite before step {}: {}", means.step, self.advice(u64::MAX, DIVERGED));
            }
        }
        if let Some(since) = self.collapsed_since
            && means.step - since > self.collapse_steps
        {
            bail!(
                "the discriminator has won: its loss has been below {} since step {since}, so that the generator learns nothing \
                 more: {}",
                self.collapse_loss,
                self.advice(since, COLLAPSED)
            );
        }
        Ok(())
    }

    /// What to do about weights that are not finite, from the newest checkpoint.
    pub fn diverged(&self) -> String {
        self.advice(u64::MAX, DIVERGED)
    }

    /// From which checkpoint to go on, of those up to a step, and with what.
    fn advice(&self, last: u64, change: [&str; 2]) -> String {
        let steps = self.checkpoints.steps().unwrap_or_default();
        let [resumed, anew] = change;
        match steps.iter().rfind(|step| **step <= last) {
            Some(step) if steps.last() == Some(step) => {
                format!("the checkpoint of step {step} is from before that; go on from it with --resume {resumed}")
            }
            Some(step) => format!(
                "the checkpoint of step {step} is the newest from before that; go on from it with --resume --from-step {step} \
                 {resumed}"
            ),
            None => format!("no checkpoint was written before that; begin anew with {anew}"),
        }
    }
}

/// What to change where numbers left the range of floats, when resuming and when beginning anew.
const DIVERGED: [&str; 2] = [
    "and a smaller --learning-rate, or with --precision f32",
    "a smaller --learning-rate, or with --precision f32, in another --out or after deleting this one",
];
/// What to change where the discriminator won.
const COLLAPSED: [&str; 2] = [
    "and another --seed, a smaller --learning-rate, or a larger label_flip in config.toml",
    "another --seed, a smaller --learning-rate, or a larger label_flip, in another --out or after deleting this one",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::measures::Values;

    fn means(step: u64, loss: f64) -> StepMeans {
        let values = Values(vec![("discriminator_loss".into(), loss), ("generator_loss".into(), 1.0)]);
        StepMeans { step, epoch: 0.0, step_seconds: 1.0, seconds_left: None, values }
    }

    fn health(folder: &std::path::Path, kept: &[u64], log: &[LogLine]) -> Health {
        let checkpoints = Checkpoints::of_run(folder);
        std::fs::create_dir_all(checkpoints.folder()).unwrap();
        for step in kept {
            std::fs::write(checkpoints.path(*step), "x").unwrap();
        }
        let config = TrainingConfig { collapse_loss: 0.5, collapse_steps: 20, ..TrainingConfig::default() };
        Health::new(&config, checkpoints, log, 0)
    }

    #[test]
    fn the_last_checkpoint_from_before_a_collapse_is_kept_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut health = health(folder.path(), &[40, 50, 60, 70], &[]);
        for step in [45, 50] {
            health.check(&means(step, 1.0)).unwrap();
        }
        assert_eq!(health.protected(), None);
        for step in [55, 60, 65, 70] {
            health.check(&means(step, 0.1)).unwrap();
        }
        assert_eq!(health.protected(), Some(50));
        let error = health.check(&means(75, 0.1)).unwrap_err().to_string();
        assert!(error.contains("since step 50") && error.contains("--resume --from-step 50"), "{error}");
        health.check(&means(80, 1.0)).unwrap();
        assert_eq!(health.protected(), None, "a discriminator that has lost its lead is no danger");
    }

    #[test]
    fn a_resumed_run_remembers_that_the_discriminator_was_winning() {
        let folder = tempfile::tempdir().unwrap();
        let log = [means(50, 1.0), means(60, 0.1), means(70, 0.1)].map(LogLine::Progress);
        let mut health = health(folder.path(), &[50, 60, 70], &log);
        assert_eq!(health.protected(), Some(50));
        assert!(health.check(&means(75, 0.1)).unwrap_err().to_string().contains("--from-step 50"));
    }

    #[test]
    fn without_a_checkpoint_nothing_is_promised() {
        let folder = tempfile::tempdir().unwrap();
        let error = health(folder.path(), &[], &[]).check(&means(3, f64::NAN)).unwrap_err().to_string();
        assert!(error.contains("no checkpoint was written") && !error.contains("--resume"), "{error}");
        let error = health(folder.path(), &[2], &[]).check(&means(3, f64::INFINITY)).unwrap_err().to_string();
        assert!(error.contains("of step 2 is from before that; go on from it with --resume and"), "{error}");
    }
}
