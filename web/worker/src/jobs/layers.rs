//! What each layer of the network makes of a point.

use protocol::{Event, LatentPoint, LayerSize};
use shared::statistics::mean_and_sigma;

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// Most channels of the first layer that are shown, and how many fewer of each next one, which are finer.
const MOST_CHANNELS: usize = 16;
const FEWER: usize = 4;

/// Draws a point and keeps, of each layer, the channels that vary most in their middle.
///
/// # Errors
/// When the device keeps its layers to itself.
pub fn step(artist: &mut Artist, point: LatentPoint) -> Result<Step, Failure> {
    let side_of_map = artist.pixels();
    let all = artist.layers(point)?;
    let mut layers = Vec::with_capacity(all.len());
    let mut numbers = Vec::with_capacity(all.len());
    for (number, layer) in all.iter().enumerate() {
        // Each layer doubles the side, up to the map's.
        let side = side_of_map >> (all.len() - 1 - number);
        let planes: Vec<&[f32]> = layer.chunks_exact((side * side).max(1)).collect();
        let variation = |plane: &&[f32]| mean_and_sigma(&interior(plane, side)).1;
        let mut order: Vec<(usize, f64)> = planes.iter().map(variation).enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        order.truncate(MOST_CHANNELS.saturating_sub(FEWER * number).max(1));
        let shown: Vec<usize> = order.into_iter().map(|(channel, _)| channel).collect();
        numbers
            .push(shown.iter().filter_map(|&channel| planes.get(channel)).flat_map(|plane| plane.to_vec()).collect());
        layers.push(LayerSize { channels: planes.len(), side, shown });
    }
    Ok((Event::Layers { layers }, numbers))
}

/// The middle of a channel: at its border, where it is filled up, a network has numbers that say nothing of a map.
fn interior(plane: &[f32], side: usize) -> Vec<f32> {
    let border = side / 8;
    plane
        .chunks_exact(side)
        .skip(border)
        .take(side - 2 * border)
        .flat_map(|row| row[border..side - border].to_vec())
        .collect()
}
