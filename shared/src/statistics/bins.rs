//! Which bin a value falls into.

/// Rising edges e_0 < e_1 < ... with bins `e_b <= x < e_(b+1)`, as LensTools' thresholds have them. The edges may be
/// scaled by a map's sigma; the comparison is then with the rounded product `sigma e_b`, as in LensTools.
///
/// A table over the range gives the bin up to the places where an edge lies inside a table's cell, so that a value is found
/// in constant time.
#[derive(Debug, Clone)]
pub struct Bins {
    edges: Vec<f64>,
    scaled: Vec<f64>,
    /// First bin that reaches into each cell of the table.
    table: Vec<u32>,
    /// A value's place in the table is `value * slope + offset`.
    slope: f64,
    offset: f64,
}

/// Edges that do not rise, or fewer than two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bin edges must be at least two finite numbers that rise from each to the next")]
pub struct EdgesError;

/// Place of a value among [`Bins`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Below the first edge.
    Below,
    /// In this bin.
    Bin(usize),
    /// At the last edge or above it.
    Above,
}

impl Bins {
    /// Bins between these edges, not scaled yet.
    ///
    /// # Errors
    /// When the edges do not rise.
    pub fn new(edges: &[f64]) -> Result<Self, EdgesError> {
        let rising = edges.windows(2).all(|pair| pair[0] < pair[1]);
        let (Some(&first), Some(&last)) = (edges.first(), edges.last()) else { return Err(EdgesError) };
        if edges.len() < 2 || !rising || edges.iter().any(|edge| !edge.is_finite()) {
            return Err(EdgesError);
        }
        let cells = 4 * (edges.len() - 1);
        let bin_of = |cell: usize| {
            let low = first + (last - first) * cell as f64 / cells as f64;
            edges.partition_point(|&edge| edge <= low).saturating_sub(1).min(edges.len() - 2) as u32
        };
        let mut bins = Self {
            edges: edges.to_vec(),
            scaled: edges.to_vec(),
            table: (0..cells).map(bin_of).collect(),
            slope: 0.0,
            offset: 0.0,
        };
        bins.scale(1.0);
        Ok(bins)
    }

    /// Number of bins.
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// Multiplies the edges by a positive factor.
    pub fn scale(&mut self, factor: f64) {
        for (scaled, edge) in self.scaled.iter_mut().zip(&self.edges) {
            *scaled = edge * factor;
        }
        let (first, last) = (self.edges[0], self.edges[self.edges.len() - 1]);
        let cells_a_unit = self.table.len() as f64 / (last - first);
        self.slope = cells_a_unit / factor;
        self.offset = -first * cells_a_unit;
    }

    /// The edges as they were given.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The edges times the factor of [`Bins::scale`].
    pub fn scaled(&self) -> &[f64] {
        &self.scaled
    }

    /// Middle of each bin, not scaled.
    pub fn middles(&self) -> Vec<f64> {
        middles(&self.edges)
    }

    /// Place of a finite value.
    #[inline]
    pub fn place(&self, value: f64) -> Place {
        // A place that is off by rounding is put right by the comparisons below.
        let cell = (value * self.slope + self.offset) as usize;
        let mut bin = self.table[cell.min(self.table.len() - 1)] as usize;
        while value >= self.scaled[bin + 1] {
            bin += 1;
            if bin + 1 == self.scaled.len() {
                return Place::Above;
            }
        }
        while value < self.scaled[bin] {
            if bin == 0 {
                return Place::Below;
            }
            bin -= 1;
        }
        Place::Bin(bin)
    }
}

/// Middle between each edge and the next.
pub fn middles(edges: &[f64]) -> Vec<f64> {
    edges.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_a_search_for_even_and_uneven_edges_at_any_scale() {
        let even: Vec<f64> = (0..20).map(|i| -2.0 + 0.2 * f64::from(i)).collect();
        let uneven = [-3.0, -1.0, -0.999, 0.0, 0.5, 0.5001, 40.0];
        for edges in [&even[..], &uneven, &[0.0, 1.0]] {
            for factor in [1.0, 0.013, 7.0] {
                let mut bins = Bins::new(edges).unwrap();
                bins.scale(factor);
                let probes = (-9000..9000).map(|i| f64::from(i) * 5e-3 * factor);
                for value in probes.chain(bins.scaled().to_vec()) {
                    let above = bins.scaled().iter().filter(|&&edge| edge <= value).count();
                    let expected = match above {
                        0 => Place::Below,
                        above if above == edges.len() => Place::Above,
                        above => Place::Bin(above - 1),
                    };
                    assert_eq!(bins.place(value), expected, "{value} among {:?}", bins.scaled());
                }
            }
        }
    }

    #[test]
    fn refuses_edges_that_do_not_rise() {
        for edges in [&[][..], &[1.0], &[2.0, 1.0], &[1.0, 1.0], &[0.0, f64::NAN], &[0.0, f64::INFINITY]] {
            assert_eq!(Bins::new(edges).err(), Some(EdgesError), "{edges:?}");
        }
    }
}
