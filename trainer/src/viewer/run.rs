//! Weights of a run's checkpoints, as they are written.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use shared::formats::weights::Precision;

use super::shelf::{Shelf, Volume};
use crate::{
    training::checkpoint::Checkpoints,
    weights::{load::MANIFEST, of_run},
};

/// How often a run's folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Adds the weights of the newest checkpoint, and of each one that is written from then on, until `ended` says so. What a checkpoint lacks is
/// said on the terminal, and the next one is waited for.
pub fn follow(run: &Path, shelf: &Shelf, ended: impl Fn() -> bool) {
    let checkpoints = Checkpoints::of_run(run);
    let mut seen = None;
    while !ended() {
        let newest = checkpoints.steps().ok().and_then(|steps| steps.into_iter().max());
        if newest.is_some() && newest != seen {
            match newest.map_or_else(|| Ok(None), |step| volume(&checkpoints, step).map(Some)) {
                Ok(Some(volume)) => {
                    crate::say!("{}", volume.title);
                    shelf.add(volume);
                }
                Ok(None) => {}
                Err(error) => eprintln!("checkpoint of step {} is not shown: {error:#}", newest.unwrap_or_default()),
            }
            seen = newest;
        }
        std::thread::sleep(LOOK);
    }
}

/// A checkpoint's generator as weights for the page, finished as `trainer export` would.
///
/// # Errors
/// When it is damaged, or its maps' angle is not known.
pub fn volume(checkpoints: &Checkpoints, step: u64) -> Result<Volume> {
    let (bytes, state) = checkpoints.read(step)?;
    let of_checkpoint = of_run::encode(&bytes, &state, of_run::Part::Whole, [true, false], [Precision::F16])?;
    let (manifest, files) = of_checkpoint.into_files(of_run::origin(&state), Vec::new())?;
    let mut files: Vec<_> = files.into_iter().map(|(name, bytes)| (name, Arc::new(bytes))).collect();
    files.push((MANIFEST.to_owned(), Arc::new(manifest.to_json()?.into_bytes())));
    let maps = state.step * state.config.batch_size as u64;
    Ok(Volume { title: format!("step {step}, {maps} maps shown"), folder: format!("step-{step}"), files })
}
