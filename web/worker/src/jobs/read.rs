//! The maps of a visitor's file.

use protocol::{Event, MapSize};
use shared::{
    ConvergenceMap,
    formats::maps::{self, FileMaps, Limits},
};

use super::Step;
use crate::messages::Failure;

/// What a browser's memory has room for: a look at a stack, and no map whose transform takes more than 200 MB.
const LIMITS: Limits = Limits { maps: 24, pixels: 2048, unpacked: 1 << 30 };

/// Reads a file. Pixels without a value are NaN.
///
/// # Errors
/// When it holds no maps; the sentence goes on after the file's name.
pub fn step(bytes: Vec<u8>, side_angle: f64) -> Result<Step, Failure> {
    let read = maps::read(bytes, side_angle, LIMITS).map_err(|error| Failure::final_one(error.to_string()))?;
    let FileMaps { maps, masked, total, states_angle, notes } = read;
    let size = |map: &ConvergenceMap| MapSize { pixels: map.pixels(), side_angle: map.side_angle() };
    let event = Event::Read { maps: maps.iter().map(size).collect(), total, states_angle, notes };
    let seen = maps.into_iter().zip(masked).map(|(map, masked)| {
        let mut kappa = map.into_kappa();
        for (kappa, _) in kappa.iter_mut().zip(masked).filter(|(_, masked)| *masked) {
            *kappa = f32::NAN;
        }
        kappa
    });
    Ok((event, seen.collect()))
}
