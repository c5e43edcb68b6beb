//! Where the numbers of maps lie in plain bytes, and what they are.

use std::io;

use super::{element::Element, source::Source};

/// Maps one after the other, row by row, in bytes that are not packed.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Where the first number lies.
    pub offset: u64,
    /// Type of the numbers.
    pub element: Element,
    /// Number of maps.
    pub maps: usize,
    /// Rows of a map.
    pub rows: usize,
    /// Columns of a map.
    pub columns: usize,
    /// A value is `zero + scale` times its number (BZERO and BSCALE of FITS).
    pub scale: f64,
    /// See `scale`.
    pub zero: f64,
    /// The whole number that stands for no value (BLANK of FITS): read as NaN.
    pub blank: Option<i64>,
}

/// Rows and columns of a map that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
}

impl Layout {
    /// Maps of plain numbers from this place on.
    pub fn plain(offset: u64, element: Element, [maps, rows, columns]: [usize; 3]) -> Self {
        Self { offset, element, maps, rows, columns, scale: 1.0, zero: 0.0, blank: None }
    }

    /// Bytes of one map.
    pub fn map_bytes(&self) -> usize {
        self.rows * self.columns * self.element.bytes()
    }

    /// Bytes of all maps.
    pub fn bytes(&self) -> u64 {
        self.maps as u64 * self.map_bytes() as u64
    }

    /// Where the maps end.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes()
    }

    /// All of a map.
    pub fn whole(&self) -> Window {
        Window { row: 0, column: 0, rows: self.rows, columns: self.columns }
    }

    /// Where a window of a map begins, and its rows follow: whole rows lie in one piece.
    pub fn place(&self, map: usize, window: Window) -> u64 {
        let first = (map * self.rows + window.row) * self.columns + window.column;
        self.offset + first as u64 * self.element.bytes() as u64
    }

    /// The values of a window of a map, row by row.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub fn read(&self, source: &(impl Source + ?Sized), map: usize, window: Window) -> io::Result<Vec<f32>> {
        let width = self.element.bytes();
        let start = self.place(map, window);
        if window.columns == self.columns {
            let mut bytes = vec![0; window.rows * window.columns * width];
            source.read_at(start, &mut bytes)?;
            return Ok(self.decode(&bytes));
        }
        let mut values = Vec::with_capacity(window.rows * window.columns);
        let mut bytes = vec![0; window.columns * width];
        for row in 0..window.rows {
            source.read_at(start + (row * self.columns * width) as u64, &mut bytes)?;
            values.extend(self.decode(&bytes));
        }
        Ok(values)
    }

    /// Values from their bytes.
    pub fn decode(&self, bytes: &[u8]) -> Vec<f32> {
        let is_plain = self.scale == 1.0 && self.zero == 0.0 && self.blank.is_none();
        if is_plain {
            return self.element.decode(bytes);
        }
        self.decode_double(bytes).into_iter().map(|value| value as f32).collect()
    }

    /// Values from their bytes, as f64.
    pub fn decode_double(&self, bytes: &[u8]) -> Vec<f64> {
        let physical = |number: f64| self.zero + self.scale * number;
        match (self.blank, self.element.decode_integers(bytes)) {
            (Some(blank), Some(numbers)) => {
                let blank = i128::from(blank);
                numbers.into_iter().map(|n| if n == blank { f64::NAN } else { physical(n as f64) }).collect()
            }
            _ => self.element.decode_double(bytes).into_iter().map(physical).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_those_of_the_map() {
        let element = Element::of_numpy(">i2").unwrap();
        let numbers: Vec<f32> = (0..2 * 3 * 4).map(|at| at as f32).collect();
        let bytes = [vec![9; 5], element.encode(&numbers)].concat();
        let layout = Layout { scale: 0.5, zero: -1.0, blank: Some(23), ..Layout::plain(5, element, [2, 3, 4]) };
        let whole = layout.read(&bytes, 1, layout.whole()).unwrap();
        assert!(whole[11].is_nan());
        for (row, column) in (0..3).flat_map(|row| (0..4).map(move |column| (row, column))) {
            for (rows, columns) in (1..=3 - row).flat_map(|rows| (1..=4 - column).map(move |columns| (rows, columns))) {
                let found = layout.read(&bytes, 1, Window { row, column, rows, columns }).unwrap();
                for (at, value) in found.iter().enumerate() {
                    let there = (row + at / columns) * 4 + column + at % columns;
                    let expected = 0.5 * (12 + there) as f32 - 1.0;
                    assert!(*value == expected || there == 11 && value.is_nan(), "{row} {column} {rows} {columns}");
                }
            }
        }
        assert!(layout.read(&bytes, 2, layout.whole()).is_err());
        assert_eq!(layout.end(), bytes.len() as u64);
    }
}
