//! Users' own maps, FITS or `.npy`, of any size: an index of what there is, read when a crop needs it.

use std::{
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use shared::{
    ConvergenceMap, Cosmology,
    formats::{
        fits::FitsHeader,
        npy::{HEADER_BYTES, NpyHeader},
    },
    random::Random,
};

use super::{
    crop::Crop,
    description::{MapsDescription, one_side_angle},
};
use crate::files::files_with_extension;

/// Maps of one resolution in one or more files.
pub struct MapArchive {
    files: Vec<ArchiveFile>,
    maps: usize,
    /// Pixel side in degrees.
    pixel_angle: f64,
    /// What the first file says of its maps.
    origin: Origin,
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

struct ArchiveFile {
    path: PathBuf,
    content: Content,
    side: usize,
    /// Maps in the files before this one.
    first: usize,
}

enum Content {
    Fits(Box<FitsHeader>),
    Npy(NpyHeader),
}

impl MapArchive {
    /// Indexes a file, or all `.fits` and `.npy` files of a folder. `side_angle` in degrees is the side of each map, for
    /// files that do not state it.
    ///
    /// # Errors
    /// When a file is not readable or not of square maps, the angle is not known, or the resolutions differ.
    pub fn open(path: &Path, side_angle: Option<f64>) -> Result<Self> {
        let paths =
            if path.is_dir() { files_with_extension(path, &["fits", "fit", "npy"])? } else { vec![path.into()] };
        if paths.is_empty() {
            bail!("{} holds neither .fits nor .npy files", path.display());
        }
        let mut archive = Self { files: Vec::new(), maps: 0, pixel_angle: 0.0, origin: Origin::default() };
        for path in paths {
            archive.add(&path, side_angle).with_context(|| path.display().to_string())?;
        }
        Ok(archive)
    }

    fn add(&mut self, path: &Path, side_angle: Option<f64>) -> Result<()> {
        let is_npy = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
        let (content, maps, side, stated, origin) = if is_npy {
            let (_, header) = open_npy(path)?;
            if header.rows != header.columns {
                bail!("maps must be square, these are {} x {}", header.rows, header.columns);
            }
            let description = MapsDescription::beside(path, header.maps, header.rows)?;
            let stated = description.as_ref().map(|description| description.side_angle);
            let origin = description.map(|MapsDescription { source, source_redshift, cosmology, .. }| Origin {
                source: Some(source),
                source_redshift,
                cosmology,
            });
            (Content::Npy(header), header.maps, header.rows, stated, origin.unwrap_or_default())
        } else {
            let image = open_fits(path)?;
            if image.rows != image.columns {
                bail!("maps must be square, this is {} x {}", image.rows, image.columns);
            }
            let origin = Origin { source: None, source_redshift: image.redshift(), cosmology: image.cosmology() };
            let (side, angle) = (image.rows, image.side_angle());
            (Content::Fits(Box::new(image)), 1, side, angle, origin)
        };
        let angle = one_side_angle(side_angle, stated)?;
        let angle = angle.context("the file does not state the side of its maps: give --side-angle DEGREES")?;
        let pixel_angle = angle / side as f64;
        if self.files.is_empty() {
            self.pixel_angle = pixel_angle;
            self.origin = origin;
        } else if (pixel_angle / self.pixel_angle - 1.0).abs() > 1e-6 {
            bail!(
                "a pixel is {pixel_angle} degrees here and {} in the files before: use one resolution",
                self.pixel_angle
            );
        }
        self.files.push(ArchiveFile { path: path.into(), content, side, first: self.maps });
        self.maps += maps;
        Ok(())
    }

    /// Number of maps.
    pub fn maps(&self) -> usize {
        self.maps
    }

    /// Side of a pixel in degrees.
    pub fn pixel_angle(&self) -> f64 {
        self.pixel_angle
    }

    /// What the first file says of where its maps come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Checks that every map is at least `size` pixels wide.
    ///
    /// # Errors
    /// When one is smaller.
    pub fn check_size(&self, size: usize) -> Result<()> {
        match self.files.iter().find(|file| file.side < size) {
            Some(file) => {
                let (path, side) = (file.path.display(), file.side);
                bail!("{path} has maps of {side} pixels, smaller than crops of {size}: give a smaller --size")
            }
            None => Ok(()),
        }
    }

    /// Pixels along the side of every map.
    ///
    /// # Errors
    /// When maps differ in size.
    pub fn one_size(&self) -> Result<usize> {
        let first = self.files.first().context("there are no maps")?;
        match self.files.iter().find(|file| file.side != first.side) {
            Some(other) => {
                let (a, b) = (first.path.display(), other.path.display());
                bail!("{b} has maps of {} pixels, {a} of {}: give maps of one size", other.side, first.side)
            }
            None => Ok(first.side),
        }
    }

    /// What tells these files from others of the same names, as text: their lengths, times of change and origin.
    ///
    /// # Errors
    /// When a file is gone.
    pub fn fingerprint(&self) -> Result<String> {
        let one = |file: &ArchiveFile| -> Result<String> {
            let metadata = file.path.metadata().with_context(|| file.path.display().to_string())?;
            let changed = metadata.modified()?.duration_since(std::time::UNIX_EPOCH)?;
            Ok(format!("{} {} {}", file.path.display(), metadata.len(), changed.as_nanos()))
        };
        let files = self.files.iter().map(one).collect::<Result<Vec<_>>>()?.join("\n");
        Ok(format!("{files}\n{:?}", self.origin))
    }

    /// A whole map, counted from 0 through all files.
    ///
    /// # Errors
    /// When there are fewer maps, or the file cannot be read or holds values that are not finite.
    pub fn map(&self, map: usize) -> Result<ConvergenceMap> {
        let file = self.file_of(map)?;
        let context = || format!("{}, map {}", file.path.display(), map - file.first);
        let kappa = file.window(map - file.first, Crop::WHOLE, file.side).with_context(context)?;
        ConvergenceMap::new(self.pixel_angle * file.side as f64, file.side, kappa).with_context(context)
    }

    /// The file that holds a map.
    fn file_of(&self, map: usize) -> Result<&ArchiveFile> {
        let file = self.files.partition_point(|file| file.first <= map).checked_sub(1);
        let there = file.filter(|_| map < self.maps).and_then(|at| self.files.get(at));
        there.with_context(|| format!("there is no map {map}, there are {}", self.maps))
    }

    /// Kappa of a crop of `size` x `size` pixels from a random map.
    ///
    /// # Errors
    /// When a file cannot be read or holds values that are not finite there.
    pub fn draw(&self, random: &mut Random, size: usize) -> Result<Vec<f32>> {
        let map = random.below(self.maps);
        let file = self.file_of(map)?;
        let crop = Crop::draw(random, file.side, size);
        let window = file.window(map - file.first, crop, size).with_context(|| file.path.display().to_string())?;
        let turned = Crop { row: 0, column: 0, ..crop };
        let at = |at: usize| {
            let (row, column) = turned.source(size, at / size, at % size);
            window[row * size + column]
        };
        let kappa: Vec<f32> = (0..size * size).map(at).collect();
        if kappa.iter().any(|kappa| !kappa.is_finite()) {
            bail!("{}: map {} holds values that are not finite", file.path.display(), map - file.first);
        }
        Ok(kappa)
    }
}

impl ArchiveFile {
    /// The window of a crop, not yet turned: its rows alone are read.
    fn window(&self, map: usize, crop: Crop, size: usize) -> Result<Vec<f32>> {
        // Opened anew for each window: an archive of one-map files may hold more than a process may have open.
        let file = File::open(&self.path)?;
        let (start, columns, pixel) = match &self.content {
            Content::Fits(header) => (header.offset(0, 0), header.columns, header.pixel_bytes()),
            Content::Npy(header) => {
                (header.data_offset + map * header.map_bytes(), header.columns, header.element.bytes())
            }
        };
        let decode = |bytes: &[u8]| -> Vec<f32> {
            match &self.content {
                Content::Fits(header) => header.decode(bytes).into_iter().map(|pixel| pixel as f32).collect(),
                Content::Npy(header) => header.element.decode(bytes),
            }
        };
        if size == columns {
            // A whole map is one piece of the file.
            let mut bytes = vec![0; size * size * pixel];
            file.read_exact_at(&mut bytes, start as u64)?;
            return Ok(decode(&bytes));
        }
        let mut window = Vec::with_capacity(size * size);
        let mut bytes = vec![0; size * pixel];
        for row in crop.row..crop.row + size {
            file.read_exact_at(&mut bytes, (start + (row * columns + crop.column) * pixel) as u64)?;
            window.extend(decode(&bytes));
        }
        Ok(window)
    }
}

/// Reads the header of a FITS file's image, and nothing of its pixels.
///
/// # Errors
/// When the file cannot be opened or is not such a file.
pub fn open_fits(path: &Path) -> Result<FitsHeader> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let length = file.metadata()?.len() as usize;
    let mut failed = Ok(());
    let header = FitsHeader::read_from(length, |offset, buffer| {
        if failed.is_ok() {
            failed = file.read_exact_at(buffer, offset as u64);
        }
    });
    failed.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(header?)
}

/// Opens a `.npy` file of maps and checks that its length is what its header says.
///
/// # Errors
/// When it cannot be opened or is not such a file.
pub fn open_npy(path: &Path) -> Result<(File, NpyHeader)> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut beginning = Vec::new();
    file.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut beginning)?;
    let header = NpyHeader::parse(&beginning).with_context(|| path.display().to_string())?;
    let length = file.metadata()?.len();
    if length != header.file_bytes() as u64 {
        bail!(
            "{} has {length} bytes where its header announces {}: it is cut off or damaged",
            path.display(),
            header.file_bytes()
        );
    }
    Ok((file, header))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{
        formats::{fits, npy},
        random::{Stream, stream},
    };
    use std::collections::HashSet;

    #[test]
    fn crops_come_from_every_map_of_every_file() {
        let folder = tempfile::tempdir().unwrap();
        // Each map is constant, so a crop tells where it came from.
        let values: Vec<f32> = (0..2).flat_map(|map| vec![map as f32; 36]).collect();
        std::fs::write(folder.path().join("a.npy"), npy::encode(6, 6, &values)).unwrap();
        let map = ConvergenceMap::new(0.5, 6, vec![2.0; 36]).unwrap();
        let bytes = fits::write(&map, &fits::FitsDescription::default()).unwrap();
        std::fs::write(folder.path().join("b.fits"), bytes).unwrap();
        let error = MapArchive::open(folder.path(), None).err().unwrap();
        assert!(format!("{error:#}").contains("--side-angle"), "{error:#}");
        let archive = MapArchive::open(folder.path(), Some(0.5)).unwrap();
        assert!(archive.check_size(6).is_ok() && archive.check_size(7).is_err());
        let mut random = stream(1, Stream::Crops);
        let seen: HashSet<u32> = (0..100).map(|_| archive.draw(&mut random, 4).unwrap()[0] as u32).collect();
        assert_eq!((archive.maps(), seen), (3, HashSet::from([0, 1, 2])));
        let whole = archive.map(1).unwrap();
        assert_eq!((whole.pixels(), whole.kappa()[35]), (6, 1.0));
        assert!((whole.side_angle() - 0.5).abs() < 1e-12);
        assert!(archive.map(3).unwrap_err().to_string().contains("there are 3"));
    }

    #[test]
    fn a_crop_keeps_neighbours_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let values: Vec<f32> = (0..64).map(|at| (10 * (at / 8) + at % 8) as f32).collect();
        std::fs::write(&path, npy::encode(8, 8, &values)).unwrap();
        let archive = MapArchive::open(&path, Some(1.0)).unwrap();
        let mut random = stream(4, Stream::Crops);
        for _ in 0..50 {
            let crop = archive.draw(&mut random, 3).unwrap();
            let steps = [(crop[1] - crop[0]).abs() as i32, (crop[3] - crop[0]).abs() as i32];
            assert!(steps == [1, 10] || steps == [10, 1], "{crop:?}");
        }
    }

    #[test]
    fn windows_of_images_are_those_of_the_whole_image() {
        let folder = tempfile::tempdir().unwrap();
        let values: Vec<f32> = (0..81).map(|at| (at * at % 37) as f32 / 37.0).collect();
        let map = ConvergenceMap::new(0.5, 9, values.clone()).unwrap();
        let fits_path = folder.path().join("a.fits");
        std::fs::write(&fits_path, fits::write(&map, &fits::FitsDescription::default()).unwrap()).unwrap();
        let npy_path = folder.path().join("a.npy");
        std::fs::write(&npy_path, npy::encode(9, 9, &values)).unwrap();
        let [image, array] = [&fits_path, &npy_path].map(|path| MapArchive::open(path, Some(0.5)).unwrap());
        for size in 1..=9 {
            let draw = |archive: &MapArchive| archive.draw(&mut stream(size as u64, Stream::Crops), size).unwrap();
            assert_eq!(draw(&image), draw(&array), "{size}");
        }
        assert_eq!(image.map(0).unwrap().kappa(), values);
    }

    #[test]
    fn a_cut_off_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short.npy");
        let bytes = npy::encode(2, 2, &[0.0; 4]);
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let error = format!("{:#}", MapArchive::open(&path, Some(1.0)).err().unwrap());
        assert!(error.contains("short.npy") && error.contains("cut off"), "{error}");
    }
}
