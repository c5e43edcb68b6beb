//! `trainer maps`: training maps from lens planes or from users' maps.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use shared::{
    formats::{
        element::Element,
        layout::Window,
        maps::content::{Numbers, looks_like},
    },
    random::{Random, Stream, stream},
};
use simulator::{
    planes::{LensPlanes, LinesOfSight},
    ray_tracing::RayTracing,
};
use storage::{
    files::check_room,
    maps::{
        MapArchive, MapWriter, MapsDescription, MaskFrom,
        window::{MaskedWindow, draw_unmasked},
    },
    runs::Interruption,
};

use super::input::{InputArguments, MaskArguments};
use crate::progress::{Bar, counted};

/// Maps that are drawn at once: bounds the memory, whatever --count is.
const CHUNK: usize = 64;
/// Your maps that are in memory at once.
const WHOLE_MAPS: usize = 8;

/// Cut training maps from lens planes or from your own maps.
///
/// Of larger maps, --count windows are drawn at random, each with one of the eight symmetries of the square; without --count, all
/// windows that lie side by side are cut, unturned. Maps that have the asked size come once each, unturned, unless --symmetries asks
/// for draws of them. From planes, every map gets an independent window and symmetry for each plane. The same seed gives the same
/// maps. The result is a .npy array [N, size, size] in float32 with a description (.npy.json) beside it, which knows the maps that
/// it was cut from: training, export, evaluation and comparison warn where two sets share some.
///
/// Examples:
///   trainer maps --planes lenstools-planes --count 20000 --out data/maps.npy
///   trainer maps --maps my-maps --split train --count 20000 --out data/train.npy
///   trainer maps --maps my-maps --split validation --out data/validation.npy
///   trainer maps --maps simulated/z1.000 --count 24 --average 2 --half --out public/reference/samples.npy
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct MapsArguments {
    /// Folder of LensTools potential planes (FITS with ANGLE, CHI, Z); maps are their Born projection
    #[arg(long, value_name = "DIR", conflicts_with = "maps")]
    planes: Option<PathBuf>,
    /// File or folder of your own convergence maps of any size (.npy, .npz, FITS, HDF5); FILE[NAME] takes one array or image of several
    #[arg(long, value_name = "MAPS")]
    maps: Option<PathBuf>,
    /// Number of maps to write [default, for --maps: as many as lie side by side]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Pixels along the side of a map
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=32_768))]
    size: u32,
    /// Turn maps that have the asked size too, and draw them with replacement
    #[arg(long, requires = "maps")]
    symmetries: bool,
    /// Use only this part of your maps; the parts of one set share none, whatever the seed
    #[arg(long, value_enum, requires = "maps")]
    split: Option<Split>,
    /// Shares of the parts in percent
    #[arg(long, value_name = "TRAIN,VALIDATION,TEST", default_value = "80,10,10", requires = "split")]
    shares: Shares,
    /// Average squares of this many pixels along a side into one, after cutting: a map of --size then covers as many times the angle
    #[arg(long, default_value_t = 1, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..=1024))]
    average: u32,
    /// Write float16, half the size and three digits of kappa: enough to look at, as the page's samples
    #[arg(long)]
    half: bool,
    /// Redshift of the source plane, for --planes
    #[arg(long, default_value_t = 1.0, value_name = "Z")]
    source_redshift: f64,
    /// How light is followed through --planes
    #[arg(long, value_enum, default_value_t = RayTracing::Born)]
    ray_tracing: RayTracing,
    #[command(flatten)]
    input: InputArguments,
    /// Cut no windows with pixels that are left out: nan (those that are NaN), auto (those without a value: NaN, HEALPix's UNSEEN, -99
    /// and the like), or a FILE of one mask for all maps or one for each, where 0 is left out
    #[arg(long, value_name = "nan|auto|FILE", requires = "maps")]
    mask: Option<MaskFrom>,
    /// Seed of windows and symmetries
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
    /// Replace the file and its description if they are there
    #[arg(long)]
    force: bool,
}

/// A part of a set of maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Split {
    /// To train on
    Train,
    /// To choose by
    Validation,
    /// To judge by, once
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// Shares of the three parts in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shares([f64; 3]);

impl FromStr for Shares {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shares: Option<Vec<f64>> = text.split(',').map(|share| share.trim().parse().ok()).collect();
        match shares.as_deref() {
            Some(&[train, validation, test])
                if [train, validation, test].iter().all(|share| *share >= 0.0)
                    && (train + validation + test - 100.0).abs() < 1e-9 =>
            {
                Ok(Self([train, validation, test]))
            }
            _ => Err("give three percentages that add up to 100, as in 80,10,10"),
        }
    }
}

impl Split {
    /// The maps of this part, of those with these marks, in rising order. Marks are as good as random numbers: in their order the
    /// parts follow each other, so that neither the order nor the names of files matter, and copies of a map are in one part.
    fn of(self, marks: &[u64], Shares(shares): Shares) -> Vec<usize> {
        let mut distinct = marks.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let end = |parts: usize| (shares[..parts].iter().sum::<f64>() / 100.0 * distinct.len() as f64).round() as usize;
        let part = &distinct[end(self as usize).min(distinct.len())..end(self as usize + 1).min(distinct.len())];
        (0..marks.len()).filter(|&map| part.binary_search(&marks[map]).is_ok()).collect()
    }
}

/// Runs the command.
///
/// # Errors
/// When the input is not usable or the output cannot be written.
pub fn run(arguments: &MapsArguments) -> Result<()> {
    if arguments.out.extension().is_none_or(|extension| extension != "npy") {
        bail!("--out must end in .npy, got {}", arguments.out.display());
    }
    MapWriter::check_free(&arguments.out, arguments.force)?;
    match (&arguments.planes, &arguments.maps, arguments.count) {
        (Some(folder), _, Some(count)) => from_planes(arguments, folder, count as usize),
        (None, Some(path), _) => from_maps(arguments, path),
        (Some(_), ..) => bail!("--planes needs --count, the number of maps to make"),
        (None, None, _) => {
            bail!("give --maps, your own convergence maps, or --planes, a folder of lens planes, with --count")
        }
    }
}

impl MapsArguments {
    /// Pixels along the side of a map.
    fn size(&self) -> usize {
        self.size as usize
    }

    /// Pixels along the side of what is cut.
    fn cut(&self) -> usize {
        self.size() * self.average as usize
    }

    /// From which of so many maps the output of this number is drawn, and the random numbers of its window.
    fn drawn(&self, output: usize, maps: usize) -> (usize, Random) {
        let mut random = stream(self.seed, Stream::Crops).at(output as u64);
        (random.below(maps), random)
    }

    /// What is written of what is cut.
    fn averaged(&self, cut: &[f32]) -> Vec<f32> {
        averaged(cut, self.size(), self.average as usize)
    }

    fn writer(&self) -> Result<MapWriter> {
        MapWriter::create_of(self.element(), &self.out, self.size())
    }

    fn element(&self) -> Element {
        if self.half { Element::LITTLE_F16 } else { Element::LITTLE_F32 }
    }

    /// Refuses more maps than the disk has room for.
    fn check_room(&self, maps: usize) -> Result<()> {
        check_room(&self.out, (maps * self.size().pow(2) * self.element().bytes()) as u64)
    }

    fn finish(&self, writer: MapWriter, bar: &Bar, description: &MapsDescription) -> Result<()> {
        writer.finish(Some(description)).context("cannot complete the file")?;
        bar.finish();
        let MapsDescription { maps, pixels, side_angle, .. } = description;
        let (out, maps) = (self.out.display(), counted(*maps, "map"));
        crate::say!("{out}: {maps} of {pixels} x {pixels} pixels, {side_angle} degrees");
        Ok(())
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

fn from_planes(arguments: &MapsArguments, folder: &std::path::Path, count: usize) -> Result<()> {
    let planes = LensPlanes::read(folder)?;
    let cut = arguments.cut();
    if planes.pixels < cut {
        bail!(
            "the planes have {} pixels along a side, fewer than the {cut} of a map: give a smaller --size or --average",
            planes.pixels
        );
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
        maps: count,
        pixels: arguments.size(),
        side_angle: planes.side_angle * cut as f64 / planes.pixels as f64,
        seed: Some(arguments.seed),
        source_redshift: Some(arguments.source_redshift),
        cosmology: Some(planes.cosmology),
        sources: planes.sources(),
        ..MapsDescription::default()
    };
    let draw = |map: usize| {
        let mut random = stream(arguments.seed, Stream::Crops).at(map as u64);
        match arguments.ray_tracing {
            RayTracing::Born => lines.draw(&mut random, cut),
            RayTracing::MultiPlane => lines.draw_deflected(&mut random, cut),
        }
    };
    check_projection(&draw(0), arguments.input.as_kappa)?;
    arguments.check_room(count)?;
    let bar = Bar::new(count, "maps");
    let interruption = Interruption::listen()?;
    let mut writer = arguments.writer()?;
    for first in (0..count).step_by(CHUNK) {
        interruption.check()?;
        let end = (first + CHUNK).min(count);
        let maps: Vec<Vec<f32>> = (first..end).into_par_iter().map(draw).collect();
        for map in &maps {
            writer.write(&arguments.averaged(map))?;
        }
        bar.inc((end - first) as u64);
    }
    arguments.finish(writer, &bar, &description)
}

/// Checks that what planes project to can be convergence: planes of density are told from those of potential by it.
fn check_projection(map: &[f32], as_kappa: bool) -> Result<()> {
    let mut numbers = Numbers::default();
    numbers.add(map);
    let sigma = numbers.sigma();
    if !as_kappa && !(1e-5..=1.0).contains(&sigma) {
        let looks = looks_like(&numbers).unwrap_or_default();
        bail!(
            "these planes project to maps that are no convergence ({looks}): are they density planes? Potential planes, in \
             rad^2, are wanted; to go on nevertheless give --as-kappa"
        );
    }
    Ok(())
}

/// A map that is to be written.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// The window that begins at this row and column, as the next one.
    At(usize, usize),
    /// A random window and symmetry, as the one of this number.
    Drawn(usize),
}

/// One of your maps while it is cut.
struct Whole<'a> {
    number: usize,
    wanted: &'a [Wanted],
    content: MaskedWindow,
    shape: [usize; 2],
}

impl<'a> Whole<'a> {
    fn read(archive: &MapArchive, number: usize, wanted: &'a [Wanted]) -> Result<Self> {
        let shape = archive.shape_of(number)?;
        let window = Window { row: 0, column: 0, rows: shape[0], columns: shape[1] };
        let content = archive.window(number, window).with_context(|| format!("map {number}"))?;
        Ok(Self { number, wanted, content, shape })
    }

    /// What is wanted of it, from this one on and so many as are drawn at once; `None` for windows with masked pixels.
    fn cut(&self, arguments: &MapsArguments, maps: usize, first: usize) -> Result<Vec<(Option<Vec<f32>>, Wanted)>> {
        let size = arguments.cut();
        let one = |&wanted: &Wanted| -> Result<(Option<Vec<f32>>, Wanted)> {
            let kappa = match wanted {
                Wanted::At(row, column) => window_at(&self.content, self.shape[1], [row, column], size),
                Wanted::Drawn(output) => {
                    let (_, mut random) = arguments.drawn(output, maps);
                    Some(draw_unmasked(&self.content, self.shape, size, &mut random)?)
                }
            };
            Ok((kappa.map(|kappa| arguments.averaged(&kappa)), wanted))
        };
        let wanted = self.wanted.iter().skip(first).take(CHUNK);
        wanted.map(one).collect::<Result<_>>().with_context(|| format!("map {}", self.number))
    }
}

fn from_maps(arguments: &MapsArguments, path: &std::path::Path) -> Result<()> {
    let mask = MaskArguments { mask: arguments.mask.clone(), ..MaskArguments::default() };
    let archive = arguments.input.open_masked(path, &mask)?;
    let cut = arguments.cut();
    archive.check_size(cut)?;
    let chosen = match arguments.split {
        Some(split) => split.of(&archive.marks()?, arguments.shares),
        None => (0..archive.maps()).collect(),
    };
    ensure!(
        !chosen.is_empty(),
        "of {} none is in this part: bring more maps, or give it a larger share (--shares)",
        counted(archive.maps(), "map")
    );
    let wanted = wanted(arguments, &archive, &chosen)?;
    let total = wanted.values().map(Vec::len).sum();
    let bar = Bar::new(total, "maps");
    let interruption = Interruption::listen()?;
    let mut writer = arguments.writer()?;
    let (mut written, mut left_out) = (0, 0);
    let sources = archive.sources_of(wanted.keys().copied())?;
    let wanted: Vec<(usize, Vec<Wanted>)> = wanted.into_iter().collect();
    for chunk in wanted.chunks(WHOLE_MAPS.max(rayon::current_num_threads())) {
        // Each of your maps is read once, however many windows it gives.
        let whole = chunk.par_iter().map(|(number, wanted)| Whole::read(&archive, *number, wanted));
        let whole: Vec<Whole> = whole.collect::<Result<_>>()?;
        let longest = chunk.iter().map(|(_, wanted)| wanted.len()).max().unwrap_or(0);
        for first in (0..longest).step_by(CHUNK) {
            interruption.check()?;
            let cut = |map: &Whole| map.cut(arguments, chosen.len(), first);
            let found: Vec<_> = whole.par_iter().map(cut).collect::<Result<_>>()?;
            for (kappa, wanted) in found.into_iter().flatten() {
                match (kappa, wanted) {
                    (Some(kappa), Wanted::Drawn(output)) => writer.write_at(output, &kappa)?,
                    (Some(kappa), Wanted::At(..)) => writer.write_at(written, &kappa)?,
                    (None, _) => {
                        left_out += 1;
                        continue;
                    }
                }
                written += 1;
            }
            bar.set_position((written + left_out) as u64);
        }
    }
    ensure!(
        written > 0,
        "every window holds masked pixels: give a smaller --size, or --count to draw windows between them"
    );
    if left_out > 0 {
        eprintln!("note: {left_out} of {total} windows hold masked pixels and are left out");
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let how = if arguments.count.is_some() && is_drawn(arguments, &archive) {
        "random windows and symmetries of"
    } else {
        "cut from"
    };
    let part = arguments.split.map(|split| format!(", part {split}")).unwrap_or_default();
    let origin = archive.origin();
    let described = origin.source.as_ref().map(|source| format!(": {source}")).unwrap_or_default();
    let description = MapsDescription {
        source: format!("{how} {} of {name}{part}{described}", counted(chosen.len(), "map")),
        maps: written,
        pixels: arguments.size(),
        side_angle: archive.side_angle(cut),
        seed: Some(arguments.seed),
        source_redshift: origin.source_redshift,
        cosmology: origin.cosmology,
        split: arguments.split.map(|split| split.to_string()),
        sources,
        ..MapsDescription::default()
    };
    arguments.finish(writer, &bar, &description)
}

/// Whether windows are drawn at random where a number of maps is asked for.
fn is_drawn(arguments: &MapsArguments, archive: &MapArchive) -> bool {
    let cut = arguments.cut();
    let is_larger = |map: usize| archive.shape_of(map).is_ok_and(|shape| shape != [cut, cut]);
    arguments.symmetries || archive.files().iter().any(|file| is_larger(file.first()))
}

/// What is to be cut of each of these maps.
fn wanted(arguments: &MapsArguments, archive: &MapArchive, chosen: &[usize]) -> Result<BTreeMap<usize, Vec<Wanted>>> {
    let cut = arguments.cut();
    let mut wanted: BTreeMap<usize, Vec<Wanted>> = BTreeMap::new();
    match arguments.count.map(|count| count as usize) {
        Some(count) if is_drawn(arguments, archive) => {
            arguments.check_room(count)?;
            for output in 0..count {
                let (place, _) = arguments.drawn(output, chosen.len());
                wanted.entry(chosen[place]).or_default().push(Wanted::Drawn(output));
            }
        }
        Some(count) if count > chosen.len() => bail!(
            "there are {} maps of this size, fewer than the {count} of --count: leave --count out to take each once, or give \
             --symmetries to draw them turned, several times",
            chosen.len()
        ),
        count => {
            for &map in &chosen[..count.unwrap_or(chosen.len())] {
                let [rows, columns] = archive.shape_of(map)?;
                let places = (0..rows / cut).flat_map(|row| (0..columns / cut).map(move |column| (row, column)));
                let at = |(row, column)| Wanted::At(row * cut, column * cut);
                wanted.entry(map).or_default().extend(places.map(at));
            }
        }
    }
    Ok(wanted)
}

/// A window of a map where it lies; `None` where it holds masked pixels.
fn window_at(whole: &MaskedWindow, columns: usize, [row, column]: [usize; 2], size: usize) -> Option<Vec<f32>> {
    let places = || (0..size * size).map(move |at| (row + at / size) * columns + column + at % size);
    let is_free = whole.used.as_ref().is_none_or(|used| places().all(|at| used[at]));
    is_free.then(|| places().map(|at| whole.kappa[at]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_pixels_become_their_mean() {
        let map: Vec<f32> = (0..36).map(|i| i as f32).collect();
        assert_eq!(averaged(&map, 6, 1), map);
        // The upper left one holds 0, 1, 2, 6, 7, 8, 12, 13 and 14.
        assert_eq!(averaged(&map, 2, 3), [7.0, 10.0, 25.0, 28.0]);
    }
    #[test]
    fn parts_share_no_map_and_leave_none_out() {
        for maps in [1, 2, 7, 10, 1000] {
            let mut random = stream(maps as u64, Stream::Crops);
            let marks: Vec<u64> = (0..maps).map(|_| random.below(1 << 40) as u64).collect();
            for shares in ["80,10,10", "50,50,0", "33.3,33.3,33.4", "0,0,100"] {
                let shares: Shares = shares.parse().unwrap();
                let parts = [Split::Train, Split::Validation, Split::Test].map(|split| split.of(&marks, shares));
                let mut all: Vec<usize> = parts.concat();
                all.sort_unstable();
                assert_eq!(all, (0..maps).collect::<Vec<_>>(), "{maps} {shares:?}");
                let expected = shares.0[0] / 100.0 * maps as f64;
                assert!((parts[0].len() as f64 - expected).abs() <= 0.5, "{maps} {shares:?}");
                // The same maps in another order, each twice, are divided in the same way.
                let twice: Vec<u64> = marks.iter().rev().chain(&marks).copied().collect();
                let of_marks = |places: &[usize], marks: &[u64]| {
                    places.iter().map(|&place| marks[place]).collect::<std::collections::BTreeSet<_>>()
                };
                assert_eq!(of_marks(&Split::Train.of(&twice, shares), &twice), of_marks(&parts[0], &marks));
            }
        }
        for wrong in ["80,10", "80,10,20", "-10,100,10", "a,b,c", ""] {
            assert!(wrong.parse::<Shares>().is_err(), "{wrong}");
        }
    }
}
