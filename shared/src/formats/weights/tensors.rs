//! Tensors of a network in safetensors, under PyTorch's names and layouts.

use std::{collections::BTreeMap, ops::Range};

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

/// A network's tensors, each of the shape that its definition states, and every number finite.
///
/// They stay as the file holds them: a network is read on devices that have no room for it twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    file: Vec<u8>,
    tensors: BTreeMap<String, Place>,
}

/// Where the numbers of a tensor lie.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    shape: Vec<usize>,
    precision: Precision,
    bytes: Range<usize>,
}

/// Numbers of a tensor, row-major, little-endian.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// In half precision.
    Half(&'a [[u8; 2]]),
    /// In single precision.
    Single(&'a [[u8; 4]]),
}

impl Values<'_> {
    /// One number, which has to be there.
    #[inline]
    pub fn get(self, index: usize) -> f32 {
        match self {
            Self::Half(values) => f16::from_le_bytes(values[index]).to_f32_const(),
            Self::Single(values) => f32::from_le_bytes(values[index]),
        }
    }

    /// In single precision, which holds every number of half precision.
    pub fn to_vec(self) -> Vec<f32> {
        match self {
            Self::Half(values) => values.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
            Self::Single(values) => values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        }
    }

    /// Whether no value is infinite or NaN: those have all bits of the exponent.
    fn are_finite(self) -> bool {
        match self {
            Self::Half(values) => values.iter().all(|&bytes| u16::from_le_bytes(bytes) & 0x7c00 != 0x7c00),
            Self::Single(values) => values.iter().all(|&bytes| f32::from_le_bytes(bytes).is_finite()),
        }
    }
}

impl Weights {
    /// Reads the tensors of a network from a safetensors file; others that it holds are not looked at.
    ///
    /// # Errors
    /// When the file is not safetensors, or a tensor is missing, of another shape or type, or not finite.
    pub fn read(file: Vec<u8>, parameters: &[ParameterDefinition]) -> Result<Self, WeightsError> {
        let mut tensors = BTreeMap::new();
        let (header, metadata) = SafeTensors::read_metadata(&file)?;
        // Eight bytes of the header's length, the header, the numbers.
        let start = size_of::<u64>() + header;
        for parameter in parameters {
            let name = &parameter.name;
            let info = metadata.info(name).ok_or_else(|| WeightsError::Missing(name.clone()))?;
            if info.shape != parameter.shape {
                let (found, expected) = (info.shape.clone(), parameter.shape.clone());
                return Err(WeightsError::Shape { name: name.clone(), found, expected });
            }
            let precision = match info.dtype {
                Dtype::F32 => Precision::F32,
                Dtype::F16 => Precision::F16,
                other => return Err(WeightsError::Type { name: name.clone(), dtype: format!("{other:?}") }),
            };
            let bytes = start + info.data_offsets.0..start + info.data_offsets.1;
            let place = Place { shape: info.shape.clone(), precision, bytes };
            if !values(&file, &place).are_finite() {
                return Err(WeightsError::NotFinite(name.clone()));
            }
            tensors.insert(name.clone(), place);
        }
        Ok(Self { file, tensors })
    }

    /// Checks that these are the weights of some layers' parameters.
    ///
    /// # Errors
    /// When a tensor is missing or of another shape: the weights were read for another network.
    pub fn check(&self, parameters: &[ParameterDefinition]) -> Result<(), WeightsError> {
        for ParameterDefinition { name, shape, .. } in parameters {
            let place = self.tensors.get(name).ok_or_else(|| WeightsError::Missing(name.clone()))?;
            if place.shape != *shape {
                let (found, expected) = (place.shape.clone(), shape.clone());
                return Err(WeightsError::Shape { name: name.clone(), found, expected });
            }
        }
        Ok(())
    }

    /// The values of a tensor as they are.
    ///
    /// # Errors
    /// When the network that these weights were read for has no tensor of this name.
    pub fn values(&self, name: &str) -> Result<Values<'_>, WeightsError> {
        let place = self.tensors.get(name).ok_or_else(|| WeightsError::Missing(name.to_owned()))?;
        Ok(values(&self.file, place))
    }

    /// The values of a tensor in single precision, row-major.
    ///
    /// # Errors
    /// When the network that these weights were read for has no tensor of this name.
    pub fn tensor(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        Ok(self.values(name)?.to_vec())
    }
}

fn values<'a>(file: &'a [u8], place: &Place) -> Values<'a> {
    let bytes = file.get(place.bytes.clone()).unwrap_or_default();
    match place.precision {
        Precision::F16 => Values::Half(bytes.as_chunks().0),
        Precision::F32 => Values::Single(bytes.as_chunks().0),
    }
}

/// Writes a network's tensors as safetensors; `values` gives those of each parameter, row-major. Beside running statistics stands
/// `num_batches_tracked`, as in PyTorch's modules, so that these take the file with strict=True; nothing here reads it.
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
    let mut buffers = Vec::new();
    for parameter in parameters {
        let values = values(parameter);
        if values.iter().any(|value| !value.is_finite()) {
            return Err(WeightsError::NotFinite(parameter.name.clone()));
        }
        if precision == Precision::F16 && values.iter().any(|&value| !f16::from_f32(value).is_finite()) {
            return Err(WeightsError::BeyondHalf(parameter.name.clone()));
        }
        buffers.push(values.into_iter().flat_map(to_bytes).collect::<Vec<u8>>());
    }
    let views = parameters.iter().zip(&buffers).map(|(parameter, buffer)| {
        TensorView::new(dtype, parameter.shape.clone(), buffer).map(|view| (parameter.name.clone(), view))
    });
    let mut views = views.collect::<Result<Vec<_>, _>>()?;
    let counted = parameters.iter().filter_map(|parameter| parameter.name.strip_suffix("running_mean"));
    for name in counted {
        let counter = TensorView::new(Dtype::I64, Vec::new(), &[0; 8])?;
        views.push((format!("{name}num_batches_tracked"), counter));
    }
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
            let weights = Weights::read(bytes.clone(), &narrow()).unwrap();
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
        let error = Weights::read(bytes.clone(), &parameters(&wider.generator())).unwrap_err();
        assert_eq!(error.to_string(), "tensor fc.weight has shape [16, 4], the network needs [16, 5]");
        let error = Weights::read(bytes.clone(), &parameters(&wider.discriminator())).unwrap_err();
        assert_eq!(error.to_string(), "tensor conv1.weight is missing");
        for length in [0, 7, 8, 100, bytes.len() - 1] {
            assert!(Weights::read(bytes[..length].to_vec(), &narrow()).is_err(), "cut off at {length}");
        }
    }

    #[test]
    fn refuses_values_that_are_not_finite() {
        let infinite = |p: &ParameterDefinition| vec![1e9; p.shape.iter().product()];
        assert!(matches!(encode(&narrow(), Precision::F16, infinite), Err(WeightsError::BeyondHalf(_))));
        let bytes = encode(&narrow(), Precision::F32, infinite).unwrap();
        assert!(Weights::read(bytes.clone(), &narrow()).is_ok());
        let damaged: Vec<u8> = [&bytes[..bytes.len() - 4], &f32::NAN.to_le_bytes()].concat();
        assert!(matches!(Weights::read(damaged, &narrow()), Err(WeightsError::NotFinite(_))));
    }
}
