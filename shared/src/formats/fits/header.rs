//! The header of an image: its keywords, and where and how its pixels lie in the file.

use fitsio_pure::hdu::{FitsData, Hdu, HduInfo, parse_fits_headers};
use fitsio_pure::header::Card;
use fitsio_pure::value::Value;

use super::FitsError;
use crate::Cosmology;

/// An image without its pixels.
#[derive(Debug, Clone)]
pub struct FitsHeader {
    /// Rows (NAXIS2).
    pub rows: usize,
    /// Columns (NAXIS1).
    pub columns: usize,
    /// Where the pixels begin in the file.
    data_start: usize,
    /// float64 pixels, otherwise float32.
    double: bool,
    /// BSCALE and BZERO.
    scale: f64,
    zero: f64,
    cards: Vec<Card>,
}

impl FitsHeader {
    /// Reads the header of the first image of a file of `length` bytes, in the primary unit or an extension. `read_at(offset,
    /// buffer)` fills the buffer with the bytes of the file there; it is asked for headers alone.
    ///
    /// # Errors
    /// When the file is not FITS, holds no two-dimensional float image, or is cut off.
    pub fn read_from(length: usize, mut read_at: impl FnMut(usize, &mut [u8])) -> Result<Self, FitsError> {
        let file = parse_fits_headers(length, |offset, buffer| {
            read_at(offset, buffer);
            Ok(())
        })?;
        Self::of_first_image(&file, length)
    }

    fn of_first_image(file: &FitsData, length: usize) -> Result<Self, FitsError> {
        let is_image = |hdu: &&Hdu| match &hdu.info {
            HduInfo::Primary { naxes, .. } | HduInfo::Image { naxes, .. } => !naxes.is_empty(),
            _ => false,
        };
        let hdu = file.iter().find(is_image).ok_or_else(|| FitsError::NoImage("no image at all".into()))?;
        let (HduInfo::Primary { bitpix, naxes } | HduInfo::Image { bitpix, naxes }) = &hdu.info else {
            return Err(FitsError::NoImage("another structure".into()));
        };
        let (&[columns, rows] | &[columns, rows, 1]) = &naxes[..] else {
            return Err(FitsError::NoImage(format!("an image with axes {naxes:?}")));
        };
        if *bitpix != -32 && *bitpix != -64 {
            return Err(FitsError::NoImage(format!("pixels of BITPIX {bitpix}")));
        }
        let found = length.saturating_sub(hdu.data_start);
        if rows == 0 || columns == 0 {
            return Err(FitsError::NoImage("an image without pixels".into()));
        }
        if found < hdu.data_len {
            return Err(FitsError::Length { expected: hdu.data_len, found });
        }
        let mut header = Self {
            rows,
            columns,
            data_start: hdu.data_start,
            double: *bitpix == -64,
            scale: 1.0,
            zero: 0.0,
            cards: hdu.cards.clone(),
        };
        header.scale = header.number("BSCALE").unwrap_or(1.0);
        header.zero = header.number("BZERO").unwrap_or(0.0);
        Ok(header)
    }

    /// Bytes of one pixel in the file.
    pub fn pixel_bytes(&self) -> usize {
        if self.double { 8 } else { 4 }
    }

    /// Where a pixel lies in the file.
    pub fn offset(&self, row: usize, column: usize) -> usize {
        self.data_start + (row * self.columns + column) * self.pixel_bytes()
    }

    /// Pixels from their bytes in the file, after BSCALE and BZERO. An incomplete pixel at the end is left out.
    pub fn decode(&self, bytes: &[u8]) -> Vec<f64> {
        let physical = |value: f64| self.zero + self.scale * value;
        if self.double {
            bytes.as_chunks().0.iter().map(|&pixel| physical(f64::from_be_bytes(pixel))).collect()
        } else {
            bytes.as_chunks().0.iter().map(|&pixel| physical(f64::from(f32::from_be_bytes(pixel)))).collect()
        }
    }

    /// Value of a keyword that holds a number.
    pub fn number(&self, keyword: &str) -> Option<f64> {
        match self.value(keyword)? {
            Value::Integer(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Value of a keyword that holds a text.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        match self.value(keyword)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn value(&self, keyword: &str) -> Option<&Value> {
        self.cards.iter().find(|card| card.keyword_str() == keyword)?.value.as_ref()
    }

    /// Side in degrees: LensTools' ANGLE, else |CDELT1| or |CD1_1| times the columns.
    pub fn side_angle(&self) -> Option<f64> {
        let step =
            || self.number("CDELT1").or_else(|| self.number("CD1_1")).map(|step| step.abs() * self.columns as f64);
        self.number("ANGLE").or_else(step).filter(|angle| angle.is_finite() && *angle > 0.0)
    }

    /// Redshift of the source plane (REDSHIFT) or of a lens plane (Z).
    pub fn redshift(&self) -> Option<f64> {
        self.number("REDSHIFT").or_else(|| self.number("Z"))
    }

    /// Comoving distance of a LensTools lens plane in Mpc/h (CHI).
    pub fn comoving_distance(&self) -> Option<f64> {
        self.number("CHI")
    }

    /// Cosmology, where the file states at least `OMEGA_M`; what else is missing is taken as flat, w = -1, h = 0.7.
    pub fn cosmology(&self) -> Option<Cosmology> {
        let omega_m = self.number("OMEGA_M")?;
        // Files write the Hubble constant as H or HUBBLE = 0.72, as H0 = 72, and H0 = 0.72 occurs too.
        let hubble = self.number("H").or_else(|| self.number("HUBBLE")).or_else(|| self.number("H0")).unwrap_or(0.7);
        Some(Cosmology {
            omega_m,
            omega_l: self.number("OMEGA_L").unwrap_or(1.0 - omega_m),
            h: if hubble > 1.5 { hubble / 100.0 } else { hubble },
            w0: self.number("W0").unwrap_or(-1.0),
            wa: self.number("WA").unwrap_or(0.0),
            omega_b: self.number("OMEGA_B"),
            sigma_8: self.number("SIGMA8"),
            n_s: self.number("NS"),
        })
    }
}
