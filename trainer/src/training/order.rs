//! Which maps a step trains on: all of them in an order that is shuffled anew each epoch.

use shared::random::{Stream, stream};

/// The order of the maps; it follows from the seed, so that a run goes on where it was without a state of its own.
pub struct Order {
    maps: usize,
    batch_size: usize,
    seed: u64,
    /// Order of the epoch that was asked for last.
    known: Option<(u64, Vec<u32>)>,
}

impl Order {
    /// The order of `maps` maps in batches.
    pub fn new(maps: usize, batch_size: usize, seed: u64) -> Self {
        Self { maps, batch_size, seed, known: None }
    }

    /// Whole batches in an epoch; the maps left over differ from epoch to epoch.
    pub fn batches(&self) -> u64 {
        (self.maps / self.batch_size.max(1)).max(1) as u64
    }

    /// Numbers of the maps of a training step, counted from 0.
    pub fn maps_of(&mut self, step: u64) -> Vec<usize> {
        let (epoch, place) = (step / self.batches(), (step % self.batches()) as usize);
        let (maps, seed) = (self.maps, self.seed);
        if self.known.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.known = Some((epoch, stream(seed, Stream::Shuffle).at(epoch).permutation(maps)));
        }
        let order = self.known.as_ref().map_or(&[][..], |(_, order)| order);
        order.iter().skip(place * self.batch_size).take(self.batch_size).map(|&map| map as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn an_epoch_holds_every_map_at_most_once_and_epochs_differ() {
        let mut order = Order::new(10, 3, 5);
        assert_eq!(order.batches(), 3);
        let mut epoch =
            |epoch: u64| -> Vec<usize> { (epoch * 3..epoch * 3 + 3).flat_map(|step| order.maps_of(step)).collect() };
        let first = epoch(0);
        assert_eq!((first.len(), first.iter().collect::<HashSet<_>>().len()), (9, 9));
        assert_ne!(first, epoch(1));
        assert_eq!(first, epoch(0), "an epoch can be read again, as after a resume");
    }
}
