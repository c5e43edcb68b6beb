//! What a box was made with and what came of it: the file beside its maps, which says that all is there.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{nbody::power::PowerBin, parameters::Parameters};

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
