//! Tensors of a network in safetensors, under PyTorch's names and layouts.

use std::collections::BTreeMap;

use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::WeightsError;
use crate::network::ParameterDefinition;

/// Type of the numbers in a file of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE half precision: what the page loads.
    F16,
    /// IEEE single precision.
    F32,
}

/// A network's tensors in f32, row-major, each of the shape that its definition states.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    tensors: BTreeMap<String, Vec<f32>>,
}

impl Weights {
    /// Reads the tensors of a network from a safetensors file; what else the file holds is left out.
    ///
    /// # Errors
    /// When the file is not safetensors, or a tensor is missing, of another shape or type, or not finite.
    pub fn read(bytes: &[u8], parameters: &[ParameterDefinition]) -> Result<Self, WeightsError> {
        let file = SafeTensors::deserialize(bytes)?;
        let mut tensors = BTreeMap::new();
        for parameter in parameters {
            let name = &parameter.name;
            let view = file.tensor(name).map_err(|_| WeightsError::Missing(name.clone()))?;
            if view.shape() != parameter.shape {
                let (found, expected) = (view.shape().to_vec(), parameter.shape.clone());
                return Err(WeightsError::Shape { name: name.clone(), found, expected });
            }
            let values = to_f32(view.dtype(), view.data())
                .ok_or_else(|| WeightsError::Type { name: name.clone(), dtype: format!("{:?}", view.dtype()) })?;
            if values.iter().any(|value| !value.is_finite()) {
                return Err(WeightsError::NotFinite(name.clone()));
            }
            tensors.insert(name.clone(), values);
        }
        Ok(Self { tensors })
    }

    /// The values of a tensor, row-major.
    ///
    /// # Errors
    /// When the network that these weights were read for has no tensor of this name.
    pub fn tensor(&self, name: &str) -> Result<&[f32], WeightsError> {
        self.tensors.get(name).map(Vec::as_slice).ok_or_else(|| WeightsError::Missing(name.to_owned()))
    }
}

fn to_f32(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    match dtype {
        Dtype::F32 => Some(data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()),
        Dtype::F16 => Some(data.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect()),
        _ => None,
    }
}

/// Writes a network's tensors as safetensors; `values` gives those of each parameter, row-major.
///
/// # Errors
/// When the number of values does not match a shape, or a value is not finite in this precision.
pub fn encode(
    parameters: &[ParameterDefinition],
    precision: Precision,
    values: impl Fn(&ParameterDefinition) -> Vec<f32>,
) -> Result<Vec<u8>, WeightsError> {
    let (dtype, to_bytes): (_, fn(f32) -> Vec<u8>) = match precision {
        Precision::F16 => (Dtype::F16, |value| f16::from_f32(value).to_le_bytes().to_vec()),
        Precision::F32 => (Dtype::F32, |value| value.to_le_bytes().to_vec()),
    };
    let overflows = |value: &f32| match precision {
        Precision::F16 => !f16::from_f32(*value).is_finite(),
        Precision::F32 => !value.is_finite(),
    };
    let mut buffers = Vec::new();
    for parameter in parameters {
        let values = values(parameter);
        if values.iter().any(overflows) {
            return Err(WeightsError::NotFinite(parameter.name.clone()));
        }
        buffers.push(values.into_iter().flat_map(to_bytes).collect::<Vec<u8>>());
    }
    let views = parameters.iter().zip(&buffers).map(|(parameter, buffer)| {
        TensorView::new(dtype, parameter.shape.clone(), buffer).map(|view| (parameter.name.clone(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>()?;
    Ok(safetensors::serialize(views, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{NetworkDefinition, definition::parameters};

    fn narrow() -> Vec<ParameterDefinition> {
        let sizes = NetworkDefinition { latent_size: 4, map_side: 16, base_channels: 2, ..NetworkDefinition::paper() };
        parameters(&sizes.generator())
    }

    fn values(parameter: &ParameterDefinition) -> Vec<f32> {
        (0..parameter.shape.iter().product::<usize>()).map(|i| (i % 512) as f32 / 256.0 - 1.0).collect()
    }

    #[test]
    fn round_trip_in_both_precisions() {
        for precision in [Precision::F32, Precision::F16] {
            let bytes = encode(&narrow(), precision, values).unwrap();
            let weights = Weights::read(&bytes, &narrow()).unwrap();
            for parameter in narrow() {
                // Multiples of 1/256 in [-1, 1] are exact in f16.
                assert!(weights.tensor(&parameter.name).unwrap() == values(&parameter), "{}", parameter.name);
            }
        }
    }

    #[test]
    fn refuses_what_is_not_this_network() {
        let bytes = encode(&narrow(), Precision::F32, values).unwrap();
        let wider = NetworkDefinition { latent_size: 5, map_side: 16, base_channels: 2, ..NetworkDefinition::paper() };
        let error = Weights::read(&bytes, &parameters(&wider.generator())).unwrap_err();
        assert_eq!(error.to_string(), "tensor fc.weight has shape [16, 4], the network needs [16, 5]");
        let error = Weights::read(&bytes, &parameters(&wider.discriminator())).unwrap_err();
        assert_eq!(error.to_string(), "tensor conv1.weight is missing");
        for length in [0, 7, 8, 100, bytes.len() - 1] {
            assert!(Weights::read(&bytes[..length], &narrow()).is_err(), "cut off at {length}");
        }
    }

    #[test]
    fn refuses_values_that_are_not_finite() {
        let infinite = |p: &ParameterDefinition| vec![1e9; p.shape.iter().product()];
        assert!(matches!(encode(&narrow(), Precision::F16, infinite), Err(WeightsError::NotFinite(_))));
        let bytes = encode(&narrow(), Precision::F32, infinite).unwrap();
        assert!(Weights::read(&bytes, &narrow()).is_ok());
        let damaged: Vec<u8> = [&bytes[..bytes.len() - 4], &f32::NAN.to_le_bytes()].concat();
        assert!(matches!(Weights::read(&damaged, &narrow()), Err(WeightsError::NotFinite(_))));
    }
}
