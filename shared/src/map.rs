//! The weak-lensing convergence map.

/// A square map of the convergence kappa (dimensionless, paper Eq. 1).
///
/// Row-major: `kappa[row * pixels + column]`; every value is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvergenceMap {
    side_angle: f64,
    pixels: usize,
    kappa: Vec<f32>,
}

/// Why values do not make a [`ConvergenceMap`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MapError {
    /// The number of values is not the square of the side.
    #[error("a map of {pixels} x {pixels} pixels needs {} values, got {values}", pixels * pixels)]
    Size {
        /// Pixels along a side.
        pixels: usize,
        /// Values given.
        values: usize,
    },
    /// Less than one pixel, or more than an address can count.
    #[error("a map needs between 1 and 32768 pixels along its side, got {0}")]
    Pixels(usize),
    /// The angle is not a positive number of degrees.
    #[error("the side angle must be a positive number of degrees, at most 180, got {0}")]
    SideAngle(f64),
    /// A pixel is NaN or infinite.
    #[error("kappa is {value} at row {row}, column {column}; every pixel must be a finite number")]
    NotFinite {
        /// Row of the first such pixel.
        row: usize,
        /// Column of the first such pixel.
        column: usize,
        /// Its value.
        value: f32,
    },
}

impl ConvergenceMap {
    /// Side angle of the paper's 256-pixel maps in degrees: a quarter of 3.46 (Section 2.1).
    pub const PAPER_SIDE_ANGLE: f64 = 0.865;

    /// A map of `pixels` x `pixels` values of kappa, `side_angle` degrees along its side.
    ///
    /// # Errors
    /// When the number of values does not match, the angle is not in (0, 180], or a value is not finite.
    ///
    /// # Examples
    /// ```
    /// use shared::ConvergenceMap;
    ///
    /// let map = ConvergenceMap::new(0.5, 2, vec![0.01, -0.02, 0.0, 0.3])?;
    /// assert_eq!((map.pixels(), map.resolution()), (2, 15.0));
    /// assert!(ConvergenceMap::new(0.5, 2, vec![f32::NAN; 4]).is_err());
    /// # Ok::<(), shared::map::MapError>(())
    /// ```
    pub fn new(side_angle: f64, pixels: usize, kappa: Vec<f32>) -> Result<Self, MapError> {
        if pixels == 0 || pixels > 32_768 {
            return Err(MapError::Pixels(pixels));
        }
        if kappa.len() != pixels * pixels {
            return Err(MapError::Size { pixels, values: kappa.len() });
        }
        if !(side_angle > 0.0 && side_angle <= 180.0) {
            return Err(MapError::SideAngle(side_angle));
        }
        if let Some(at) = kappa.iter().position(|value| !value.is_finite()) {
            return Err(MapError::NotFinite { row: at / pixels, column: at % pixels, value: kappa[at] });
        }
        Ok(Self { side_angle, pixels, kappa })
    }

    /// Length of a side in degrees.
    pub fn side_angle(&self) -> f64 {
        self.side_angle
    }

    /// Pixels along a side.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// Side of one pixel in arcminutes.
    pub fn resolution(&self) -> f64 {
        self.side_angle * 60.0 / self.pixels as f64
    }

    /// Values of kappa, row-major.
    pub fn kappa(&self) -> &[f32] {
        &self.kappa
    }

    /// The values of kappa, row-major, without a copy.
    pub fn into_kappa(self) -> Vec<f32> {
        self.kappa
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_map() {
        assert_eq!(ConvergenceMap::new(1.0, 2, vec![0.0; 3]), Err(MapError::Size { pixels: 2, values: 3 }));
        assert_eq!(ConvergenceMap::new(0.0, 1, vec![0.0]), Err(MapError::SideAngle(0.0)));
        assert!(matches!(ConvergenceMap::new(f64::NAN, 1, vec![0.0]), Err(MapError::SideAngle(_))));
        assert_eq!(ConvergenceMap::new(1.0, 0, vec![]), Err(MapError::Pixels(0)));
        let bad = ConvergenceMap::new(1.0, 2, vec![0.0, 0.0, f32::INFINITY, 0.0]);
        assert_eq!(bad, Err(MapError::NotFinite { row: 1, column: 0, value: f32::INFINITY }));
    }

    #[test]
    fn resolution_is_in_arcminutes() {
        let map = ConvergenceMap::new(ConvergenceMap::PAPER_SIDE_ANGLE, 256, vec![0.0; 65_536]).unwrap();
        assert!((map.resolution() - 0.202_734_375).abs() < 1e-12);
    }
}
