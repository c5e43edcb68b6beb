//! A map in f64 with a periodic border, on which finite differences are plain loops.

/// Width of the border: second differences reach two pixels far.
const BORDER: usize = 2;

/// Kappa of an n x n map, continued periodically by two pixels on every side, as LensTools wraps every map.
#[derive(Debug, Clone)]
pub struct Halo {
    pixels: usize,
    values: Vec<f64>,
}

/// The rows that the derivatives at one row need, each `pixels + 4` long and beginning two pixels left of the map.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Two rows above, one above, the row itself, one below, two below.
    pub rows: [&'a [f64]; 5],
}

/// First and second differences at a pixel, in pixel units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Derivatives {
    /// Along the columns: (k[+1] - k[-1]) / 2.
    pub x: f64,
    /// Along the rows.
    pub y: f64,
    /// (k[+2] + k[-2] - 2 k) / 4 along the columns.
    pub xx: f64,
    /// Likewise along the rows.
    pub yy: f64,
    /// (k[++] + k[--] - k[+-] - k[-+]) / 4.
    pub xy: f64,
}

impl Halo {
    /// Room for maps of `pixels` x `pixels`.
    pub fn new(pixels: usize) -> Self {
        let width = pixels + 2 * BORDER;
        Self { pixels, values: vec![0.0; width * width] }
    }

    /// Takes in a row-major map of the planned size; another size leaves the rest as it was.
    pub fn fill(&mut self, kappa: &[f32]) {
        let (n, width) = (self.pixels, self.pixels + 2 * BORDER);
        for (row, values) in self.values.chunks_exact_mut(width).enumerate() {
            // 2n - BORDER keeps the sum positive for maps of a single pixel too.
            let source = (row + 2 * n - BORDER) % n * n;
            let Some(source) = kappa.get(source..source + n) else { continue };
            for (to, &from) in values[BORDER..].iter_mut().zip(source) {
                *to = f64::from(from);
            }
            for border in 0..BORDER {
                values[border] = f64::from(source[(border + 2 * n - BORDER) % n]);
                values[BORDER + n + border] = f64::from(source[border % n]);
            }
        }
    }

    /// Pixels along a side of the map.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// The rows around each row of the map.
    pub fn rows(&self) -> impl Iterator<Item = Rows<'_>> {
        let width = self.pixels + 2 * BORDER;
        (0..self.pixels).map(move |row| Rows {
            rows: std::array::from_fn(|offset| &self.values[(row + offset) * width..(row + offset + 1) * width]),
        })
    }
}

impl<'a> Rows<'a> {
    /// Pixels of the row itself.
    pub fn centre(&self) -> &'a [f64] {
        let row = self.rows[2];
        &row[BORDER..row.len() - BORDER]
    }

    /// The row `down` rows below (-2..=2), shifted so that element `column` lies `right` columns (-2..=2) right of the
    /// map's column.
    #[inline]
    pub fn shifted(&self, down: isize, right: isize) -> &'a [f64] {
        let row = self.rows[(down + 2) as usize];
        let start = (right + 2) as usize;
        &row[start..start + row.len() - 2 * BORDER]
    }

    /// Calls `each(column, kappa, derivatives)` for every pixel of the row.
    #[inline]
    pub fn for_each(&self, mut each: impl FnMut(usize, f64, Derivatives)) {
        let (centre, n) = (self.centre(), self.centre().len());
        // One length for all, so that the loop below needs no checks and runs in vector registers.
        let at = |down, right| &self.shifted(down, right)[..n];
        let (left, right, left2, right2) = (at(0, -1), at(0, 1), at(0, -2), at(0, 2));
        let (up, down, up2, down2) = (at(-1, 0), at(1, 0), at(-2, 0), at(2, 0));
        let (up_left, up_right, down_left, down_right) = (at(-1, -1), at(-1, 1), at(1, -1), at(1, 1));
        for i in 0..n {
            let derivatives = Derivatives {
                x: (right[i] - left[i]) / 2.0,
                y: (down[i] - up[i]) / 2.0,
                xx: (right2[i] + left2[i] - 2.0 * centre[i]) / 4.0,
                yy: (down2[i] + up2[i] - 2.0 * centre[i]) / 4.0,
                xy: (down_right[i] + up_left[i] - up_right[i] - down_left[i]) / 4.0,
            };
            each(i, centre[i], derivatives);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_wrap_around() {
        for n in [1, 2, 3, 7] {
            let map: Vec<f32> = (0..n * n).map(|i| ((i * i * 31 + 7 * i) % 17) as f32 / 17.0).collect();
            let at = |row: usize, column: usize, down: isize, right: isize| {
                let wrap = |i: usize, by: isize| (i as isize + by).rem_euclid(n as isize) as usize;
                f64::from(map[wrap(row, down) * n + wrap(column, right)])
            };
            let mut halo = Halo::new(n);
            halo.fill(&map);
            let mut seen = 0;
            for (row, rows) in halo.rows().enumerate() {
                rows.for_each(|column, kappa, found| {
                    let k = |down, right| at(row, column, down, right);
                    let expected = Derivatives {
                        x: (k(0, 1) - k(0, -1)) / 2.0,
                        y: (k(1, 0) - k(-1, 0)) / 2.0,
                        xx: (k(0, 2) + k(0, -2) - 2.0 * k(0, 0)) / 4.0,
                        yy: (k(2, 0) + k(-2, 0) - 2.0 * k(0, 0)) / 4.0,
                        xy: (k(1, 1) + k(-1, -1) - k(-1, 1) - k(1, -1)) / 4.0,
                    };
                    assert_eq!((kappa, found), (k(0, 0), expected), "n {n}, row {row}, column {column}");
                    seen += 1;
                });
            }
            assert_eq!(seen, n * n);
        }
    }
}
