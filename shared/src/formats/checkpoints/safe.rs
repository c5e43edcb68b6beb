//! Safetensors without a manifest: whatever tensors it holds, by name.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};

use super::{CheckpointError, Float, Tensor};

/// The tensors of a safetensors file that are of floating point; others, such as counters, are left out.
///
/// # Errors
/// When it is no safetensors file.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| CheckpointError::Damaged(format!("as safetensors it says {error}")))?;
    let float = |dtype| match dtype {
        Dtype::BF16 => Some(Float::Brain),
        Dtype::F16 => Some(Float::Half),
        Dtype::F32 => Some(Float::Single),
        Dtype::F64 => Some(Float::Double),
        _ => None,
    };
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        let values = float(view.dtype())?.decode(view.data());
        Some((name.to_owned(), Tensor { shape: view.shape().to_vec(), values }))
    };
    Ok(file.iter().filter_map(tensor).collect())
}
