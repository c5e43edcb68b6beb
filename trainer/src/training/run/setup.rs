//! Beginning a run, or going on with one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use shared::formats::weights::{Ancestor, Weights};
use storage::{
    files::create_folder,
    runs::{AtomicFile, FolderLock, write_atomically},
};
use tch::{Device, Tensor};

use super::Run;
use crate::{
    torch::{Group, TorchNetwork},
    training::{
        checkpoint::{self, CheckpointState, Checkpoints, DataRecord, ResumeFrom, VERSION},
        config::TrainingConfig,
        data::TrainingMaps,
        forces::{Forces, MEASURED_MAPS},
        step::Players,
    },
};

/// What a run is made of.
pub struct RunSetup {
    /// Folder of the run.
    pub folder: PathBuf,
    /// What it does.
    pub config: TrainingConfig,
    /// The training maps.
    pub maps: Arc<TrainingMaps>,
    /// Maps that are not trained on, to measure against; without them it is the training maps.
    pub held_out: Option<TrainingMaps>,
    /// Which data these are.
    pub data: DataRecord,
    /// Side of the maps in degrees.
    pub side_angle: f64,
    /// Device that computes.
    pub device: Device,
    /// Processes that train together; the leading one alone writes to the folder, which all of them can read.
    pub group: Group,
}

impl RunSetup {
    /// Begins a run in a folder that holds none yet, from random weights.
    ///
    /// # Errors
    /// When the folder holds a run or another program trains in it, or cannot be written.
    pub fn begin(self) -> Result<Run> {
        let players = Players::new(&self.config, self.data.deviation, self.device)?;
        self.begin_with(players, None)
    }

    /// Begins a run in a folder that holds none yet, from a trained generator; the discriminator and both optimisers begin
    /// anew.
    ///
    /// # Errors
    /// When the weights are of another network, the folder holds a run or another program trains in it, or it cannot be written.
    pub fn begin_from(self, generator: &Weights, ancestor: Ancestor) -> Result<Run> {
        let generator = TorchNetwork::generator_from(&self.config.network, generator, self.device)?;
        let players = Players::with_generator(generator, &self.config, self.data.deviation, self.device)?;
        self.begin_with(players, Some(ancestor))
    }

    fn begin_with(self, mut players: Players, started_from: Option<Ancestor>) -> Result<Run> {
        let lock = if self.group.leads() { Some(self.make_folder()?) } else { None };
        self.agree()?;
        players.join(&self.group, &self.config);
        players.forces = self.forces()?;
        Ok(Run { setup: self, players, step: 0, started_from, _lock: lock })
    }

    /// Makes the folder of a new run.
    fn make_folder(&self) -> Result<FolderLock> {
        let checkpoints = Checkpoints::of_run(&self.folder);
        self.check_free(&checkpoints)?;
        let lock = FolderLock::of_folder(&self.folder, "trains")?;
        if checkpoints.folder().is_dir() && !checkpoints.steps()?.is_empty() {
            bail!("{} holds a run already: give --resume to go on with it, or another --out", self.folder.display());
        }
        for folder in [checkpoints.folder(), &self.folder.join("samples")] {
            create_folder(folder)?;
        }
        self.write_config()?;
        Ok(lock)
    }

    /// Refuses processes that were started with other settings or data than the leading one.
    fn agree(&self) -> Result<()> {
        let settings = format!("{}{}", toml::to_string(&self.config)?, self.data.sha256);
        let own = f64::from(crc32c::crc32c(settings.as_bytes()));
        if self.group.of_the_leading(own, self.device)? != own {
            bail!(
                "process {} was started with other settings or data than process 0: give all of them the same command line, and \
                 let them read the same files",
                self.group.rank()
            );
        }
        Ok(())
    }

    /// The forces of the config, which measure the data first.
    fn forces(&self) -> Result<Option<Forces>> {
        if !self.config.forces.any() {
            return Ok(None);
        }
        let side = self.maps.side();
        let kappa = self.maps.kappa(self.maps.spread(MEASURED_MAPS))?;
        let kappa =
            Tensor::f_from_slice(&kappa)?.f_view([-1, 1, side as i64, side as i64])?.f_to_device(self.device)?;
        let lattice = side >> self.config.network.stages;
        Forces::new(&self.config.forces, &kappa, self.data.deviation, lattice, &self.group).map(Some)
    }

    /// Begins a run in a folder that holds none yet where another one is at a checkpoint, with its log until there: a branch,
    /// which leaves the other run as it is.
    ///
    /// # Errors
    /// When the other run has no such checkpoint or was trained on other data, or as [`RunSetup::begin`].
    pub fn branch(self, trunk: &Path, from: ResumeFrom) -> Result<Run> {
        let checkpoints = Checkpoints::of_run(trunk);
        let (bytes, state) = checkpoints.read_at(from)?;
        self.check_same(&state, &checkpoints.path(state.step))?;
        let log = std::fs::read(trunk.join("log.jsonl"))
            .with_context(|| format!("cannot read the log of {}", trunk.display()))?;
        let players = Players::new(&self.config, self.data.deviation, self.device)?;
        let mut run = self.begin_with(players, state.started_from.clone())?;
        checkpoint::restore(&bytes, &run.players)
            .with_context(|| checkpoints.path(state.step).display().to_string())?;
        run.step = state.step;
        if run.group().leads() {
            write_atomically(&run.folder().join("log.jsonl"), &log)?;
            // The branch can go on before its first own checkpoint.
            write_atomically(&run.checkpoints().path(state.step), &bytes)?;
        }
        run.group().wait(run.device())?;
        Ok(run)
    }

    /// Refuses a checkpoint that another procedure, network or data made.
    fn check_same(&self, state: &CheckpointState, path: &Path) -> Result<()> {
        if state.version != VERSION {
            bail!(
                "{} is of an earlier version, which trained in another way: begin anew with --start-from its exported weights",
                path.display()
            );
        }
        if state.config.network != self.config.network {
            bail!("the network of the config differs from that of {}", path.display());
        }
        if state.data.sha256 != self.data.sha256 {
            bail!("--data is not what this run was begun with (its SHA-256 differs)");
        }
        let angle = state.data.description.as_ref().map(|description| description.side_angle);
        if let Some(angle) = angle.filter(|angle| (angle / self.side_angle - 1.0).abs() > 1e-6) {
            bail!("--data has maps of {} degrees, and this run was begun with maps of {angle}", self.side_angle);
        }
        let form = |config: &TrainingConfig| (config.discriminator.batch_norm, config.discriminator.input);
        if form(&state.config) != form(&self.config) {
            bail!(
                "[discriminator] batch_norm or input of the config differs from that of {}: begin a new run",
                path.display()
            );
        }
        Ok(())
    }

    /// Refuses a folder that holds somebody's files under the names of a run's: without checkpoints it is no run that was begun here.
    fn check_free(&self, checkpoints: &Checkpoints) -> Result<()> {
        let files = ["config.toml", "log.jsonl"].map(|name| self.folder.join(name));
        match files.iter().find(|file| file.exists()) {
            Some(file) if !checkpoints.folder().is_dir() => {
                bail!("{} is there and not of a run: give another --out", file.display())
            }
            _ => Ok(()),
        }
    }

    /// Goes on from a checkpoint of a folder. What a change of settings means for it is said on the way.
    ///
    /// # Errors
    /// When there is none, it was made with other data or another network, or another program trains in the folder.
    pub fn resume(self, from: ResumeFrom) -> Result<Run> {
        let checkpoints = Checkpoints::of_run(&self.folder);
        if !checkpoints.folder().is_dir() {
            bail!("{} holds no run to resume: leave --resume out to begin one", self.folder.display());
        }
        let leads = self.group.leads();
        let lock = if leads { Some(FolderLock::of_folder(&self.folder, "trains")?) } else { None };
        if leads {
            AtomicFile::remove_leftovers(checkpoints.folder(), "step-")?;
        }
        // All go on from the one that the leading process finds.
        let found = if leads { Some(checkpoints.read_at(from)?) } else { None };
        let step = found.as_ref().map_or(0.0, |(_, state)| state.step as f64);
        let step = self.group.of_the_leading(step, self.device)? as u64;
        let (bytes, state) = found.map_or_else(|| checkpoints.read(step), Ok)?;
        let shown = checkpoints.path(state.step);
        self.check_same(&state, &shown)?;
        self.agree()?;
        for note in changes(&state, &self.config).into_iter().filter(|_| leads) {
            crate::say!("note: {note}");
        }
        let mut players = Players::new(&self.config, self.data.deviation, self.device)?;
        players.join(&self.group, &self.config);
        players.forces = self.forces()?;
        checkpoint::restore(&bytes, &players).with_context(|| shown.display().to_string())?;
        // Only when all have read it does anything change.
        self.group.wait(self.device)?;
        if leads {
            self.set_later_aside(&checkpoints, state.step)?;
            // What was changed for this part holds for the next one too.
            self.write_config()?;
        }
        Ok(Run { setup: self, players, step: state.step, started_from: state.started_from, _lock: lock })
    }

    /// Puts what the run made after a step aside.
    fn set_later_aside(&self, checkpoints: &Checkpoints, step: u64) -> Result<()> {
        let selection = Checkpoints::of_selection(&self.folder);
        for kept in [checkpoints, &selection].into_iter().filter(|kept| kept.folder().is_dir()) {
            if let Some(aside) = kept.set_aside_after(step)? {
                crate::say!("later files of {} are now in {}", kept.folder().display(), aside.display());
            }
        }
        Ok(())
    }

    fn write_config(&self) -> Result<()> {
        write_atomically(&self.folder.join("config.toml"), toml::to_string(&self.config)?.as_bytes())
    }
}

/// What settings that differ from a checkpoint's mean for the rest of the run.
fn changes(state: &CheckpointState, config: &TrainingConfig) -> Vec<String> {
    let before = &state.config;
    let mut notes = Vec::new();
    if (before.batch_size, before.seed) != (config.batch_size, config.seed) {
        notes.push(format!(
            "batches of {} with seed {} instead of {} with {}: from step {} on, maps come in another order and an epoch has \
             another number of steps",
            config.batch_size, config.seed, before.batch_size, before.seed, state.step
        ));
    }
    if before.precision != config.precision {
        notes.push(format!("arithmetic is {} instead of {} from here on", config.precision, before.precision));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_order_of_the_data_is_said() {
        let config = TrainingConfig::default();
        let state = CheckpointState {
            version: VERSION,
            step: 10,
            config: config.clone(),
            spectrum_distance: None,
            data: DataRecord { maps: 100, sha256: String::new(), deviation: 1.0, description: None },
            device: String::new(),
            started_from: None,
        };
        assert!(changes(&state, &config).is_empty());
        let notes = changes(&state, &TrainingConfig { batch_size: 8, ..config.clone() });
        assert!(notes[0].contains("batches of 8") && notes[0].contains("another order"), "{notes:?}");
        assert_eq!(changes(&state, &TrainingConfig { seed: 2, ..config }).len(), 1);
    }
}
