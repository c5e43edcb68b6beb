//! Many boxes: which ones are this job's, what of them is done, and their files.
//!
//! ```text
//! shard       which boxes a job makes
//! making      one box, from its checkpoint or its start to its maps
//! manifest    what a box was made with and what came of it
//! checkpoint  the file from which an interrupted box goes on
//! ```

pub mod checkpoint;
mod making;
mod manifest;
mod shard;

use std::path::PathBuf;

use anyhow::{Result, bail};
use shared::random::{Stream, stream};
use storage::{
    files::create_folder,
    runs::{Ending, Interruption},
};

use crate::{evolution::Setting, nbody::initial::InitialDensity};

pub use manifest::{BoxFile, BoxManifest, BoxPower};
pub use shard::Shard;

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
    pub fn run(&self, watch: &mut impl Watch, interruption: &Interruption) -> Result<Ending> {
        create_folder(&self.out.join("boxes"))?;
        // Boxes of other parameters are told before hours are spent beside them.
        for number in self.numbers() {
            self.is_complete(number)?;
        }
        let mut gravity = None;
        for number in self.numbers() {
            // Asked when its turn has come: other jobs may have made it meanwhile.
            if !self.is_complete(number)?
                && self.make(number, &mut gravity, watch, interruption)? == Ending::Interrupted
            {
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Complete)
    }

    /// Initial density of a box. Boxes of one campaign, and those of campaigns with other seeds, have nothing in common.
    pub(super) fn density(&self, number: usize) -> InitialDensity {
        let parameters = &self.setting.parameters;
        let (pair, inverted) = if parameters.paired { (number / 2, number % 2 == 1) } else { (number, false) };
        let seed = stream(self.seed, Stream::Boxes).at(pair as u64).word();
        InitialDensity { seed, side: parameters.box_side, fixed_amplitude: parameters.fixed_amplitude, inverted }
    }

    /// What a checkpoint must agree with.
    pub(super) fn made_with(&self, number: usize) -> Result<String> {
        let parameters = serde_json::to_string(&self.setting.parameters)?;
        // Planes behind the source once moved the numbers of all others: no box is made of both.
        let planes = if self.setting.parameters.write_planes { " planes by number" } else { "" };
        Ok(format!("{} {} {number} {parameters}{planes}", env!("CARGO_PKG_VERSION"), self.seed))
    }

    /// Whether a box's maps are there.
    pub(super) fn is_complete(&self, number: usize) -> Result<bool> {
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

    pub(super) fn manifest_path(&self, number: usize) -> PathBuf {
        self.out.join(format!("boxes/box-{number:04}.json"))
    }

    pub(super) fn checkpoint_path(&self, number: usize) -> PathBuf {
        self.out.join(format!("boxes/box-{number:04}.checkpoint"))
    }
}
