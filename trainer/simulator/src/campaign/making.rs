//! One box of a campaign, from its checkpoint or its start to its maps.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use storage::{
    files::{create_folder, sha256_of_file},
    maps::{MapWriter, MapsDescription},
    runs::{AtomicFile, Ending, FolderLock, Interruption, write_atomically},
    sheet,
};

use super::{BoxFile, BoxManifest, BoxPower, Campaign, Watch, checkpoint};
use crate::{
    evolution::{CROP, State},
    nbody::gravity::Gravity,
    planes::{self, PlaneStore},
    ray_tracing::RayTracing,
};

/// Maps on the sheet beside a box's maps.
const SHEET: usize = 8;

/// A checkpoint is written after the step that ends this long after the one before.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);
/// Large checkpoints are written less often: this many times as long apart as writing one takes.
const CHECKPOINT_SHARE: u32 = 20;

impl Campaign {
    /// Makes a box, or the rest of one; another job's boxes are left alone.
    pub(super) fn make(
        &self,
        number: usize,
        gravity: &mut Option<Gravity>,
        watch: &mut impl Watch,
        interruption: &Interruption,
    ) -> Result<Ending> {
        let parameters = &self.setting.parameters;
        let (path, made_with) = (self.checkpoint_path(number), self.made_with(number)?);
        let (planes_path, lock_path) = (path.with_extension("planes"), path.with_extension("lock"));
        let Some(_held) = FolderLock::take(&lock_path)? else {
            bail!("another job is making box {}: give each job its own --shard, or wait for that one", number + 1);
        };
        // Another job may have made it between the look at its manifest and the lock.
        if self.is_complete(number)? {
            remove_if_there(&lock_path)?;
            return Ok(Ending::Complete);
        }
        AtomicFile::remove_leftovers(&self.out.join("boxes"), &format!("box-{number:04}.checkpoint"))?;
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
            let asked = interruption.is_asked();
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
            remove_if_there(&scratch)?;
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
                planes::files::write(&folder, planes, map, &shells, field, &parameters.cosmology)?;
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
                create_folder(folder)?;
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
            ..MapsDescription::default()
        }
    }
}

/// Removes a file; one that is gone already is as good.
fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
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
    sheet::sheet(&crops, side, SHEET / 2)
}
