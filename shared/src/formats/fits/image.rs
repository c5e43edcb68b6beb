//! All pixels of an image.

use std::ops::Deref;

use super::{FitsError, FitsHeader};
use crate::ConvergenceMap;

/// An image and the header it came with.
#[derive(Debug, Clone)]
pub struct FitsImage {
    header: FitsHeader,
    /// Pixels, row-major, after BSCALE and BZERO.
    pub pixels: Vec<f64>,
}

impl Deref for FitsImage {
    type Target = FitsHeader;

    fn deref(&self) -> &FitsHeader {
        &self.header
    }
}

impl FitsImage {
    /// Reads the first image of a file, in the primary unit or an extension.
    ///
    /// # Errors
    /// When the file is not FITS, holds no two-dimensional float image, or is cut off.
    pub fn read(bytes: &[u8]) -> Result<Self, FitsError> {
        let header = FitsHeader::read_from(bytes.len(), |offset, buffer| {
            buffer.copy_from_slice(&bytes[offset..offset + buffer.len()]);
        })?;
        let pixels = header.decode(&bytes[header.offset(0, 0)..header.offset(header.rows, 0)]);
        Ok(Self { header, pixels })
    }

    /// The image as a convergence map; `side_angle` in degrees is for files that do not state it.
    ///
    /// # Errors
    /// When the image is not square, not finite, or its angle is not known.
    pub fn into_map(self, side_angle: Option<f64>) -> Result<ConvergenceMap, FitsError> {
        let side_angle = side_angle.or_else(|| self.side_angle()).ok_or(FitsError::NoAngle)?;
        let (rows, columns) = (self.rows, self.columns);
        if rows != columns {
            return Err(FitsError::NotSquare { rows, columns });
        }
        Ok(ConvergenceMap::new(side_angle, rows, self.pixels.into_iter().map(|pixel| pixel as f32).collect())?)
    }
}
