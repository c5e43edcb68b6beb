//! File formats: bytes in, values out, an error for every input that is not what it says.
//!
//! ```text
//! source   bytes that are asked for where they lie; a spool for what is unpacked
//! element  types of numbers
//! shape    which axes of an array are maps, rows and columns
//! layout   where the numbers of maps lie
//! choose   which of several images or arrays is the map
//! npy      NumPy arrays
//! npz      NumPy arrays in a zip
//! fits     images: maps and lens planes, with angle, WCS and cosmology
//! hdf5     datasets (feature `hdf5`)
//! maps     maps of any of these, told by their bytes
//! checkpoints  those of other programs (feature `checkpoints`)
//! weights  safetensors of the networks and the JSON manifest beside them
//! ```

#[cfg(feature = "checkpoints")]
pub mod checkpoints;
pub mod choose;
pub mod element;
pub mod fits;
#[cfg(feature = "hdf5")]
pub mod hdf5;
pub mod layout;
pub mod maps;
pub mod npy;
pub mod npz;
pub mod shape;
pub mod source;
pub mod weights;
