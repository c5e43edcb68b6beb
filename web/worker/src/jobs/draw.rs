//! One map, in one step.

use protocol::{Drawn, Event, LatentPoint};
use shared::{statistics::Statistic, survey::Treatment};

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// Draws a map, treats and measures it.
///
/// # Errors
/// When the device fails.
pub async fn step(
    artist: &mut Artist,
    point: LatentPoint,
    treatment: &Treatment,
    statistics: &[Statistic],
) -> Result<Step, Failure> {
    let (map, milliseconds) = artist.draw(point).await?;
    let (portrait, kappa) = artist.gauges.of(&map).look(map, None, treatment, statistics)?;
    Ok((Event::Drawn(Drawn { point, treatment: *treatment, milliseconds, portrait }), vec![kappa]))
}
