//! Summary statistics of convergence maps, in the definitions of LensTools 1.2, which the paper measured with.
//!
//! ```text
//! fourier         two-dimensional FFT of a map
//! power_spectrum  P(l)
//! distance        two sets of spectra against each other
//! ensemble        mean and sigma over maps
//! pixels          density of pixel values, moments
//! ```
//!
//! All sums are in f64. A plan object holds the buffers, so that measuring a map allocates nothing but its result.

pub mod distance;
pub mod ensemble;
pub mod fourier;
pub mod pixels;
pub mod power_spectrum;

pub use distance::SpectrumBand;
pub use ensemble::{Ensemble, SpectrumReference};
pub use power_spectrum::PowerSpectrumPlan;
