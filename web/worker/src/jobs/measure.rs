//! Statistics of one map that nobody sees.

use protocol::{Event, LatentPoint};
use shared::statistics::Statistic;

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// Draws a map and measures it.
///
/// # Errors
/// When the device fails.
pub async fn step(artist: &mut Artist, point: LatentPoint, statistics: &[Statistic]) -> Result<Step, Failure> {
    let (map, _) = artist.draw(point).await?;
    Ok((Event::Measured { measured: artist.gauges.of(&map).measure(&map, statistics)? }, Vec::new()))
}
