//! All pixels of an image, plain or compressed in tiles.

use std::{io, ops::Deref};

use fitsio_pure::{image::ImageData, tiled::read_tiled_image};

use super::{FitsError, FitsHeader};
use crate::{
    ConvergenceMap,
    formats::{
        element::Element,
        layout::Layout,
        source::{Source, Spool},
    },
};

/// Most pixels of a tile-compressed image, which is unpacked in memory.
const MOST_PIXELS: usize = 1 << 30;
/// Most pixels that a byte of a tile-compressed file may announce.
const MOST_PIXELS_A_BYTE: u64 = 10_000;

/// An image and the header it came with.
#[derive(Debug, Clone)]
pub struct FitsImage {
    header: FitsHeader,
    /// Pixels, row-major, after BSCALE and BZERO; NaN where BLANK stands.
    pub pixels: Vec<f64>,
}

impl Deref for FitsImage {
    type Target = FitsHeader;

    fn deref(&self) -> &FitsHeader {
        &self.header
    }
}

impl FitsImage {
    /// Reads the image of a file that is meant, as [`FitsHeader::read`] chooses it.
    ///
    /// # Errors
    /// When the file is not FITS, holds no image of maps, or is cut off; when several images could be meant.
    pub fn read(bytes: &[u8]) -> Result<Self, FitsError> {
        let (header, _) = FitsHeader::read(bytes, None)?;
        let layout = header.layout();
        let pixels = if header.is_packed() {
            let (element, unpacked) = unpack(&header, bytes)?;
            Layout { element, ..layout }.decode_double(&unpacked)
        } else {
            let end = layout.end() as usize;
            layout.decode_double(bytes.get(layout.offset as usize..end).unwrap_or_default())
        };
        Ok(Self { header, pixels })
    }

    /// The image as a convergence map; `side_angle` in degrees is for files that do not state it.
    ///
    /// # Errors
    /// When the image is not one square of finite numbers, or its angle is not known.
    pub fn into_map(self, side_angle: Option<f64>) -> Result<ConvergenceMap, FitsError> {
        let side_angle = match side_angle {
            Some(side_angle) => side_angle,
            None => self.side_angle()?.ok_or(FitsError::NoAngle)?,
        };
        let (rows, columns) = (self.rows, self.columns);
        if rows != columns {
            return Err(FitsError::NotSquare { rows, columns });
        }
        Ok(ConvergenceMap::new(side_angle, rows, self.pixels.into_iter().map(|pixel| pixel as f32).collect())?)
    }
}

/// Unpacks a tile-compressed image into a spool: where its pixels lie there.
///
/// # Errors
/// When it is damaged, or the spool is full.
pub fn unpack_into(
    header: &FitsHeader,
    source: &(impl Source + ?Sized),
    spool: &mut (impl Spool + ?Sized),
) -> Result<Layout, FitsError> {
    let bytes = source.piece(0, usize::MAX)?;
    let (element, unpacked) = unpack(header, &bytes)?;
    let layout = Layout { offset: spool.length(), element, ..header.layout() };
    spool.write_all(&unpacked)?;
    Ok(layout)
}

/// The numbers of a tile-compressed image as bytes, and their type.
fn unpack(header: &FitsHeader, bytes: &[u8]) -> Result<(Element, Vec<u8>), FitsError> {
    let pixels = header.maps * header.rows * header.columns;
    if pixels > MOST_PIXELS || pixels as u64 > MOST_PIXELS_A_BYTE * bytes.len() as u64 {
        let too_large =
            io::Error::other(format!("a compressed image of {pixels} pixels is not unpacked here: use funpack"));
        return Err(too_large.into());
    }
    let data = read_tiled_image(bytes, header.hdu())?;
    let (name, unpacked) = match data {
        ImageData::U8(values) => ("|u1", values),
        ImageData::I16(values) => ("<i2", values.into_iter().flat_map(i16::to_le_bytes).collect()),
        ImageData::I32(values) => ("<i4", values.into_iter().flat_map(i32::to_le_bytes).collect()),
        ImageData::I64(values) => ("<i8", values.into_iter().flat_map(i64::to_le_bytes).collect()),
        ImageData::F32(values) => ("<f4", values.into_iter().flat_map(f32::to_le_bytes).collect()),
        ImageData::F64(values) => ("<f8", values.into_iter().flat_map(f64::to_le_bytes).collect()),
    };
    let element = Element::of_numpy(name).unwrap_or(Element::LITTLE_F32);
    let (expected, found) = ((pixels * element.bytes()) as u64, unpacked.len() as u64);
    if expected == found { Ok((element, unpacked)) } else { Err(FitsError::Length { expected, found }) }
}
