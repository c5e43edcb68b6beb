//! Batches of training maps, read ahead by a thread of their own while the device computes.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use anyhow::{Context, Result};
use shared::random::{Stream, stream};
use tch::{Device, Kind, Tensor};

use super::{config::TrainingConfig, data::TrainingMaps, order::Order};

/// Batches that wait to be trained on, at most.
const AHEAD: usize = 2;

/// The part of each batch that one of several processes trains on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Number of the process.
    pub rank: usize,
    /// Processes in all.
    pub size: usize,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { rank: 0, size: 1 };

    /// The own ones of as many things for each process.
    fn of<T>(self, all: &[T]) -> &[T] {
        let each = all.len() / self.size.max(1);
        all.get(self.rank * each..(self.rank + 1) * each).unwrap_or(&[])
    }
}

/// Batches of consecutive steps, in their order.
pub struct Batches {
    batches: Receiver<Result<Tensor>>,
    device: Device,
}

impl Batches {
    /// Begins to read a share of each batch, at a step counted from 0. The thread ends when this is dropped.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn read_ahead(
        maps: Arc<TrainingMaps>,
        config: &TrainingConfig,
        step: u64,
        share: Share,
        device: Device,
    ) -> Result<Self> {
        let (sender, batches) = sync_channel(AHEAD);
        let (seed, symmetries) = (config.seed, config.symmetries);
        let mut order = Order::new(maps.crops(), config.batch_size, seed);
        let read = move || {
            for step in step.. {
                let mut random = stream(seed, Stream::TrainingCrops).at(step);
                let drawn = maps.windows(order.maps_of(step), symmetries, &mut random);
                let kappa = drawn.and_then(|windows| maps.read(share.of(&windows)));
                let batch = kappa.and_then(|kappa| tensor(&kappa, maps.side(), device));
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        };
        thread::Builder::new().name("batches".into()).spawn(read).context("cannot start a thread that reads maps")?;
        Ok(Self { batches, device })
    }

    /// Kappa of the next batch on the device, `[batch, 1, side, side]`. A GPU fetches it while it computes.
    ///
    /// # Errors
    /// When a map holds values that are not finite, or the device has no room.
    pub fn next(&self) -> Result<Tensor> {
        let batch = self.batches.recv().context("the thread that reads the training maps has ended")??;
        Ok(batch.f_to_device_(self.device, Kind::Float, true, false)?)
    }
}

/// A batch on the CPU, `[batch, 1, side, side]`; for a GPU in memory from which it can fetch by itself.
fn tensor(kappa: &[f32], side: usize, device: Device) -> Result<Tensor> {
    let batch = Tensor::f_from_slice(kappa)?.f_view([-1, 1, side as i64, side as i64])?;
    Ok(if device.is_cuda() { batch.f_pin_memory(device)? } else { batch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{torch::to_vec, training::data::Part};
    use shared::formats::npy;

    fn maps(folder: &std::path::Path, value: impl Fn(usize) -> f32) -> Arc<TrainingMaps> {
        let path = folder.join("maps.npy");
        let values: Vec<f32> = (0..90).map(value).collect();
        std::fs::write(&path, npy::encode(3, 3, &values)).unwrap();
        Arc::new(TrainingMaps::open(&path, 2, Part::WithoutLast(0), 3).unwrap())
    }

    #[test]
    fn batches_are_those_of_their_steps_wherever_a_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let maps = maps(folder.path(), |at| at as f32);
        let config = TrainingConfig { batch_size: 3, seed: 7, ..TrainingConfig::default() };
        let from = |first: u64| -> Vec<Vec<f32>> {
            let batches = Batches::read_ahead(Arc::clone(&maps), &config, first, Share::WHOLE, Device::Cpu).unwrap();
            (first..12).map(|_| to_vec(&batches.next().unwrap()).unwrap()).collect()
        };
        let all = from(0);
        assert_eq!(all[5..], from(5));
        let mut order = Order::new(10, 3, 7);
        for (step, batch) in (0..).zip(&all) {
            let of_maps: Vec<usize> = batch.iter().step_by(4).map(|kappa| *kappa as usize / 9).collect();
            assert_eq!(of_maps, order.maps_of(step), "step {step}");
        }
    }

    #[test]
    fn shares_of_several_processes_are_one_batch() {
        let folder = tempfile::tempdir().unwrap();
        let maps = maps(folder.path(), |at| at as f32);
        let config = TrainingConfig { batch_size: 4, seed: 7, symmetries: true, ..TrainingConfig::default() };
        let read = |rank: usize, size: usize| -> Vec<f32> {
            let batches =
                Batches::read_ahead(Arc::clone(&maps), &config, 3, Share { rank, size }, Device::Cpu).unwrap();
            to_vec(&batches.next().unwrap()).unwrap()
        };
        let whole = read(0, 1);
        assert_eq!([read(0, 2), read(1, 2)].concat(), whole);
        assert_eq!((0..4).flat_map(|rank| read(rank, 4)).collect::<Vec<_>>(), whole);
    }

    #[test]
    fn a_map_that_is_not_finite_is_told_when_its_turn_comes() {
        let folder = tempfile::tempdir().unwrap();
        let config = TrainingConfig { batch_size: 3, ..TrainingConfig::default() };
        // Not among the four that are looked at when the maps are opened.
        let kappa = |at: usize| if [0, 2, 5, 7].contains(&(at / 9)) { 0.01 * at as f32 } else { f32::NAN };
        let batches = Batches::read_ahead(maps(folder.path(), kappa), &config, 0, Share::WHOLE, Device::Cpu).unwrap();
        let told = (0..4).find_map(|_| batches.next().err()).unwrap();
        assert!(format!("{told:#}").contains("kappa is NaN at row"), "{told:#}");
        assert!(batches.next().is_err());
    }
}
