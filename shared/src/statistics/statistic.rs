//! The statistics by name.

use serde::{Deserialize, Serialize};

/// A statistic with one value a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// P(l) in steradians.
    PowerSpectrum,
    /// Area above a threshold.
    V0,
    /// Boundary length at a threshold.
    V1,
    /// Genus at a threshold.
    V2,
    /// Peaks per unit of nu.
    Peaks,
    /// Minima per unit of nu.
    Minima,
    /// Density of pixel values.
    Pdf,
    /// Two-point correlation function.
    TwoPoint,
    /// Equilateral bispectrum in steradians^2.
    Bispectrum,
}

impl Statistic {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::PowerSpectrum,
        Self::V0,
        Self::V1,
        Self::V2,
        Self::Peaks,
        Self::Minima,
        Self::Pdf,
        Self::TwoPoint,
        Self::Bispectrum,
    ];

    /// What is quick to measure of every map: all that [`StatisticsPlan::measure_paper`](super::StatisticsPlan::measure_paper) and
    /// [`measure_pixels`](super::StatisticsPlan::measure_pixels) give.
    pub const QUICK: [Self; 6] = [Self::PowerSpectrum, Self::Pdf, Self::V0, Self::V1, Self::V2, Self::Peaks];

    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::PowerSpectrum => "power_spectrum",
            Self::V0 => "v0",
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Peaks => "peaks",
            Self::Minima => "minima",
            Self::Pdf => "pdf",
            Self::TwoPoint => "two_point",
            Self::Bispectrum => "bispectrum",
        }
    }

    /// Name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::PowerSpectrum => "P(l)",
            Self::V0 => "V0 (area)",
            Self::V1 => "V1 (boundary)",
            Self::V2 => "V2 (genus)",
            Self::Peaks => "peaks",
            Self::Minima => "minima",
            Self::Pdf => "pixel values",
            Self::TwoPoint => "xi(theta)",
            Self::Bispectrum => "B(l, l, l)",
        }
    }

    /// What its bins are middles of, as files name it.
    pub fn abscissa(self) -> &'static str {
        match self {
            Self::PowerSpectrum => "ell",
            Self::V0 | Self::V1 | Self::V2 => "nu",
            Self::Peaks => "peak_nu",
            Self::Minima => "minimum_nu",
            Self::Pdf => "pdf_kappa",
            Self::TwoPoint => "theta_arcmin",
            Self::Bispectrum => "triangle_ell",
        }
    }
}
