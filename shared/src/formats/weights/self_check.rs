//! A few pixels of one known map, by which a device shows that it computes the network as the exporter did.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::WeightsError;
use crate::network::NetworkDefinition;

/// Pixels that every device must reproduce before its maps are shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Seed of the latent vector.
    pub seed: u64,
    /// Row, column and kappa of some pixels, computed from the f16 tensors where there are such.
    pub pixels: Vec<(usize, usize, f32)>,
    /// Largest difference in kappa that rounding on another device explains.
    pub tolerance: f32,
}

impl SelfCheck {
    /// Fewest pixels that show anything; a narrower map's side, where that is less.
    pub const LEAST_PIXELS: usize = 16;
    /// Largest tolerance, as a share of the kappa that the generator's largest output stands for.
    pub const LARGEST_TOLERANCE: f32 = 1e-2;

    /// Checks that a device which draws something else cannot pass.
    ///
    /// # Errors
    /// When there are too few distinct pixels, one lies outside of the map, or the tolerance is not a small positive number.
    pub fn validate(&self, network: &NetworkDefinition) -> Result<(), WeightsError> {
        let (side, scale) = (network.map_side, network.kappa_scale);
        let value = |name, value| Err(WeightsError::Value { name, value });
        let possible = |p: &&(usize, usize, f32)| p.0 < side && p.1 < side && p.2.abs() <= scale;
        if let Some(pixel) = self.pixels.iter().find(|pixel| !possible(pixel)) {
            return value("self_check.pixels", format!("{pixel:?}"));
        }
        let places: BTreeSet<(usize, usize)> = self.pixels.iter().map(|pixel| (pixel.0, pixel.1)).collect();
        if places.len() < Self::LEAST_PIXELS.min(side) {
            return value("self_check.pixels", format!("{} different pixels", places.len()));
        }
        if !(self.tolerance > 0.0 && self.tolerance <= Self::LARGEST_TOLERANCE * scale) {
            return value("self_check.tolerance", self.tolerance.to_string());
        }
        Ok(())
    }

    /// Largest difference in kappa between the stated pixels and a map; infinite where the map is NaN or too small.
    pub fn deviation(&self, side: usize, kappa: &[f32]) -> f32 {
        let difference = |&(row, column, expected): &(usize, usize, f32)| {
            let difference = kappa.get(row * side + column).map_or(f32::INFINITY, |found| (found - expected).abs());
            if difference.is_nan() { f32::INFINITY } else { difference }
        };
        self.pixels.iter().map(difference).fold(0.0, f32::max)
    }

    /// Whether the map is the one that the exporter made.
    pub fn passes(&self, side: usize, kappa: &[f32]) -> bool {
        self.deviation(side, kappa) <= self.tolerance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> SelfCheck {
        SelfCheck { seed: 0, pixels: (0..16).map(|i| (i, 1, 0.25)).collect(), tolerance: 1e-3 }
    }

    #[test]
    fn a_self_check_that_anything_passes_is_refused() {
        let refused = |change: fn(&mut SelfCheck)| {
            let mut changed = check();
            change(&mut changed);
            changed.validate(&NetworkDefinition::paper()).unwrap_err().to_string()
        };
        assert!(check().validate(&NetworkDefinition::paper()).is_ok());
        assert!(refused(|check| check.pixels.clear()).contains("0 different pixels"));
        assert!(refused(|check| check.pixels = vec![(0, 0, 0.1); 64]).contains("1 different pixels"));
        assert!(refused(|check| check.pixels[3].2 = f32::NAN).contains("self_check.pixels"));
        assert!(refused(|check| check.pixels[3].2 = 1.5).contains("self_check.pixels"));
        for tolerance in [f32::NAN, f32::INFINITY, -1.0, 0.0, 0.5] {
            assert!(SelfCheck { tolerance, ..check() }.validate(&NetworkDefinition::paper()).is_err(), "{tolerance}");
        }
    }

    #[test]
    fn self_check_sees_a_wrong_map() {
        let check = SelfCheck { seed: 0, pixels: vec![(0, 1, 0.25), (1, 1, -0.5)], tolerance: 1e-3 };
        assert!(check.passes(2, &[9.0, 0.2505, 9.0, -0.5]));
        assert!(!check.passes(2, &[9.0, 0.25, 9.0, -0.51]));
        assert!(!check.passes(2, &[9.0, 0.25, 9.0, f32::NAN]));
        assert!(!check.passes(2, &[9.0, 0.25]));
    }
}
