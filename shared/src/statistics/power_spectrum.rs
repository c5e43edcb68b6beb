//! Angular power spectrum P(l) of a map (paper Eq. 4), as LensTools bins it.
//!
//! `P_b = (side/n^2)^2 mean |F|^2` over the cells of the FFT's half plane with `l_b < l <= l_(b+1)`, where side is in
//! radians, F the unnormalised transform and `l = (360/side in degrees) sqrt(min(i, n-i)^2 + j^2)`. No window, the mean
//! kept, and every half-plane cell weighs 1.

use super::{
    bins::{Bins, EdgesError, middles},
    fourier::MapTransform,
};
use crate::ConvergenceMap;

/// Measures the power spectrum of maps of one size and angle.
pub struct PowerSpectrumPlan {
    side_angle: f64,
    pixels: usize,
    ell: Vec<f64>,
    cells: Vec<usize>,
    /// Bin of each half-plane cell, in the order of [`MapTransform::transform`]; [`OUTSIDE`] for none.
    bins: Vec<u32>,
    transform: MapTransform,
    sums: Vec<f64>,
}

const OUTSIDE: u32 = u32::MAX;

/// Why there is no power spectrum.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PowerSpectrumError {
    /// Edges that do not rise, or fewer than two of them.
    #[error("multipoles: {0}")]
    Edges(EdgesError),
    /// A map of another size or angle than planned.
    #[error(
        "a map of {found_pixels} pixels and {found_angle} degrees along its side cannot be measured with a plan for \
         {pixels} pixels and {side_angle} degrees"
    )]
    OtherGeometry {
        /// Planned pixels along a side.
        pixels: usize,
        /// Planned side angle in degrees.
        side_angle: f64,
        /// The map's pixels along a side.
        found_pixels: usize,
        /// The map's side angle in degrees.
        found_angle: f64,
    },
}

// By hand, without a source: the cause stands in the message, and is not to be said twice.
impl From<EdgesError> for PowerSpectrumError {
    fn from(error: EdgesError) -> Self {
        Self::Edges(error)
    }
}

/// The paper's 248 modes (Section 3.1): LensTools' stock edges 200, 400, ..., 49800.
pub fn paper_edges() -> Vec<f64> {
    (1..=249).map(|i| 200.0 * f64::from(i)).collect()
}

/// The multipole of the shortest wave that a map's rows hold. Beyond it only the corners of Fourier space have modes, which
/// crops of larger maps fill with what leaks through their borders.
pub fn nyquist(pixels: usize, side_angle: f64) -> f64 {
    180.0 * pixels as f64 / side_angle
}

/// How many of these rising multipoles lie below [`nyquist`].
pub fn modes_below_nyquist(ell: &[f64], pixels: usize, side_angle: f64) -> usize {
    ell.partition_point(|&ell| ell < nyquist(pixels, side_angle))
}

impl PowerSpectrumPlan {
    /// A plan for maps of `pixels` x `pixels` and `side_angle` degrees, binned between `edges` in l.
    ///
    /// # Errors
    /// When the edges do not rise.
    ///
    /// # Examples
    /// ```
    /// use shared::{ConvergenceMap, latent::latent, statistics::PowerSpectrumPlan};
    ///
    /// // White noise has the same power at every multipole: the area of a pixel times its variance.
    /// let map = ConvergenceMap::new(1.0, 64, latent(1, 64 * 64))?;
    /// let mut plan = PowerSpectrumPlan::new(64, 1.0, &[2_000.0, 6_000.0, 10_000.0])?;
    /// let pixel = (1.0_f64 / 64.0).to_radians().powi(2);
    /// for power in plan.measure(&map)?.into_iter().flatten() {
    ///     assert!((power / pixel - 1.0).abs() < 0.2);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "powerSpectrum")]
    pub fn new(pixels: usize, side_angle: f64, edges: &[f64]) -> Result<Self, PowerSpectrumError> {
        let edges = Bins::new(edges)?.edges().to_vec();
        let fundamental = 360.0 / side_angle;
        let mut cells = vec![0; edges.len() - 1];
        let mut bins = Vec::with_capacity(pixels * (pixels / 2 + 1));
        for j in 0..=pixels / 2 {
            for i in 0..pixels {
                // The products in this order round as the definition's do, which decides cells on an edge.
                let (row, column) = (i.min(pixels - i) as f64 * fundamental, j as f64 * fundamental);
                let ell = (row * row + column * column).sqrt();
                let above = edges.partition_point(|&edge| edge < ell);
                let inside = above > 0 && above < edges.len();
                bins.push(if inside { (above - 1) as u32 } else { OUTSIDE });
                if inside {
                    cells[above - 1] += 1;
                }
            }
        }
        let (ell, sums) = (middles(&edges), vec![0.0; cells.len()]);
        Ok(Self { sums, side_angle, pixels, ell, cells, bins, transform: MapTransform::new(pixels) })
    }

    /// A plan for a map's own geometry and the paper's 248 modes.
    ///
    /// # Errors
    /// Never for a map that [`ConvergenceMap::new`] took.
    pub fn paper(map: &ConvergenceMap) -> Result<Self, PowerSpectrumError> {
        Self::new(map.pixels(), map.side_angle(), &paper_edges())
    }

    /// Middle of each bin in l.
    pub fn ell(&self) -> &[f64] {
        &self.ell
    }

    /// Half-plane cells in each bin; a bin without any has no power.
    pub fn cells(&self) -> &[usize] {
        &self.cells
    }

    /// P(l) of a map in steradians per bin, `None` where a bin holds no cell.
    ///
    /// # Errors
    /// When the map is of another geometry than planned.
    pub fn measure(&mut self, map: &ConvergenceMap) -> Result<Vec<Option<f64>>, PowerSpectrumError> {
        let mut power = Vec::new();
        self.measure_into(map, &mut power)?;
        Ok(power)
    }

    /// As [`Self::measure`], into a vector that is used again.
    ///
    /// # Errors
    /// When the map is of another geometry than planned.
    pub fn measure_into(
        &mut self,
        map: &ConvergenceMap,
        into: &mut Vec<Option<f64>>,
    ) -> Result<(), PowerSpectrumError> {
        let other = PowerSpectrumError::OtherGeometry {
            pixels: self.pixels,
            side_angle: self.side_angle,
            found_pixels: map.pixels(),
            found_angle: map.side_angle(),
        };
        if (map.side_angle() - self.side_angle).abs() > 1e-9 * self.side_angle {
            return Err(other);
        }
        let Some(frequencies) = self.transform.transform(map.kappa()) else { return Err(other) };
        self.sums.fill(0.0);
        for (&bin, value) in self.bins.iter().zip(frequencies) {
            if let Some(sum) = self.sums.get_mut(bin as usize) {
                *sum += value.norm_sqr();
            }
        }
        let norm = (self.side_angle.to_radians() / (self.pixels * self.pixels) as f64).powi(2);
        let power = |(&sum, &cells): (&f64, &usize)| (cells > 0).then(|| norm * sum / cells as f64);
        into.clear();
        into.extend(self.sums.iter().zip(&self.cells).map(power));
        Ok(())
    }
}

/// l(l+1)P/2pi, the quantity that figures show (paper Fig. 3).
pub fn dimensionless(ell: f64, power: f64) -> f64 {
    ell * (ell + 1.0) * power / core::f64::consts::TAU
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pixels: usize, kappa: impl Fn(usize, usize) -> f64) -> ConvergenceMap {
        let values = (0..pixels * pixels).map(|at| kappa(at / pixels, at % pixels) as f32).collect();
        ConvergenceMap::new(1.0, pixels, values).unwrap()
    }

    fn rough(row: usize, column: usize) -> f64 {
        ((row * row * 37 + column * 101 + row * column * 13) % 64) as f64 / 64.0 - 0.4
    }

    #[test]
    fn a_plane_wave_has_power_at_its_own_mode_only() {
        // cos(2 pi 3 x / n): |F|^2 = (n^2/2)^2 in one cell of column frequency 3.
        let wave = map(16, |_, column| (core::f64::consts::TAU * 3.0 * column as f64 / 16.0).cos());
        let edges = [0.5 * 360.0, 2.5 * 360.0, 3.2 * 360.0, 20.0 * 360.0];
        let mut plan = PowerSpectrumPlan::new(16, 1.0, &edges).unwrap();
        let power = plan.measure(&wave).unwrap();
        let cells = plan.cells()[1] as f64;
        let expected = 1.0_f64.to_radians().powi(2) / 4.0 / cells;
        assert!((power[1].unwrap() / expected - 1.0).abs() < 1e-6);
        assert!(power[0].unwrap() < 1e-12 * expected && power[2].unwrap() < 1e-12 * expected);
    }

    #[test]
    fn bins_without_cells_are_empty_not_zero() {
        let noise = ConvergenceMap::new(0.865, 256, map(256, rough).into_kappa()).unwrap();
        let power = PowerSpectrumPlan::paper(&noise).unwrap().measure(&noise).unwrap();
        let empty: Vec<usize> = (0..248).filter(|&bin| power[bin].is_none()).collect();
        assert_eq!(empty, [0, 2]);
    }

    #[test]
    fn shifts_flips_and_scale_do_what_they_must() {
        let measure = |m: &ConvergenceMap| {
            let mut plan = PowerSpectrumPlan::new(32, 1.0, &[100.0, 1000.0, 3000.0, 8000.0]).unwrap();
            plan.measure(m).unwrap().into_iter().map(Option::unwrap).collect::<Vec<_>>()
        };
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a / b - 1.0).abs() < 1e-5);
        let original = measure(&map(32, rough));
        assert!(close(&measure(&map(32, |r, c| rough((r + 5) % 32, (c + 9) % 32))), &original), "translation");
        assert!(close(&measure(&map(32, |r, c| rough(31 - r, c))), &original), "flip");
        let scaled: Vec<f64> = measure(&map(32, |r, c| 3.0 * rough(r, c))).iter().map(|p| p / 9.0).collect();
        assert!(close(&scaled, &original), "kappa -> 3 kappa");
    }

    #[test]
    fn refuses_other_maps_and_edges() {
        assert!(PowerSpectrumPlan::new(8, 1.0, &[2.0]).is_err());
        assert!(PowerSpectrumPlan::new(8, 1.0, &[2.0, 1.0]).is_err());
        assert!(PowerSpectrumPlan::new(8, 1.0, &[2.0, f64::NAN]).is_err());
        let mut plan = PowerSpectrumPlan::new(8, 1.0, &[100.0, 900.0]).unwrap();
        assert!(plan.measure(&map(16, rough)).is_err());
        assert!(plan.measure(&ConvergenceMap::new(2.0, 8, vec![0.0; 64]).unwrap()).is_err());
    }
}
