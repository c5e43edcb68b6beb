//! `trainer generate`: maps from trained weights.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::{
    ConvergenceMap,
    formats::{
        fits::{self, FitsDescription, Keyword},
        weights::Precision,
    },
    network::cpu::CpuGenerator,
};
use storage::{
    files::{check_free, check_room, create_folder, files_with_extension},
    maps::{MapWriter, MapsDescription},
    runs::{Interruption, write_atomically},
};

use crate::{
    drawing::{DeviceChoice, Drawer, drawer::settle},
    progress::{Bar, counted},
    weights::{LoadedWeights, WeightsPrecision},
};

/// Maps that are drawn at once: enough for every core, and no more than fit beside anything else.
fn batch() -> usize {
    CpuGenerator::maps_at_once().clamp(16, 256)
}

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
    /// Weights: a folder with manifest.json, the manifest, or a file of tensors beside it
    #[arg(long, value_name = "WEIGHTS")]
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
    /// Device that computes: auto, cpu, torch-cpu, cuda or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Threads that compute, as many as this process may use by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Replace what is there
    #[arg(long)]
    force: bool,
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
    let kind = OutputKind::of(&arguments.out, arguments.count)?;
    match kind {
        OutputKind::Array => MapWriter::check_free(&arguments.out, arguments.force)?,
        OutputKind::Image => check_free(&arguments.out, arguments.force)?,
        OutputKind::Folder if arguments.out.exists() && !arguments.force => {
            bail!("{} is there already: give another --out, or --force to replace its maps", arguments.out.display())
        }
        OutputKind::Folder => {}
    }
    settle(arguments.threads);
    let weights = LoadedWeights::read(&arguments.weights, arguments.precision.map(Precision::from))?;
    let manifest = &weights.manifest;
    check_room(&arguments.out, (arguments.count as u64).saturating_mul(manifest.network.map_pixels() as u64 * 4))?;
    let generator = Drawer::new(&manifest.network, &weights.generator, arguments.device)?.generator(manifest, batch());
    let steps = manifest.origin.total_steps().map(|steps| format!(" ({steps} steps)")).unwrap_or_default();
    crate::say!("device: {}, weights: {}{steps}", generator.backend().describe(), weights.file.file);
    let interruption = Interruption::listen()?;
    let mut output = Output::create(kind, arguments, &weights)?;
    let bar = Bar::new(arguments.count, "maps");
    let start = std::time::Instant::now();
    let end = arguments.seed + arguments.count as u64;
    for first in (arguments.seed..end).step_by(generator.batch()) {
        interruption.check()?;
        let seeds = first..end.min(first.saturating_add(generator.batch() as u64));
        for (seed, kappa) in seeds.clone().zip(generator.draw_seeds(seeds.clone())?) {
            output.write(seed, kappa)?;
        }
        bar.inc(seeds.end - seeds.start);
    }
    output.finish()?;
    bar.finish();
    let speed = arguments.count as f64 / start.elapsed().as_secs_f64();
    crate::say!("{}: {}, {speed:.1} maps/s", arguments.out.display(), counted(arguments.count, "map"));
    Ok(())
}

/// What `--out` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputKind {
    /// One `.npy` file.
    Array,
    /// One FITS file of one map.
    Image,
    /// A folder of FITS files.
    Folder,
}

impl OutputKind {
    /// By the ending of the name; a folder that is there is one, whatever its name.
    fn of(out: &Path, count: usize) -> Result<Self> {
        let extension = out.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            _ if out.is_dir() => Ok(Self::Folder),
            None => Ok(Self::Folder),
            Some("npy") => Ok(Self::Array),
            Some("fits" | "fit") if count == 1 => Ok(Self::Image),
            Some("fits" | "fit") => bail!(
                "a FITS file holds one map, --count asks for {count}: give FILE.npy, or the name of a folder for one FITS file a map"
            ),
            Some(other) => bail!(
                "maps cannot be written as .{other}: give FILE.npy, FILE.fits for one map, or the name of a folder without an ending"
            ),
        }
    }
}

/// Where maps go.
enum Output<'a> {
    Array(Box<(MapWriter, MapsDescription)>),
    Files { arguments: &'a GenerateArguments, weights: &'a LoadedWeights, single: bool },
}

impl<'a> Output<'a> {
    fn create(kind: OutputKind, arguments: &'a GenerateArguments, weights: &'a LoadedWeights) -> Result<Self> {
        let manifest = &weights.manifest;
        if kind == OutputKind::Array {
            let description = MapsDescription {
                source: format!(
                    "generated by CosmoGAN weights {} from seed {} on",
                    weights.file.sha256, arguments.seed
                ),
                maps: arguments.count,
                pixels: manifest.network.map_side,
                side_angle: manifest.side_angle,
                seed: Some(arguments.seed),
                source_redshift: manifest.origin.source_redshift(),
                cosmology: manifest.origin.cosmology(),
                ..MapsDescription::default()
            };
            let writer = MapWriter::create(&arguments.out, manifest.network.map_side)?;
            return Ok(Self::Array(Box::new((writer, description))));
        }
        if kind == OutputKind::Folder {
            let out = &arguments.out;
            create_folder(out)?;
            // Only after --force: maps of other weights must not stay among the new ones.
            for path in files_with_extension(out, &["fits"])? {
                if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FILE_PREFIX)) {
                    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
            }
        }
        Ok(Self::Files { arguments, weights, single: kind == OutputKind::Image })
    }

    fn write(&mut self, seed: u64, kappa: Vec<f32>) -> Result<()> {
        match self {
            Self::Array(array) => array.0.write(&kappa),
            Self::Files { arguments, weights, single } => {
                let manifest = &weights.manifest;
                let map = ConvergenceMap::new(manifest.side_angle, manifest.network.map_side, kappa)?;
                let description = FitsDescription {
                    cosmology: manifest.origin.cosmology(),
                    source_redshift: manifest.origin.source_redshift(),
                    keywords: vec![
                        ("SEED", Keyword::Text(seed.to_string()), "seed of the latent vector"),
                        ("WEIGHTS", Keyword::Text(weights.file.sha256.clone()), ""),
                        ("ORIGIN", Keyword::Text("CosmoGAN generator".into()), ""),
                    ],
                };
                let name = format!("{FILE_PREFIX}{seed:06}.fits");
                let path = if *single { arguments.out.clone() } else { arguments.out.join(name) };
                write_atomically(&path, &fits::write(&map, &description)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_written_or_is_refused() {
        let of = |out: &str, count| OutputKind::of(Path::new(out), count).map_err(|error| error.to_string());
        assert_eq!((of("a.npy", 7), of("A.NPY", 7)), (Ok(OutputKind::Array), Ok(OutputKind::Array)));
        assert_eq!((of("a.fits", 1), of("maps", 7)), (Ok(OutputKind::Image), Ok(OutputKind::Folder)));
        assert!(of("a.fits", 2).unwrap_err().contains("--count asks for 2"));
        for name in ["a.npz", "a.h5", "a.png", "a.json"] {
            assert!(of(name, 1).unwrap_err().contains("cannot be written as"), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        let dotted = folder.path().join("maps.v2");
        std::fs::create_dir(&dotted).unwrap();
        assert_eq!(OutputKind::of(&dotted, 3).unwrap(), OutputKind::Folder);
    }
}
