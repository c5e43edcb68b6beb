//! A statistic over the maps of consecutive seeds, a map a step.

use protocol::{Event, LatentPoint, Scatter};
use shared::statistics::{Ensemble as Running, Statistic};

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// An ensemble that grows.
pub struct Ensemble {
    first_seed: u64,
    maps: u32,
    statistic: Statistic,
    measured: u32,
    middles: Vec<f64>,
    /// Begun with the first map, which says how many bins there are.
    running: Option<Running>,
}

impl Ensemble {
    /// An ensemble of `maps` maps, of which none is drawn yet.
    pub fn new(first_seed: u64, maps: u32, statistic: Statistic) -> Self {
        Self { first_seed, maps, statistic, measured: 0, middles: Vec::new(), running: None }
    }

    /// Draws and measures one more map.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn step(&mut self, artist: &mut Artist) -> Result<Step, Failure> {
        if self.measured < self.maps {
            let seed = self.first_seed.wrapping_add(u64::from(self.measured));
            let (map, _) = artist.draw(LatentPoint { seed, to: seed, place: 0.0 }).await?;
            for measured in artist.measure(&map, &[self.statistic])? {
                self.middles = measured.middles;
                let bins = measured.values.len();
                self.running.get_or_insert_with(|| Running::new(bins)).add(&measured.values);
            }
            self.measured += 1;
        }
        let event = Event::Scatter(Scatter {
            statistic: self.statistic,
            maps: self.measured,
            of: self.maps,
            middles: self.middles.clone(),
            mean: self.running.as_ref().map(Running::mean).unwrap_or_default(),
            sigma: self.running.as_ref().map(Running::sigma).unwrap_or_default(),
        });
        Ok(if self.measured < self.maps { Step::More(event) } else { Step::Done(event, None) })
    }
}
