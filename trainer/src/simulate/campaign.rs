//! Many boxes: which ones are this job's, what of them is done, and their files.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use shared::random::{Stream, stream};

use super::{
    checkpoint,
    evolution::{CROP, Setting, State},
    gravity::Gravity,
    initial::InitialDensity,
    parameters::Parameters,
    plane_files,
    plane_store::PlaneStore,
    power::PowerBin,
};
use crate::{
    files::{hold, sha256_of_file, write_atomically},
    maps::output::{MapWriter, MapsDescription},
    pictures,
    ray_tracing::RayTracing,
};

/// Maps on the sheet beside a box's maps.
const SHEET: usize = 8;

/// A checkpoint is written after the step that ends this long after the one before.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);
/// Large checkpoints are written less often: this many times as long apart as writing one takes.
const CHECKPOINT_SHARE: u32 = 20;

/// Which boxes of a campaign a job makes: number `index` of every `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Place of this job, from 1.
    pub index: usize,
    /// Number of jobs.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((index, of)) if index >= 1 && index <= of => Ok(Self { index, of }),
            _ => Err(format!("a shard is like 3/45: this job's number, from 1, and the number of jobs; got {text}")),
        }
    }
}

/// What a box was made with and what came of it: the file beside its maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoxManifest {
    /// Version of the program.
    pub version: String,
    /// Parameters.
    pub parameters: Parameters,
    /// Seed of the campaign.
    pub seed: u64,
    /// Number of the box.
    pub number: usize,
    /// Seed of the initial density and of the maps' views, which follows from the two above.
    pub box_seed: u64,
    /// Whether the initial phases are those of the box before, turned by half a turn.
    pub inverted: bool,
    /// Files of maps.
    pub files: Vec<BoxFile>,
    /// Power spectra of the particles.
    pub power: Vec<BoxPower>,
}

/// A file of maps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxFile {
    /// Path from the campaign's folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Power spectrum of the particles at a redshift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoxPower {
    /// Redshift.
    pub redshift: f64,
    /// Bins of k.
    pub bins: Vec<PowerBin>,
}

/// A folder of boxes.
pub struct Campaign {
    /// What all boxes share.
    pub setting: Setting,
    /// Seed.
    pub seed: u64,
    /// Number of boxes of all jobs together.
    pub boxes: usize,
    /// Which of them are this job's.
    pub shard: Shard,
    /// Folder.
    pub out: PathBuf,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All its boxes are there.
    Complete,
    /// It was asked to stop; a checkpoint is there.
    Interrupted,
}

/// What is told of while boxes are made.
pub trait Watch {
    /// A box begins, or goes on from a step.
    fn begin(&mut self, number: usize, step: usize, steps: usize);
    /// A step is done.
    fn step(&mut self);
    /// A box is complete.
    fn end(&mut self, number: usize);
}

impl Campaign {
    /// Numbers of this job's boxes.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        (self.shard.index - 1..self.boxes).step_by(self.shard.of)
    }

    /// Makes the boxes that are not there yet.
    ///
    /// # Errors
    /// When the folder holds something else, or the disk is full.
    pub fn run(&self, watch: &mut impl Watch, stop: &AtomicBool) -> Result<Ending> {
        std::fs::create_dir_all(self.out.join("boxes"))
            .with_context(|| format!("cannot create the folder {}", self.out.display()))?;
        let missing: Vec<usize> = self
            .numbers()
            .filter_map(|number| match self.is_complete(number) {
                Ok(true) => None,
                Ok(false) => Some(Ok(number)),
                Err(error) => Some(Err(error)),
            })
            .collect::<Result<_>>()?;
        let mut gravity = None;
        for number in missing {
            if self.make(number, &mut gravity, watch, stop)? == Ending::Interrupted {
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Complete)
    }

    fn make(
        &self,
        number: usize,
        gravity: &mut Option<Gravity>,
        watch: &mut impl Watch,
        stop: &AtomicBool,
    ) -> Result<Ending> {
        let parameters = &self.setting.parameters;
        let (path, made_with) = (self.checkpoint_path(number), self.made_with(number)?);
        let (planes_path, lock_path) = (path.with_extension("planes"), path.with_extension("lock"));
        let Some(_held) = hold(&lock_path)? else {
            bail!("another job is making box {}: give each job its own --shard, or wait for that one", number + 1);
        };
        let density = self.density(number);
        let mut state = match checkpoint::read(&path, &made_with)? {
            Some(_) if parameters.keeps_planes() && !planes_path.exists() => {
                bail!("{} is gone: delete {} too, and the box begins anew", planes_path.display(), path.display())
            }
            Some(state) => state,
            None => self.setting.begin(&density),
        };
        let planes = if parameters.keeps_planes() {
            Some(PlaneStore::open(&planes_path, parameters.maps, self.setting.plane_field().pixels)?)
        } else {
            None
        };
        // After the initial conditions, whose memory the mesh may take.
        let gravity = gravity.get_or_insert_with(|| Gravity::new(&parameters.resolution()));
        watch.begin(number, state.step, parameters.steps);
        let (mut saved, mut pause) = (Instant::now(), CHECKPOINT_EVERY);
        while state.step < parameters.steps {
            self.setting.advance(&mut state, gravity, density.seed, planes.as_ref())?;
            watch.step();
            let asked = stop.load(Ordering::Relaxed);
            if asked || saved.elapsed() > pause {
                let begun = Instant::now();
                if let Some(planes) = &planes {
                    planes.sync()?;
                }
                checkpoint::write(&path, &state, &made_with)?;
                pause = CHECKPOINT_EVERY.max(CHECKPOINT_SHARE * begun.elapsed());
                saved = Instant::now();
            }
            if asked {
                return Ok(Ending::Interrupted);
            }
        }
        if let Some(planes) = &planes {
            self.use_planes(number, &mut state, planes)?;
        }
        self.finish(number, state)?;
        for scratch in [path, planes_path, lock_path] {
            if scratch.exists() {
                std::fs::remove_file(&scratch)?;
            }
        }
        watch.end(number);
        Ok(Ending::Complete)
    }

    /// What is done with the planes of a box that has come to its end.
    fn use_planes(&self, number: usize, state: &mut State, planes: &PlaneStore) -> Result<()> {
        let parameters = &self.setting.parameters;
        if parameters.ray_tracing == RayTracing::MultiPlane {
            self.setting.trace(state, planes)?;
        }
        if parameters.write_planes {
            let (shells, field) = (self.setting.shells(), self.setting.plane_field());
            for map in 0..parameters.maps {
                let folder = self.out.join(format!("planes/box-{number:04}-map-{map:04}"));
                plane_files::write(&folder, planes, map, &shells, field, &parameters.cosmology)?;
            }
        }
        Ok(())
    }

    /// Writes the maps of a box, and last its manifest, which says that all is there.
    fn finish(&self, number: usize, state: State) -> Result<()> {
        let parameters = &self.setting.parameters;
        let mut files = Vec::new();
        for (source, &redshift) in parameters.source_redshifts.iter().enumerate() {
            let file = format!("z{redshift:.3}/box-{number:04}.npy");
            let path = self.out.join(&file);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut writer = MapWriter::create(&path, parameters.pixels)?;
            for map in &state.kappa {
                writer.write(&map[source])?;
            }
            writer.finish(Some(&self.description(redshift)))?;
            write_atomically(&path.with_extension("png"), &sheet_of(&state.kappa, source, parameters.pixels)?)?;
            files.push(BoxFile { bytes: path.metadata()?.len(), sha256: sha256_of_file(&path)?, file });
        }
        let density = self.density(number);
        let power = state.power.into_iter().map(|(redshift, bins)| BoxPower { redshift, bins }).collect();
        let manifest = BoxManifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            parameters: parameters.clone(),
            seed: self.seed,
            number,
            box_seed: density.seed,
            inverted: density.inverted,
            files,
            power,
        };
        write_atomically(&self.manifest_path(number), (serde_json::to_string_pretty(&manifest)? + "\n").as_bytes())
    }

    fn description(&self, source_redshift: f64) -> MapsDescription {
        let parameters = &self.setting.parameters;
        let force = match parameters.pair_cutoff {
            Some(_) => format!("P3M, softened within {:.3} Mpc/h", parameters.softening * parameters.spacing()),
            None => "a mesh alone".to_owned(),
        };
        MapsDescription {
            source: format!(
                "simulation of {}^3 particles in {} Mpc/h ({force}), {} steps from z = {}; {} {} shells",
                parameters.particles,
                parameters.box_side,
                parameters.steps,
                parameters.start_redshift,
                match parameters.ray_tracing {
                    RayTracing::Born => "Born projection of",
                    RayTracing::MultiPlane => "rays deflected at",
                },
                self.setting.shells().len(),
            ),
            maps: parameters.maps,
            pixels: parameters.pixels,
            side_angle: parameters.side_angle,
            seed: Some(self.seed),
            source_redshift: Some(source_redshift),
            cosmology: Some(parameters.cosmology),
        }
    }

    /// Initial density of a box. Boxes of one campaign, and those of campaigns with other seeds, have nothing in common.
    fn density(&self, number: usize) -> InitialDensity {
        let parameters = &self.setting.parameters;
        let (pair, inverted) = if parameters.paired { (number / 2, number % 2 == 1) } else { (number, false) };
        let seed = stream(self.seed, Stream::Boxes).at(pair as u64).word();
        InitialDensity { seed, side: parameters.box_side, fixed_amplitude: parameters.fixed_amplitude, inverted }
    }

    /// What a checkpoint must agree with.
    fn made_with(&self, number: usize) -> Result<String> {
        let parameters = serde_json::to_string(&self.setting.parameters)?;
        Ok(format!("{} {} {number} {parameters}", env!("CARGO_PKG_VERSION"), self.seed))
    }

    /// Whether a box's maps are there.
    fn is_complete(&self, number: usize) -> Result<bool> {
        let path = self.manifest_path(number);
        if !path.is_file() {
            return Ok(false);
        }
        let manifest = BoxManifest::read(&path)?;
        if manifest.parameters != self.setting.parameters || manifest.seed != self.seed {
            bail!(
                "{} holds boxes of other parameters or of another seed: choose another --out, or give the same options",
                self.out.display()
            );
        }
        let there = |file: &BoxFile| self.out.join(&file.file).metadata().is_ok_and(|found| found.len() == file.bytes);
        Ok(manifest.files.iter().all(there))
    }

    fn manifest_path(&self, number: usize) -> PathBuf {
        self.out.join(format!("boxes/box-{number:04}.json"))
    }

    fn checkpoint_path(&self, number: usize) -> PathBuf {
        self.out.join(format!("boxes/box-{number:04}.checkpoint"))
    }
}

impl BoxManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is not one.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no manifest of a box: delete it", path.display()))
    }
}

/// A picture of a crop of each of the first maps, to look at.
fn sheet_of(kappa: &[Vec<Vec<f32>>], source: usize, pixels: usize) -> Result<Vec<u8>> {
    let side = pixels.min(CROP);
    let crop = |map: &Vec<Vec<f32>>| -> Vec<f32> {
        map[source].chunks_exact(pixels).take(side).flat_map(|row| row[..side].iter().copied()).collect()
    };
    let crops: Vec<Vec<f32>> = kappa.iter().take(SHEET).map(crop).collect();
    let crops: Vec<&[f32]> = crops.iter().map(Vec::as_slice).collect();
    pictures::sheet(&crops, side, SHEET / 2)
}
