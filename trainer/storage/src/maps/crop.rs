//! A random window of a larger square and one of its eight symmetries.

use shared::random::Random;

/// Where a crop lies in a larger square and how it is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// First row of the window.
    pub row: usize,
    /// First column of the window.
    pub column: usize,
    /// Rows are read from the last to the first.
    pub flip_rows: bool,
    /// Columns are read from the last to the first.
    pub flip_columns: bool,
    /// Rows and columns change places, after the flips.
    pub transpose: bool,
}

impl Crop {
    /// A map of the crop's own size, as it is.
    pub const WHOLE: Self = Self { row: 0, column: 0, flip_rows: false, flip_columns: false, transpose: false };

    /// A window of `size` pixels that does not wrap around a square of `side` >= `size` pixels, with equal odds for each
    /// place and symmetry.
    pub fn draw(random: &mut Random, side: usize, size: usize) -> Self {
        Self::draw_of(random, side, side, size)
    }

    /// The same of a rectangle.
    pub fn draw_of(random: &mut Random, rows: usize, columns: usize, size: usize) -> Self {
        let places = |side: usize| side.saturating_sub(size) + 1;
        let (row, column) = (random.below(places(rows)), random.below(places(columns)));
        let symmetry = random.below(8);
        let bit = |bit: usize| symmetry >> bit & 1 == 1;
        Self { row, column, flip_rows: bit(0), flip_columns: bit(1), transpose: bit(2) }
    }

    /// Row and column in the larger square of the crop's pixel (`row`, `column`).
    pub fn source(&self, size: usize, row: usize, column: usize) -> (usize, usize) {
        let (row, column) = if self.transpose { (column, row) } else { (row, column) };
        let row = if self.flip_rows { size - 1 - row } else { row };
        let column = if self.flip_columns { size - 1 - column } else { column };
        (self.row + row, self.column + column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::random::{Stream, stream};
    use std::collections::HashSet;

    #[test]
    fn the_eight_symmetries_are_distinct_and_all_occur() {
        let mut random = stream(1, Stream::Crops);
        let turned: HashSet<Vec<(usize, usize)>> = (0..500)
            .map(|_| Crop { row: 0, column: 0, ..Crop::draw(&mut random, 2, 2) })
            .map(|crop| (0..4).map(|at| crop.source(2, at / 2, at % 2)).collect())
            .collect();
        assert_eq!(turned.len(), 8);
        assert!(turned.iter().all(|pixels| pixels.iter().collect::<HashSet<_>>().len() == 4));
    }

    #[test]
    fn windows_stay_inside_and_reach_both_ends() {
        let mut random = stream(2, Stream::Crops);
        let rows: HashSet<usize> = (0..500).map(|_| Crop::draw(&mut random, 8, 5).row).collect();
        assert_eq!(rows, HashSet::from([0, 1, 2, 3]));
        assert_eq!(Crop::draw(&mut random, 5, 5).row, 0);
    }
}
