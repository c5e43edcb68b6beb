//! One map, in one step.

use protocol::{Drawn, Event, LatentPoint};
use shared::statistics::{Statistic, mean_and_sigma};

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// A map to be drawn, and what is to be measured of it.
pub struct Draw {
    /// Which map.
    pub point: LatentPoint,
    /// What is measured.
    pub statistics: Vec<Statistic>,
}

impl Draw {
    /// Draws and measures it.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn step(&mut self, artist: &mut Artist) -> Result<Step, Failure> {
        let (map, milliseconds) = artist.draw(self.point).await?;
        let measured = artist.measure(&map, &self.statistics)?;
        let (point, pixels, side_angle) = (self.point, map.pixels(), map.side_angle());
        let (_, sigma) = mean_and_sigma(map.kappa());
        let drawn = Drawn { point, pixels, side_angle, sigma, milliseconds, measured };
        Ok(Step { event: Event::Drawn(drawn), kappa: Some(map.into_kappa()) })
    }
}
