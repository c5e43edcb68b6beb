//! `.npy` arrays: whatever the bytes, a value or an error; what is read is as large as it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::formats::npy;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(maps) = npy::read(bytes) {
        assert_eq!(maps.values.len(), maps.maps * maps.rows * maps.columns);
    }
});
