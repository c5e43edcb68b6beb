//! TensorFlow's checkpoints: whatever the bytes of an index, tensors of the shapes that it states, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::formats::{checkpoints::tensorflow::Bundle, source::Source};

/// An index whose only block has these contents, with checksums that are right: the search would not find them.
fn index_of(contents: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut block = |contents: &[u8]| {
        let handle = [number(file.len()), number(contents.len())].concat();
        let whole = [contents, &[0]].concat();
        let checksum = crc32c::crc32c(&whole).rotate_right(15).wrapping_add(0xa282_ead8);
        file.extend(whole);
        file.extend(checksum.to_le_bytes());
        handle
    };
    let handle = block(contents);
    let restarts = [0, 0, 0, 0, 1, 0, 0, 0];
    let first = block(&[&[0, 1, handle.len() as u8, b'z'], &handle[..], &restarts].concat());
    // The other block of the footer is not looked at.
    let mut footer = [&[0, 0], &first[..]].concat();
    footer.resize(40, 0);
    file.extend(footer);
    file.extend(0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    file
}

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    for index in [bytes.to_vec(), index_of(bytes)] {
        let Ok(bundle) = Bundle::read(&index) else { continue };
        for (name, shape) in bundle.tensors() {
            if let Ok(tensor) = bundle.tensor(name, &[&bytes.to_vec() as &dyn Source]) {
                assert_eq!(tensor.shape, shape);
                assert_eq!(tensor.values.len(), shape.iter().product::<usize>());
            }
        }
    }
});
