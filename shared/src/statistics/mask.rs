//! Maps with pixels left out: which pixels count, as LensTools counts them, and weights for Fourier space.
//!
//! Minkowski functionals, peaks, minima, moments, mean and sigma are those of the pixels whose whole neighbourhood (the two pixels
//! on either side along both axes, and the four diagonal ones, of which the derivatives are made) is there, as in LensTools. The
//! density of pixel values is that of all pixels that are there. P(l) is a pseudo spectrum: that of the map times a weight, its
//! weighted mean removed, over the mean square of the weight; power that the mask's shape moves between multipoles stays moved.
//! xi(theta) is the mean over the pairs of pixels that are both there, which the mask does not bias.

use std::f64::consts::PI;

/// Places of the pixels that the derivatives at a pixel are made of, as (rows down, columns right).
const NEIGHBOURHOOD: [(isize, isize); 13] =
    [(0, 0), (0, -1), (0, 1), (0, -2), (0, 2), (-1, 0), (1, 0), (-2, 0), (2, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)];

/// Which pixels of a map count.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    used: Vec<bool>,
    whole: Vec<bool>,
    weights: Vec<f32>,
    masked_share: f64,
}

impl Mask {
    /// A mask of `pixels` x `pixels`, true where a pixel counts, with weights that rise to 1 within `apodised` pixels of the nearest
    /// one that is left out (0: at once), as `(1 - cos(pi d / apodised)) / 2`. Borders are periodic, as everywhere.
    ///
    /// # Panics
    /// Never: where `used` has another length, pixels without an entry are left out.
    ///
    /// # Examples
    /// ```
    /// use shared::statistics::mask::Mask;
    ///
    /// let mut used = vec![true; 64];
    /// used[27] = false;
    /// let mask = Mask::new(8, used, 0.0);
    /// assert_eq!(mask.masked_share(), 1.0 / 64.0);
    /// assert_eq!(mask.whole().iter().filter(|whole| !**whole).count(), 13);
    /// ```
    pub fn new(pixels: usize, mut used: Vec<bool>, apodised: f64) -> Self {
        used.resize(pixels * pixels, false);
        let place = |row: usize, column: usize, (down, right): (isize, isize)| {
            // Far enough from zero for maps of any size.
            let wrapped = |at: usize, step: isize| (at + 2 * pixels).wrapping_add_signed(step) % pixels;
            wrapped(row, down) * pixels + wrapped(column, right)
        };
        let mut whole = used.clone();
        let mut distances = vec![f64::INFINITY; pixels * pixels];
        let reach = apodised.ceil().max(0.0) as isize;
        for at in (0..pixels * pixels).filter(|&at| !used[at]) {
            let (row, column) = (at / pixels, at % pixels);
            for step in NEIGHBOURHOOD {
                whole[place(row, column, step)] = false;
            }
            // Only the border of what is left out is near anything.
            let is_border = NEIGHBOURHOOD.iter().any(|&step| used[place(row, column, step)]);
            if !is_border {
                continue;
            }
            for (down, right) in (-reach..=reach).flat_map(|down| (-reach..=reach).map(move |right| (down, right))) {
                let distance = ((down * down + right * right) as f64).sqrt();
                let near = &mut distances[place(row, column, (down, right))];
                *near = near.min(distance);
            }
        }
        let weight = |(&used, &distance): (&bool, &f64)| {
            if !used {
                0.0
            } else if distance < apodised {
                (0.5 * (1.0 - (PI * distance / apodised).cos())) as f32
            } else {
                1.0
            }
        };
        let weights = used.iter().zip(&distances).map(weight).collect();
        let masked = used.iter().filter(|used| !**used).count();
        let masked_share = masked as f64 / used.len().max(1) as f64;
        Self { used, whole, weights, masked_share }
    }

    /// For each pixel whether it is there.
    pub fn used(&self) -> &[bool] {
        &self.used
    }

    /// For each pixel whether its whole neighbourhood is there.
    pub fn whole(&self) -> &[bool] {
        &self.whole
    }

    /// For each pixel its weight in Fourier space.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Share of the pixels that are left out.
    pub fn masked_share(&self) -> f64 {
        self.masked_share
    }

    /// The map times the weights, its weighted mean removed; and the means of the weights' squares and cubes.
    pub fn weighted(&self, kappa: &[f32]) -> (Vec<f32>, f64, f64) {
        let (mut sum, mut weights, mut squares, mut cubes) = (0.0, 0.0, 0.0, 0.0);
        for (&kappa, &weight) in kappa.iter().zip(&self.weights) {
            let weight = f64::from(weight);
            sum += weight * f64::from(kappa);
            weights += weight;
            squares += weight * weight;
            cubes += weight * weight * weight;
        }
        let mean = if weights > 0.0 { sum / weights } else { 0.0 };
        let weighted = kappa.iter().zip(&self.weights).map(|(&k, &w)| (f64::from(w) * (f64::from(k) - mean)) as f32);
        let count = self.weights.len().max(1) as f64;
        (weighted.collect(), squares / count, cubes / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbourhoods_wrap_around_the_border() {
        let n = 6;
        let mut used = vec![true; n * n];
        used[0] = false;
        let mask = Mask::new(n, used, 0.0);
        let not_whole: Vec<usize> = (0..n * n).filter(|&at| !mask.whole()[at]).collect();
        assert_eq!(not_whole, [0, 1, 2, 4, 5, 6, 7, 11, 12, 24, 30, 31, 35]);
        for n in [1, 2, 3] {
            let mask = Mask::new(n, vec![false], 2.0);
            assert!(mask.whole().iter().all(|whole| !whole) && mask.masked_share() == 1.0, "{n}");
        }
    }

    #[test]
    fn weights_rise_with_the_distance_to_the_hole() {
        let n = 32;
        let used: Vec<bool> =
            (0..n * n).map(|at| !((10..13).contains(&(at / n)) && (5..9).contains(&(at % n)))).collect();
        for apodised in [0.0, 1.0, 3.5, 6.0] {
            let mask = Mask::new(n, used.clone(), apodised);
            for at in 0..n * n {
                let apart = |a: usize, b: usize| a.abs_diff(b).min(n - a.abs_diff(b)).pow(2);
                let holes = (0..n * n).filter(|&hole| !used[hole]);
                let nearest = holes.map(|hole| apart(at / n, hole / n) + apart(at % n, hole % n)).min().unwrap();
                let distance = (nearest as f64).sqrt();
                let expected = if distance == 0.0 {
                    0.0
                } else if distance < apodised {
                    0.5 * (1.0 - (PI * distance / apodised).cos())
                } else {
                    1.0
                };
                assert!((f64::from(mask.weights()[at]) - expected).abs() < 1e-6, "{apodised}, {at}");
            }
        }
    }
}
