//! What torch.save writes: whatever the bytes, tensors of the shapes that they state, or an error, and nothing is run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::formats::checkpoints::pytorch::{StateFile, pickle::Pickle};

fuzz_target!(|bytes: &[u8]| {
    if let Ok((pickle, length)) = Pickle::read(bytes) {
        assert!(length <= bytes.len() && pickle.node(pickle.root).is_some());
    }
    let source = bytes.to_vec();
    let Ok(file) = StateFile::open(&source) else { return };
    for dictionary in file.dictionaries() {
        for (name, place) in &dictionary.tensors {
            if let Ok(tensor) = file.tensor(name, place) {
                assert_eq!(tensor.values.len(), place.shape.iter().product::<usize>());
                assert!(tensor.values.len() <= bytes.len().max(1 << 20));
            }
        }
    }
});
