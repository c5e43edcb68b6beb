//! Batches of training maps, read ahead by a thread of their own while the device computes.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use anyhow::{Context, Result};

use super::{data::TrainingMaps, order::Order};

/// Batches that wait to be trained on, at most.
const AHEAD: usize = 2;

/// Batches of consecutive steps, in their order.
pub struct Batches {
    batches: Receiver<Result<Vec<f32>>>,
}

impl Batches {
    /// Begins to read, at a step counted from 0. The thread ends when this is dropped.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn read_ahead(maps: Arc<TrainingMaps>, mut order: Order, step: u64) -> Result<Self> {
        let (sender, batches) = sync_channel(AHEAD);
        let read = move || {
            for step in step.. {
                let batch = maps.kappa(order.maps_of(step));
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        };
        thread::Builder::new().name("batches".into()).spawn(read).context("cannot start a thread that reads maps")?;
        Ok(Self { batches })
    }

    /// Kappa of the next batch, `[batch, side, side]`.
    ///
    /// # Errors
    /// When a map holds values that are not finite.
    pub fn next(&self) -> Result<Vec<f32>> {
        self.batches.recv().context("the thread that reads the training maps has ended")?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::formats::npy;

    #[test]
    fn batches_are_those_of_their_steps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.npy");
        let values: Vec<f32> = (0..10).flat_map(|map| [map as f32; 4]).collect();
        std::fs::write(&path, npy::encode(2, 2, &values)).unwrap();
        let maps = Arc::new(TrainingMaps::open(&path, 2, 3).unwrap());
        for first in [0, 5] {
            let batches = Batches::read_ahead(Arc::clone(&maps), Order::new(10, 3, 7), first).unwrap();
            let mut order = Order::new(10, 3, 7);
            for step in first..first + 8 {
                assert_eq!(batches.next().unwrap(), maps.kappa(order.maps_of(step)).unwrap(), "step {step}");
            }
        }
    }

    #[test]
    fn a_map_that_is_not_finite_is_told_when_its_turn_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.npy");
        std::fs::write(&path, npy::encode(2, 2, &[f32::NAN; 16])).unwrap();
        let maps = Arc::new(TrainingMaps::open(&path, 2, 3).unwrap());
        let batches = Batches::read_ahead(maps, Order::new(4, 3, 7), 0).unwrap();
        assert!(batches.next().unwrap_err().to_string().contains("not finite"));
        assert!(batches.next().is_err());
    }
}
