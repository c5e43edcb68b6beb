//! Parts of a run, one after the other, and what is due after a step.

use crate::training::config::TrainingConfig;

/// Steps that are taken alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Its name on the progress bar.
    pub name: &'static str,
    /// The step with which it begins.
    pub begin: u64,
    /// The step after which it is over.
    pub end: u64,
    /// Learning rate of the generator at its beginning; the discriminator's is in proportion.
    learning_rate: f64,
    /// Whether the rate falls to 0 over the phase, in a straight line.
    falls: bool,
    /// Steps between two log lines.
    pub log_every: u64,
    /// Steps between two measurements with their sample sheet; 0 for none.
    pub sample_every: u64,
    /// Steps between two checkpoints.
    pub checkpoint_every: u64,
    /// Steps between two generators that the selection measures; 0 for none.
    pub select_every: u64,
}

/// What is to be done after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "any of them may be due with any other")]
pub struct Due {
    /// A line of the log.
    pub log: bool,
    /// Samples and their power spectra.
    pub sample: bool,
    /// A checkpoint.
    pub save: bool,
    /// The generator is measured and kept if it is one of the best.
    pub select: bool,
}

impl Phase {
    /// The phases of a run, in order: training at a constant rate, and its cool-down or the selection.
    pub fn of(config: &TrainingConfig) -> Vec<Self> {
        let turn = config.steps.saturating_sub(config.cool_down_steps + config.selection.steps);
        let cooled = turn + config.cool_down_steps;
        let phase = |name: &'static str, [begin, end]: [u64; 2], falls: bool| Self {
            name,
            begin,
            end,
            learning_rate: config.learning_rate,
            falls,
            log_every: config.log_every,
            sample_every: config.sample_every,
            checkpoint_every: config.checkpoint_every,
            select_every: 0,
        };
        let selection = phase("selection", [cooled, config.steps], false);
        let phases = [
            phase("training", [0, turn], false),
            phase("cool-down", [turn, cooled], true),
            Self { select_every: config.selection.every, ..selection },
        ];
        phases.into_iter().filter(|phase| phase.begin < phase.end).collect()
    }

    /// Learning rate of a step, counted from 0.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let left = self.end.saturating_sub(step) as f64 / (self.end - self.begin) as f64;
        self.learning_rate * if self.falls { left.min(1.0) } else { 1.0 }
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
            select: due(self.select_every) && !interrupted,
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
        assert_eq!(phase.due(4, false), Due { log: true, sample: false, save: false, select: false });
        assert_eq!(phase.due(5, false), Due { log: false, sample: false, save: true, select: false });
        assert_eq!(phase.due(13, false), Due { log: true, sample: false, save: true, select: false });
        assert_eq!((phase.learning_rate(0), phase.learning_rate(12)), (2e-4, 2e-4));
        let sampling = Phase { sample_every: 3, ..phase.clone() };
        assert_eq!(sampling.due(3, true), Due { log: true, sample: false, save: true, select: false });
        assert!(sampling.due(13, false).sample);
    }

    #[test]
    fn the_rate_falls_to_nothing_in_a_cool_down() {
        let config = TrainingConfig { steps: 10, cool_down_steps: 4, learning_rate: 1.0, ..TrainingConfig::default() };
        let rates: Vec<f64> = Phase::of(&config)
            .iter()
            .flat_map(|phase| (phase.begin..phase.end).map(|step| phase.learning_rate(step)).collect::<Vec<_>>())
            .collect();
        assert_eq!(rates, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]);
        let all = TrainingConfig { cool_down_steps: 10, ..config };
        assert_eq!(Phase::of(&all).iter().map(|phase| phase.name).collect::<Vec<_>>(), ["cool-down"]);
    }
}
