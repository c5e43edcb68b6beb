//! Maps in files.
//!
//! ```text
//! archive      users' FITS and .npy maps of any size, read where they are asked for
//! crop         random window and symmetry
//! description  what lies beside an array: angle, source, cosmology
//! writer       maps, one by one -> maps.npy and its description
//! mapped_file  the bytes of a file that may be larger than memory
//! ```

pub mod archive;
pub mod crop;
pub mod description;
pub mod mapped_file;
pub mod writer;

pub use archive::MapArchive;
pub use description::MapsDescription;
pub use writer::MapWriter;
