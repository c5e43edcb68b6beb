//! Users' own maps of any size in files of any kind: an index of what there is, read when a crop needs it.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, anyhow, bail};
use shared::{
    ConvergenceMap, Cosmology,
    formats::{
        layout::Window,
        maps::{
            MapFile,
            content::{self, Numbers},
        },
        source::SharedSource,
    },
    statistics::mask::Mask,
};

use super::{
    bytes::{FileSource, SpoolFile},
    description::MapsDescription,
    file::ArchiveFile,
    folder::{self, Named},
    mask::{MaskFile, MaskFrom},
    sources::Sources,
    window::MaskedWindow,
};

/// Files that are kept open: fewer than a process may have.
const OPEN_FILES: usize = 128;
/// Degrees over which the sky is flat, generously.
const FLAT: f64 = 20.0;
/// Maps whose numbers are looked at when an archive is opened.
const LOOKED_AT: usize = 4;

/// How maps are to be read.
#[derive(Default)]
pub struct Reading<'a> {
    /// Side of each map in degrees: wins over what files say.
    pub side_angle: Option<f64>,
    /// Which pixels are left out.
    pub mask: MaskFrom,
    /// Width in arcminutes over which the weights of pixels rise beside those that are left out.
    pub apodised: f64,
    /// Whether the numbers are kappa whatever the files call them.
    pub as_kappa: bool,
    /// Whether files that state their side in no usable way, or differ in it, are taken nevertheless: to be told of, not to be measured.
    pub any_angle: bool,
    /// Told how many files of how many are indexed.
    pub progress: Option<&'a dyn Fn(usize, usize)>,
}

/// Maps of one resolution in one or more files.
pub struct MapArchive {
    files: Vec<ArchiveFile>,
    spool: SpoolFile,
    maps: usize,
    /// Side in degrees of so many pixels, where it is known: as the first file states it, so that no digit is lost.
    scale: Option<(f64, usize)>,
    /// What the first file says of its maps.
    origin: Origin,
    masking: Masking,
    apodised: f64,
    notes: Vec<String>,
}

/// Which pixels are left out, as it is applied.
enum Masking {
    None,
    Nan,
    Auto,
    File(Box<MaskFile>),
}

/// What a file says of where its maps come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Origin {
    /// In words.
    pub source: Option<String>,
    /// Redshift of the source plane.
    pub source_redshift: Option<f64>,
    /// Cosmology of the simulation.
    pub cosmology: Option<Cosmology>,
}

impl MapArchive {
    /// Indexes a file, or the files of a folder, by their headers. `side_angle` in degrees is the side of each map, for files that do
    /// not state it.
    ///
    /// # Errors
    /// When a file is not readable or not of maps, the angle is not known, or the resolutions differ.
    pub fn open(path: &Path, side_angle: Option<f64>) -> Result<Self> {
        Self::read(path, &Reading { side_angle, ..Reading::default() })
    }

    /// The same, as the person wants it read.
    ///
    /// # Errors
    /// As [`MapArchive::open`]; when the numbers are no convergence; when the mask does not fit.
    pub fn read(path: &Path, reading: &Reading) -> Result<Self> {
        let archive = Self::index(path, reading)?;
        if archive.scale.is_none() {
            let first = archive.first_name();
            bail!("{first}: the file does not state the side of its maps: give --side-angle DEGREES");
        }
        Ok(archive)
    }

    /// The same, of maps whose angle need not be known.
    ///
    /// # Errors
    /// As [`MapArchive::read`], but for the angle.
    pub fn index(path: &Path, reading: &Reading) -> Result<Self> {
        let Named { files, part, mut notes } = folder::named(path)?;
        let mut archive = Self {
            files: Vec::new(),
            spool: SpoolFile::default(),
            maps: 0,
            scale: None,
            origin: Origin::default(),
            masking: Masking::None,
            apodised: reading.apodised,
            notes: Vec::new(),
        };
        let count = files.len();
        for (place, path) in files.iter().enumerate() {
            archive
                .add(path, part.as_deref(), reading, count <= OPEN_FILES)
                .with_context(|| path.display().to_string())?;
            if let Some(progress) = reading.progress {
                progress(place + 1, count);
            }
        }
        archive.masking = match &reading.mask {
            MaskFrom::None => Masking::None,
            MaskFrom::Nan => Masking::Nan,
            MaskFrom::Auto => Masking::Auto,
            MaskFrom::File(path) => {
                let mask = MaskFile::open(path).with_context(|| format!("--mask {}", path.display()))?;
                for file in &archive.files {
                    let (rows, columns) = (file.content().rows(), file.content().columns());
                    mask.check(rows, columns, archive.maps).with_context(|| format!("--mask {}", path.display()))?;
                }
                if !mask.leaves_out()? {
                    archive.notes.push(format!("--mask {}: its first mask leaves no pixel out", path.display()));
                }
                Masking::File(Box::new(mask))
            }
        };
        notes.append(&mut archive.notes);
        archive.notes = notes;
        archive.look(reading.as_kappa)?;
        Ok(archive)
    }

    fn add(&mut self, path: &Path, part: Option<&str>, reading: &Reading, keep_open: bool) -> Result<()> {
        let source: SharedSource = Arc::new(FileSource::open(path).context("cannot open it")?);
        let content = MapFile::open(&source, &mut self.spool, part)?;
        let (rows, columns, maps) = (content.rows(), content.columns(), content.maps());
        for note in &content.notes {
            self.note(path, note);
        }
        if !reading.as_kappa
            && let Some(other) = content::other_than_kappa(&content.facts)
        {
            bail!("{other}; if the header is wrong, give --as-kappa");
        }
        let description = MapsDescription::beside(path, maps, rows)?;
        let described = description.as_ref().map(|description| description.side_angle);
        let stated = match (described, reading.side_angle, &content.side_angle) {
            (Some(described), ..) => Some(described),
            (None, _, Ok(stated)) => *stated,
            (None, given, Err(reason)) if given.is_some() || reading.any_angle => {
                self.note(path, reason);
                None
            }
            (None, _, Err(reason)) => bail!("{reason}"),
        };
        if let (Some(given), Some(stated)) = (reading.side_angle, stated)
            && (given / stated - 1.0).abs() > 1e-6
        {
            self.note(path, &format!("it states a side of {stated} degrees; --side-angle {given} is taken"));
        }
        let angle = reading.side_angle.or(stated);
        if let Some(angle) = angle.filter(|angle| *angle > FLAT) {
            self.note(
                path,
                &format!("a side of {angle} degrees, over which the sky is not flat: is it in arcminutes?"),
            );
        }
        let pixel_angle = angle.map(|angle| angle / columns as f64);
        if let Some(first) = self.files.first() {
            match (pixel_angle, self.scale.map(|_| self.pixel_angle())) {
                (Some(here), Some(before)) if (here / before - 1.0).abs() > 1e-6 && !reading.any_angle => {
                    bail!("a pixel is {here:.6} degrees here and {before:.6} in the files before: use one resolution")
                }
                (Some(_), Some(_)) | (None, None) => {}
                (here, _) if reading.any_angle => {
                    self.note(path, "of these files some state the side of their maps and some do not");
                    self.scale = self.scale.or(here.zip(angle).map(|(_, angle)| (angle, columns)));
                }
                _ => bail!(
                    "of this file and {} one states the side of its maps and one does not: give --side-angle DEGREES",
                    first.path().display()
                ),
            }
        } else {
            self.scale = angle.map(|angle| (angle, columns));
            self.origin = match &description {
                Some(MapsDescription { source, source_redshift, cosmology, .. }) => {
                    Origin { source: Some(source.clone()), source_redshift: *source_redshift, cosmology: *cosmology }
                }
                None => Origin {
                    source: None,
                    source_redshift: content.facts.source_redshift,
                    cosmology: content.facts.cosmology,
                },
            };
        }
        let first = self.maps;
        let file = ArchiveFile::new(path, content, description, keep_open, first);
        file.check_description(&self.spool)?;
        self.files.push(file);
        self.maps += maps;
        Ok(())
    }

    /// Notes are said once, for the first file that they hold for.
    fn note(&mut self, path: &Path, note: &str) {
        if !self.notes.iter().any(|known| known.ends_with(note)) {
            self.notes.push(format!("{}: {note}", path.display()));
        }
    }

    /// The first file, to be named.
    fn first_name(&self) -> String {
        self.files.first().map(|file| file.path().display().to_string()).unwrap_or_default()
    }

    /// Pixels of the largest map.
    fn most_pixels(&self) -> usize {
        self.files.iter().map(|file| file.content().rows() * file.content().columns()).max().unwrap_or(1)
    }

    /// Looks at the numbers of a few maps.
    fn look(&mut self, as_kappa: bool) -> Result<()> {
        let (numbers, _) = self.numbers(LOOKED_AT * self.most_pixels())?;
        let shown = self.first_name();
        if matches!(self.masking, Masking::None) && numbers.not_finite + numbers.filled > 0 {
            // Told here, with what to do, and not at the first map that is read.
            let missing = numbers.missing().unwrap_or_default();
            bail!(
                "{shown}: {missing} (of the maps looked at), which is no kappa: statistics, spectrum and compare leave such pixels out with \
                 --mask auto, and `trainer maps --mask auto` cuts maps around them"
            );
        }
        if numbers.values() == 0 && self.maps > 0 {
            bail!("{shown}: no pixel that was looked at has a value: all are NaN, or far too large for kappa");
        }
        if !as_kappa && let Some(looks) = content::looks_like(&numbers) {
            self.notes.push(looks);
        }
        Ok(())
    }

    /// The numbers of all maps as the files hold them, or of maps spread over the files where these have more pixels than `most`; and how
    /// many maps were looked at.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn numbers(&self, most: usize) -> Result<(Numbers, usize)> {
        let count = (most / self.most_pixels().max(1)).clamp(1, self.maps.max(1)).min(self.maps);
        let mut numbers = Numbers::default();
        for map in (0..count).map(|place| place * self.maps / count) {
            let file = self.file_of(map)?;
            let window = file.window(&self.spool, map - file.first(), file.whole());
            numbers.add(&window.with_context(|| file.path().display().to_string())?);
        }
        Ok((numbers, count))
    }

    /// The mark of every map, in their order.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn marks(&self) -> Result<Vec<u64>> {
        let of_file = |file: &ArchiveFile| -> Result<Vec<u64>> {
            let marks = (0..file.content().maps()).map(|map| file.mark(&self.spool, map));
            marks.collect::<Result<_>>().with_context(|| file.path().display().to_string())
        };
        Ok(self.files.iter().map(of_file).collect::<Result<Vec<_>>>()?.concat())
    }

    /// Marks of all maps, and of those that they were cut from.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn sources(&self) -> Result<Sources> {
        self.sources_of(0..self.maps)
    }

    /// Marks of these maps, and of those that their files were cut from.
    ///
    /// # Errors
    /// When there are fewer maps, or a file cannot be read.
    pub fn sources_of(&self, maps: impl IntoIterator<Item = usize>) -> Result<Sources> {
        let (mut sources, mut last) = (Sources::default(), None);
        for map in maps {
            let file = self.file_of(map)?;
            let mark = file.mark(&self.spool, map - file.first());
            sources.insert(mark.with_context(|| file.path().display().to_string())?);
            // Maps come file by file: what lies beside a file is looked at once.
            if last.replace(file.first()) != Some(file.first())
                && let Some(description) = file.description()
            {
                sources.extend(&description.sources);
            }
        }
        Ok(sources)
    }

    /// What a person should be told of these maps.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Number of maps.
    pub fn maps(&self) -> usize {
        self.maps
    }

    /// Whether pixels may be left out.
    pub fn is_masked(&self) -> bool {
        !matches!(self.masking, Masking::None)
    }

    /// Side of a pixel in degrees.
    pub fn pixel_angle(&self) -> f64 {
        self.side_angle(1)
    }

    /// Side in degrees of a map of so many pixels; that number itself where the angle is not known, which [`MapArchive::open`] does
    /// not let happen.
    pub fn side_angle(&self, pixels: usize) -> f64 {
        let (angle, of) = self.scale.unwrap_or((1.0, 1));
        if of == pixels { angle } else { angle * pixels as f64 / of as f64 }
    }

    /// Whether the angle is known.
    pub fn has_angle(&self) -> bool {
        self.scale.is_some()
    }

    /// What the first file says of where its maps come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The files.
    pub fn files(&self) -> &[ArchiveFile] {
        &self.files
    }

    /// Checks that every map is at least `size` pixels wide and high.
    ///
    /// # Errors
    /// When one is smaller.
    pub fn check_size(&self, size: usize) -> Result<()> {
        match self.files.iter().find(|file| file.smaller_side() < size) {
            Some(file) => {
                let (path, side) = (file.path().display(), file.smaller_side());
                bail!("{path} has maps of {side} pixels, smaller than crops of {size}: give a smaller --size")
            }
            None => Ok(()),
        }
    }

    /// Pixels along the side of every map.
    ///
    /// # Errors
    /// When maps differ in size, or are not square.
    pub fn one_size(&self) -> Result<usize> {
        let first = self.files.first().context("there are no maps")?;
        for file in &self.files {
            let (rows, columns) = (file.content().rows(), file.content().columns());
            if rows != columns {
                bail!(
                    "{}: its maps have {rows} rows and {columns} columns; a map is square: cut squares with `trainer maps --maps`",
                    file.path().display()
                );
            }
            if rows != first.content().rows() {
                let (a, b) = (first.path().display(), file.path().display());
                bail!("{b} has maps of {rows} pixels, {a} of {}: give maps of one size", first.content().rows());
            }
        }
        Ok(first.content().rows())
    }

    /// What tells these files from others of the same names, as text: their lengths, times of change and origin.
    ///
    /// # Errors
    /// When a file is gone.
    pub fn fingerprint(&self) -> Result<String> {
        let one = |file: &ArchiveFile| -> Result<String> {
            let metadata = file.path().metadata().with_context(|| file.path().display().to_string())?;
            let changed = metadata.modified()?.duration_since(std::time::UNIX_EPOCH)?;
            Ok(format!("{} {} {}", file.path().display(), metadata.len(), changed.as_nanos()))
        };
        let files = self.files.iter().map(one).collect::<Result<Vec<_>>>()?.join("\n");
        Ok(format!("{files}\n{:?}", self.origin))
    }

    /// A whole map without masked pixels, counted from 0 through all files.
    ///
    /// # Errors
    /// When there are fewer maps, the file cannot be read, or a pixel has no value.
    pub fn map(&self, map: usize) -> Result<ConvergenceMap> {
        let (found, mask) = self.masked_map(map)?;
        if mask.is_some() {
            let file = self.file_of(map)?;
            bail!(
                "{}, map {}: it has masked pixels, which are not taken here",
                file.path().display(),
                map - file.first()
            );
        }
        Ok(found)
    }

    /// A whole map, and the mask of those of its pixels that have a value, where not all have.
    ///
    /// # Errors
    /// When there are fewer maps, or the file cannot be read; without a mask, when a pixel has no value.
    pub fn masked_map(&self, map: usize) -> Result<(ConvergenceMap, Option<Mask>)> {
        let file = self.file_of(map)?;
        let context = || format!("{}, map {}", file.path().display(), map - file.first());
        let MaskedWindow { kappa, used } = self.window(map, file.whole()).with_context(context)?;
        let (rows, columns) = (file.content().rows(), file.content().columns());
        if rows != columns {
            return Err(anyhow!("it has {rows} rows and {columns} columns; a map is square")).with_context(context);
        }
        let map = ConvergenceMap::new(self.side_angle(rows), rows, kappa).with_context(context)?;
        let apodised = self.apodised / map.resolution();
        Ok((map, used.map(|used| Mask::new(rows, used, apodised))))
    }

    /// A window of a map, and which of its pixels have a value.
    ///
    /// # Errors
    /// When the file cannot be read; without a mask, when a pixel has no value.
    pub fn window(&self, map: usize, window: Window) -> Result<MaskedWindow> {
        let file = self.file_of(map)?;
        let mut kappa = file.window(&self.spool, map - file.first(), window)?;
        let used = match &self.masking {
            Masking::None => None,
            Masking::Nan => content::used_where(&kappa, |kappa| !kappa.is_nan()),
            Masking::Auto => content::used_where(&kappa, |kappa| !content::is_fill(kappa)),
            Masking::File(mask) => Some(mask.window(map, window)?).filter(|used| used.contains(&false)),
        };
        if let Some(used) = &used {
            content::blank(&mut kappa, used);
        }
        if let Some(at) = kappa.iter().position(|&kappa| content::is_fill(kappa)) {
            let (row, column) = (window.row + at / window.columns, window.column + at % window.columns);
            let advice = match &self.masking {
                Masking::None => "--mask auto leaves such pixels out, in the commands that have it; or mend the map",
                Masking::Nan => "--mask nan leaves out NaN alone, --mask auto such values too",
                Masking::Auto | Masking::File(_) => "the mask does not cover it",
            };
            bail!("kappa is {:e} at row {row}, column {column}: {advice}", kappa[at]);
        }
        Ok(MaskedWindow { kappa, used })
    }

    /// The file that holds a map.
    fn file_of(&self, map: usize) -> Result<&ArchiveFile> {
        let file = self.files.partition_point(|file| file.first() <= map).checked_sub(1);
        let there = file.filter(|_| map < self.maps).and_then(|at| self.files.get(at));
        there.with_context(|| format!("there is no map {map}, there are {}", self.maps))
    }

    /// Rows and columns of a map.
    ///
    /// # Errors
    /// When there are fewer maps.
    pub fn shape_of(&self, map: usize) -> Result<[usize; 2]> {
        let file = self.file_of(map)?;
        Ok([file.content().rows(), file.content().columns()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::formats::{fits, npy};

    /// Values that tell their place, and look like kappa.
    fn kappa(count: usize) -> Vec<f32> {
        (0..count).map(|at| 0.001 * (at * at % 97) as f32 - 0.04).collect()
    }

    #[test]
    fn maps_of_every_file_have_one_number_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let values = kappa(3 * 36);
        std::fs::write(folder.path().join("a.npy"), npy::encode(6, 6, &values[..72])).unwrap();
        let map = ConvergenceMap::new(0.5, 6, values[72..].to_vec()).unwrap();
        std::fs::write(folder.path().join("b.fits"), fits::write(&map, &fits::FitsDescription::default()).unwrap())
            .unwrap();
        let error = format!("{:#}", MapArchive::open(folder.path(), None).err().unwrap());
        assert!(error.contains("--side-angle"), "{error}");
        let archive = MapArchive::open(folder.path(), Some(0.5)).unwrap();
        assert!(archive.check_size(6).is_ok() && archive.check_size(7).is_err());
        for map in 0..3 {
            assert_eq!(archive.map(map).unwrap().kappa(), &values[36 * map..36 * (map + 1)], "{map}");
        }
        assert!(archive.map(3).unwrap_err().to_string().contains("there are 3"));
        assert_eq!(archive.sources().unwrap().count(), 3);
    }

    #[test]
    fn windows_of_images_are_those_of_the_whole_image() {
        let folder = tempfile::tempdir().unwrap();
        let values = kappa(81);
        let map = ConvergenceMap::new(0.5, 9, values.clone()).unwrap();
        let fits_path = folder.path().join("a.fits");
        std::fs::write(&fits_path, fits::write(&map, &fits::FitsDescription::default()).unwrap()).unwrap();
        let npy_path = folder.path().join("a.npy");
        std::fs::write(&npy_path, npy::encode(9, 9, &values)).unwrap();
        let archives = [&fits_path, &npy_path].map(|path| MapArchive::open(path, Some(0.5)).unwrap());
        for (row, column) in (0..9).flat_map(|row| (0..9).map(move |column| (row, column))) {
            let window = Window { row, column, rows: 9 - row, columns: 9 - column };
            let expected: Vec<f32> =
                (row..9).flat_map(|row| values[9 * row + column..9 * (row + 1)].to_vec()).collect();
            for archive in &archives {
                assert_eq!(archive.window(0, window).unwrap(), MaskedWindow { kappa: expected.clone(), used: None });
            }
        }
        assert_eq!(archives[0].sources().unwrap(), archives[1].sources().unwrap(), "one map, whatever the file");
    }

    #[test]
    fn pixels_without_a_value_are_refused_or_masked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hole.npy");
        let mut values = kappa(2 * 64);
        (values[9], values[70]) = (f32::NAN, -99.0);
        std::fs::write(&path, npy::encode(8, 8, &values)).unwrap();
        let read = |mask: MaskFrom| {
            MapArchive::read(&path, &Reading { side_angle: Some(1.0), mask, ..Reading::default() })
                .map_err(|error| format!("{error:#}"))
        };
        assert!(read(MaskFrom::None).err().unwrap().contains("--mask auto"));
        let nan = read(MaskFrom::Nan).unwrap();
        assert!(nan.masked_map(0).unwrap().1.is_some());
        let error = format!("{:#}", nan.masked_map(1).err().unwrap());
        assert!(error.contains("-9.9e1 at row 0, column 6") && error.contains("--mask auto"), "{error}");
        let auto = read(MaskFrom::Auto).unwrap();
        for (map, place) in [(0, 9), (1, 6)] {
            let (found, mask) = auto.masked_map(map).unwrap();
            let used = mask.unwrap().used().to_vec();
            assert_eq!((0..64).filter(|&at| !used[at]).collect::<Vec<_>>(), [place]);
            assert_eq!(found.kappa()[place], 0.0);
            assert!(auto.map(map).is_err(), "a map with a hole is no whole map");
        }
    }

    #[test]
    fn a_cut_off_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short.npy");
        let bytes = npy::encode(2, 2, &[0.0; 4]);
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let error = format!("{:#}", MapArchive::open(&path, Some(1.0)).err().unwrap());
        assert!(error.contains("short.npy") && error.contains("cut off"), "{error}");
        // One that is cut off while it is used is an error too.
        std::fs::write(&path, npy::encode(64, 64, &kappa(4096))).unwrap();
        let archive = MapArchive::open(&path, Some(1.0)).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(5000).unwrap();
        let error = format!("{:#}", archive.map(0).err().unwrap());
        assert!(error.contains("shorter"), "{error}");
    }
}
