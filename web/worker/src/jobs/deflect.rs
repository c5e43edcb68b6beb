//! The deflection of light by a map.

use protocol::Event;
use shared::ConvergenceMap;

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// Computes it.
///
/// # Errors
/// When the map is of another size than it says.
pub fn step(artist: &mut Artist, map: &ConvergenceMap) -> Result<Step, Failure> {
    let deflection = artist.gauges.of(map).deflection(map);
    let [right, down] = deflection.ok_or_else(|| Failure::final_one("The map deflects no light."))?;
    Ok((Event::Deflected, vec![right, down]))
}
