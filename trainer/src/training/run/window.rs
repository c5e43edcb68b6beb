//! Means of what steps measure, over the steps since the last log line.

use std::time::Instant;

use anyhow::{Result, ensure};
use tch::Tensor;

use crate::{
    torch::to_vec,
    training::{
        log::StepMeans,
        measures::{Measure, Values},
        step::StepMeasures,
    },
};

/// Sums of what steps measure, kept on the device until they are logged.
pub struct Window {
    of: Vec<Measure>,
    sums: Option<Tensor>,
    steps: u64,
    since: Instant,
}

impl Window {
    /// No step yet.
    pub fn new() -> Self {
        Self { of: Vec::new(), sums: None, steps: 0, since: Instant::now() }
    }

    /// Adds a step.
    ///
    /// # Errors
    /// When it measured something else than those before, or the device fails.
    pub fn add(&mut self, measures: StepMeasures) -> Result<()> {
        self.sums = Some(match self.sums.take() {
            Some(sums) => {
                ensure!(self.of == measures.of, "a step measured other things than the one before");
                sums.f_add(&measures.values)?
            }
            None => measures.values,
        });
        self.of = measures.of;
        self.steps += 1;
        Ok(())
    }

    /// Leaves out the time since the last step, in which something else was done.
    pub fn skip_time(&mut self) {
        self.since = Instant::now();
    }

    /// Means, and a new window; `None` where there was no step.
    ///
    /// # Errors
    /// When the device fails.
    pub fn take(&mut self, step: u64, epoch: f64) -> Result<Option<StepMeans>> {
        let Some(sums) = self.sums.take() else { return Ok(None) };
        let means = to_vec(&sums)?.into_iter().map(|sum| f64::from(sum) / self.steps as f64);
        let values = Values(self.of.iter().map(|measure| measure.key.to_owned()).zip(means).collect());
        let step_seconds = self.since.elapsed().as_secs_f64() / self.steps as f64;
        *self = Self::new();
        Ok(Some(StepMeans { step, epoch, step_seconds, values }))
    }
}
