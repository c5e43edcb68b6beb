//! Pictures of maps in rows (paper Figs. 1, 7 and 8).

use anyhow::Result;

/// A sheet of square maps in rows, as an 8-bit RGB PNG.
///
/// Colours follow the paper's figure: log-stretched blues, white where kappa is low, one scale for the whole sheet.
///
/// # Errors
/// When there are no maps, or the PNG cannot be encoded.
pub fn sheet(maps: &[&[f32]], side: usize, columns: usize) -> Result<Vec<u8>> {
    anyhow::ensure!(!maps.is_empty() && columns > 0, "a sheet needs maps");
    let (low, high) = range(maps);
    let gap = side / 32 + 1;
    let rows = maps.len().div_ceil(columns);
    let (width, height) = (columns * (side + gap) + gap, rows * (side + gap) + gap);
    let mut pixels = vec![255_u8; width * height * 3];
    for (place, map) in maps.iter().enumerate() {
        let (top, left) = (gap + place / columns * (side + gap), gap + place % columns * (side + gap));
        for (at, &kappa) in map.iter().take(side * side).enumerate() {
            let start = ((top + at / side) * width + left + at % side) * 3;
            pixels[start..start + 3].copy_from_slice(&blue(stretch(kappa, low, high)));
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

/// Values between which most pixels lie: percentiles 1 and 99.8.
fn range(maps: &[&[f32]]) -> (f32, f32) {
    let mut values: Vec<f32> = maps.iter().flat_map(|map| map.iter().step_by(7).copied()).collect();
    values.sort_by(f32::total_cmp);
    let at = |share: f64| values.get((share * values.len().saturating_sub(1) as f64) as usize).copied();
    let (low, high) = (at(0.01).unwrap_or(0.0), at(0.998).unwrap_or(1.0));
    if high > low { (low, high) } else { (low, low + 1.0) }
}

/// Logarithmic stretch to 0..=1.
fn stretch(kappa: f32, low: f32, high: f32) -> f32 {
    let share = ((kappa - low) / (high - low)).clamp(0.0, 1.0);
    (1.0 + 9.0 * share).log10()
}

/// White to dark blue.
fn blue(share: f32) -> [u8; 3] {
    let anchors = [[247.0, 251.0, 255.0], [158.0, 202.0, 225.0], [49.0, 130.0, 189.0], [8.0, 29.0, 88.0_f32]];
    let place = share * 3.0;
    let lower = (place as usize).min(2);
    let part = place - lower as f32;
    std::array::from_fn(|i| (anchors[lower][i] * (1.0 - part) + anchors[lower + 1][i] * part) as u8)
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
        assert_eq!((blue(0.0), blue(1.0)), ([247, 251, 255], [8, 29, 88]));
    }
}
