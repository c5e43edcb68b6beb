//! `trainer generate`: maps from trained weights.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use shared::{
    ConvergenceMap,
    formats::{
        fits::{self, FitsDescription, Keyword},
        weights::{Manifest, Precision, Weights, WeightsFile},
    },
    latent::latent,
    network::definition::parameters,
};

use crate::{
    files::files_with_extension,
    maps::output::{MapWriter, MapsDescription, check_free},
    networks::{TorchNetwork, generate},
    progress,
    torch::device::{DeviceChoice, describe},
};

/// Maps that are drawn at once.
const BATCH: usize = 16;
/// How the names of single maps begin.
const FILE_PREFIX: &str = "kappa-seed-";

/// Draw maps with trained weights.
///
/// Map number i comes from seed S + i, and a seed gives the same map here, on the web page and on every machine.
///
/// Examples:
///   trainer generate --weights public/weights --count 1000 --out maps.npy
///   trainer generate --weights public/weights --seed 42 --out kappa.fits
///   trainer generate --weights public/weights --count 8 --out maps-as-fits
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct GenerateArguments {
    /// Folder with manifest.json and the weights it names
    #[arg(long, value_name = "DIR")]
    weights: PathBuf,
    /// Number of maps
    #[arg(long, default_value_t = 1)]
    count: usize,
    /// Seed of the first map
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// FILE.npy, FILE.fits (one map), or a folder for one FITS file a map
    #[arg(long, value_name = "FILE.npy|FILE.fits|DIR")]
    out: PathBuf,
    /// File of weights to use; the most precise one there is, otherwise
    #[arg(long)]
    precision: Option<WeightsPrecision>,
    /// Device that computes: auto, cpu, cuda or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Replace what is there
    #[arg(long)]
    force: bool,
}

/// Precision of a file of weights, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightsPrecision {
    /// Half precision, as the page loads it.
    F16,
    /// Single precision.
    F32,
}

impl From<WeightsPrecision> for Precision {
    fn from(precision: WeightsPrecision) -> Self {
        match precision {
            WeightsPrecision::F16 => Self::F16,
            WeightsPrecision::F32 => Self::F32,
        }
    }
}

/// A folder of weights: its manifest, and the generator in the file that was chosen.
pub struct LoadedWeights {
    /// What the weights are.
    pub manifest: Manifest,
    /// The file that was read.
    pub file: WeightsFile,
    /// The generator's tensors.
    pub generator: Weights,
}

/// Reads a folder of weights, or the folder of a manifest.
///
/// # Errors
/// When the manifest or the file is missing, damaged, or not what it says.
pub fn load_weights(path: &Path, precision: Option<Precision>) -> Result<LoadedWeights> {
    let manifest_path = if path.is_dir() { path.join("manifest.json") } else { path.to_owned() };
    let folder = manifest_path.parent().unwrap_or(Path::new("."));
    let bytes = std::fs::read(&manifest_path).with_context(|| {
        format!("cannot read {}: give a folder of weights, as `trainer export` writes it", manifest_path.display())
    })?;
    let manifest = Manifest::from_json(&bytes).with_context(|| manifest_path.display().to_string())?;
    let file = choose_file(&manifest, folder, precision).with_context(|| manifest_path.display().to_string())?;
    let path = folder.join(&file.file);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    file.verify(&bytes).with_context(|| folder.display().to_string())?;
    let generator = Weights::read(&bytes, &parameters(&manifest.network.generator()));
    Ok(LoadedWeights { generator: generator.with_context(|| path.display().to_string())?, file, manifest })
}

/// The file of the precision that is asked for, otherwise the most precise one that is there.
fn choose_file(manifest: &Manifest, folder: &Path, precision: Option<Precision>) -> Result<WeightsFile> {
    if let Some(precision) = precision {
        return manifest.file(precision).cloned().with_context(|| format!("names no file of {precision:?} weights"));
    }
    let named: Vec<_> = [Precision::F32, Precision::F16].iter().filter_map(|&p| manifest.file(p)).collect();
    let there = named.iter().find(|file| folder.join(&file.file).is_file());
    let names = || named.iter().map(|file| file.file.as_str()).collect::<Vec<_>>().join(" and ");
    there.map(|&file| file.clone()).with_context(|| format!("{} must lie beside it and is missing", names()))
}

/// Runs the command.
///
/// # Errors
/// When the weights are not usable or the output cannot be written.
pub fn run(arguments: &GenerateArguments) -> Result<()> {
    if arguments.count == 0 {
        bail!("--count must be at least 1");
    }
    if arguments.seed.checked_add(arguments.count as u64).is_none() {
        bail!("--seed and --count go beyond the last seed, {}", u64::MAX);
    }
    check_free(&arguments.out, arguments.force)?;
    let weights = load_weights(&arguments.weights, arguments.precision.map(Precision::from))?;
    let device = arguments.device.open()?;
    let manifest = &weights.manifest;
    let generator = TorchNetwork::generator_from(&manifest.network, &weights.generator, device)?;
    println!("device: {}, weights: {} ({} steps)", describe(device), weights.file.file, manifest.training.step);
    let mut output = Output::create(arguments, &weights)?;
    let bar = progress::bar(arguments.count, "maps");
    let start = std::time::Instant::now();
    let end = arguments.seed + arguments.count as u64;
    for first in (arguments.seed..end).step_by(BATCH) {
        let seeds: Vec<u64> = (first..end.min(first.saturating_add(BATCH as u64))).collect();
        let latents: Vec<Vec<f32>> = seeds.iter().map(|&seed| latent(seed, manifest.network.latent_size)).collect();
        let maps = generate(&generator, &latents, device)?;
        for (kappa, &seed) in maps.chunks(manifest.network.map_pixels()).zip(&seeds) {
            output.write(seed, kappa)?;
        }
        bar.inc(seeds.len() as u64);
    }
    output.finish()?;
    bar.finish();
    let speed = arguments.count as f64 / start.elapsed().as_secs_f64();
    println!("{}: {} maps, {speed:.1} maps/s", arguments.out.display(), arguments.count);
    Ok(())
}

/// Where maps go.
enum Output<'a> {
    Array(Box<(MapWriter, MapsDescription)>),
    Files { arguments: &'a GenerateArguments, weights: &'a LoadedWeights, single: bool },
}

impl<'a> Output<'a> {
    fn create(arguments: &'a GenerateArguments, weights: &'a LoadedWeights) -> Result<Self> {
        let extension = arguments.out.extension().and_then(|extension| extension.to_str());
        if extension == Some("npy") {
            let manifest = &weights.manifest;
            let description = MapsDescription {
                source: format!(
                    "generated by CosmoGAN weights {} from seed {} on",
                    weights.file.sha256, arguments.seed
                ),
                maps: arguments.count,
                pixels: manifest.network.map_side,
                side_angle: manifest.side_angle,
                seed: Some(arguments.seed),
                source_redshift: manifest.training.source_redshift,
                cosmology: manifest.training.cosmology,
            };
            let writer = MapWriter::create(&arguments.out, manifest.network.map_side)?;
            return Ok(Self::Array(Box::new((writer, description))));
        }
        let single = extension == Some("fits") && arguments.count == 1;
        if !single {
            let out = &arguments.out;
            std::fs::create_dir_all(out).with_context(|| format!("cannot create the folder {}", out.display()))?;
            // Only after --force: maps of other weights must not stay among the new ones.
            for path in files_with_extension(out, &["fits"])? {
                if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FILE_PREFIX)) {
                    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
            }
        }
        Ok(Self::Files { arguments, weights, single })
    }

    fn write(&mut self, seed: u64, kappa: &[f32]) -> Result<()> {
        match self {
            Self::Array(array) => array.0.write(kappa),
            Self::Files { arguments, weights, single } => {
                let manifest = &weights.manifest;
                let map = ConvergenceMap::new(manifest.side_angle, manifest.network.map_side, kappa.to_vec())?;
                let description = FitsDescription {
                    cosmology: manifest.training.cosmology,
                    source_redshift: manifest.training.source_redshift,
                    keywords: vec![
                        ("SEED", Keyword::Text(seed.to_string()), "seed of the latent vector"),
                        ("WEIGHTS", Keyword::Text(weights.file.sha256.clone()), ""),
                        ("ORIGIN", Keyword::Text("CosmoGAN generator".into()), ""),
                    ],
                };
                let name = format!("{FILE_PREFIX}{seed:06}.fits");
                let path = if *single { arguments.out.clone() } else { arguments.out.join(name) };
                crate::files::write_atomically(&path, &fits::write(&map, &description)?)
            }
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Array(array) => {
                let (writer, description) = *array;
                writer.finish(Some(&description))
            }
            Self::Files { .. } => Ok(()),
        }
    }
}
