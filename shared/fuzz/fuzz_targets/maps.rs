//! Maps of any kind of file: whatever the bytes, maps or an error, within the bounds that are given.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::formats::maps::{self, Limits};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { maps: 2, pixels: 256, unpacked: 1 << 20 };
    if let Ok(read) = maps::read(bytes.to_vec(), 1.0, limits) {
        assert!(read.maps.len() <= 2 && read.maps.len() == read.masked.len());
    }
});
