//! Pictures of maps in rows (paper Figs. 1, 7 and 8).

use anyhow::Result;
use shared::colour::{ColourMap, paint, range_of};

/// Shares of pixels below and above the range that a sheet's colours span.
const RANGE_SHARES: [f64; 2] = [0.01, 0.998];

/// A sheet of square maps in rows, as an 8-bit RGB PNG.
///
/// Colours follow the paper's figure: log-stretched blues, white where kappa is low, one scale for the whole sheet.
///
/// # Errors
/// When there are no maps, or the PNG cannot be encoded.
pub fn sheet(maps: &[&[f32]], side: usize, columns: usize) -> Result<Vec<u8>> {
    anyhow::ensure!(!maps.is_empty() && columns > 0, "a sheet needs maps");
    let range = range_of(maps.iter().flat_map(|map| map.iter().step_by(7).copied()), RANGE_SHARES);
    let gap = side / 32 + 1;
    let rows = maps.len().div_ceil(columns);
    let (width, height) = (columns * (side + gap) + gap, rows * (side + gap) + gap);
    let mut pixels = vec![255_u8; width * height * 3];
    for (place, map) in maps.iter().enumerate() {
        let (top, left) = (gap + place / columns * (side + gap), gap + place % columns * (side + gap));
        let painted = paint(&map[..map.len().min(side * side)], range, ColourMap::Blues);
        for (at, colour) in painted.chunks_exact(4).enumerate() {
            let start = ((top + at / side) * width + left + at % side) * 3;
            pixels[start..start + 3].copy_from_slice(&colour[..3]);
        }
    }
    rgb_png(&pixels, width, height)
}

/// An 8-bit RGB PNG of these pixels, row by row.
///
/// # Errors
/// When they are not `3 * width * height` bytes, or none.
pub fn rgb_png(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_decodes_to_its_size() {
        let map: Vec<f32> = (0..64).map(|i| i as f32 / 64.0).collect();
        let bytes = sheet(&[&map, &map, &map], 8, 2).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (19, 19));
        assert!(sheet(&[], 8, 2).is_err());
    }
}
