//! Files of weights: whatever the bytes, tensors of the network's shapes or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::{
    formats::weights::Weights,
    network::{NetworkDefinition, definition::parameters},
};

fuzz_target!(|bytes: &[u8]| {
    let sizes = NetworkDefinition { latent_size: 1, map_side: 2, base_channels: 1, stages: 1, ..NetworkDefinition::paper() };
    let parameters = parameters(&sizes.generator());
    if let Ok(weights) = Weights::read(bytes.to_vec(), &parameters) {
        for parameter in &parameters {
            let values = weights.tensor(&parameter.name).expect("every tensor is there");
            assert_eq!(values.len(), parameter.shape.iter().product::<usize>());
            assert!(values.iter().all(|value| value.is_finite()));
        }
    }
});
