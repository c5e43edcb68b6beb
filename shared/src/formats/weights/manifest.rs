//! The manifest beside the weights: what they are, where they come from, how good they are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Precision, WeightsError};
use crate::{Cosmology, network::NetworkDefinition, statistics::SpectrumBand};

/// Name of the format, in every manifest.
pub const FORMAT: &str = "cosmogan-weights";
/// Newest version of the manifest that is read and written here.
pub const VERSION: u32 = 1;

/// Everything about a trained generator but its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Sizes of the network.
    pub network: NetworkDefinition,
    /// Side of its maps in degrees.
    pub side_angle: f64,
    /// The generator's tensors, one entry a precision.
    pub generator: Vec<WeightsFile>,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// Ratio of the generator's power spectrum to the data's, per band; empty where it was not measured.
    #[serde(default)]
    pub spectrum: Vec<SpectrumBand>,
    /// A few pixels of one map, by which a device shows that it computes the network as the exporter did.
    pub self_check: SelfCheck,
}

/// One file of tensors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// File name, beside the manifest.
    pub file: String,
    /// Type of its numbers.
    pub precision: Precision,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// Where weights come from: in a manifest, the field `training` or the field `imported`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Origin {
    /// Trained by this program.
    #[serde(rename = "training")]
    Trained(TrainingRecord),
    /// Trained elsewhere and brought into this form.
    #[serde(rename = "imported")]
    Imported(ImportRecord),
}

impl Origin {
    /// The maps that the network has seen, in words.
    pub fn data(&self) -> &str {
        match self {
            Self::Trained(training) => &training.data,
            Self::Imported(import) => &import.data,
        }
    }

    /// Cosmology of these maps, where it is known.
    pub fn cosmology(&self) -> Option<Cosmology> {
        match self {
            Self::Trained(training) => training.cosmology,
            Self::Imported(import) => import.cosmology,
        }
    }

    /// Redshift of their sources, where it is known.
    pub fn source_redshift(&self) -> Option<f64> {
        match self {
            Self::Trained(training) => training.source_redshift,
            Self::Imported(import) => import.source_redshift,
        }
    }

    /// Training steps behind the weights, where they are known.
    pub fn total_steps(&self) -> Option<u64> {
        match self {
            Self::Trained(training) => Some(training.total_steps()),
            Self::Imported(_) => None,
        }
    }
}

/// Weights that another program trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// Where they were found: paper, program, address.
    pub source: String,
    /// SHA-256 of the file that they were read from.
    pub sha256: String,
    /// The training maps in words, as far as they are known.
    pub data: String,
    /// Cosmology of the simulation, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosmology: Option<Cosmology>,
    /// Redshift of the source plane, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_redshift: Option<f64>,
}

/// What weights were trained on, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The training maps in words: simulation, source, how the maps were cut.
    pub data: String,
    /// Number of training maps.
    pub maps: usize,
    /// SHA-256 of the file of training maps.
    pub data_sha256: String,
    /// Cosmology of the simulation, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosmology: Option<Cosmology>,
    /// Redshift of the source plane, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_redshift: Option<f64>,
    /// Training steps taken.
    pub step: u64,
    /// The generator that the first of these steps began from; `None` for random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<Ancestor>,
    /// Maps in a batch.
    pub batch_size: usize,
    /// Learning rate of Adam at the last step; older manifests do not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Seed of the run.
    pub seed: u64,
    /// Precision of the arithmetic, `f32` or `bf16`.
    pub precision: String,
    /// Device that trained it, in words.
    pub device: String,
}

/// Weights that a run was begun from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// SHA-256 of their file.
    pub sha256: String,
    /// Training steps behind them, those of their own ancestors included.
    pub steps: u64,
}

impl TrainingRecord {
    /// Training steps behind these weights, those of the weights that they were begun from included.
    pub fn total_steps(&self) -> u64 {
        self.step + self.started_from.as_ref().map_or(0, |ancestor| ancestor.steps)
    }
}

/// Pixels that every device must reproduce before its maps are shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Seed of the latent vector.
    pub seed: u64,
    /// Row, column and kappa of some pixels, computed from the f16 tensors where there are such.
    pub pixels: Vec<(usize, usize, f32)>,
    /// Largest difference in kappa that rounding on another device explains.
    pub tolerance: f32,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// When it is not JSON of this form, of another format or version, or holds sizes that make no network.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WeightsError> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        if manifest.format != FORMAT || manifest.version > VERSION {
            let (format, version) = (manifest.format, manifest.version);
            return Err(WeightsError::Version { format, version, expected: FORMAT, newest: VERSION });
        }
        manifest.network.validate()?;
        if !(manifest.side_angle > 0.0 && manifest.side_angle <= 180.0) {
            return Err(WeightsError::Value { name: "side_angle", value: manifest.side_angle.to_string() });
        }
        manifest.self_check.validate(&manifest.network)?;
        if let Some(file) = manifest.generator.iter().find(|file| !is_plain_name(&file.file)) {
            return Err(WeightsError::Value { name: "generator.file", value: file.file.clone() });
        }
        Ok(manifest)
    }

    /// The manifest as JSON, one field a line.
    ///
    /// # Errors
    /// When a number is not finite, which JSON cannot hold.
    pub fn to_json(&self) -> Result<String, WeightsError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The file of this precision, if there is one.
    pub fn file(&self, precision: Precision) -> Option<&WeightsFile> {
        self.generator.iter().find(|file| file.precision == precision)
    }
}

/// Whether a name stays beside the manifest: no folder, no parent, no address.
fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

impl WeightsFile {
    /// Describes bytes that are about to be written.
    pub fn describe(file: &str, precision: Precision, bytes: &[u8]) -> Self {
        Self { file: file.to_owned(), precision, bytes: bytes.len() as u64, sha256: sha256(bytes) }
    }

    /// Checks that these are the bytes meant.
    ///
    /// # Errors
    /// When the length or the SHA-256 differs.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), WeightsError> {
        let (file, found) = (self.file.clone(), bytes.len() as u64);
        if found != self.bytes {
            return Err(WeightsError::Length { file, found, expected: self.bytes });
        }
        let found = sha256(bytes);
        if found == self.sha256 {
            Ok(())
        } else {
            Err(WeightsError::Checksum { file, found, expected: self.sha256.clone() })
        }
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl SelfCheck {
    /// Fewest pixels that show anything; a narrower map's side, where that is less.
    pub const LEAST_PIXELS: usize = 16;
    /// Largest tolerance, as a share of the kappa that the generator's largest output stands for.
    pub const LARGEST_TOLERANCE: f32 = 1e-2;

    /// Checks that a device which draws something else cannot pass.
    ///
    /// # Errors
    /// When there are too few distinct pixels, one lies outside of the map, or the tolerance is not a small positive number.
    pub fn validate(&self, network: &NetworkDefinition) -> Result<(), WeightsError> {
        let (side, scale) = (network.map_side, network.kappa_scale);
        let value = |name, value| Err(WeightsError::Value { name, value });
        if let Some(pixel) = self.pixels.iter().find(|p| p.0 >= side || p.1 >= side || !(p.2.abs() <= scale)) {
            return value("self_check.pixels", format!("{pixel:?}"));
        }
        let places: BTreeSet<(usize, usize)> = self.pixels.iter().map(|pixel| (pixel.0, pixel.1)).collect();
        if places.len() < Self::LEAST_PIXELS.min(side) {
            return value("self_check.pixels", format!("{} different pixels", places.len()));
        }
        if !(self.tolerance > 0.0 && self.tolerance <= Self::LARGEST_TOLERANCE * scale) {
            return value("self_check.tolerance", self.tolerance.to_string());
        }
        Ok(())
    }

    /// Largest difference in kappa between the stated pixels and a map; infinite where the map is NaN or too small.
    pub fn deviation(&self, side: usize, kappa: &[f32]) -> f32 {
        let difference = |&(row, column, expected): &(usize, usize, f32)| {
            let difference = kappa.get(row * side + column).map_or(f32::INFINITY, |found| (found - expected).abs());
            if difference.is_nan() { f32::INFINITY } else { difference }
        };
        self.pixels.iter().map(difference).fold(0.0, f32::max)
    }

    /// Whether the map is the one that the exporter made.
    pub fn passes(&self, side: usize, kappa: &[f32]) -> bool {
        self.deviation(side, kappa) <= self.tolerance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT.into(),
            version: VERSION,
            network: NetworkDefinition::paper(),
            side_angle: 0.865,
            generator: vec![WeightsFile::describe("generator-f16.safetensors", Precision::F16, b"abc")],
            origin: Origin::Trained(TrainingRecord {
                data: "a test".into(),
                maps: 3,
                data_sha256: sha256(b"maps"),
                cosmology: Some(Cosmology::PAPER),
                source_redshift: Some(1.0),
                step: 10,
                started_from: Some(Ancestor { sha256: sha256(b"before"), steps: 7 }),
                batch_size: 64,
                learning_rate: Some(2e-4),
                seed: 1,
                precision: "bf16".into(),
                device: "cpu".into(),
            }),
            spectrum: vec![SpectrumBand { ell_low: 500.0, ell_high: 1000.0, mean_ratio: 1.0, sigma_ratio: 0.9 }],
            self_check: SelfCheck { seed: 0, pixels: (0..16).map(|i| (i, 1, 0.25)).collect(), tolerance: 1e-3 },
        }
    }

    #[test]
    fn round_trip() {
        let text = manifest().to_json().unwrap();
        assert_eq!(Manifest::from_json(text.as_bytes()).unwrap(), manifest());
        assert_eq!(manifest().origin.total_steps(), Some(17));
        // The form of every manifest so far.
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["training"]["batch_size"], 64);
    }

    #[test]
    fn weights_from_elsewhere_say_so() {
        let record = ImportRecord {
            source: "a checkpoint of another program".into(),
            sha256: sha256(b"theirs"),
            data: "maps of theirs".into(),
            cosmology: None,
            source_redshift: Some(1.0),
        };
        let imported = Manifest { origin: Origin::Imported(record), ..manifest() };
        let text = imported.to_json().unwrap();
        assert_eq!(Manifest::from_json(text.as_bytes()).unwrap(), imported);
        assert_eq!((imported.origin.data(), imported.origin.total_steps()), ("maps of theirs", None));
        let nowhere = text.replace("\"imported\"", "\"elsewhere\"");
        assert!(Manifest::from_json(nowhere.as_bytes()).is_err());
    }

    #[test]
    fn a_self_check_that_anything_passes_is_refused() {
        let refused = |change: fn(&mut SelfCheck)| {
            let mut changed = manifest();
            change(&mut changed.self_check);
            changed.self_check.validate(&changed.network).unwrap_err().to_string()
        };
        assert!(manifest().self_check.validate(&NetworkDefinition::paper()).is_ok());
        assert!(refused(|check| check.pixels.clear()).contains("0 different pixels"));
        assert!(refused(|check| check.pixels = vec![(0, 0, 0.1); 64]).contains("1 different pixels"));
        assert!(refused(|check| check.pixels[3].2 = f32::NAN).contains("self_check.pixels"));
        assert!(refused(|check| check.pixels[3].2 = 1.5).contains("self_check.pixels"));
        for tolerance in [f32::NAN, f32::INFINITY, -1.0, 0.0, 0.5] {
            let mut changed = manifest();
            changed.self_check.tolerance = tolerance;
            assert!(changed.self_check.validate(&changed.network).is_err(), "{tolerance}");
        }
    }

    #[test]
    fn refuses_other_formats_newer_versions_and_foreign_paths() {
        let refused = |change: fn(&mut Manifest)| {
            let mut changed = manifest();
            change(&mut changed);
            Manifest::from_json(changed.to_json().unwrap().as_bytes()).unwrap_err().to_string()
        };
        assert!(refused(|m| m.format = "other".into()).contains("\"other\""));
        assert!(refused(|m| m.version = 2).contains("version 2"));
        assert!(refused(|m| m.network.map_side = 250).contains("multiple"));
        assert!(refused(|m| m.side_angle = -1.0).contains("side_angle"));
        assert!(refused(|m| m.generator[0].file = "../secret".into()).contains("generator.file"));
        assert!(refused(|m| m.generator[0].file = "https://a.example/b".into()).contains("generator.file"));
        assert!(refused(|m| m.self_check.pixels[0].0 = 256).contains("self_check"));
        assert!(Manifest::from_json(b"{}").is_err());
    }

    #[test]
    fn a_damaged_or_cut_off_file_is_named() {
        let file = &manifest().generator[0];
        assert!(file.verify(b"abc").is_ok());
        assert!(file.verify(b"ab").unwrap_err().to_string().contains("cut off"));
        assert!(file.verify(b"abd").unwrap_err().to_string().contains("generator-f16.safetensors is damaged"));
        // FIPS 180-2, appendix B.1.
        assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn self_check_sees_a_wrong_map() {
        let check = SelfCheck { seed: 0, pixels: vec![(0, 1, 0.25), (1, 1, -0.5)], tolerance: 1e-3 };
        assert!(check.passes(2, &[9.0, 0.2505, 9.0, -0.5]));
        assert!(!check.passes(2, &[9.0, 0.25, 9.0, -0.51]));
        assert!(!check.passes(2, &[9.0, 0.25, 9.0, f32::NAN]));
        assert!(!check.passes(2, &[9.0, 0.25]));
    }
}
