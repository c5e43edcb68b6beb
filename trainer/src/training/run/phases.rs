//! Parts of a run, one after the other, and what is due after a step.

use crate::training::config::TrainingConfig;

/// Steps that are taken alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Its name on the progress bar.
    pub name: &'static str,
    /// The step after which it is over.
    pub end: u64,
    /// Learning rate of both optimisers.
    pub learning_rate: f64,
    /// Steps between two log lines.
    pub log_every: u64,
    /// Steps between two measurements with their sample sheet; 0 for none.
    pub sample_every: u64,
    /// Steps between two checkpoints.
    pub checkpoint_every: u64,
}

/// What is to be done after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// A line of the log.
    pub log: bool,
    /// Samples and their power spectra.
    pub sample: bool,
    /// A checkpoint.
    pub save: bool,
}

impl Phase {
    /// The phases of a run, in order: adversarial training alone so far.
    pub fn of(config: &TrainingConfig) -> Vec<Self> {
        vec![Self {
            name: "training",
            end: config.steps,
            learning_rate: config.learning_rate,
            log_every: config.log_every,
            sample_every: config.sample_every,
            checkpoint_every: config.checkpoint_every,
        }]
    }

    /// What is due after a step; after the last one, and the last before an interruption, everything is.
    pub fn due(&self, step: u64, interrupted: bool) -> Due {
        let last = step == self.end || interrupted;
        let due = |every: u64| every > 0 && (step.is_multiple_of(every) || last);
        // An interrupted run saves first of all.
        Due {
            log: due(self.log_every),
            sample: due(self.sample_every) && !interrupted,
            save: due(self.checkpoint_every),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_due_at_the_end_and_a_checkpoint_when_interrupted() {
        let config = TrainingConfig {
            steps: 13,
            log_every: 2,
            sample_every: 0,
            checkpoint_every: 5,
            ..TrainingConfig::default()
        };
        let phase = &Phase::of(&config)[0];
        assert_eq!(phase.due(4, false), Due { log: true, sample: false, save: false });
        assert_eq!(phase.due(5, false), Due { log: false, sample: false, save: true });
        assert_eq!(phase.due(13, false), Due { log: true, sample: false, save: true });
        let sampling = Phase { sample_every: 3, ..phase.clone() };
        assert_eq!(sampling.due(3, true), Due { log: true, sample: false, save: true });
        assert!(sampling.due(13, false).sample);
    }
}
