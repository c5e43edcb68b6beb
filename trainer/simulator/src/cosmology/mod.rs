//! Growth and power spectra of a universe of matter and `w0-wa` dark energy: what simulations begin with and what they are
//! compared with. Distances are those of [`shared::cosmology`].
//!
//! ```text
//! shared::cosmology::background (distances) ------------+
//! growth ---+                                          |
//! transfer -+-> linear_power -> halofit (nonlinear) ---+-> limber (C_l of kappa)
//! linear_spectrum   what halofit needs of linear theory; nonlinear_scale: where it looks at it
//! ```
//!
//! Distances are comoving and in Mpc/h, wave numbers in h/Mpc, power in (Mpc/h)^3; the scale factor is 1 today.
//! Radiation and massive neutrinos are left out of everything but the transfer function.

pub mod growth;
pub mod halofit;
pub mod limber;
pub mod linear_power;
pub mod linear_spectrum;
mod nonlinear_scale;
pub mod transfer;

pub use growth::Growth;
pub use halofit::Halofit;
pub use limber::ConvergencePower;
pub use linear_power::LinearPower;
pub use linear_spectrum::LinearSpectrum;
pub use transfer::{EisensteinHu, Wiggles};
