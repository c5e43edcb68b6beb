//! What lies beside an array of maps: where they come from, and their side on the sky.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use shared::{ConvergenceMap, Cosmology};

use super::sources::Sources;

/// What `maps.npy.json` says of `maps.npy`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
    /// Which part of the source's maps these come from, of those that `--split` makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Marks of the maps or planes that these were cut from.
    #[serde(default, skip_serializing_if = "Sources::is_empty")]
    pub sources: Sources,
    /// Marks of the first, the middle and the last of these maps: they tie this description to its array.
    #[serde(default, skip_serializing_if = "Sources::is_empty")]
    pub marks: Sources,
}

/// Numbers of the maps whose marks tie a description to an array of so many maps.
pub fn marked(maps: usize) -> [usize; 3] {
    [0, maps / 2, maps.saturating_sub(1)]
}

impl MapsDescription {
    /// The description beside a file of `maps` maps of `pixels` x `pixels`: `maps.npy.json` for `maps.npy`, or `maps.json`, its name
    /// in earlier versions. `None` where there is neither.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is of another array.
    pub fn beside(file: &Path, maps: usize, pixels: usize) -> Result<Option<Self>> {
        let own = description_path(file);
        let (path, is_ours) = if own.is_file() { (own, true) } else { (file.with_extension("json"), false) };
        if !path.is_file() {
            return Ok(None);
        }
        let shown = path.display();
        let text = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
        let damaged = || {
            format!(
                "{shown}, which describes {}, is damaged: correct it, or delete it and give --side-angle",
                file.display()
            )
        };
        let description: Self = match serde_json::from_slice(&text) {
            Ok(description) => description,
            // Another JSON file of that name, such as statistics of these maps, is none of our business.
            Err(_) if !is_ours => return Ok(None),
            Err(error) => return Err(error).with_context(damaged),
        };
        if (description.maps, description.pixels) != (maps, pixels) {
            bail!(
                "{shown} describes {} maps of {} pixels, {} holds {maps} of {pixels}: it is of another array; correct it, or delete \
                 it and give --side-angle",
                description.maps,
                description.pixels,
                file.display()
            );
        }
        if ConvergenceMap::new(description.side_angle, 1, vec![0.0]).is_err() {
            bail!("{shown} states a side of {} degrees: correct it", description.side_angle);
        }
        Ok(Some(description))
    }
}

/// Where the description of a file of maps lies.
pub fn description_path(maps: &Path) -> PathBuf {
    let mut name = maps.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// A side angle in degrees from the command line.
///
/// # Errors
/// When it is no number in (0, 180].
pub fn side_angle_of(text: &str) -> Result<f64, String> {
    let angle = text.parse().ok().filter(|angle| *angle > 0.0 && *angle <= 180.0);
    angle.ok_or_else(|| "the side of a map is a number of degrees above 0, at most 180".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_angles_are_positive() {
        assert_eq!(side_angle_of("3.46"), Ok(3.46));
        for wrong in ["0", "-3", "nan", "inf", "181", "wide"] {
            assert!(side_angle_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_description_is_of_its_array_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let maps = folder.path().join("s.npy");
        let beside = || MapsDescription::beside(&maps, 32, 64).map_err(|error| format!("{error:#}"));
        assert_eq!(beside(), Ok(None));
        // Under the name of earlier versions, beside files of others.
        let earlier = folder.path().join("s.json");
        for foreign in ["{\"ell\": [1, 2], \"pixels\": 64, \"side_angle\": 3.5}", "{\"kappa\": NaN}", "not JSON"] {
            std::fs::write(&earlier, foreign).unwrap();
            assert_eq!(beside(), Ok(None), "{foreign}");
        }
        let text = "{\"source\": \"a test\", \"maps\": 32, \"pixels\": 64, \"side_angle\": 3.5}";
        std::fs::write(&earlier, text).unwrap();
        assert_eq!(beside().unwrap().unwrap().side_angle, 3.5);
        std::fs::write(&earlier, text.replace("64", "32")).unwrap();
        assert!(beside().unwrap_err().contains("another array"), "{:?}", beside());
        // Under today's name, which wins.
        let own = folder.path().join("s.npy.json");
        std::fs::write(&own, text.replace("3.5", "1.75")).unwrap();
        assert_eq!(beside().unwrap().unwrap().side_angle, 1.75);
        for damaged in [&text[..text.len() - 9], "{}", &text.replace("3.5", "-3.5"), &text.replace("32", "31")] {
            std::fs::write(&own, damaged).unwrap();
            assert!(beside().unwrap_err().contains("correct it"), "{damaged}: {:?}", beside());
        }
    }
}
