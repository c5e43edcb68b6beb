//! Maps in files.
//!
//! ```text
//! archive      users' maps of any kind and size, read where they are asked for
//! file         one file of an archive
//! window       windows of maps of which pixels may have no value
//! folder       which files a path means
//! bytes        open files, and what packed ones unpack to
//! mask         which pixels have a value
//! crop         random window and symmetry
//! description  what lies beside an array: angle, source, cosmology
//! sources      what tells one map from all others
//! writer       maps, one by one -> maps.npy and its description
//! ```

pub mod archive;
pub mod bytes;
pub mod crop;
pub mod description;
pub mod file;
pub mod folder;
pub mod mask;
pub mod sources;
pub mod window;
pub mod writer;

pub use archive::{MapArchive, Reading};
pub use description::MapsDescription;
pub use mask::MaskFrom;
pub use sources::Sources;
pub use writer::MapWriter;
