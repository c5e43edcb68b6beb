//! A map that is there already.

use protocol::Event;
use shared::{
    ConvergenceMap,
    statistics::{Statistic, mask::Mask},
    survey::Treatment,
};

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// Treats and measures a map.
///
/// # Errors
/// When it cannot be measured.
pub fn step(
    artist: &mut Artist,
    (map, mask): (ConvergenceMap, Option<Mask>),
    treatment: &Treatment,
    statistics: &[Statistic],
) -> Result<Step, Failure> {
    let (portrait, kappa) = artist.gauges.of(&map).look(map, mask.as_ref(), treatment, statistics)?;
    Ok((Event::Looked(portrait), vec![kappa]))
}
