//! Distances and densities of a flat or curved universe.

use super::{
    Cosmology, CosmologyError, HUBBLE_DISTANCE, PlaneDistance,
    table::{HermiteTable, between},
};

/// Earliest scale factor of the tables: matter dominates there, and no source or simulation begins before.
pub const EARLIEST: f64 = 1e-4;

/// Nodes of a table in ln a from [`EARLIEST`] to today: interpolation is good to 1e-11.
pub const NODES: usize = 2049;

/// Distance of two nodes in ln a.
pub fn node_step() -> f64 {
    -EARLIEST.ln() / (NODES - 1) as f64
}

/// Scale factor of a node, exactly 1 at the last.
pub fn node_scale_factor(node: usize) -> f64 {
    (-node_step() * (NODES - 1 - node) as f64).exp()
}

/// `Omega_m(a) = Om a^-3 / E^2`.
pub fn matter_fraction(cosmology: &Cosmology, a: f64) -> f64 {
    cosmology.omega_m / a.powi(3) / cosmology.expansion_rate(a).powi(2)
}

/// `Omega_de(a)`, the share of dark energy in the critical density.
pub fn dark_energy_fraction(cosmology: &Cosmology, a: f64) -> f64 {
    cosmology.omega_l * cosmology.dark_energy(a) / cosmology.expansion_rate(a).powi(2)
}

/// Equation of state `w(a) = w0 + wa (1 - a)` (Chevallier & Polarski 2001; Linder 2003).
pub fn equation_of_state(cosmology: &Cosmology, a: f64) -> f64 {
    cosmology.w0 + cosmology.wa * (1.0 - a)
}

/// `dlnE/dln a`, from Friedmann's equation.
pub fn expansion_slope(cosmology: &Cosmology, a: f64) -> f64 {
    let (matter, dark) = (matter_fraction(cosmology, a), dark_energy_fraction(cosmology, a));
    let curvature = 1.0 - matter - dark;
    -1.5 * matter - curvature - 1.5 * (1.0 + equation_of_state(cosmology, a)) * dark
}

/// Comoving distances of a universe, tabulated since [`EARLIEST`].
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    cosmology: Cosmology,
    /// Distance in Mpc/h over ln a.
    distance: HermiteTable,
}

impl Background {
    /// Integrates distances.
    ///
    /// # Errors
    /// When the parameters make no universe that began dominated by matter.
    ///
    /// # Examples
    /// ```
    /// use shared::{Cosmology, cosmology::Background};
    ///
    /// let background = Background::new(&Cosmology::PAPER)?;
    /// let chi = background.chi_of_redshift(1.0);
    /// assert!((chi - 2370.0).abs() < 10.0, "{chi} Mpc/h to the paper's sources");
    /// // In a flat universe, the lensing efficiency of a plane halfway to the source.
    /// let (lens, source) = (background.plane_distance(0.5 * chi), background.plane_distance(chi));
    /// assert!((lens.efficiency(&source) - 0.5).abs() < 1e-9);
    /// # Ok::<(), shared::cosmology::CosmologyError>(())
    /// ```
    pub fn new(cosmology: &Cosmology) -> Result<Self, CosmologyError> {
        check(cosmology)?;
        // dchi/dln a = -c/H0 / (a E), integrated by Simpson's rule between nodes, from today backwards.
        let slope = |a: f64| -HUBBLE_DISTANCE / (a * cosmology.expansion_rate(a));
        let (step, half) = (node_step(), (0.5 * node_step()).exp());
        let mut nodes = vec![[0.0, slope(1.0)]];
        let mut distance = 0.0;
        for node in (0..NODES - 1).rev() {
            let a = node_scale_factor(node);
            distance -= (slope(a) + 4.0 * slope(a * half) + slope(node_scale_factor(node + 1))) * step / 6.0;
            nodes.push([distance, slope(a)]);
        }
        nodes.reverse();
        Ok(Self { cosmology: *cosmology, distance: HermiteTable::new(EARLIEST.ln(), step, nodes) })
    }

    /// Comoving distance along the line of sight in Mpc/h, of what is seen at a scale factor between [`EARLIEST`] and
    /// 1; beyond them that of the nearer one.
    #[doc(alias = "comoving_distance")]
    #[doc(alias = "radial_comoving_distance")]
    pub fn chi(&self, a: f64) -> f64 {
        self.distance.at(a.ln())
    }

    /// Comoving distance along the line of sight in Mpc/h, of a redshift.
    pub fn chi_of_redshift(&self, redshift: f64) -> f64 {
        self.chi(1.0 / (1.0 + redshift))
    }

    /// Scale factor at which light left a comoving distance in Mpc/h, the inverse of [`Self::chi`]: 1 for negative
    /// distances, [`EARLIEST`] beyond the farthest.
    pub fn a_of_chi(&self, chi: f64) -> f64 {
        let nodes = self.distance.nodes();
        let right = nodes.partition_point(|[distance, _]| *distance > chi).clamp(1, NODES - 1);
        let Some(&[[far, far_slope], [near, near_slope]]) = nodes.get(right - 1..=right) else {
            return f64::NAN;
        };
        // The cubic of ln a over the distance, with the slopes turned over.
        let (thickness, step) = (near - far, node_step());
        let within = ((chi - far) / thickness).clamp(0.0, 1.0);
        let later = between([0.0, thickness / far_slope], [step, thickness / near_slope], within);
        (later - step * (NODES - right) as f64).exp()
    }

    /// Transverse comoving distance `f_K` in Mpc/h of a line-of-sight distance in Mpc/h (Hogg 1999, Eq. 16): the sine
    /// of a closed universe, the hyperbolic sine of an open one. Odd in `chi`. The distance from lens to source is that
    /// of the difference: `f_K(chi_s - chi)`.
    #[doc(alias = "transverse_comoving_distance")]
    #[doc(alias = "f_K")]
    pub fn transverse(&self, chi: f64) -> f64 {
        let curved = self.cosmology.omega_k() * (chi / HUBBLE_DISTANCE).powi(2);
        if curved.abs() < 1e-4 {
            // Its series, which needs no case for a flat universe.
            chi * (1.0 + curved / 6.0 * (1.0 + curved / 20.0))
        } else if curved > 0.0 {
            chi * curved.sqrt().sinh() / curved.sqrt()
        } else {
            chi * (-curved).sqrt().sin() / (-curved).sqrt()
        }
    }

    /// Line-of-sight distance in Mpc/h of the far pole of a closed universe, behind which light converges again; infinite in
    /// others.
    pub fn half_around(&self) -> f64 {
        std::f64::consts::PI * HUBBLE_DISTANCE / (-self.cosmology.omega_k()).max(0.0).sqrt()
    }

    /// Where a plane at this distance in Mpc/h lies, as ray tracing needs it.
    pub fn plane_distance(&self, chi: f64) -> PlaneDistance {
        let curved = self.cosmology.omega_k() * (chi / HUBBLE_DISTANCE).powi(2);
        let cosine = if curved > 0.0 { curved.sqrt().cosh() } else { (-curved).sqrt().cos() };
        PlaneDistance { transverse: self.transverse(chi), cosine }
    }

    /// How strongly a lens at `chi` bends light of a source at `source`, both in Mpc/h along the line of sight:
    /// `f_K(chi) f_K(chi_s - chi) / f_K(chi_s)` in Mpc/h, and 0 behind the source (Bartelmann & Schneider 2001, Section
    /// 6).
    pub fn lensing_distance(&self, chi: f64, source: f64) -> f64 {
        if chi >= source {
            return 0.0;
        }
        self.transverse(chi) * self.transverse(source - chi) / self.transverse(source)
    }

    /// Share of matter in the critical density at a scale factor, `Omega_m(a)`.
    pub fn omega_m(&self, a: f64) -> f64 {
        matter_fraction(&self.cosmology, a)
    }

    /// The parameters.
    pub fn cosmology(&self) -> &Cosmology {
        &self.cosmology
    }
}

/// Refuses parameters that make no universe, or one whose tables would be wrong.
///
/// # Errors
/// Says which, and what to choose.
pub fn check(cosmology: &Cosmology) -> Result<(), CosmologyError> {
    let Cosmology { omega_m, omega_l, h, w0, wa, .. } = *cosmology;
    if ![omega_m, omega_l, h, w0, wa].into_iter().all(f64::is_finite) {
        return Err(CosmologyError::NotFinite);
    }
    if omega_m <= 0.0 {
        return Err(CosmologyError::NoMatter(omega_m));
    }
    if h <= 0.0 {
        return Err(CosmologyError::Hubble(h));
    }
    let expands = (0..NODES).all(|node| cosmology.expansion_rate(node_scale_factor(node)) > 0.0);
    if !expands {
        return Err(CosmologyError::NoBigBang { omega_m, omega_l });
    }
    let matter = matter_fraction(cosmology, EARLIEST);
    if (matter - 1.0).abs() >= 0.1 {
        return Err(CosmologyError::EarlyDarkEnergy { w0, wa, matter_percent: 100.0 * matter });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EINSTEIN_DE_SITTER: Cosmology = Cosmology { omega_m: 1.0, omega_l: 0.0, ..Cosmology::PAPER };

    #[test]
    fn distances_of_einstein_and_de_sitter() -> Result<(), CosmologyError> {
        let background = Background::new(&EINSTEIN_DE_SITTER)?;
        for a in [1e-4, 3e-3, 0.1, 0.5, 0.9, 0.999, 0.999_999] {
            let exact = 2.0 * HUBBLE_DISTANCE * (1.0 - f64::sqrt(a));
            assert!((background.chi(a) / exact - 1.0).abs() < 1e-9, "{a}: {} {exact}", background.chi(a));
        }
        assert_eq!((background.chi(1.0), background.chi(1.5)), (0.0, 0.0));
        assert!((expansion_slope(&EINSTEIN_DE_SITTER, 0.3) + 1.5).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn scale_factors_invert_distances() -> Result<(), CosmologyError> {
        let background = Background::new(&Cosmology { omega_l: 0.6, w0: -0.9, wa: 0.3, ..Cosmology::PAPER })?;
        for step in 0..=5_000 {
            let a = EARLIEST.powf(f64::from(step) / 5_000.0);
            let back = background.a_of_chi(background.chi(a));
            assert!((back / a - 1.0).abs() < 1e-9, "{a} {back}");
        }
        assert_eq!(background.a_of_chi(-1.0), 1.0);
        assert!((background.a_of_chi(1e9) / EARLIEST - 1.0).abs() < 1e-12);
        assert!(background.a_of_chi(f64::NAN).is_nan());
        Ok(())
    }

    /// The definition, `c/H0 int_0^z dz' / E(z')`, by Simpson's rule.
    fn simpson(cosmology: &Cosmology, redshift: f64) -> f64 {
        let (intervals, rate) = (1024, |z: f64| 1.0 / cosmology.expansion_rate(1.0 / (1.0 + z)));
        let step = redshift / f64::from(intervals);
        let weight = |i: i32| if i == 0 || i == intervals { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
        let sum: f64 = (0..=intervals).map(|i| weight(i) * rate(f64::from(i) * step)).sum();
        HUBBLE_DISTANCE * sum * step / 3.0
    }

    #[test]
    fn agrees_with_direct_integration() -> Result<(), CosmologyError> {
        let cosmology = Cosmology { omega_l: 0.6, w0: -0.9, wa: 0.3, ..Cosmology::PAPER };
        let background = Background::new(&cosmology)?;
        for redshift in [0.001, 0.1, 0.5, 1.0, 3.0, 10.0] {
            let direct = simpson(&cosmology, redshift);
            assert!((background.chi(1.0 / (1.0 + redshift)) / direct - 1.0).abs() < 1e-8, "{redshift}");
        }
        Ok(())
    }

    #[test]
    fn agrees_with_a_lenstools_plane() -> Result<(), CosmologyError> {
        // Header of plane 40: Z and CHI (Mpc/h) with Omega_m 0.26, Omega_L 0.74.
        let distance = Background::new(&Cosmology::PAPER)?.chi_of_redshift(0.559_981_452_232_090_9);
        assert!((distance - 1_479.947_522_537_275).abs() < 1.0, "{distance}");
        Ok(())
    }

    #[test]
    fn curved_space() -> Result<(), CosmologyError> {
        // Milne's universe but for a little matter: f_K is c/H0 sinh(chi H0/c).
        let open = Background::new(&Cosmology { omega_m: 1e-3, omega_l: 0.0, ..Cosmology::PAPER })?;
        let root = 0.999_f64.sqrt();
        let exact = HUBBLE_DISTANCE / root * (root * 2_000.0 / HUBBLE_DISTANCE).sinh();
        assert!((open.transverse(2_000.0) / exact - 1.0).abs() < 1e-12);
        // Half around a closed universe f_K is 0 again, and the same on both sides of a quarter.
        let closed = Background::new(&Cosmology { omega_m: 2.0, omega_l: 0.0, ..Cosmology::PAPER })?;
        let half = std::f64::consts::PI * HUBBLE_DISTANCE;
        assert!(closed.transverse(half).abs() < 1e-9);
        assert!((closed.transverse(0.3 * half) - closed.transverse(0.7 * half)).abs() < 1e-9);
        assert_eq!(closed.transverse(-700.0), -closed.transverse(700.0));
        // The series joins the functions.
        let joint = 1e-2 * HUBBLE_DISTANCE;
        assert!((closed.transverse(joint * 0.999_999_9) / closed.transverse(joint * 1.000_000_1) - 1.0).abs() < 3e-7);
        assert_eq!(open.lensing_distance(3_000.0, 2_000.0), 0.0);
        Ok(())
    }

    #[test]
    fn says_what_to_change() {
        let refused = |cosmology| Background::new(&cosmology).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(refused(Cosmology { omega_m: 0.0, ..Cosmology::PAPER }).contains("Omega_m"));
        assert!(refused(Cosmology { h: -0.7, ..Cosmology::PAPER }).contains("h is"));
        assert!(refused(Cosmology { w0: f64::NAN, ..Cosmology::PAPER }).contains("finite"));
        assert!(refused(Cosmology { omega_l: 2.5, ..Cosmology::PAPER }).contains("Big Bang"));
        assert!(refused(Cosmology { w0: -0.5, wa: 0.6, ..Cosmology::PAPER }).contains("w0 + wa"));
    }
}
