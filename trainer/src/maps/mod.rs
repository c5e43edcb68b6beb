//! Makes training maps: lens planes or users' maps in, an array of independent crops out.
//!
//! ```text
//! planes   LensTools potential planes -> their Laplacians
//! born     Laplacians -> kappa of one line of sight (Born projection)
//! archive  users' FITS and .npy maps of any size
//! crop     random window and symmetry
//! files    folders of files, their SHA-256
//! output   crops -> maps.npy and the description beside it
//! ```

pub mod archive;
pub mod born;
pub mod crop;
pub mod files;
pub mod output;
pub mod planes;
