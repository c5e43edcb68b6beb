//! The manifest beside the weights: what they are, where they come from, how good they are.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Precision, WeightsError, origin::Origin, self_check::SelfCheck};
use crate::{
    network::{DiscriminatorForm, NetworkDefinition},
    statistics::SpectrumBand,
};

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
    /// The discriminator that it was trained against, where it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<DiscriminatorWeights>,
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

/// A discriminator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiscriminatorWeights {
    /// How it differs from Table 2.
    #[serde(flatten)]
    pub form: DiscriminatorForm,
    /// Its tensors.
    #[serde(flatten)]
    pub file: WeightsFile,
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
        if let Some(DiscriminatorWeights { form, file }) = &manifest.discriminator {
            if !is_plain_name(&file.file) {
                return Err(WeightsError::Value { name: "discriminator.file", value: file.file.clone() });
            }
            if !(1e-6..=1e6).contains(&form.input_unit) {
                return Err(WeightsError::Value {
                    name: "discriminator.input_unit",
                    value: form.input_unit.to_string(),
                });
            }
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
        self.verify_digest(bytes.len() as u64, sha256(bytes))
    }

    /// As [`Self::verify`], from the number of bytes and their SHA-256, lower-case hexadecimal.
    ///
    /// # Errors
    /// When the length or the SHA-256 differs.
    pub fn verify_digest(&self, bytes: u64, sha256: String) -> Result<(), WeightsError> {
        let file = self.file.clone();
        if bytes != self.bytes {
            return Err(WeightsError::Length { file, found: bytes, expected: self.bytes });
        }
        if sha256 == self.sha256 {
            Ok(())
        } else {
            Err(WeightsError::Checksum { file, found: sha256, expected: self.sha256.clone() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Cosmology,
        formats::weights::{Ancestor, ImportRecord, TrainingRecord},
    };

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT.into(),
            version: VERSION,
            network: NetworkDefinition::paper(),
            side_angle: 0.865,
            generator: vec![WeightsFile::describe("generator-f16.safetensors", Precision::F16, b"abc")],
            discriminator: Some(DiscriminatorWeights {
                form: DiscriminatorForm { batch_norm: false, input_unit: 0.5, asinh: true },
                file: WeightsFile::describe("discriminator-f16.safetensors", Precision::F16, b"abcd"),
            }),
            origin: Origin::Trained(TrainingRecord {
                data: "a test".into(),
                maps: 3,
                data_sha256: sha256(b"maps"),
                data_marks: String::new(),
                cosmology: Some(Cosmology::PAPER),
                source_redshift: Some(1.0),
                step: 10,
                started_from: Some(Ancestor { sha256: sha256(b"before"), steps: 7 }),
                batch_size: 64,
                learning_rate: Some(2e-4),
                seed: 1,
                precision: "bf16".into(),
                device: "cpu".into(),
                discriminator: Some("without batch normalisation".into()),
                trained_toward: vec!["P(l)".into()],
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

    fn discriminator(manifest: &mut Manifest) -> &mut DiscriminatorWeights {
        manifest.discriminator.as_mut().unwrap()
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
        assert!(refused(|m| discriminator(m).file.file = "a/b".into()).contains("discriminator.file"));
        assert!(refused(|m| discriminator(m).form.input_unit = 0.0).contains("discriminator.input_unit"));
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
}
