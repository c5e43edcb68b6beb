//! What is measured, in what words and digits it is shown, and how good it shall be.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{crops::CROP_PIXELS, moments::Moment, smoothing::SMOOTHING};

/// Something that every box has a value of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Quantity {
    /// `C_l` over halofit's, as a mean over the modes of a band.
    AngularPower {
        /// Redshift of the sources.
        source_redshift: f64,
        /// Ends of the band in l.
        ell: [f64; 2],
    },
    /// Share of crops with a pixel outside [-1, 1].
    CropsOutside {
        /// Redshift of the sources.
        source_redshift: f64,
    },
    /// A moment of smoothed kappa.
    SmoothedMoment {
        /// Redshift of the sources.
        source_redshift: f64,
        /// Which one.
        moment: Moment,
    },
    /// The same over that of maps of other simulations.
    SmoothedMomentRatio {
        /// Redshift of the sources.
        source_redshift: f64,
        /// Which one.
        moment: Moment,
    },
    /// Sigma of smoothed kappa over that of halofit on the scales that the maps hold.
    SigmaOverTheory {
        /// Redshift of the sources.
        source_redshift: f64,
    },
    /// `P(k)` of the particles over halofit's, as a mean over the modes of a band.
    MatterPower {
        /// Redshift.
        redshift: f64,
        /// Ends of the band in h/Mpc.
        k: [f64; 2],
    },
}

impl Quantity {
    /// A value as it is shown.
    pub fn show(&self, value: f64) -> String {
        match self {
            Self::CropsOutside { .. } => format!("{:.2} %", 100.0 * value),
            Self::SmoothedMoment { moment: Moment::Sigma, .. } => format!("{value:.5}"),
            _ => format!("{value:.3}"),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AngularPower { source_redshift, ell: [low, high] } => {
                write!(out, "C_l / halofit, l = {low}-{high}, sources at z = {source_redshift}")
            }
            Self::CropsOutside { source_redshift } => write!(
                out,
                "crops of {CROP_PIXELS}^2 pixels with one outside [-1, 1], sources at z = {source_redshift}"
            ),
            Self::SmoothedMoment { source_redshift, moment } => write!(
                out,
                "{} after a Gaussian of sigma {SMOOTHING} arcmin, sources at z = {source_redshift}",
                moment.label()
            ),
            Self::SmoothedMomentRatio { source_redshift, moment } => {
                write!(out, "the same {} / that of --against, sources at z = {source_redshift}", moment.label())
            }
            Self::SigmaOverTheory { source_redshift } => {
                write!(out, "the same sigma / halofit, sources at z = {source_redshift}")
            }
            Self::MatterPower { redshift, k: [low, high] } => {
                write!(out, "P(k) / halofit, k = {low}-{high} h/Mpc, z = {redshift}")
            }
        }
    }
}

/// What a mean over boxes shall be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// At most this far from 1.
    Within(f64),
    /// Less than this.
    Below(f64),
}

impl Goal {
    /// Whether a value is as good.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::Within(tolerance) => (value - 1.0).abs() <= tolerance,
            Self::Below(limit) => value < limit,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded, since 0.009 as a percentage has more digits than it should.
        let percent = |share: f64| (1e4 * share).round() / 1e2;
        match self {
            Self::Within(tolerance) => write!(out, "within {} %", percent(*tolerance)),
            Self::Below(limit) => write!(out, "< {} %", percent(*limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals() {
        assert!(
            Goal::Within(0.1).is_met(0.91) && !Goal::Within(0.1).is_met(0.89) && !Goal::Within(0.1).is_met(f64::NAN)
        );
        assert!(Goal::Below(0.009).is_met(0.008_9) && !Goal::Below(0.009).is_met(0.009));
        assert_eq!([Goal::Within(0.15), Goal::Below(0.009)].map(|goal| goal.to_string()), ["within 15 %", "< 0.9 %"]);
    }

    #[test]
    fn shown_with_the_digits_that_matter() {
        let sigma = Quantity::SmoothedMoment { source_redshift: 1.0, moment: Moment::Sigma };
        assert_eq!(sigma.show(0.008_712_34), "0.00871");
        assert_eq!(sigma.to_string(), "sigma after a Gaussian of sigma 1 arcmin, sources at z = 1");
        assert_eq!(Quantity::CropsOutside { source_redshift: 1.0 }.show(0.004_3), "0.43 %");
        let power = Quantity::MatterPower { redshift: 0.5, k: [0.1, 0.3] };
        assert_eq!(
            (power.to_string(), power.show(1.0)),
            ("P(k) / halofit, k = 0.1-0.3 h/Mpc, z = 0.5".into(), "1.000".into())
        );
    }
}
