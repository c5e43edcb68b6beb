//! `trainer maps`: training maps from lens planes or from users' maps.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use rayon::prelude::*;
use shared::{
    formats::npy::Element,
    random::{Stream, stream},
};
use simulator::{
    planes::{LensPlanes, LinesOfSight},
    ray_tracing::RayTracing,
};
use storage::maps::{MapArchive, MapWriter, MapsDescription, description::side_angle_of};

use crate::progress::Bar;

/// Maps that are drawn at once: bounds the memory, whatever --count is.
const CHUNK: usize = 64;

/// Cut training maps from lens planes or from your own maps.
///
/// Every map gets its own random window and one of the eight symmetries of the square; from planes, an independent one for
/// each plane. The same seed gives the same maps. The result is a .npy array [N, size, size] in float32 with a
/// description (.npy.json) beside it.
///
/// Examples:
///   trainer maps --planes lenstools-planes --count 20000 --out data/maps.npy
///   trainer maps --maps my-fits-maps --count 20000 --size 256 --out data/maps.npy
///   trainer maps --maps simulated/z1.000 --count 24 --average 2 --half --out public/reference/samples.npy
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct MapsArguments {
    /// Folder of LensTools potential planes (FITS with ANGLE, CHI, Z); maps are their Born projection
    #[arg(long, value_name = "DIR", required_unless_present = "maps", conflicts_with = "maps")]
    planes: Option<PathBuf>,
    /// File or folder of your own convergence maps: .fits, or .npy of [H,W], [N,H,W] or [N,1,H,W]; any size
    #[arg(long, value_name = "PATH")]
    maps: Option<PathBuf>,
    /// Number of maps to write
    #[arg(long)]
    count: usize,
    /// Pixels along the side of a map
    #[arg(long, default_value_t = 256)]
    size: usize,
    /// Average squares of this many pixels along a side into one, after cutting: a map of --size then covers as many times the angle
    #[arg(long, default_value_t = 1, value_name = "PIXELS")]
    average: usize,
    /// Write float16, half the size and three digits of kappa: enough to look at, as the page's samples
    #[arg(long)]
    half: bool,
    /// Redshift of the source plane, for --planes
    #[arg(long, default_value_t = 1.0, value_name = "Z")]
    source_redshift: f64,
    /// How light is followed through --planes
    #[arg(long, value_enum, default_value_t = RayTracing::Born)]
    ray_tracing: RayTracing,
    /// Side of your maps in degrees, where the files do not state it
    #[arg(long, value_name = "DEGREES", requires = "maps", value_parser = side_angle_of)]
    side_angle: Option<f64>,
    /// Seed of windows and symmetries; use another one for validation maps
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
    /// Replace the file and its description if they are there
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// When the input is not usable or the output cannot be written.
pub fn run(arguments: &MapsArguments) -> Result<()> {
    if arguments.count == 0 || arguments.size == 0 || arguments.average == 0 {
        bail!("--count, --size and --average must be at least 1");
    }
    if arguments.out.extension().is_none_or(|extension| extension != "npy") {
        bail!("--out must end in .npy, got {}", arguments.out.display());
    }
    MapWriter::check_free(&arguments.out, arguments.force)?;
    match (&arguments.planes, &arguments.maps) {
        (Some(folder), _) => from_planes(arguments, folder),
        (None, Some(path)) => from_maps(arguments, path),
        (None, None) => bail!("give --planes or --maps"),
    }
}

impl MapsArguments {
    /// Pixels along the side of what is cut.
    fn cut(&self) -> usize {
        self.size.saturating_mul(self.average)
    }
}

/// A map whose pixels are means of squares of `average` x `average`.
fn averaged(map: &[f32], size: usize, average: usize) -> Vec<f32> {
    if average == 1 {
        return map.to_vec();
    }
    let mean = |pixel: usize| {
        let (row, column) = (pixel / size * average, pixel % size * average);
        let sum: f64 = (0..average * average)
            .map(|at| f64::from(map[(row + at / average) * size * average + column + at % average]))
            .sum();
        (sum / (average * average) as f64) as f32
    };
    (0..size * size).map(mean).collect()
}

fn from_planes(arguments: &MapsArguments, folder: &std::path::Path) -> Result<()> {
    let planes = LensPlanes::read(folder)?;
    let cut = arguments.cut();
    if planes.pixels < cut {
        bail!("the planes have {} pixels along a side, fewer than the {cut} of --size and --average", planes.pixels);
    }
    let lines = LinesOfSight::new(&planes, arguments.source_redshift)?;
    let description = MapsDescription {
        source: format!(
            "{} {} LensTools potential planes of {}^2 pixels and {} degrees onto z = {}; an independent window and symmetry for \
             each plane and map",
            match arguments.ray_tracing {
                RayTracing::Born => "Born projection of",
                RayTracing::MultiPlane => "rays deflected at",
            },
            lines.plane_count(),
            planes.pixels,
            planes.side_angle,
            arguments.source_redshift
        ),
        maps: arguments.count,
        pixels: arguments.size,
        side_angle: planes.side_angle * cut as f64 / planes.pixels as f64,
        seed: Some(arguments.seed),
        source_redshift: Some(arguments.source_redshift),
        cosmology: Some(planes.cosmology),
    };
    let draw = |map: usize| {
        let mut random = stream(arguments.seed, Stream::Crops).at(map as u64);
        Ok(match arguments.ray_tracing {
            RayTracing::Born => lines.draw(&mut random, cut),
            RayTracing::MultiPlane => lines.draw_deflected(&mut random, cut),
        })
    };
    write(arguments, &description, draw)
}

fn from_maps(arguments: &MapsArguments, path: &std::path::Path) -> Result<()> {
    let archive = MapArchive::open(path, arguments.side_angle)?;
    let cut = arguments.cut();
    archive.check_size(cut)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let description = MapsDescription {
        source: match &archive.origin().source {
            Some(source) => format!("random windows and symmetries of {} maps of {name}: {source}", archive.maps()),
            None => format!("random windows and symmetries of {} maps of {name}", archive.maps()),
        },
        maps: arguments.count,
        pixels: arguments.size,
        side_angle: archive.pixel_angle() * cut as f64,
        seed: Some(arguments.seed),
        source_redshift: archive.origin().source_redshift,
        cosmology: archive.origin().cosmology,
    };
    let draw = |map: usize| archive.draw(&mut stream(arguments.seed, Stream::Crops).at(map as u64), cut);
    write(arguments, &description, draw)
}

fn write(
    arguments: &MapsArguments,
    description: &MapsDescription,
    draw: impl Fn(usize) -> Result<Vec<f32>> + Sync,
) -> Result<()> {
    let bar = Bar::new(arguments.count, "maps");
    let element = if arguments.half { Element::LITTLE_F16 } else { Element::LITTLE_F32 };
    let mut writer = MapWriter::create_of(element, &arguments.out, arguments.size)?;
    let mut first = 0;
    while first < arguments.count {
        let end = (first + CHUNK).min(arguments.count);
        let maps: Vec<Vec<f32>> = (first..end).into_par_iter().map(&draw).collect::<Result<_>>()?;
        for map in &maps {
            writer.write(&averaged(map, arguments.size, arguments.average))?;
        }
        bar.inc((end - first) as u64);
        first = end;
    }
    writer.finish(Some(description)).context("cannot complete the file")?;
    bar.finish();
    let (count, size, angle) = (arguments.count, arguments.size, description.side_angle);
    println!("{}: {count} maps of {size} x {size} pixels, {angle:.4} degrees", arguments.out.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::averaged;

    #[test]
    fn squares_of_pixels_become_their_mean() {
        let map: Vec<f32> = (0..36).map(|i| i as f32).collect();
        assert_eq!(averaged(&map, 6, 1), map);
        // The upper left one holds 0, 1, 2, 6, 7, 8, 12, 13 and 14.
        assert_eq!(averaged(&map, 2, 3), [7.0, 10.0, 25.0, 28.0]);
    }
}
