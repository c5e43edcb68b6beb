//! Equilateral bispectrum B(l, l, l): the lowest order of P(l)'s kin that a Gaussian field lacks.
//!
//! `B_b = side^4 / n^6 <F(l1) F(l2) F(l3)>` over all triangles `l1 + l2 + l3 = 0` of cells with `l_b < |l| <= l_(b+1)`,
//! where side is in radians and F the unnormalised transform. The sum over triangles is the sum over pixels of the cube of the
//! map that holds the shell's cells alone, and their number is the same sum for F = 1 (Scoccimarro 2000).

use rustfft::num_complex::Complex64;

use super::{
    bins::{Bins, EdgesError, middles},
    fourier::{InverseTransform, MapTransform},
};
use crate::ConvergenceMap;

/// Edges of 8 bins in l, of equal width in the logarithm: from l = 500 to 16,000.
pub fn triangle_edges() -> Vec<f64> {
    (0..=8).map(|edge| 500.0 * (f64::from(edge) * 32.0_f64.ln() / 8.0).exp()).collect()
}

/// Measures the equilateral bispectrum of maps of one size and angle.
pub struct BispectrumPlan {
    side_angle: f64,
    pixels: usize,
    ell: Vec<f64>,
    /// Bin of each half-plane cell, in the order of [`MapTransform::transform`].
    bins: Vec<Option<u32>>,
    triangles: Vec<f64>,
    transform: MapTransform,
    inverse: InverseTransform,
}

impl BispectrumPlan {
    /// A plan for maps of `pixels` x `pixels` and `side_angle` degrees, binned between `edges` in l.
    ///
    /// Triangles close only up to the grid's period. Bins that reach beyond two thirds of the largest frequency of a row,
    /// where three cells can add up to a period, are left empty.
    ///
    /// # Errors
    /// When the edges do not rise.
    pub fn new(pixels: usize, side_angle: f64, edges: &[f64]) -> Result<Self, EdgesError> {
        let edges = Bins::new(edges)?.edges().to_vec();
        let fundamental = 360.0 / side_angle;
        let longest = pixels as f64 * fundamental / 3.0;
        let usable = edges.windows(2).take_while(|edge| edge[1] < longest).count();
        let mut bins = Vec::with_capacity(pixels * (pixels / 2 + 1));
        for column in 0..=pixels / 2 {
            for row in 0..pixels {
                let ell = fundamental * ((row.min(pixels - row).pow(2) + column * column) as f64).sqrt();
                let above = edges.partition_point(|&edge| edge < ell);
                bins.push((above > 0 && above <= usable).then(|| above as u32 - 1));
            }
        }
        let mut inverse = InverseTransform::new(pixels);
        let mut triangles = vec![0.0; edges.len() - 1];
        for (bin, triangles) in triangles.iter_mut().enumerate().take(usable) {
            *triangles = cube(inverse.transform(|at| shell(bins[at], bin, Complex64::new(1.0, 0.0))));
        }
        let transform = MapTransform::new(pixels);
        Ok(Self { side_angle, pixels, ell: middles(&edges), bins, triangles, transform, inverse })
    }

    /// Middle of each bin in l.
    pub fn ell(&self) -> &[f64] {
        &self.ell
    }

    /// B(l, l, l) per bin in steradians^2; `None` where a bin holds no triangle or the map is of another geometry.
    pub fn measure(&mut self, map: &ConvergenceMap) -> Vec<Option<f64>> {
        let same_angle = (map.side_angle() - self.side_angle).abs() <= 1e-9 * self.side_angle;
        let frequencies = self.transform.transform(map.kappa()).filter(|_| same_angle);
        let Some(frequencies) = frequencies else { return vec![None; self.ell.len()] };
        let n = self.pixels as f64;
        let norm = self.side_angle.to_radians().powi(4) / n.powi(6);
        // One triangle is 1/n^4 in the sum of cubes.
        let least = 0.5 / n.powi(4);
        let mut values = Vec::with_capacity(self.ell.len());
        for (bin, &triangles) in self.triangles.iter().enumerate() {
            values.push((triangles > least).then(|| {
                norm * cube(self.inverse.transform(|at| shell(self.bins[at], bin, frequencies[at]))) / triangles
            }));
        }
        values
    }
}

fn shell(bin_of_cell: Option<u32>, bin: usize, value: Complex64) -> Complex64 {
    if bin_of_cell == Some(bin as u32) { value } else { Complex64::default() }
}

fn cube(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value * value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_over_all_triangles() {
        let n = 12_usize;
        let kappa: Vec<f32> = (0..n * n).map(|i| ((i * i * 31 + 7 * i) % 17) as f32 / 17.0 - 0.3).collect();
        let map = ConvergenceMap::new(1.0, n, kappa).unwrap();
        let edges = [0.5, 1.5, 2.5, 3.9, 5.0].map(|edge| edge * 360.0);
        let mut plan = BispectrumPlan::new(n, 1.0, &edges).unwrap();
        let found = plan.measure(&map);
        assert_eq!(found[3], None, "this bin's triangles may close around the grid");
        let mut transform = MapTransform::new(n);
        let half = transform.transform(map.kappa()).unwrap().to_vec();
        let signed = |i: usize| if 2 * i > n { i as i64 - n as i64 } else { i as i64 };
        let wrapped = |i: i64| i.rem_euclid(n as i64) as usize;
        let at = |row: i64, column: i64| {
            let (row, column) = (wrapped(row), wrapped(column));
            if column <= n / 2 { half[column * n + row] } else { half[(n - column) * n + (n - row) % n].conj() }
        };
        let cells: Vec<(i64, i64)> = (0..n * n).map(|i| (signed(i / n), signed(i % n))).collect();
        for bin in 0..3 {
            let inside = |&(row, column): &(i64, i64)| {
                let ell = 360.0 * ((row * row + column * column) as f64).sqrt();
                edges[bin] < ell && ell <= edges[bin + 1]
            };
            let shell: Vec<(i64, i64)> = cells.iter().copied().filter(inside).collect();
            let (mut sum, mut count) = (Complex64::default(), 0.0);
            for (a, b) in shell.iter().flat_map(|a| shell.iter().map(move |b| (a, b))) {
                let c = (-a.0 - b.0, -a.1 - b.1);
                if inside(&c) {
                    sum += at(a.0, a.1) * at(b.0, b.1) * at(c.0, c.1);
                    count += 1.0;
                }
            }
            let expected = 1.0_f64.to_radians().powi(4) / (n as f64).powi(6) * sum.re / count;
            if count == 0.0 {
                assert_eq!(found[bin], None, "bin {bin}");
            } else {
                assert!((found[bin].unwrap() / expected - 1.0).abs() < 1e-9, "bin {bin}: {found:?}, {expected:e}");
            }
        }
        assert!(found[1].is_some());
    }
}
