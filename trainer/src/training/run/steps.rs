//! The loop of a run: steps, logs, sample sheets, checkpoints.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use storage::{
    runs::{Ending, Interrupted, Interruption, write_atomically},
    sheet,
};
use tch::Tensor;

use super::{
    Run, best_checkpoint,
    health::Health,
    phases::{Due, Phase},
    selection::Selection,
    window::{Progress, Window},
};
use crate::{
    drawing::device::describe,
    progress::Bar,
    torch::{Group, TorchBackend, TorchGenerator},
    training::{
        batches::{Batches, Share},
        checkpoint::{self, CheckpointState, NotFinite, VERSION},
        log::{LogLine, MeasuredLine, RunLog, read_lines},
        monitor::StatisticsMonitor,
        order::Order,
    },
};

/// Seed of the first map that is measured; far from the small numbers that people type.
pub(super) const FIRST_MEASURED_SEED: u64 = 1 << 40;
/// Maps that are drawn at once.
const BATCH: usize = 32;
/// A run that is killed loses no more than this, however rarely steps come.
const LONGEST_UNSAVED: Duration = Duration::from_mins(10);
/// Columns of a sample sheet: data maps above, generated ones below.
const SHEET_COLUMNS: usize = 4;

/// What the loop carries along.
struct Loop {
    /// Of the process that writes.
    log: Option<RunLog>,
    health: Health,
    monitor: Option<StatisticsMonitor>,
    /// Step and distance of the best checkpoint.
    best: Option<(u64, f64)>,
    selection: Selection,
    saved: Instant,
    window: Window,
    batches: Batches,
    batches_in_epoch: u64,
    bar: Bar,
}

impl Loop {
    fn write(&mut self, line: &LogLine) -> Result<()> {
        self.log.as_mut().map_or(Ok(()), |log| log.write(line))
    }
}

impl Run {
    /// Trains until all phases are over or it is interrupted, which ends it after a checkpoint.
    ///
    /// # Errors
    /// When a loss or a weight is not finite or the discriminator has collapsed (the last good checkpoint stays), or when the disk
    /// or the device fails.
    pub fn train(&mut self, interruption: &Interruption) -> Result<Ending> {
        let ending = self.take_steps(interruption)?;
        // The last checkpoint is written before any process ends: launchers end all of them with the first.
        self.group().wait(self.device())?;
        Ok(ending)
    }

    fn take_steps(&mut self, interruption: &Interruption) -> Result<Ending> {
        let config = self.config();
        let leads = self.group().leads();
        let log = if leads { Some(RunLog::open(self.folder(), self.step)?) } else { None };
        let mut lines = read_lines(&self.folder().join("log.jsonl"))?;
        lines.retain(|line| line.step() <= self.step);
        let health = Health::new(config, self.checkpoints(), &lines, self.step);
        let monitor = (leads && config.sample_every > 0)
            .then(|| StatisticsMonitor::new(self.measured_against(), self.setup.side_angle, config.sample_maps))
            .transpose()?;
        let share = Share { rank: self.group().rank(), size: self.group().size() };
        let mut carried = Loop {
            log,
            health,
            monitor,
            best: best_checkpoint(self.folder(), self.step)?,
            selection: Selection::new(&lines),
            saved: Instant::now(),
            window: Window::new(),
            batches_in_epoch: Order::new(self.maps().crops(), config.batch_size, config.seed).batches(),
            batches: Batches::read_ahead(Arc::clone(self.maps()), config, self.step, share, self.device())?,
            bar: if leads { Bar::of_steps(config.steps, self.step) } else { Bar::silent() },
        };
        for phase in Phase::of(self.config()) {
            carried.bar.set_prefix(phase.name);
            // A selection may have been interrupted between a step and its measurement.
            let due = leads && (phase.begin + 1..=phase.end).contains(&self.step) && phase.due(self.step, false).select;
            if due
                && !carried.selection.has(self.step)
                && self.select(&mut carried, interruption)? == Ending::Interrupted
            {
                return Ok(Ending::Interrupted);
            }
            while self.step < phase.end {
                if self.advance(&phase, &mut carried, interruption)? == Ending::Interrupted {
                    carried.bar.abandon();
                    return Ok(Ending::Interrupted);
                }
            }
        }
        carried.bar.finish();
        Ok(Ending::Complete)
    }

    /// One step, and what is due after it.
    fn advance(&mut self, phase: &Phase, carried: &mut Loop, interruption: &Interruption) -> Result<Ending> {
        let data = carried.batches.next()?;
        let measures = self.players.step(&self.setup.config, self.step, phase.learning_rate(self.step), &data);
        let measures = measures.map_err(Group::explain)?;
        carried.window.add(measures)?;
        self.step += 1;
        let interrupted = self.is_interrupted(phase, interruption)?;
        let Due { log, sample, save, select } = phase.due(self.step, interrupted);
        if (log || sample || save || select)
            && let Some(means) = carried.window.take(self.progress(carried.batches_in_epoch), self.group())?
        {
            carried.health.check(&means)?;
            carried.bar.set_message(format!("{}, {:.2} s a step", means.values.line(), means.step_seconds));
            carried.write(&LogLine::Progress(means))?;
        }
        carried.bar.inc(1);
        if !self.group().leads() {
            return Ok(if interrupted { Ending::Interrupted } else { Ending::Complete });
        }
        let trained = Instant::now();
        let mut distance = None;
        if sample && let Some(monitor) = &carried.monitor {
            self.check_finite(carried)?;
            let line = self.sample(monitor)?;
            distance = Some(line.distance);
            carried.bar.println(&format!("step {}: power-spectrum distance {:.4}", line.step, line.distance));
            carried.write(&LogLine::Measured(line))?;
        }
        let is_best = |distance: &f64| carried.best.is_none_or(|(_, least)| *distance < least);
        let best = distance.filter(is_best);
        let save = save || best.is_some() || carried.saved.elapsed() > LONGEST_UNSAVED;
        if save {
            self.save(distance, carried)?;
            carried.best = best.map(|distance| (self.step, distance)).or(carried.best);
            let also: Vec<u64> = carried.best.iter().map(|(step, _)| *step).chain(carried.health.protected()).collect();
            self.checkpoints().prune(self.config().keep_checkpoints, &also)?;
            carried.saved = Instant::now();
        }
        let selected = if select { self.select(carried, interruption)? } else { Ending::Complete };
        carried.window.leave_out(trained.elapsed());
        Ok(if interrupted { Ending::Interrupted } else { selected })
    }

    /// Whether the run is to stop after this step. Several processes agree on it where they wait for each other anyway.
    fn is_interrupted(&self, phase: &Phase, interruption: &Interruption) -> Result<bool> {
        let asked = interruption.is_asked();
        if self.group().size() == 1 {
            return Ok(asked);
        }
        if !phase.due(self.step, false).log {
            return Ok(false);
        }
        let asking = Tensor::f_from_slice(&[f32::from(u8::from(asked))])?.f_to_device(self.device())?;
        Ok(f64::try_from(self.group().sum(&asking)?)? > 0.0)
    }

    /// Epochs of the data that were seen, and steps that are left.
    fn progress(&self, batches_in_epoch: u64) -> Progress {
        Progress {
            step: self.step,
            epoch: self.step as f64 / batches_in_epoch as f64,
            steps_left: self.config().steps.saturating_sub(self.step),
        }
    }

    /// Measures the generator for the selection. An interruption ends that after a checkpoint; the step is then measured when the
    /// run goes on.
    fn select(&self, carried: &mut Loop, interruption: &Interruption) -> Result<Ending> {
        self.check_finite(carried)?;
        match carried.selection.take(self, interruption) {
            Ok(line) => {
                carried
                    .bar
                    .println(&format!("step {}: selection, power-spectrum distance {:.4}", line.step, line.distance));
                carried.write(&LogLine::Selection(line))?;
                Ok(Ending::Complete)
            }
            Err(error) if error.is::<Interrupted>() => {
                self.save(None, carried)?;
                Ok(Ending::Interrupted)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the step left weights that maps can be drawn with.
    fn check_finite(&self, carried: &Loop) -> Result<()> {
        checkpoint::check_finite(&self.players, self.step).map_err(|error| explained(error, carried))
    }

    pub(super) fn generator(&self) -> TorchGenerator<'_> {
        let backend = TorchBackend { network: &self.players.generator, device: self.device() };
        backend.generator(&self.config().network, self.setup.side_angle, BATCH)
    }

    /// Draws a sample sheet and measures the power spectra.
    fn sample(&self, monitor: &StatisticsMonitor) -> Result<MeasuredLine> {
        let (generator, side) = (self.generator(), self.maps().side());
        let generated = generator.draw_seeds(0..SHEET_COLUMNS as u64)?;
        let shown = self.measured_against();
        let data = shown.kappa((0..SHEET_COLUMNS).map(|place| place * shown.crops() / SHEET_COLUMNS))?;
        let maps: Vec<&[f32]> = data.chunks(side * side).chain(generated.iter().map(Vec::as_slice)).collect();
        let path = self.folder().join("samples").join(format!("step-{:07}.png", self.step));
        write_atomically(&path, &sheet::sheet(&maps, side, SHEET_COLUMNS)?)?;
        monitor.measure(&generator, FIRST_MEASURED_SEED, self.step)
    }

    /// What a checkpoint of now says of itself.
    pub(super) fn state(&self, spectrum_distance: Option<f64>) -> CheckpointState {
        CheckpointState {
            version: VERSION,
            step: self.step,
            config: self.config().clone(),
            spectrum_distance,
            data: self.data().clone(),
            device: describe(self.device()),
            started_from: self.started_from.clone(),
        }
    }

    fn save(&self, spectrum_distance: Option<f64>, carried: &Loop) -> Result<()> {
        let checkpoints = self.checkpoints();
        checkpoint::save(&checkpoints.path(self.step), &self.players, &self.state(spectrum_distance))
            .map_err(|error| explained(error, carried))?;
        // Older ones go after this only: what cannot be read is none.
        let read = checkpoints.read(self.step).map(|_| ());
        read.context("the new checkpoint cannot be read back; those before it are kept")
    }
}

/// An update that broke the weights, and how to go on from before it.
fn explained(error: anyhow::Error, carried: &Loop) -> anyhow::Error {
    match error.downcast_ref::<NotFinite>() {
        Some(broken) => anyhow!("{broken}: {}", carried.health.diverged()),
        None => error,
    }
}
