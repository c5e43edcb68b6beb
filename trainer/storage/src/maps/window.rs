//! Windows of maps of which pixels may have no value.

use anyhow::{Result, bail};
use shared::random::Random;

use super::crop::Crop;

/// A window of a map, and which of its pixels have a value, where not all have.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskedWindow {
    /// Kappa, row by row; 0 where there is no value.
    pub kappa: Vec<f32>,
    /// For each pixel whether it has a value.
    pub used: Option<Vec<bool>>,
}

impl MaskedWindow {
    /// The window turned as a crop asks for, whose place is that of the window already.
    #[must_use]
    pub fn turned(self, crop: Crop, size: usize) -> Self {
        let crop = Crop { row: 0, column: 0, ..crop };
        if crop == Crop::WHOLE {
            return self;
        }
        let from = |at: usize| {
            let (row, column) = crop.source(size, at / size, at % size);
            row * size + column
        };
        let pixels = size * size;
        Self {
            kappa: (0..pixels).map(|at| self.kappa[from(at)]).collect(),
            used: self.used.map(|used| (0..pixels).map(|at| used[from(at)]).collect()),
        }
    }
}

/// A window of `size` pixels without masked ones, drawn with its symmetry from a map of which this is all.
///
/// # Errors
/// When none is found in a thousand tries.
pub fn draw_unmasked(
    whole: &MaskedWindow,
    [rows, columns]: [usize; 2],
    size: usize,
    random: &mut Random,
) -> Result<Vec<f32>> {
    const TRIES: usize = 1000;
    for _ in 0..TRIES {
        let crop = Crop::draw_of(random, rows, columns, size);
        let at = |row: usize, column: usize| (crop.row + row) * columns + crop.column + column;
        let is_free = |used: &Vec<bool>| (0..size * size).all(|i| used[at(i / size, i % size)]);
        if whole.used.as_ref().is_none_or(is_free) {
            let kappa = (0..size * size).map(|i| whole.kappa[at(i / size, i % size)]).collect();
            return Ok(MaskedWindow { kappa, used: None }.turned(crop, size).kappa);
        }
    }
    bail!("no window of {size} pixels without masked ones was found in {TRIES} tries: give a smaller --size")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::random::{Stream, stream};
    use std::collections::HashSet;

    #[test]
    fn drawn_windows_keep_neighbours_together_and_lie_everywhere() {
        let (rows, columns, size) = (8, 11, 3);
        let kappa = (0..rows * columns).map(|at| (100 * (at / columns) + at % columns) as f32).collect();
        let whole = MaskedWindow { kappa, used: None };
        let mut random = stream(4, Stream::Crops);
        let mut corners = HashSet::new();
        for _ in 0..3000 {
            let crop = draw_unmasked(&whole, [rows, columns], size, &mut random).unwrap();
            let steps = [(crop[1] - crop[0]).abs() as i32, (crop[3] - crop[0]).abs() as i32];
            assert!(steps == [1, 100] || steps == [100, 1], "{crop:?}");
            corners.insert(crop.iter().copied().fold(f32::MAX, f32::min) as u32);
        }
        assert_eq!(corners.len(), (rows - size + 1) * (columns - size + 1));
    }

    #[test]
    fn masked_pixels_are_in_no_window() {
        let side = 16;
        let used: Vec<bool> = (0..side * side).map(|at| at / side != 7 && at % side != 4).collect();
        let kappa = used.iter().map(|&used| if used { 1.0 } else { 0.0 }).collect();
        let whole = MaskedWindow { kappa, used: Some(used) };
        let mut random = stream(4, Stream::Crops);
        for _ in 0..200 {
            let crop = draw_unmasked(&whole, [side, side], 5, &mut random).unwrap();
            assert!(crop.iter().all(|&kappa| kappa == 1.0));
        }
        let error = draw_unmasked(&whole, [side, side], 9, &mut random).unwrap_err().to_string();
        assert!(error.contains("smaller --size"), "{error}");
    }
}
