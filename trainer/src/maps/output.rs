//! The file of training maps: streamed to disk, complete or not there, with a description beside it.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use shared::{Cosmology, formats::npy};

/// What `maps.json` says of `maps.npy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapsDescription {
    /// The maps in words: simulation, projection, how they were cut.
    pub source: String,
    /// Number of maps.
    pub maps: usize,
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Seed of the windows and symmetries, or of the first latent vector; maps from elsewhere have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Redshift of the source plane, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_redshift: Option<f64>,
    /// Cosmology of the simulation, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosmology: Option<Cosmology>,
}

impl MapsDescription {
    /// The description beside a file of maps (`maps.json` for `maps.npy`), if there is one.
    ///
    /// # Errors
    /// When a file of that name cannot be read.
    pub fn beside(maps: &Path) -> Result<Option<Self>> {
        let path = description_path(maps);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // Any other JSON file of that name is none of our business.
        Ok(serde_json::from_slice(&text).ok())
    }
}

fn description_path(maps: &Path) -> PathBuf {
    maps.with_extension("json")
}

/// Refuses to write over a file that is already there, and makes its folder.
///
/// # Errors
/// When the path exists and `force` is off, or its folder cannot be made.
pub fn check_free(path: &Path, force: bool) -> Result<()> {
    if path.exists() && !force {
        bail!("{} is there already: give another --out, or --force to replace it", path.display());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    Ok(())
}

/// A side angle in degrees from the command line.
///
/// # Errors
/// When it is no number in (0, 180].
pub fn side_angle_of(text: &str) -> Result<f64, String> {
    let angle = text.parse().ok().filter(|angle| *angle > 0.0 && *angle <= 180.0);
    angle.ok_or_else(|| "the side of a map is a number of degrees above 0, at most 180".to_owned())
}

/// The side angle that the command line or a file states, in degrees; `None` where neither does.
///
/// # Errors
/// When they contradict each other.
pub fn one_side_angle(given: Option<f64>, stated: Option<f64>) -> Result<Option<f64>> {
    if let (Some(given), Some(stated)) = (given, stated)
        && (given / stated - 1.0).abs() > 1e-6
    {
        bail!("--side-angle is {given} degrees, the file states {stated}: leave --side-angle out, or correct the file");
    }
    Ok(given.or(stated))
}

/// Writes a `.npy` file map by map; only [`MapWriter::finish`] gives the file its name.
pub struct MapWriter {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    pixels: usize,
    written: usize,
}

impl MapWriter {
    /// Begins a file for maps of `pixels` x `pixels`.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, pixels: usize) -> Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).with_context(|| format!("cannot create {}", part.display()))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&npy::encode_header(0, pixels, pixels))?;
        Ok(Self { path: path.into(), part, file, pixels, written: 0 })
    }

    /// Appends one map.
    ///
    /// # Errors
    /// When the disk is full, or the map is of another size.
    pub fn write(&mut self, kappa: &[f32]) -> Result<()> {
        if kappa.len() != self.pixels * self.pixels {
            bail!("a map of {} values does not fit into a file of {} x {}", kappa.len(), self.pixels, self.pixels);
        }
        let bytes: Vec<u8> = kappa.iter().flat_map(|kappa| kappa.to_le_bytes()).collect();
        self.file.write_all(&bytes).with_context(|| format!("cannot write {}", self.part.display()))?;
        self.written += 1;
        Ok(())
    }

    /// Completes the header, gives the file its name and writes the description beside it.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(self, description: Option<&MapsDescription>) -> Result<()> {
        use std::os::unix::fs::FileExt;
        let file = self.file.into_inner().context("cannot write the last maps: is the disk full?")?;
        file.write_all_at(&npy::encode_header(self.written, self.pixels, self.pixels), 0)?;
        file.sync_all()?;
        if let Some(description) = description {
            std::fs::write(description_path(&self.path), serde_json::to_string_pretty(description)? + "\n")?;
        }
        std::fs::rename(&self.part, &self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_complete_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.npy");
        let mut writer = MapWriter::create(&path, 2).unwrap();
        writer.write(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!(writer.write(&[1.0]).is_err() && !path.exists());
        let description = MapsDescription {
            source: "test".into(),
            maps: 1,
            pixels: 2,
            side_angle: 1.75,
            seed: Some(3),
            source_redshift: Some(1.0),
            cosmology: Some(Cosmology::PAPER),
        };
        writer.finish(Some(&description)).unwrap();
        let found = npy::read(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((found.maps, found.values), (1, vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(MapsDescription::beside(&path).unwrap(), Some(description));
        assert!(check_free(&path, false).is_err() && check_free(&path, true).is_ok());
        assert!(check_free(&folder.path().join("new/maps.npy"), false).is_ok() && folder.path().join("new").is_dir());
        assert!(check_free(&path.join("below-a-file/maps.npy"), false).is_err());
    }

    #[test]
    fn side_angles_are_positive_and_do_not_contradict() {
        assert_eq!(side_angle_of("3.46"), Ok(3.46));
        for wrong in ["0", "-3", "nan", "inf", "181", "wide"] {
            assert!(side_angle_of(wrong).is_err(), "{wrong}");
        }
        assert_eq!(one_side_angle(None, Some(2.0)).unwrap(), Some(2.0));
        assert!(one_side_angle(Some(3.46), Some(3.5)).unwrap_err().to_string().contains("leave --side-angle out"));
    }
}
