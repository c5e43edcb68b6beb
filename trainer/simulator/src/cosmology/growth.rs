//! Growth of structure to first and second order.

use std::array::from_fn;

use anyhow::{Result, ensure};
use shared::cosmology::{
    Cosmology,
    background::{EARLIEST, NODES, check, expansion_slope, matter_fraction, node_scale_factor, node_step},
    table::HermiteTable,
};

/// Growth of density contrasts, tabulated since [`EARLIEST`], where matter dominates. Scale factors outside of that and
/// 1 count as the nearer of the two.
///
/// `D1` is the growing solution of linear theory, 1 today; `D2` multiplies the displacements of second order and is
/// `-3/7 D1^2` in a universe of matter alone (Bouchet et al. 1995, A&A 296, 575). Both are integrated, so that they
/// hold for any `w(a)` and curvature.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth {
    cosmology: Cosmology,
    /// D1 and D2 over ln a.
    orders: [HermiteTable; 2],
    /// Their derivatives with respect to ln a.
    slopes: [HermiteTable; 2],
}

/// D1, D2 and their derivatives with respect to ln a.
type State = [f64; 4];

impl Growth {
    /// Integrates growth.
    ///
    /// # Errors
    /// When the parameters make no universe that began dominated by matter.
    pub fn new(cosmology: &Cosmology) -> Result<Self> {
        check(cosmology)?;
        let derivative = |a, state| derivative(cosmology, a, state);
        let (step, half) = (node_step(), (0.5 * node_step()).exp());
        // What these miss of the growing solution has decayed as a^(-5/2) and 1/a before anything is asked.
        let mut state = [EARLIEST, -3.0 / 7.0 * EARLIEST.powi(2), EARLIEST, -6.0 / 7.0 * EARLIEST.powi(2)];
        let mut states = vec![(state, derivative(EARLIEST, state))];
        for node in 0..NODES - 1 {
            let (a, end) = (node_scale_factor(node), node_scale_factor(node + 1));
            let ahead = |slope: State, by: f64| from_fn(|i| state[i] + by * slope[i]);
            let first = derivative(a, state);
            let second = derivative(a * half, ahead(first, 0.5 * step));
            let third = derivative(a * half, ahead(second, 0.5 * step));
            let fourth = derivative(end, ahead(third, step));
            let mean = from_fn(|i| (first[i] + 2.0 * (second[i] + third[i]) + fourth[i]) / 6.0);
            state = ahead(mean, step);
            states.push((state, derivative(end, state)));
        }
        let today = state[0];
        ensure!(today.is_finite() && today > 0.0, "no growth: Omega_m {} is too small", cosmology.omega_m);
        let table = |of: usize, norm: f64| {
            let nodes = states.iter().map(|(state, slope)| [state[of] / norm, slope[of] / norm]);
            HermiteTable::new(EARLIEST.ln(), step, nodes.collect())
        };
        // D2 is made by the square of D1.
        Ok(Self {
            cosmology: *cosmology,
            orders: [table(0, today), table(1, today * today)],
            slopes: [table(2, today), table(3, today * today)],
        })
    }

    /// Linear growth since [`EARLIEST`], 1 today.
    #[doc(alias = "growth_factor")]
    pub fn d1(&self, a: f64) -> f64 {
        self.orders[0].at(a.ln())
    }

    /// Growth of second order, `-3/7 D1^2` but for a few per cent.
    #[doc(alias = "growth_factor_second")]
    pub fn d2(&self, a: f64) -> f64 {
        self.orders[1].at(a.ln())
    }

    /// `dD1/da`.
    #[doc(alias = "growth_rate")]
    pub fn d1_slope(&self, a: f64) -> f64 {
        self.slopes[0].at(a.ln()) / a
    }

    /// `dD2/da`.
    pub fn d2_slope(&self, a: f64) -> f64 {
        self.slopes[1].at(a.ln()) / a
    }

    /// `a^3 E dD1/da`: the momentum `a^2 dx/dt`, with H0 = 1, of a displacement that is D1 (Feng et al. 2016, Section
    /// 2.2).
    pub fn momentum_1(&self, a: f64) -> f64 {
        a.powi(3) * self.cosmology.expansion_rate(a) * self.d1_slope(a)
    }

    /// `a^3 E dD2/da`, likewise.
    pub fn momentum_2(&self, a: f64) -> f64 {
        a.powi(3) * self.cosmology.expansion_rate(a) * self.d2_slope(a)
    }
}

/// `D1'' + (2 + dlnE/dln a) D1' = 3/2 Om(a) D1` and the same of D2 with the source `-3/2 Om(a) D1^2`, over ln a.
fn derivative(cosmology: &Cosmology, a: f64, [d1, d2, slope_1, slope_2]: State) -> State {
    let friction = 2.0 + expansion_slope(cosmology, a);
    let pull = 1.5 * matter_fraction(cosmology, a);
    [slope_1, slope_2, pull * d1 - friction * slope_1, pull * (d2 - d1 * d1) - friction * slope_2]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [f64; 6] = [1e-3, 0.02, 0.1, 0.5, 0.9, 1.0];

    #[test]
    fn einstein_de_sitter() -> Result<()> {
        let growth = Growth::new(&Cosmology { omega_m: 1.0, omega_l: 0.0, ..Cosmology::PAPER })?;
        for a in TIMES {
            let near = |value: f64, exact: f64| assert!((value / exact - 1.0).abs() < 1e-8, "{a}: {value} {exact}");
            near(growth.d1(a), a);
            near(growth.d2(a), -3.0 / 7.0 * a * a);
            near(growth.d1_slope(a), 1.0);
            near(growth.d2_slope(a), -6.0 / 7.0 * a);
            near(growth.momentum_1(a), a.powf(1.5));
            near(growth.momentum_2(a), -6.0 / 7.0 * a.powf(2.5));
        }
        Ok(())
    }

    /// With w = -1 or curvature alone, `D1 = E int da / (a E)^3` but for a factor (Heath 1977), and `1/E^2` decays.
    #[test]
    fn linear_growth_is_heaths_integral() -> Result<()> {
        for (omega_m, omega_l) in [(0.26, 0.74), (0.3, 0.0), (0.3, 0.75), (0.4, 0.7)] {
            let cosmology = Cosmology { omega_m, omega_l, ..Cosmology::PAPER };
            let growth = Growth::new(&cosmology)?;
            let heath = |a: f64| {
                // Midpoints of a^(5/2), over which the integrand is flat at early times.
                let integrand =
                    |x: f64| 0.4 / x / (x.powf(0.4) * cosmology.expansion_rate(x.powf(0.4))).powi(3) * x.powf(0.4);
                let (parts, end) = (20_000, a.powf(2.5));
                let sum: f64 = (0..parts).map(|i| integrand(end * (f64::from(i) + 0.5) / f64::from(parts))).sum();
                cosmology.expansion_rate(a) * sum * end / f64::from(parts)
            };
            for a in TIMES {
                let exact = heath(a) / heath(1.0);
                assert!((growth.d1(a) / exact - 1.0).abs() < 1e-6, "{omega_m} {a}: {} {exact}", growth.d1(a));
            }
        }
        Ok(())
    }

    /// `D2 = -3/7 Om(a)^n D1^2`, with n = -1/143 in flat universes with w = -1 and n = -2/63 in open ones without dark
    /// energy (Bouchet et al. 1995).
    #[test]
    fn second_order_is_near_its_fits() -> Result<()> {
        let open = Cosmology { omega_l: 0.0, ..Cosmology::PAPER };
        for (cosmology, power, tolerance) in [(Cosmology::PAPER, -1.0 / 143.0, 3e-4), (open, -2.0 / 63.0, 3e-3)] {
            let growth = Growth::new(&cosmology)?;
            for a in TIMES {
                let fit = -3.0 / 7.0 * matter_fraction(&cosmology, a).powf(power) * growth.d1(a).powi(2);
                assert!((growth.d2(a) / fit - 1.0).abs() < tolerance, "{a}: {} {fit}", growth.d2(a));
            }
        }
        Ok(())
    }

    #[test]
    fn slopes_are_derivatives() -> Result<()> {
        let growth = Growth::new(&Cosmology { w0: -0.8, wa: 0.2, ..Cosmology::PAPER })?;
        let h = 1e-4;
        for a in [0.02, 0.1, 0.5, 0.9] {
            let difference = |of: &dyn Fn(f64) -> f64| (of(a + h * a) - of(a - h * a)) / (2.0 * h * a);
            assert!((difference(&|a| growth.d1(a)) / growth.d1_slope(a) - 1.0).abs() < 1e-6);
            assert!((difference(&|a| growth.d2(a)) / growth.d2_slope(a) - 1.0).abs() < 1e-6);
        }
        Ok(())
    }
}
