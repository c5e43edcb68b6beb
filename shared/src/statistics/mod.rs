//! Summary statistics of convergence maps, in the definitions of LensTools 1.2 and SciPy, which the paper measured with.
//!
//! ```text
//! one map     plan = power_spectrum, two_point, bispectrum (fourier) + minkowski, peaks, moments (halo) + pixels, through bins
//!             statistic: their names
//! two maps    similarity
//! many maps   ensemble, correlation
//! two sets    two_sample, distance
//! one set     birthday
//! ```
//!
//! All sums are in f64. A plan object holds the buffers, so that measuring a map allocates nothing but its result. A value
//! that does not exist is `None`: a bin without Fourier modes, a threshold in units of the sigma of a constant map.

pub mod bins;
pub mod birthday;
pub mod bispectrum;
pub mod correlation;
pub mod distance;
pub mod ensemble;
pub mod fourier;
pub mod halo;
pub mod mask;
pub mod minkowski;
pub mod moments;
pub mod peaks;
pub mod pixels;
pub mod plan;
pub mod power_spectrum;
pub mod similarity;
pub mod statistic;
pub mod two_point;
pub mod two_sample;

pub use distance::SpectrumBand;
pub use ensemble::{Ensemble, OrderedEnsemble, SpectrumReference};
pub use plan::{MapStatistics, StatisticsEdges, StatisticsPlan, mean_and_sigma};
pub use power_spectrum::PowerSpectrumPlan;
pub use statistic::Statistic;
pub use two_sample::TwoSample;
