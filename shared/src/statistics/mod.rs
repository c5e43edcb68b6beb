//! Summary statistics of convergence maps, in the definitions of LensTools 1.2, which the paper measured with.
//!
//! ```text
//! fourier         two-dimensional FFT of a map
//! power_spectrum  P(l)
//! pixels          density of pixel values, moments
//! ```
//!
//! All sums are in f64. A plan object holds the buffers, so that measuring a map allocates nothing but its result.

pub mod ensemble;
pub mod fourier;
pub mod pixels;
pub mod power_spectrum;

pub use ensemble::Ensemble;
pub use power_spectrum::PowerSpectrumPlan;
