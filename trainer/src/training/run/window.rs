//! Means of what steps measure, over the steps since the last log line.

use std::time::{Duration, Instant};

use anyhow::Result;
use tch::Tensor;

use crate::{
    torch::{Group, to_vec},
    training::{
        log::StepMeans,
        measures::{Measure, Values},
        step::StepMeasures,
    },
};

/// Sums of what steps measure, kept on the device until they are logged.
pub struct Window {
    /// Each measure with its sum and the number of steps that measured it.
    sums: Vec<(Measure, Tensor, u64)>,
    steps: u64,
    since: Instant,
}

/// Where in a run a window ends.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps taken.
    pub step: u64,
    /// Epochs of the data seen.
    pub epoch: f64,
    /// Steps that are still to be taken.
    pub steps_left: u64,
}

impl Window {
    /// No step yet.
    pub fn new() -> Self {
        Self { sums: Vec::new(), steps: 0, since: Instant::now() }
    }

    /// Adds a step; not every step measures everything.
    ///
    /// # Errors
    /// When the device fails.
    pub fn add(&mut self, measures: StepMeasures) -> Result<()> {
        for (measure, value) in measures {
            match self.sums.iter_mut().find(|(known, ..)| *known == measure) {
                Some((_, sum, steps)) => {
                    *sum = sum.f_add(&value)?;
                    *steps += 1;
                }
                None => self.sums.push((measure, value, 1)),
            }
        }
        self.steps += 1;
        Ok(())
    }

    /// Leaves out time in which something else was done.
    pub fn leave_out(&mut self, time: Duration) {
        self.since += time;
    }

    /// Means over the steps and over a group, and a new window; `None` where there was no step.
    ///
    /// # Errors
    /// When the device fails.
    pub fn take(&mut self, at: Progress, group: &Group) -> Result<Option<StepMeans>> {
        if self.steps == 0 {
            return Ok(None);
        }
        let sums: Vec<&Tensor> = self.sums.iter().map(|(_, sum, _)| sum).collect();
        let sums = to_vec(&group.mean(&Tensor::f_stack(&sums, 0)?)?)?;
        let mean = |((measure, _, steps), sum): (&(Measure, Tensor, u64), f32)| {
            (measure.key.to_owned(), f64::from(sum) / *steps as f64)
        };
        let values = Values(self.sums.iter().zip(sums).map(mean).collect());
        let step_seconds = self.since.elapsed().as_secs_f64() / self.steps as f64;
        *self = Self::new();
        let Progress { step, epoch, steps_left } = at;
        let seconds_left = Some((step_seconds * steps_left as f64).round());
        Ok(Some(StepMeans { step, epoch, step_seconds, seconds_left, values }))
    }
}
