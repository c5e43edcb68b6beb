//! Training maps, memory-mapped.

use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::formats::npy::{Element, NpyHeader};
use storage::maps::{archive::open_npy, mapped_file::MappedFile};

/// The training maps of a `.npy` file.
///
/// The file is mapped into memory, read-only, so that only the pages of the batches in use are held.
pub struct TrainingMaps {
    file: MappedFile,
    header: NpyHeader,
    side: usize,
}

impl TrainingMaps {
    /// Maps a file of `[N, side, side]` little-endian f32, as `trainer maps` writes it.
    ///
    /// # Errors
    /// When the file is not that, or holds fewer than `least` maps.
    pub fn open(path: &Path, side: usize, least: usize) -> Result<Self> {
        let (file, header) = open_npy(path)?;
        let name = path.display();
        if header.element != Element::LITTLE_F32 {
            bail!(
                "{name} is not little-endian float32: convert it with `trainer maps --maps {name} --count N --out ...`"
            );
        }
        if (header.rows, header.columns) != (side, side) {
            let (rows, columns) = (header.rows, header.columns);
            bail!(
                "{name} holds maps of {rows} x {columns}, the network draws {side} x {side}: crop them with `trainer maps --maps {name} --count N --size {side} --out ...`, or set [network] map_side"
            );
        }
        if header.maps < least {
            bail!("{name} holds {} maps, fewer than a batch of {least}", header.maps);
        }
        let file = MappedFile::open(&file).with_context(|| format!("cannot map {name} into memory"))?;
        Ok(Self { file, header, side })
    }

    /// Number of maps.
    pub fn maps(&self) -> usize {
        self.header.maps
    }

    /// Pixels along the side of a map.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Numbers of `count` maps spread evenly over the data, fewer where there are fewer.
    pub fn spread(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let (maps, count) = (self.maps(), count.min(self.maps()));
        (0..count).map(move |place| place * maps / count)
    }

    /// The largest |kappa| of `count` maps spread evenly over the data.
    ///
    /// # Errors
    /// When a map holds values that are not finite.
    pub fn largest_kappa(&self, count: usize) -> Result<f64> {
        let mut largest = 0.0_f32;
        for map in self.spread(count) {
            largest = self.kappa([map])?.into_iter().fold(largest, |largest, kappa| largest.max(kappa.abs()));
        }
        Ok(f64::from(largest))
    }

    /// Kappa of maps of these numbers, one after the other.
    ///
    /// # Errors
    /// When a number is beyond the file, or a map holds values that are not finite.
    pub fn kappa(&self, maps: impl IntoIterator<Item = usize>) -> Result<Vec<f32>> {
        let map_bytes = self.header.map_bytes();
        let mut kappa = Vec::new();
        for map in maps {
            let start = (map < self.maps()).then(|| self.header.data_offset + map * map_bytes);
            let bytes = start.and_then(|start| self.file.bytes().get(start..start + map_bytes));
            let bytes = bytes.with_context(|| format!("there is no map {map} in the training data"))?;
            let values = self.header.element.decode(bytes);
            if values.iter().any(|kappa| !kappa.is_finite()) {
                bail!("map {map} of the training data holds values that are not finite: remove it");
            }
            kappa.extend(values);
        }
        Ok(kappa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::formats::npy;

    /// Ten maps of 2 x 2 whose pixels are their number.
    fn file(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("maps.npy");
        let values: Vec<f32> = (0..10).flat_map(|map| [map as f32; 4]).collect();
        std::fs::write(&path, npy::encode(2, 2, &values)).unwrap();
        path
    }

    #[test]
    fn maps_are_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let maps = TrainingMaps::open(&file(folder.path()), 2, 3).unwrap();
        assert_eq!((maps.maps(), maps.side(), maps.largest_kappa(5).unwrap()), (10, 2, 8.0));
        assert_eq!(maps.kappa([3, 0]).unwrap(), [3.0, 3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(maps.kappa([10]).unwrap_err().to_string().contains("no map 10"));
        assert_eq!(maps.spread(20).count(), 10);
    }

    #[test]
    fn refuses_files_that_do_not_fit_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let refused = |side, batch| format!("{:#}", TrainingMaps::open(&path, side, batch).err().unwrap());
        assert!(refused(4, 2).contains("--count N --size 4"));
        assert!(refused(2, 11).contains("fewer than a batch"));
        std::fs::write(&path, npy::encode(2, 2, &[f32::NAN; 8])).unwrap();
        let maps = TrainingMaps::open(&path, 2, 2).unwrap();
        assert!(maps.kappa([0]).unwrap_err().to_string().contains("not finite"));
    }
}
