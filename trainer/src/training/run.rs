//! The training loop: steps, logs, sample sheets, checkpoints, and the reasons to stop.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use shared::{
    formats::weights::{Ancestor, Weights},
    latent::latent,
};
use tch::{Device, Tensor};

use super::{
    checkpoint::{self, CheckpointState, DataRecord},
    config::TrainingConfig,
    data::TrainingMaps,
    log::{LogLine, Progress, RunLog, SpectrumLine, read_lines},
    monitor::SpectrumMonitor,
    step::Players,
};
use crate::{
    files::write_atomically,
    networks::{TorchNetwork, generate, to_vec},
    pictures,
    torch::device::describe,
};

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All steps are taken.
    Complete,
    /// It was interrupted, after a checkpoint.
    Interrupted,
}

/// A training run and its folder: `config.toml`, `log.jsonl`, TensorBoard events, `samples/`, `checkpoints/`.
pub struct Run {
    folder: PathBuf,
    config: TrainingConfig,
    maps: TrainingMaps,
    data: DataRecord,
    side_angle: f64,
    device: Device,
    players: Players,
    step: u64,
    started_from: Option<Ancestor>,
}

/// What a run is made of.
pub struct RunSetup {
    /// Folder of the run.
    pub folder: PathBuf,
    /// What it does.
    pub config: TrainingConfig,
    /// The training maps.
    pub maps: TrainingMaps,
    /// Which data these are.
    pub data: DataRecord,
    /// Side of the maps in degrees.
    pub side_angle: f64,
    /// Device that computes.
    pub device: Device,
}

impl RunSetup {
    /// Begins a run in a folder that holds none yet, from random weights.
    ///
    /// # Errors
    /// When the folder holds a run, or cannot be written.
    pub fn begin(self) -> Result<Run> {
        let players = Players::new(&self.config, self.device)?;
        self.begin_with(players, None)
    }

    /// Begins a run in a folder that holds none yet, from a trained generator; the discriminator and both optimisers begin
    /// anew.
    ///
    /// # Errors
    /// When the weights are of another network, the folder holds a run, or it cannot be written.
    pub fn begin_from(self, generator: &Weights, ancestor: Ancestor) -> Result<Run> {
        let generator = TorchNetwork::generator_from(&self.config.network, generator, self.device)?;
        let players = Players::with_generator(generator, &self.config, self.device)?;
        self.begin_with(players, Some(ancestor))
    }

    fn begin_with(self, players: Players, started_from: Option<Ancestor>) -> Result<Run> {
        let checkpoints = self.folder.join("checkpoints");
        if checkpoints.is_dir() && !checkpoint::steps(&checkpoints)?.is_empty() {
            bail!("{} holds a run already: give --resume to go on with it, or another --out", self.folder.display());
        }
        for folder in [&checkpoints, &self.folder.join("samples")] {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        self.write_config()?;
        Ok(self.run(players, 0, started_from))
    }

    /// Goes on from the newest checkpoint of a folder.
    ///
    /// # Errors
    /// When there is none, or it was made with other data or another network.
    pub fn resume(self) -> Result<Run> {
        let checkpoints = self.folder.join("checkpoints");
        let path = checkpoint::newest(&checkpoints)?;
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let state = checkpoint::read_state(&bytes).with_context(|| path.display().to_string())?;
        if state.config.network != self.config.network {
            bail!("the network of the config differs from that of {}", path.display());
        }
        if state.data.sha256 != self.data.sha256 {
            bail!("--data is not the file that this run was begun with (its SHA-256 differs)");
        }
        let players = Players::new(&self.config, self.device)?;
        checkpoint::restore(&bytes, &players).with_context(|| path.display().to_string())?;
        // What was changed for this part holds for the next one too.
        self.write_config()?;
        Ok(self.run(players, state.step, state.started_from))
    }

    fn write_config(&self) -> Result<()> {
        write_atomically(&self.folder.join("config.toml"), toml::to_string(&self.config)?.as_bytes())
    }

    fn run(self, players: Players, step: u64, started_from: Option<Ancestor>) -> Run {
        let Self { folder, config, maps, data, side_angle, device } = self;
        Run { folder, config, maps, data, side_angle, device, players, step, started_from }
    }
}

/// Sums of what steps measure, kept on the device until they are logged.
struct Window {
    sums: Option<Tensor>,
    steps: u64,
    since: Instant,
}

impl Window {
    fn new() -> Self {
        Self { sums: None, steps: 0, since: Instant::now() }
    }

    fn add(&mut self, values: &Tensor) -> Result<()> {
        self.sums = Some(match self.sums.take() {
            Some(sums) => sums.f_add(values)?,
            None => values.shallow_clone(),
        });
        self.steps += 1;
        Ok(())
    }

    /// Means, and a new window.
    fn take(&mut self, step: u64, epoch: f64) -> Result<Option<Progress>> {
        let Some(sums) = self.sums.take() else { return Ok(None) };
        let mean: Vec<f64> = to_vec(&sums)?.iter().map(|&sum| f64::from(sum) / self.steps as f64).collect();
        let &[discriminator_loss, generator_loss, accuracy_data, accuracy_generated] = &mean[..] else {
            bail!("a step measured {} values", mean.len());
        };
        let step_seconds = self.since.elapsed().as_secs_f64() / self.steps as f64;
        *self = Self::new();
        Ok(Some(Progress {
            step,
            epoch,
            discriminator_loss,
            generator_loss,
            accuracy_data,
            accuracy_generated,
            step_seconds,
        }))
    }
}

impl Run {
    /// Trains until all steps are taken or `stop` is set, which ends it after a checkpoint.
    ///
    /// # Errors
    /// When a loss is not finite or the discriminator has collapsed (the last good checkpoint stays), or when the disk or
    /// the device fails.
    pub fn train(&mut self, stop: &AtomicBool) -> Result<Ending> {
        let mut log = RunLog::open(&self.folder, self.step)?;
        let mut best = self.best_so_far()?;
        let monitor = if self.config.sample_every > 0 {
            let side = self.config.network.map_side;
            Some(SpectrumMonitor::new(&self.maps, side, self.side_angle, self.config.sample_maps)?)
        } else {
            None
        };
        let bar = self.progress_bar();
        let mut window = Window::new();
        let mut collapsed_since = None;
        while self.step < self.config.steps {
            let data = self.maps.batch(self.step, self.config.batch_size, self.device)?;
            let measures = self.players.step(&self.config, self.step, &data)?;
            window.add(&measures.values)?;
            self.step += 1;
            let interrupted = stop.load(Ordering::Relaxed);
            let last = self.step == self.config.steps || interrupted;
            let due = |every: u64| every > 0 && (self.step.is_multiple_of(every) || last);
            let (log_due, sample_due, save_due) =
                (due(self.config.log_every), due(self.config.sample_every), due(self.config.checkpoint_every));
            if (log_due || sample_due || save_due)
                && let Some(progress) = window.take(self.step, self.epoch())?
            {
                self.check(&progress, &mut collapsed_since)?;
                log.write(&LogLine::Progress(progress))?;
                bar.set_message(message(&progress));
            }
            bar.inc(1);
            let mut distance = None;
            // An interrupted run saves first of all.
            if sample_due
                && !interrupted
                && let Some(monitor) = &monitor
            {
                let line = self.sample(monitor)?;
                distance = Some(line.distance);
                bar.println(format!("step {}: power-spectrum distance {:.4}", line.step, line.distance));
                log.write(&LogLine::Spectrum(line))?;
                window.since = Instant::now();
            }
            if save_due || distance.is_some_and(|distance| best.is_none_or(|(_, least)| distance < least)) {
                self.save(distance)?;
                if let Some(distance) = distance
                    && best.is_none_or(|(_, least)| distance < least)
                {
                    best = Some((self.step, distance));
                }
                let also: Vec<u64> = best.iter().map(|(step, _)| *step).collect();
                checkpoint::prune(&self.checkpoints(), self.config.keep_checkpoints, &also)?;
                window.since = Instant::now();
            }
            if interrupted {
                bar.abandon();
                return Ok(Ending::Interrupted);
            }
        }
        bar.finish();
        Ok(Ending::Complete)
    }

    /// Steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    fn checkpoints(&self) -> PathBuf {
        self.folder.join("checkpoints")
    }

    fn epoch(&self) -> f64 {
        self.step as f64 / self.maps.batches(self.config.batch_size) as f64
    }

    /// The checkpoint with the least distance, if it is still there.
    fn best_so_far(&self) -> Result<Option<(u64, f64)>> {
        best_checkpoint(&self.folder, self.step)
    }

    /// Stops a run that cannot recover.
    fn check(&self, progress: &Progress, collapsed_since: &mut Option<u64>) -> Result<()> {
        let kept = || format!("the last checkpoint in {} is from before that", self.checkpoints().display());
        if !progress.discriminator_loss.is_finite() || !progress.generator_loss.is_finite() {
            bail!(
                "a loss is not finite before step {}: {}; go on from it with --resume and a smaller --learning-rate, or with --precision f32",
                progress.step,
                kept()
            );
        }
        if progress.discriminator_loss < self.config.collapse_loss {
            let since = *collapsed_since.get_or_insert(progress.step);
            if progress.step - since >= self.config.collapse_steps {
                bail!(
                    "the discriminator has won: its loss has been below {} since step {since}, so that the generator learns nothing more; {}; try another --seed or a larger label_flip",
                    self.config.collapse_loss,
                    kept()
                );
            }
        } else {
            *collapsed_since = None;
        }
        Ok(())
    }

    /// Draws a sample sheet and measures the power spectra.
    fn sample(&self, monitor: &SpectrumMonitor) -> Result<SpectrumLine> {
        let (side, latent_size) = (self.config.network.map_side, self.config.network.latent_size);
        let columns = 4;
        let latents: Vec<Vec<f32>> = (0..columns).map(|seed| latent(seed, latent_size)).collect();
        let generated = generate(&self.players.generator, &latents, self.device)?;
        let rows: Vec<i64> =
            (0..columns as usize).map(|place| (place * self.maps.maps() / columns as usize) as i64).collect();
        let data = to_vec(&self.maps.select(&rows, Device::Cpu)?)?;
        let maps: Vec<&[f32]> = data.chunks(side * side).chain(generated.chunks(side * side)).collect();
        let path = self.folder.join("samples").join(format!("step-{:07}.png", self.step));
        write_atomically(&path, &pictures::sheet(&maps, side, columns as usize)?)?;
        let (distance, bands) = monitor.measure(&self.players.generator, latent_size, self.device)?;
        Ok(SpectrumLine { step: self.step, distance, bands })
    }

    fn save(&self, spectrum_distance: Option<f64>) -> Result<()> {
        let state = CheckpointState {
            step: self.step,
            config: self.config.clone(),
            spectrum_distance,
            data: self.data.clone(),
            device: describe(self.device),
            started_from: self.started_from.clone(),
        };
        checkpoint::save(&checkpoint::path(&self.checkpoints(), self.step), &self.players, &state)
    }

    fn progress_bar(&self) -> ProgressBar {
        let template = "{bar:30} step {pos}/{len}, {eta} left  {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(self.config.steps).with_style(style);
        bar.set_position(self.step);
        bar.reset_eta();
        bar
    }
}

fn message(progress: &Progress) -> String {
    let Progress { discriminator_loss, generator_loss, accuracy_data, accuracy_generated, step_seconds, .. } = progress;
    format!(
        "D {discriminator_loss:.3}, G {generator_loss:.3}, D right on data {:.0} %, on generated {:.0} %, {:.2} s a step",
        100.0 * accuracy_data,
        100.0 * accuracy_generated,
        step_seconds
    )
}

/// Step and distance of the checkpoint with the least power-spectrum distance up to `last`, of those that are there.
///
/// # Errors
/// When the run's folder cannot be read.
pub fn best_checkpoint(run: &Path, last: u64) -> Result<Option<(u64, f64)>> {
    let kept = checkpoint::steps(&run.join("checkpoints"))?;
    let measured = read_lines(&run.join("log.jsonl"))?.into_iter().filter_map(|line| match line {
        LogLine::Spectrum(line) if line.step <= last && kept.contains(&line.step) => Some((line.step, line.distance)),
        _ => None,
    });
    Ok(measured.min_by(|a, b| a.1.total_cmp(&b.1)))
}
