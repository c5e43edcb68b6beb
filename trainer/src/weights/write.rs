//! Writing weights: a generator's tensors in one or two precisions, and the manifest that says what they are.

use std::path::Path;

use anyhow::{Context, Result};
use shared::{
    formats::weights::{
        DiscriminatorWeights, Manifest, Origin, Precision, SelfCheck, Weights, WeightsFile,
        manifest::{FORMAT, VERSION},
    },
    network::{DiscriminatorForm, MapGenerator, NetworkDefinition, definition::parameters},
    statistics::SpectrumBand,
};
use storage::{files::create_folder, runs::write_atomically};

use super::load::MANIFEST;
use crate::drawing::{DeviceChoice, Drawer};

/// Names of the files of a folder of weights.
pub const WEIGHTS_FILES: [&str; 4] = [MANIFEST, F16_FILE, F32_FILE, DISCRIMINATOR_FILE];
const F16_FILE: &str = "generator-f16.safetensors";
const F32_FILE: &str = "generator-f32.safetensors";
const DISCRIMINATOR_FILE: &str = "discriminator-f16.safetensors";

/// Seed of the map by which a device shows that it computes the network rightly.
const SELF_CHECK_SEED: u64 = 0;
/// Pixels of it that are stated.
const SELF_CHECK_PIXELS: usize = 64;
/// Largest difference between devices that rounding explains, as a share of the range of kappa; the page promises no more.
const SELF_CHECK_TOLERANCE: f32 = 1e-3;

/// Names and bytes of files.
pub type NamedFiles = Vec<(String, Vec<u8>)>;

/// A generator's tensors as files, not yet written.
pub struct EncodedWeights {
    network: NetworkDefinition,
    side_angle: f64,
    files: Vec<WeightsFile>,
    encoded: Vec<Vec<u8>>,
    /// The generator of the coarsest file, which is the one that the page loads.
    coarsest: Drawer,
    discriminator: Option<(DiscriminatorWeights, Vec<u8>)>,
}

impl EncodedWeights {
    /// Takes a generator of maps of `side_angle` degrees, that `encode` encodes in these precisions.
    ///
    /// # Errors
    /// When there are none, or a value is not finite in one of them.
    pub fn new(
        encode: impl Fn(Precision) -> Result<Vec<u8>>,
        network: &NetworkDefinition,
        side_angle: f64,
        precisions: impl IntoIterator<Item = Precision>,
    ) -> Result<Self> {
        let (mut files, mut encoded) = (Vec::new(), Vec::new());
        for precision in precisions {
            let name = match precision {
                Precision::F16 => F16_FILE,
                Precision::F32 => F32_FILE,
            };
            let bytes = encode(precision)?;
            files.push(WeightsFile::describe(name, precision, &bytes));
            encoded.push(bytes);
        }
        let coarsest = files.iter().position(|file| file.precision == Precision::F16).unwrap_or(0);
        let coarsest = encoded.get(coarsest).context("give at least one --precision")?;
        let weights = Weights::read(coarsest.clone(), &parameters(&network.generator()))?;
        let coarsest = Drawer::new(network, &weights, DeviceChoice::Cpu)?;
        Ok(Self { network: network.clone(), side_angle, files, encoded, coarsest, discriminator: None })
    }

    /// The same with a discriminator, whose tensors are given in half precision.
    ///
    /// # Errors
    /// When these are not those of such a discriminator.
    pub fn with_discriminator(self, form: DiscriminatorForm, bytes: Vec<u8>) -> Result<Self> {
        Weights::read(bytes.clone(), &parameters(&form.layers(&self.network)))?;
        let file = WeightsFile::describe(DISCRIMINATOR_FILE, Precision::F16, &bytes);
        Ok(Self { discriminator: Some((DiscriminatorWeights { form, file }, bytes)), ..self })
    }

    /// The generator as the page draws with it: what a manifest states is measured on these tensors.
    pub fn generator(&self, batch: usize) -> MapGenerator<&Drawer> {
        MapGenerator::new(self.network.clone(), self.side_angle, batch, &self.coarsest)
    }

    /// Writes the files, and last their manifest, so that it never names weights that are not there yet. What lies in the folder
    /// under these names is replaced.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(self, folder: &Path, origin: Origin, spectrum: Vec<SpectrumBand>) -> Result<Manifest> {
        let (manifest, files) = self.into_files(origin, spectrum)?;
        create_folder(folder)?;
        for (name, bytes) in &files {
            write_atomically(&folder.join(name), bytes)?;
        }
        write_atomically(&folder.join(MANIFEST), manifest.to_json()?.as_bytes())?;
        // Those of other weights, which the manifest no longer names.
        for name in WEIGHTS_FILES {
            if name != MANIFEST && files.iter().all(|(written, _)| written != name) {
                let _ = std::fs::remove_file(folder.join(name));
            }
        }
        Ok(manifest)
    }

    /// The manifest, and names and bytes of the files that it names.
    ///
    /// # Errors
    /// When the generator draws no map.
    pub fn into_files(self, origin: Origin, spectrum: Vec<SpectrumBand>) -> Result<(Manifest, NamedFiles)> {
        let self_check = self.self_check()?;
        let names: Vec<String> = self.files.iter().map(|file| file.file.clone()).collect();
        let (discriminator, judging) = self.discriminator.unzip();
        let manifest = Manifest {
            format: FORMAT.into(),
            version: VERSION,
            network: self.network,
            side_angle: self.side_angle,
            generator: self.files,
            discriminator,
            origin,
            spectrum,
            self_check,
        };
        let mut files: NamedFiles = names.into_iter().zip(self.encoded).collect();
        files.extend(judging.map(|bytes| (DISCRIMINATOR_FILE.to_owned(), bytes)));
        Ok((manifest, files))
    }

    /// Pixels spread over one map.
    fn self_check(&self) -> Result<SelfCheck> {
        let maps = self.generator(1).draw_seeds([SELF_CHECK_SEED])?;
        let kappa = maps.first().context("no map was drawn")?;
        let side = self.network.map_side;
        // A step that shares no factor with the side visits every row and column pattern.
        let pixels = (0..SELF_CHECK_PIXELS).map(|i| {
            let (row, column) = (i * 37 % side, i * 101 % side);
            (row, column, kappa[row * side + column])
        });
        Ok(SelfCheck {
            seed: SELF_CHECK_SEED,
            pixels: pixels.collect(),
            tolerance: SELF_CHECK_TOLERANCE * self.network.kappa_scale,
        })
    }
}
