//! Training maps: whole maps of any size and kind, of which windows are trained on, or maps of the network's own size.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use shared::{
    formats::{layout, weights::manifest::hexadecimal},
    random::Random,
};
use storage::{
    files::sha256_of_file,
    maps::{
        MapArchive, MapsDescription, Reading, Sources, crop::Crop, file::ArchiveFile, folder, window::MaskedWindow,
    },
};

/// Which maps of each file are meant: the last ones may be held out of training, to be measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All but so many at the end of each file.
    WithoutLast(usize),
    /// So many at the end of each file.
    Last(usize),
}

/// Maps of one or more files, larger than memory if need be: windows are read from the disk when a step wants them.
///
/// What is counted are crops of `side` pixels: each map has as many as fit side by side.
pub struct TrainingMaps {
    archive: Arc<MapArchive>,
    files: Vec<Source>,
    side: usize,
    crops: usize,
}

/// What is read of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Number of a crop: it says which map.
    number: usize,
    /// Where in the map, and how turned.
    crop: Crop,
}

/// The maps of a file that are meant.
struct Source {
    name: String,
    rows: usize,
    columns: usize,
    /// The first map that is meant, counted through all files.
    first_map: usize,
    /// How many are meant.
    maps: usize,
    /// Crops in the files before this one.
    first_crop: usize,
}

impl TrainingMaps {
    /// Opens a file of maps, or all of a folder: no smaller than `side`.
    ///
    /// # Errors
    /// When one is not of maps, or there are fewer than `least` crops.
    pub fn open(path: &Path, side: usize, part: Part, least: usize) -> Result<Self> {
        Self::of(Arc::new(MapArchive::index(path, &Reading::default())?), side, part, least)
    }

    /// The same of maps that are open.
    ///
    /// # Errors
    /// As [`TrainingMaps::open`].
    pub fn of(archive: Arc<MapArchive>, side: usize, part: Part, least: usize) -> Result<Self> {
        let (mut files, mut crops) = (Vec::new(), 0);
        for file in archive.files() {
            let source = Source::of(file, side, part, crops)?;
            crops += source.maps * (source.rows / side) * (source.columns / side);
            files.push(source);
        }
        if crops < least {
            bail!(
                "there are {crops} maps of {side} x {side} pixels to train on, fewer than a batch of {least}: set a smaller \
                 --batch-size, hold fewer out, or bring more maps"
            );
        }
        Ok(Self { archive, files, side, crops })
    }

    /// Number of crops that lie side by side, over all maps.
    pub fn crops(&self) -> usize {
        self.crops
    }

    /// Pixels along the side of a crop.
    pub fn side(&self) -> usize {
        self.side
    }

    /// What the data say of themselves, for crops: their number, size and angle. `None` where the angle is not known.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn description(&self) -> Result<Option<MapsDescription>> {
        if !self.archive.has_angle() {
            return Ok(None);
        }
        let first = self.archive.files().first().context("there are no maps")?;
        let name = || format!("maps of {}", first.path().file_name().unwrap_or_default().display());
        let origin = self.archive.origin();
        Ok(Some(MapsDescription {
            source: origin.source.clone().unwrap_or_else(name),
            maps: self.crops,
            pixels: self.side,
            side_angle: self.archive.side_angle(self.side),
            seed: first.description().and_then(|description| description.seed),
            source_redshift: origin.source_redshift,
            cosmology: origin.cosmology,
            split: first.description().and_then(|description| description.split.clone()),
            sources: self.sources()?,
            marks: Sources::default(),
        }))
    }

    /// Marks of the maps that are meant, and of those that they were cut from.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn sources(&self) -> Result<Sources> {
        self.archive.sources_of(self.files.iter().flat_map(|file| file.first_map..file.first_map + file.maps))
    }

    /// Numbers of `count` crops spread evenly over the data, fewer where there are fewer.
    pub fn spread(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let (crops, count) = (self.crops, count.min(self.crops));
        (0..count).map(move |place| place * crops / count)
    }

    /// The largest |kappa| of each of `count` crops spread evenly over the data, and the standard deviation of their pixels.
    ///
    /// # Errors
    /// When a map holds values that are not finite, or all pixels are equal.
    pub fn measure(&self, count: usize) -> Result<(Vec<f32>, f64)> {
        let (mut largest, mut sums) = (Vec::new(), [0.0_f64; 3]);
        for crop in self.spread(count) {
            let kappa = self.kappa([crop])?;
            largest.push(kappa.iter().fold(0.0_f32, |largest, kappa| largest.max(kappa.abs())));
            for kappa in kappa.into_iter().map(f64::from) {
                sums = [sums[0] + 1.0, sums[1] + kappa, sums[2] + kappa * kappa];
            }
        }
        let [pixels, sum, squares] = sums;
        let variance = squares / pixels - (sum / pixels).powi(2);
        ensure!(variance > 0.0, "every pixel of the training data is the same: these are no maps to learn from");
        Ok((largest, variance.sqrt()))
    }

    /// Checks every value of the maps that are meant, on all threads.
    ///
    /// # Errors
    /// Names the first map with a value that is not finite.
    pub fn check_finite(&self) -> Result<()> {
        self.files.iter().try_for_each(|source| {
            let whole = layout::Window { row: 0, column: 0, rows: source.rows, columns: source.columns };
            (source.first_map..source.first_map + source.maps).into_par_iter().try_for_each(|map| {
                self.archive
                    .window(map, whole)
                    .map(drop)
                    .with_context(|| format!("map {} of {}", map - source.first_map, source.name))
            })
        })
    }

    /// Kappa of crops of these numbers where they lie, one after the other.
    ///
    /// # Errors
    /// When a number is beyond the data, or a map holds values that are not finite.
    pub fn kappa(&self, crops: impl IntoIterator<Item = usize>) -> Result<Vec<f32>> {
        let windows = crops.into_iter().map(|number| {
            let (_, _, [row, column]) = self.place(number)?;
            Ok(Window { number, crop: Crop { row, column, ..Crop::WHOLE } })
        });
        self.read(&windows.collect::<Result<Vec<_>>>()?)
    }

    /// Windows of the maps in which the crops of these numbers lie, as a step trains on them: of larger maps a random one, turned by
    /// a random symmetry of the square; of maps of this size the map, turned where `symmetries` asks for it.
    ///
    /// # Errors
    /// When a number is beyond the data.
    pub fn windows(
        &self,
        crops: impl IntoIterator<Item = usize>,
        symmetries: bool,
        random: &mut Random,
    ) -> Result<Vec<Window>> {
        let draw = |number: usize| {
            let (source, ..) = self.place(number)?;
            let &Source { rows, columns, .. } = source;
            let larger = rows > self.side || columns > self.side;
            let crop = if larger || symmetries {
                // Rows and columns may differ in number: each has its own places.
                let crop = Crop::draw(random, rows, self.side);
                Crop {
                    column: if rows == columns { crop.column } else { random.below(columns - self.side + 1) },
                    ..crop
                }
            } else {
                Crop::WHOLE
            };
            Ok(Window { number, crop })
        };
        crops.into_iter().map(draw).collect()
    }

    /// Kappa of windows, one after the other.
    ///
    /// # Errors
    /// When one is beyond the data, or a map holds values that are not finite.
    pub fn read(&self, windows: &[Window]) -> Result<Vec<f32>> {
        let side = self.side;
        let mut kappa = Vec::with_capacity(windows.len() * side * side);
        for Window { number, crop } in windows {
            let (source, map, _) = self.place(*number)?;
            let window = layout::Window { row: crop.row, column: crop.column, rows: side, columns: side };
            let name = || format!("map {} of {}", map - source.first_map, source.name);
            let MaskedWindow { kappa: mut found, .. } =
                self.archive.window(map, window).with_context(name)?.turned(*crop, side);
            kappa.append(&mut found);
        }
        Ok(kappa)
    }

    /// File, map counted through all files, and first row and column of a crop.
    fn place(&self, number: usize) -> Result<(&Source, usize, [usize; 2])> {
        let file = self.files.partition_point(|file| file.first_crop <= number).checked_sub(1);
        let source = file.and_then(|file| self.files.get(file)).filter(|_| number < self.crops);
        let source = source.with_context(|| format!("there is no map {number} in the training data"))?;
        let (down, across) = (source.rows / self.side, source.columns / self.side);
        let within = number - source.first_crop;
        let (map, place) = (within / (down * across), within % (down * across));
        Ok((source, source.first_map + map, [place / across * self.side, place % across * self.side]))
    }
}

impl Source {
    fn of(file: &ArchiveFile, side: usize, part: Part, first_crop: usize) -> Result<Self> {
        let (name, content) = (file.path().display().to_string(), file.content());
        let (rows, columns, there) = (content.rows(), content.columns(), content.maps());
        if rows < side || columns < side {
            bail!("{name} holds maps of {rows} x {columns}, the network draws {side} x {side}: set [network] map_side");
        }
        let (skipped, maps) = match part {
            Part::WithoutLast(last) => (0, there.saturating_sub(last)),
            Part::Last(last) => (there.saturating_sub(last), last.min(there)),
        };
        ensure!(maps > 0, "{name} holds {there} maps, and all of them are held out: set a smaller held_out_maps");
        Ok(Self { name, rows, columns, first_map: file.first() + skipped, maps, first_crop })
    }
}

/// SHA-256 of a file, or over the names and SHA-256 of all files of maps of a folder.
///
/// # Errors
/// When a file cannot be read.
pub fn sha256_of_data(path: &Path) -> Result<String> {
    let files = folder::named(path)?.files;
    if let ([file], false) = (&files[..], path.is_dir()) {
        return sha256_of_file(file);
    }
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(sha256_of_file(&file)?);
    }
    Ok(hexadecimal(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{
        formats::npy,
        random::{Stream, stream},
    };
    use std::{collections::HashSet, path::PathBuf};

    const ALL: Part = Part::WithoutLast(0);

    /// Ten maps of 2 x 2 whose pixels are their number.
    fn file(folder: &Path) -> PathBuf {
        let path = folder.join("maps.npy");
        let values: Vec<f32> = (0..10).flat_map(|map| [map as f32; 4]).collect();
        std::fs::write(&path, npy::encode(2, 2, &values)).unwrap();
        path
    }

    #[test]
    fn maps_are_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let maps = TrainingMaps::open(&file(folder.path()), 2, ALL, 3).unwrap();
        let (largest, deviation) = maps.measure(5).unwrap();
        assert_eq!((maps.crops(), maps.side(), largest), (10, 2, vec![0.0, 2.0, 4.0, 6.0, 8.0]));
        assert!((deviation - 8.0_f64.sqrt()).abs() < 1e-6);
        assert_eq!(maps.kappa([3, 0]).unwrap(), [3.0, 3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(maps.kappa([10]).unwrap_err().to_string().contains("no map 10"));
        assert_eq!(maps.spread(20).count(), 10);
        let mut random = stream(1, Stream::TrainingCrops);
        let windows = maps.windows([7, 2], false, &mut random).unwrap();
        assert_eq!(maps.read(&windows).unwrap(), maps.kappa([7, 2]).unwrap());
    }

    #[test]
    fn larger_maps_of_several_files_are_cut_into_all_their_windows() {
        let folder = tempfile::tempdir().unwrap();
        // Two files of 3 and 1 maps of 6 x 6 with a number for each pixel; crops of 3.
        let of = |first: usize, maps: usize| -> Vec<f32> { (first..first + 36 * maps).map(|at| at as f32).collect() };
        std::fs::write(folder.path().join("a.npy"), npy::encode(6, 6, &of(0, 3))).unwrap();
        std::fs::write(folder.path().join("b.npy"), npy::encode(6, 6, &of(108, 1))).unwrap();
        let maps = TrainingMaps::open(folder.path(), 3, ALL, 2).unwrap();
        assert_eq!(maps.crops(), 16);
        let every: HashSet<u32> = maps.kappa(0..16).unwrap().into_iter().map(|kappa| kappa as u32).collect();
        assert_eq!(every, (0..144).collect(), "each pixel is in one crop");
        assert_eq!(maps.kappa([5]).unwrap()[..4], [39.0, 40.0, 41.0, 45.0]);
        // Drawn ones come from the map of their number, from everywhere in it, and hold neighbours.
        let mut random = stream(1, Stream::TrainingCrops);
        let mut firsts = HashSet::new();
        for _ in 0..200 {
            let crop = maps.read(&maps.windows([13], false, &mut random).unwrap()).unwrap();
            assert!(crop.iter().all(|kappa| (108.0..144.0).contains(kappa)));
            let steps = [(crop[1] - crop[0]).abs(), (crop[3] - crop[0]).abs()];
            assert!(steps == [1.0, 6.0] || steps == [6.0, 1.0], "{crop:?}");
            firsts.insert(crop.iter().copied().fold(f32::MAX, f32::min) as u32);
        }
        assert_eq!(firsts.len(), 16);
    }

    #[test]
    fn the_last_maps_of_each_file_are_held_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let training = TrainingMaps::open(&path, 2, Part::WithoutLast(3), 2).unwrap();
        let held_out = TrainingMaps::open(&path, 2, Part::Last(3), 2).unwrap();
        assert_eq!((training.crops(), held_out.crops()), (7, 3));
        assert_eq!(held_out.kappa([0, 2]).unwrap(), [7.0, 7.0, 7.0, 7.0, 9.0, 9.0, 9.0, 9.0]);
        assert!(training.kappa([7]).is_err());
        let none = TrainingMaps::open(&path, 2, Part::WithoutLast(10), 2).err().unwrap();
        assert!(none.to_string().contains("held_out_maps"));
    }

    #[test]
    fn the_angle_is_that_of_crops() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.npy", "b.npy"] {
            std::fs::write(folder.path().join(name), npy::encode(6, 6, &[0.5; 72])).unwrap();
        }
        let open = |side_angle| {
            let archive = MapArchive::index(folder.path(), &Reading { side_angle, ..Reading::default() })?;
            TrainingMaps::of(Arc::new(archive), 3, ALL, 2)
        };
        assert_eq!(open(None).unwrap().description().unwrap(), None);
        let of_crops = open(Some(3.0)).unwrap().description().unwrap().unwrap();
        assert_eq!((of_crops.maps, of_crops.pixels, of_crops.side_angle), (16, 3, 1.5));
        let whole = MapsDescription { maps: 2, pixels: 6, side_angle: 3.0, ..of_crops };
        for (name, side_angle) in [("a.npy.json", 3.0), ("b.npy.json", 2.0)] {
            let text = serde_json::to_vec(&MapsDescription { side_angle, ..whole.clone() }).unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let error = format!("{:#}", open(None).err().unwrap());
        assert!(error.contains("one resolution") && error.contains("b.npy"), "{error}");
    }

    #[test]
    fn halves_and_doubles_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, descr, bytes) in [
            ("half.npy", "<f2", [0x00_u8, 0x3c, 0x00, 0x40, 0x00, 0xc2, 0x00, 0x00].to_vec()),
            ("double.npy", "<f8", [1.0_f64, 2.0, -3.0, 0.0].iter().flat_map(|value| value.to_le_bytes()).collect()),
        ] {
            let mut file = npy::encode_header(1, 2, 2);
            let text = file.windows(3).position(|bytes| bytes == b"<f4").unwrap();
            file[text..text + 3].copy_from_slice(descr.as_bytes());
            file.extend(bytes);
            let path = folder.path().join(name);
            std::fs::write(&path, file).unwrap();
            let maps = TrainingMaps::open(&path, 2, ALL, 1).unwrap();
            assert_eq!(maps.kappa([0]).unwrap(), [1.0, 2.0, -3.0, 0.0], "{name}");
        }
    }

    #[test]
    fn refuses_files_that_do_not_fit_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let refused = |side, batch| format!("{:#}", TrainingMaps::open(&path, side, ALL, batch).err().unwrap());
        assert!(refused(4, 2).contains("set [network] map_side"));
        assert!(refused(2, 11).contains("fewer than a batch"));
        std::fs::write(&path, npy::encode(2, 2, &[f32::NAN; 8])).unwrap();
        assert!(refused(2, 2).contains("NaN"));
        let mut last = vec![0.5; 40];
        last[38] = f32::INFINITY;
        let mut bytes = npy::encode_header(10, 2, 2);
        bytes.extend(last.into_iter().flat_map(f32::to_le_bytes));
        std::fs::write(&path, bytes).unwrap();
        let error = format!("{:#}", TrainingMaps::open(&path, 2, ALL, 2).unwrap().check_finite().unwrap_err());
        assert!(error.contains("map 9"), "{error}");
        TrainingMaps::open(&path, 2, Part::WithoutLast(1), 2).unwrap().check_finite().unwrap();
        std::fs::write(&path, npy::encode(2, 2, &[0.5; 8])).unwrap();
        let constant = TrainingMaps::open(&path, 2, ALL, 2).unwrap();
        assert!(constant.measure(2).unwrap_err().to_string().contains("no maps to learn from"));
        let empty = tempfile::tempdir().unwrap();
        let error = TrainingMaps::open(empty.path(), 2, ALL, 2).err().unwrap().to_string();
        assert!(error.contains("holds no maps"), "{error}");
    }

    #[test]
    fn the_checksum_of_a_folder_knows_names_and_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let one = sha256_of_data(folder.path()).unwrap();
        assert_ne!(one, sha256_of_data(&path).unwrap());
        std::fs::rename(&path, folder.path().join("other.npy")).unwrap();
        assert_ne!(one, sha256_of_data(folder.path()).unwrap());
    }
}
