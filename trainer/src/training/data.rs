//! Training maps, memory-mapped, in an order that is shuffled anew each epoch.

use std::{cell::RefCell, path::Path};

use anyhow::{Context, Result, bail};
use shared::{
    formats::npy::{Element, NpyHeader},
    random::{Stream, stream},
};
use tch::{Device, Tensor};

use super::mapped_file::MappedFile;
use crate::maps::archive::open_npy;

/// The training maps of a `.npy` file.
///
/// The file is mapped into memory, read-only, so that only the pages of the batches in use are held.
pub struct TrainingMaps {
    file: MappedFile,
    header: NpyHeader,
    maps: usize,
    side: usize,
    seed: u64,
    /// Order of the epoch that was asked for last.
    order: RefCell<Option<(u64, Vec<u32>)>>,
}

impl TrainingMaps {
    /// Maps a file of `[N, side, side]` little-endian f32, as `trainer maps` writes it.
    ///
    /// # Errors
    /// When the file is not that, or holds fewer maps than a batch.
    pub fn open(path: &Path, side: usize, batch_size: usize, seed: u64) -> Result<Self> {
        let (file, header) = open_npy(path)?;
        let name = path.display();
        if header.element != Element::LITTLE_F32 {
            bail!("{name} is not little-endian float32: convert it with `trainer maps --maps {name} --out ...`");
        }
        if (header.rows, header.columns) != (side, side) {
            let (rows, columns) = (header.rows, header.columns);
            bail!(
                "{name} holds maps of {rows} x {columns}, the network draws {side} x {side}: crop them with `trainer maps --maps {name} --size {side} --out ...`, or set [network] map_side"
            );
        }
        if header.maps < batch_size {
            bail!("{name} holds {} maps, fewer than a batch of {batch_size}", header.maps);
        }
        let file = MappedFile::open(&file).with_context(|| format!("cannot map {name} into memory"))?;
        Ok(Self { file, header, maps: header.maps, side, seed, order: RefCell::new(None) })
    }

    /// Number of maps.
    pub fn maps(&self) -> usize {
        self.maps
    }

    /// Whole batches in an epoch; the maps left over differ from epoch to epoch.
    pub fn batches(&self, batch_size: usize) -> u64 {
        (self.maps / batch_size.max(1)).max(1) as u64
    }

    /// The largest |kappa| of `count` maps spread evenly over the data.
    ///
    /// # Errors
    /// When a map holds values that are not finite.
    pub fn largest_kappa(&self, count: usize) -> Result<f64> {
        let places = (0..count.min(self.maps)).map(|place| (place * self.maps / count.min(self.maps)) as i64);
        let mut largest = 0.0_f64;
        for index in places {
            largest = largest.max(self.select(&[index], Device::Cpu)?.f_abs()?.f_max()?.try_into()?);
        }
        Ok(largest)
    }

    /// The batch of a training step, counted from 0: `[batch_size, 1, side, side]`.
    ///
    /// # Errors
    /// When a map holds values that are not finite.
    pub fn batch(&self, step: u64, batch_size: usize, device: Device) -> Result<Tensor> {
        let (epoch, place) = (step / self.batches(batch_size), step % self.batches(batch_size));
        let mut order = self.order.borrow_mut();
        if order.as_ref().is_none_or(|(known, _)| *known != epoch) {
            *order = Some((epoch, stream(self.seed, Stream::Shuffle).at(epoch).permutation(self.maps)));
        }
        let start = place as usize * batch_size;
        let indices = order.as_ref().and_then(|(_, order)| order.get(start..start + batch_size));
        let indices: Vec<i64> =
            indices.context("a batch beyond the epoch")?.iter().map(|&index| i64::from(index)).collect();
        self.select(&indices, device)
    }

    /// Maps of these numbers: `[n, 1, side, side]`.
    ///
    /// # Errors
    /// When a number is beyond the file, or a map holds values that are not finite.
    pub fn select(&self, indices: &[i64], device: Device) -> Result<Tensor> {
        let (side, map_bytes) = (self.side as i64, self.header.map_bytes());
        let mut kappa = Vec::with_capacity(indices.len() * self.side * self.side);
        for &index in indices {
            let start = usize::try_from(index).ok().filter(|&index| index < self.maps);
            let start = start.map(|index| self.header.data_offset + index * map_bytes);
            let bytes = start.and_then(|start| self.file.bytes().get(start..start + map_bytes));
            let bytes = bytes.with_context(|| format!("there is no map {index} in the training data"))?;
            kappa.extend(self.header.element.decode(bytes));
        }
        let batch = Tensor::f_from_slice(&kappa)?.f_view([indices.len() as i64, 1, side, side])?;
        if !bool::try_from(batch.f_isfinite()?.f_all()?)? {
            bail!("one of the maps {indices:?} of the training data holds values that are not finite: remove it");
        }
        Ok(batch.f_to_device(device)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::to_vec;
    use shared::formats::npy;
    use std::collections::HashSet;

    /// Ten maps of 2 x 2 whose pixels are their number.
    fn file(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("maps.npy");
        let values: Vec<f32> = (0..10).flat_map(|map| [map as f32; 4]).collect();
        std::fs::write(&path, npy::encode(2, 2, &values)).unwrap();
        path
    }

    #[test]
    fn an_epoch_holds_every_map_at_most_once_and_epochs_differ() {
        let folder = tempfile::tempdir().unwrap();
        let maps = TrainingMaps::open(&file(folder.path()), 2, 3, 5).unwrap();
        assert_eq!((maps.batches(3), maps.largest_kappa(5).unwrap()), (3, 8.0));
        let epoch = |epoch: u64| -> Vec<u32> {
            let steps = epoch * 3..epoch * 3 + 3;
            steps
                .flat_map(|step| to_vec(&maps.batch(step, 3, Device::Cpu).unwrap()).unwrap())
                .map(|v| v as u32)
                .collect()
        };
        let first = epoch(0);
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), 9);
        assert!(first.chunks(4).all(|map| map.iter().all(|v| *v == map[0])));
        assert_ne!(first, epoch(1));
        assert_eq!(first, epoch(0), "an epoch can be read again, as after a resume");
    }

    #[test]
    fn refuses_files_that_do_not_fit_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let refused = |side, batch| format!("{:#}", TrainingMaps::open(&path, side, batch, 1).err().unwrap());
        assert!(refused(4, 2).contains("--size 4"));
        assert!(refused(2, 11).contains("fewer than a batch"));
        std::fs::write(&path, npy::encode(2, 2, &[f32::NAN; 8])).unwrap();
        let maps = TrainingMaps::open(&path, 2, 2, 1).unwrap();
        assert!(maps.batch(0, 2, Device::Cpu).unwrap_err().to_string().contains("not finite"));
    }
}
