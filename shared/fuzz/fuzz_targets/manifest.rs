//! Manifests of weights: whatever the bytes, a value or an error; a manifest that is read stays the same when written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::formats::weights::Manifest;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::from_json(bytes) {
        let text = manifest.to_json().expect("a manifest is writable");
        assert_eq!(Manifest::from_json(text.as_bytes()).expect("and readable"), manifest);
    }
});
