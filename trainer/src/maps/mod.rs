//! Makes training maps: lens planes or users' maps in, an array of independent crops out.
//!
//! ```text
//! planes   LensTools potential planes -> their Laplacians
//! lines_of_sight   Laplacians -> kappa, along straight lines or deflected ones
//! archive  users' FITS and .npy maps of any size
//! crop     random window and symmetry
//! output   crops -> maps.npy and the description beside it
//! ```

pub mod archive;
pub mod crop;
pub mod lines_of_sight;
pub mod output;
pub mod planes;
