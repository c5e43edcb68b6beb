//! A statistic of one map that nobody sees, in one step.

use protocol::{Event, LatentPoint};
use shared::statistics::Statistic;

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// A map to be drawn and measured.
pub struct Measure {
    /// Which map.
    pub point: LatentPoint,
    /// What is measured.
    pub statistics: Vec<Statistic>,
}

impl Measure {
    /// Draws and measures it.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn step(&mut self, artist: &mut Artist) -> Result<Step, Failure> {
        let (map, _) = artist.draw(self.point).await?;
        Ok(Step { event: Event::Measured { measured: artist.measure(&map, &self.statistics)? }, kappa: None })
    }
}
