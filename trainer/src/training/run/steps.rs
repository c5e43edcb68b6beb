//! The loop of a run: steps, logs, sample sheets, checkpoints.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use storage::{
    runs::{Ending, Interruption, write_atomically},
    sheet,
};
use tch::Tensor;

use super::{
    Run, best_checkpoint,
    health::Health,
    phases::{Due, Phase},
    window::Window,
};
use crate::{
    progress::Bar,
    torch::{TorchBackend, TorchGenerator, device::describe},
    training::{
        batches::Batches,
        checkpoint::{self, CheckpointState, NotFinite, VERSION},
        log::{LogLine, RunLog, SpectrumLine, read_lines},
        monitor::SpectrumMonitor,
        order::Order,
    },
};

/// Seed of the first map that is measured; far from the small numbers that people type.
const FIRST_MEASURED_SEED: u64 = 1 << 40;
/// Maps that are drawn at once.
const BATCH: usize = 32;
/// Columns of a sample sheet: data maps above, generated ones below.
const SHEET_COLUMNS: usize = 4;

/// What the loop carries along.
struct Loop {
    log: RunLog,
    health: Health,
    monitor: Option<SpectrumMonitor>,
    /// Step and distance of the best checkpoint.
    best: Option<(u64, f64)>,
    window: Window,
    batches: Batches,
    batches_in_epoch: u64,
    bar: Bar,
}

impl Run {
    /// Trains until all phases are over or it is interrupted, which ends it after a checkpoint.
    ///
    /// # Errors
    /// When a loss or a weight is not finite or the discriminator has collapsed (the last good checkpoint stays), or when the disk
    /// or the device fails.
    pub fn train(&mut self, interruption: &Interruption) -> Result<Ending> {
        let config = self.config();
        let log = RunLog::open(self.folder(), self.step)?;
        let lines = read_lines(&self.folder().join("log.jsonl"))?;
        let health = Health::new(config, self.checkpoints(), &lines, self.step);
        let monitor = (config.sample_every > 0)
            .then(|| SpectrumMonitor::new(self.measured_against(), self.setup.side_angle, config.sample_maps))
            .transpose()?;
        let mut carried = Loop {
            log,
            health,
            monitor,
            best: best_checkpoint(self.folder(), self.step)?,
            window: Window::new(),
            batches_in_epoch: Order::new(self.maps().crops(), config.batch_size, config.seed).batches(),
            batches: Batches::read_ahead(Arc::clone(self.maps()), config, self.step)?,
            bar: Bar::of_steps(config.steps, self.step),
        };
        for phase in Phase::of(self.config()) {
            carried.bar.set_prefix(phase.name);
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
        let data = self.batch(&carried.batches.next()?)?;
        let measures = self.players.step(&self.setup.config, self.step, phase.learning_rate(self.step), &data)?;
        carried.window.add(measures)?;
        self.step += 1;
        let interrupted = interruption.is_asked();
        let Due { log, sample, save } = phase.due(self.step, interrupted);
        if (log || sample || save)
            && let Some(means) = carried.window.take(self.step, self.step as f64 / carried.batches_in_epoch as f64)?
        {
            carried.health.check(&means)?;
            carried.bar.set_message(format!("{}, {:.2} s a step", means.values.line(), means.step_seconds));
            carried.log.write(&LogLine::Progress(means))?;
        }
        carried.bar.inc(1);
        let mut distance = None;
        // An update that broke the weights, and how to go on from before it.
        let explained = |error: anyhow::Error| match error.downcast_ref::<NotFinite>() {
            Some(broken) => anyhow!("{broken}: {}", carried.health.diverged()),
            None => error,
        };
        if sample && let Some(monitor) = &carried.monitor {
            checkpoint::check_finite(&self.players, self.step).map_err(explained)?;
            let line = self.sample(monitor)?;
            distance = Some(line.distance);
            carried.bar.println(&format!("step {}: power-spectrum distance {:.4}", line.step, line.distance));
            carried.log.write(&LogLine::Spectrum(line))?;
        }
        let is_best = |distance: &f64| carried.best.is_none_or(|(_, least)| *distance < least);
        let best = distance.filter(is_best);
        if save || best.is_some() {
            self.save(distance).map_err(explained)?;
            carried.best = best.map(|distance| (self.step, distance)).or(carried.best);
            let also: Vec<u64> = carried.best.iter().map(|(step, _)| *step).chain(carried.health.protected()).collect();
            self.checkpoints().prune(self.config().keep_checkpoints, &also)?;
        }
        if sample || save {
            carried.window.skip_time();
        }
        Ok(if interrupted { Ending::Interrupted } else { Ending::Complete })
    }

    /// A batch on the device, `[n, 1, side, side]`.
    fn batch(&self, kappa: &[f32]) -> Result<Tensor> {
        let side = self.maps().side();
        let shape = [(kappa.len() / (side * side)) as i64, 1, side as i64, side as i64];
        Ok(Tensor::f_from_slice(kappa)?.f_view(shape)?.f_to_device(self.device())?)
    }

    fn generator(&self) -> TorchGenerator<'_> {
        let backend = TorchBackend { network: &self.players.generator, device: self.device() };
        backend.generator(&self.config().network, self.setup.side_angle, BATCH)
    }

    /// Draws a sample sheet and measures the power spectra.
    fn sample(&self, monitor: &SpectrumMonitor) -> Result<SpectrumLine> {
        let (generator, side) = (self.generator(), self.maps().side());
        let generated = generator.draw_seeds(0..SHEET_COLUMNS as u64)?;
        let shown = self.measured_against();
        let data = shown.kappa((0..SHEET_COLUMNS).map(|place| place * shown.crops() / SHEET_COLUMNS))?;
        let maps: Vec<&[f32]> = data.chunks(side * side).chain(generated.iter().map(Vec::as_slice)).collect();
        let path = self.folder().join("samples").join(format!("step-{:07}.png", self.step));
        write_atomically(&path, &sheet::sheet(&maps, side, SHEET_COLUMNS)?)?;
        let (distance, bands) = monitor.measure(&generator, FIRST_MEASURED_SEED, |_| ())?;
        Ok(SpectrumLine { step: self.step, distance, bands, modes: monitor.modes() })
    }

    fn save(&self, spectrum_distance: Option<f64>) -> Result<()> {
        let state = CheckpointState {
            version: VERSION,
            step: self.step,
            config: self.config().clone(),
            spectrum_distance,
            data: self.data().clone(),
            device: describe(self.device()),
            started_from: self.started_from.clone(),
        };
        checkpoint::save(&self.checkpoints().path(self.step), &self.players, &state)
    }
}
