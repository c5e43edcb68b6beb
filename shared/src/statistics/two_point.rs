//! Two-point correlation function xi(theta), the real-space counterpart of P(l) (paper Section 3.1).
//!
//! `xi_b = <k(x) k(x + r)>` over all pixels x and all separations r with `theta_b <= |r| < theta_(b+1)`, the map continued
//! periodically and each separation taken the short way around. The mean is kept, as in P(l). Computed from |F|^2.

use super::{
    bins::{Bins, EdgesError, Place},
    fourier::MapTransform,
};
use crate::ConvergenceMap;

/// Edges of 12 bins in arcminutes, of equal width in the logarithm: from the paper's pixels to a quarter of its maps.
pub fn theta_edges() -> Vec<f64> {
    (0..=12).map(|edge| 0.4 * (f64::from(edge) * (13.0_f64 / 0.4).ln() / 12.0).exp()).collect()
}

/// Measures xi(theta) of maps of one size and angle.
pub struct TwoPointPlan {
    side_angle: f64,
    pixels: usize,
    bins: Bins,
    /// Bin and weight of each half-plane separation.
    places: Vec<Option<(u32, f64)>>,
    pairs: Vec<f64>,
    transform: MapTransform,
    power: Vec<f64>,
    sums: Vec<f64>,
}

impl TwoPointPlan {
    /// A plan for maps of `pixels` x `pixels` and `side_angle` degrees; `edges` in arcminutes.
    ///
    /// # Errors
    /// When the edges do not rise.
    pub fn new(pixels: usize, side_angle: f64, edges: &[f64]) -> Result<Self, EdgesError> {
        let bins = Bins::new(edges)?;
        let resolution = side_angle * 60.0 / pixels as f64;
        let mut pairs = vec![0.0; bins.count()];
        let mut places = Vec::with_capacity(pixels * (pixels / 2 + 1));
        for column in 0..=pixels / 2 {
            // Columns beyond the half stand opposite to these.
            let weight = if column == 0 || 2 * column == pixels { 1.0 } else { 2.0 };
            for row in 0..pixels {
                let distance = ((row.min(pixels - row).pow(2) + column * column) as f64).sqrt() * resolution;
                places.push(match bins.place(distance) {
                    Place::Bin(bin) => {
                        pairs[bin] += weight;
                        Some((bin as u32, weight))
                    }
                    Place::Below | Place::Above => None,
                });
            }
        }
        Ok(Self {
            side_angle,
            pixels,
            sums: vec![0.0; bins.count()],
            bins,
            places,
            pairs,
            transform: MapTransform::new(pixels),
            power: vec![0.0; pixels * pixels],
        })
    }

    /// Middle of each bin in arcminutes.
    pub fn theta(&self) -> Vec<f64> {
        self.bins.middles()
    }

    /// xi(theta) per bin, `None` where no separation of pixels falls into a bin or the map is of another geometry.
    pub fn measure(&mut self, map: &ConvergenceMap) -> Vec<Option<f64>> {
        let n = self.pixels;
        let same_angle = (map.side_angle() - self.side_angle).abs() <= 1e-9 * self.side_angle;
        let frequencies = self.transform.transform(map.kappa()).filter(|_| same_angle);
        let Some(frequencies) = frequencies else { return vec![None; self.sums.len()] };
        for (at, value) in frequencies.iter().enumerate() {
            let (column, row) = (at / n, at % n);
            let power = value.norm_sqr();
            self.power[row * n + column] = power;
            self.power[(n - row) % n * n + (n - column) % n] = power;
        }
        self.sums.fill(0.0);
        // |F|^2 is real and even: forward and backward transform are the same.
        if let Some(correlation) = self.transform.transform(&self.power) {
            for (place, value) in self.places.iter().zip(correlation) {
                if let &Some((bin, weight)) = place {
                    self.sums[bin as usize] += weight * value.re;
                }
            }
        }
        let scale = 1.0 / (n as f64).powi(4);
        self.sums.iter().zip(&self.pairs).map(|(sum, &pairs)| (pairs > 0.0).then(|| sum / pairs * scale)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_over_all_pairs() {
        for n in [4, 5, 8] {
            let kappa: Vec<f32> = (0..n * n).map(|i| ((i * i * 31 + 7 * i) % 17) as f32 / 17.0 - 0.3).collect();
            let map = ConvergenceMap::new(n as f64 / 60.0, n, kappa.clone()).unwrap();
            // One arcminute a pixel.
            let edges = [0.0, 0.5, 1.2, 2.5, 2.6, 9.0];
            let mut plan = TwoPointPlan::new(n, map.side_angle(), &edges).unwrap();
            let found = plan.measure(&map);
            let (mut sums, mut pairs) = ([0.0; 5], [0.0; 5]);
            for (a, b) in (0..n * n).flat_map(|a| (0..n * n).map(move |b| (a, b))) {
                let apart = |i: usize, j: usize| i.abs_diff(j).min(n - i.abs_diff(j)).pow(2);
                let distance = ((apart(a / n, b / n) + apart(a % n, b % n)) as f64).sqrt();
                if let Some(bin) = edges.windows(2).position(|edge| edge[0] <= distance && distance < edge[1]) {
                    sums[bin] += f64::from(kappa[a]) * f64::from(kappa[b]);
                    pairs[bin] += 1.0;
                }
            }
            for bin in 0..5 {
                let expected = (pairs[bin] > 0.0).then(|| sums[bin] / pairs[bin]);
                assert_eq!(found[bin].is_some(), expected.is_some(), "bin {bin} of {n}");
                assert!((found[bin].unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-12, "bin {bin} of {n}");
            }
        }
    }
}
