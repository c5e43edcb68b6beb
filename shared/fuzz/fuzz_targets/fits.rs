//! FITS images: whatever the bytes, a value or an error; a map that is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::{
    cosmology::Background,
    formats::fits::{FitsDescription, FitsImage, write},
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(image) = FitsImage::read(bytes) else { return };
    assert_eq!(image.pixels.len(), image.rows * image.columns);
    let cosmology = image.cosmology();
    let _ = (image.side_angle(), image.redshift(), image.comoving_distance());
    let Ok(map) = image.into_map(Some(1.0)) else { return };
    let _ = cosmology.map(|cosmology| Background::new(&cosmology).map(|background| background.chi_of_redshift(1.0)));
    let again = write(&map, &FitsDescription::default()).expect("a map is writable");
    let again = FitsImage::read(&again).expect("what was written is readable").into_map(None);
    assert_eq!(again.expect("and a map"), map);
});
