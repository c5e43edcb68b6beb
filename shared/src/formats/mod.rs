//! File formats: bytes in, values out, an error for every input that is not what it says.
//!
//! ```text
//! npy      NumPy arrays of maps, [H, W], [N, H, W] or [N, 1, H, W]
//! fits     one map or lens plane a file, with its angle, WCS and cosmology
//! maps     maps of either, told by their bytes
//! weights  safetensors of the networks and the JSON manifest beside them
//! ```

pub mod fits;
pub mod maps;
pub mod npy;
pub mod weights;
