//! Where a lens plane lies, and what it weighs before a source.

/// Comoving distance of a plane or a source, in a flat or curved universe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneDistance {
    /// Transverse comoving distance f_K(chi) in Mpc/h: `sin(sqrt(K) chi) / sqrt(K)`, and chi itself in a flat universe.
    pub transverse: f64,
    /// `cos(sqrt(K) chi)`: 1 in a flat universe.
    pub cosine: f64,
}

impl PlaneDistance {
    /// At a comoving distance in Mpc/h in a flat universe.
    pub fn flat(distance: f64) -> Self {
        Self { transverse: distance, cosine: 1.0 }
    }

    /// Lensing efficiency of a plane here before a source there, `f_K(chi_s - chi) / f_K(chi_s)`; 0 behind the source.
    pub fn efficiency(&self, source: &Self) -> f64 {
        // The sine of a difference.
        (self.cosine - self.transverse * source.cosine / source.transverse).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efficiency_falls_from_one_to_zero() {
        let source = PlaneDistance::flat(2000.0);
        assert_eq!(PlaneDistance::flat(0.0).efficiency(&source), 1.0);
        assert_eq!(PlaneDistance::flat(500.0).efficiency(&source), 0.75);
        assert_eq!(PlaneDistance::flat(2500.0).efficiency(&source), 0.0);
        // A closed universe: f_K(chi_s - chi) / f_K(chi_s) by its definition.
        let closed =
            |chi: f64| PlaneDistance { transverse: 3000.0 * (chi / 3000.0).sin(), cosine: (chi / 3000.0).cos() };
        let expected = (1200.0_f64 / 3000.0).sin() / (2000.0_f64 / 3000.0).sin();
        assert!((closed(800.0).efficiency(&closed(2000.0)) - expected).abs() < 1e-12);
    }
}
