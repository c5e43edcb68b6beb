//! FITS images: one convergence map or one lens plane a file, with its angle, WCS and cosmology.
//!
//! Row 0 comes first and columns are the fastest axis (NAXIS1), as `astropy.io.fits` and LensTools index `data[row, column]`.

use fitsio_pure::hdu::{Hdu, HduInfo, parse_fits};
use fitsio_pure::header::{Card, serialize_header};
use fitsio_pure::image::{read_image_physical, serialize_image_f32, serialize_image_f64};
use fitsio_pure::value::Value;

use crate::{ConvergenceMap, Cosmology, map::MapError};

/// Why bytes are not a FITS image, or a map cannot be written as one.
#[derive(Debug, thiserror::Error)]
pub enum FitsError {
    /// Not a FITS file, or a damaged one.
    #[error("not a readable FITS file: {0}")]
    Malformed(#[from] fitsio_pure::error::Error),
    /// No image of floating-point pixels inside.
    #[error("the file holds no two-dimensional image of float32 or float64 pixels (BITPIX -32 or -64) but {0}")]
    NoImage(String),
    /// The data are cut off.
    #[error("the image needs {expected} bytes, the file has {found} after its header: it is cut off")]
    Length {
        /// Bytes of the image.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// The file does not say how large the map is on the sky.
    #[error("neither ANGLE nor CDELT1 gives the side of the map in degrees: give it by --side-angle")]
    NoAngle,
    /// The image is not a map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The image is not square.
    #[error("the image has {rows} rows and {columns} columns; a map is square")]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A text that FITS cannot hold.
    #[error("the text {0:?} cannot stand in a FITS header: use printable ASCII")]
    Text(String),
}

/// An image and the header it came with.
#[derive(Debug, Clone)]
pub struct FitsImage {
    /// Rows (NAXIS2).
    pub rows: usize,
    /// Columns (NAXIS1).
    pub columns: usize,
    /// Pixels, row-major, after BSCALE and BZERO.
    pub pixels: Vec<f64>,
    cards: Vec<Card>,
}

/// What a written map says of itself beside its pixels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FitsDescription {
    /// Cosmology of the simulation.
    pub cosmology: Option<Cosmology>,
    /// Redshift of the source plane.
    pub source_redshift: Option<f64>,
    /// Further keywords: name (at most 8 capital letters, digits, `-` or `_`), value, comment.
    pub keywords: Vec<(&'static str, Keyword, &'static str)>,
}

/// Value of a further keyword.
#[derive(Debug, Clone, PartialEq)]
pub enum Keyword {
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A text; long ones go on over CONTINUE cards.
    Text(String),
}

impl FitsImage {
    /// Reads the first image of a file, in the primary unit or an extension.
    ///
    /// # Errors
    /// When the file is not FITS, holds no two-dimensional float image, or is cut off.
    pub fn read(bytes: &[u8]) -> Result<Self, FitsError> {
        let file = parse_fits(bytes)?;
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
        let found = bytes.len().saturating_sub(hdu.data_start);
        if rows == 0 || columns == 0 {
            return Err(FitsError::NoImage("an image without pixels".into()));
        }
        if found < hdu.data_len {
            return Err(FitsError::Length { expected: hdu.data_len, found });
        }
        let pixels = read_image_physical(bytes, hdu)?;
        Ok(Self { rows, columns, pixels, cards: hdu.cards.clone() })
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

/// Writes a map as FITS: float32 pixels, ANGLE, a tangential projection around (0, 0) and what `description` says.
///
/// # Errors
/// When a text or keyword of the description cannot stand in a header.
pub fn write(map: &ConvergenceMap, description: &FitsDescription) -> Result<Vec<u8>, FitsError> {
    let side = map.pixels();
    let middle = f64::midpoint(side as f64, 1.0);
    let step = map.side_angle() / side as f64;
    let text = |text: &str| Value::String(text.to_owned());
    let mut header = Header::default();
    header.add("SIMPLE", Value::Logical(true), "conforms to FITS standard")?;
    header.add("BITPIX", Value::Integer(-32), "float32")?;
    header.add("NAXIS", Value::Integer(2), "")?;
    header.add("NAXIS1", Value::Integer(side as i64), "columns")?;
    header.add("NAXIS2", Value::Integer(side as i64), "rows")?;
    header.add("ANGLE", Value::Float(map.side_angle()), "side angle [deg]")?;
    header.add("BUNIT", text("kappa"), "convergence, dimensionless")?;
    if let Some(redshift) = description.source_redshift {
        header.add("REDSHIFT", Value::Float(redshift), "source plane")?;
    }
    if let Some(cosmology) = description.cosmology {
        header.add_cosmology(&cosmology)?;
    }
    for (axis, (name, sign)) in [("RA---TAN", -1.0), ("DEC--TAN", 1.0)].into_iter().enumerate() {
        let axis = axis + 1;
        header.add(&format!("CTYPE{axis}"), text(name), "")?;
        header.add(&format!("CRPIX{axis}"), Value::Float(middle), "")?;
        header.add(&format!("CRVAL{axis}"), Value::Float(0.0), "")?;
        header.add(&format!("CDELT{axis}"), Value::Float(sign * step), "")?;
        header.add(&format!("CUNIT{axis}"), text("deg"), "")?;
    }
    for (keyword, value, comment) in &description.keywords {
        let value = match value {
            Keyword::Integer(value) => Value::Integer(*value),
            Keyword::Float(value) => Value::Float(*value),
            Keyword::Text(value) => text(value),
        };
        header.add(keyword, value, comment)?;
    }
    let mut bytes = serialize_header(&header.cards)?;
    bytes.extend_from_slice(&serialize_image_f32(map.kappa()));
    Ok(bytes)
}

/// A lens plane as LensTools' `PotentialPlane` holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PotentialPlane<'a> {
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Lensing potential in square radians, row-major.
    pub potential: &'a [f64],
    /// Redshift.
    pub redshift: f64,
    /// Comoving distance in Mpc/h.
    pub distance: f64,
    /// Cosmology of the simulation.
    pub cosmology: Cosmology,
}

/// Writes a lens plane as FITS, float64 pixels and LensTools' keywords.
///
/// # Errors
/// When the potential does not have the pixels.
pub fn write_plane(plane: &PotentialPlane) -> Result<Vec<u8>, FitsError> {
    if plane.potential.len() != plane.pixels * plane.pixels {
        return Err(FitsError::Length { expected: 8 * plane.pixels * plane.pixels, found: 8 * plane.potential.len() });
    }
    let mut header = Header::default();
    header.add("SIMPLE", Value::Logical(true), "conforms to FITS standard")?;
    header.add("BITPIX", Value::Integer(-64), "float64")?;
    header.add("NAXIS", Value::Integer(2), "")?;
    header.add("NAXIS1", Value::Integer(plane.pixels as i64), "columns")?;
    header.add("NAXIS2", Value::Integer(plane.pixels as i64), "rows")?;
    header.add_cosmology(&plane.cosmology)?;
    // LensTools wants the Hubble constant both ways.
    header.add("H0", Value::Float(100.0 * plane.cosmology.h), "Hubble constant in km/s/Mpc")?;
    header.add("Z", Value::Float(plane.redshift), "redshift of the lens plane")?;
    header.add("CHI", Value::Float(plane.distance), "comoving distance in Mpc/h")?;
    header.add("ANGLE", Value::Float(plane.side_angle), "side angle in degrees")?;
    header.add("NPART", Value::Float(0.0), "not counted")?;
    header.add("BUNIT", Value::String("rad2".to_owned()), "lensing potential")?;
    let mut bytes = serialize_header(&header.cards)?;
    bytes.extend_from_slice(&serialize_image_f64(plane.potential));
    Ok(bytes)
}

#[derive(Default)]
struct Header {
    cards: Vec<Card>,
}

impl Header {
    fn add_cosmology(&mut self, cosmology: &Cosmology) -> Result<(), FitsError> {
        self.add("OMEGA_M", Value::Float(cosmology.omega_m), "matter density")?;
        self.add("OMEGA_L", Value::Float(cosmology.omega_l), "dark-energy density")?;
        self.add("H", Value::Float(cosmology.h), "H0 in 100 km/s/Mpc")?;
        self.add("W0", Value::Float(cosmology.w0), "dark-energy equation of state")?;
        self.add("WA", Value::Float(cosmology.wa), "w(a) = W0 + WA (1 - a)")?;
        for (keyword, value) in [("OMEGA_B", cosmology.omega_b), ("SIGMA8", cosmology.sigma_8), ("NS", cosmology.n_s)] {
            if let Some(value) = value {
                self.add(keyword, Value::Float(value), "")?;
            }
        }
        Ok(())
    }

    fn add(&mut self, keyword: &str, value: Value, comment: &str) -> Result<(), FitsError> {
        if let Value::String(text) = &value
            && !text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            return Err(FitsError::Text(text.clone()));
        }
        let mut card = Card::new(keyword, value)?;
        card.comment = (!comment.is_empty()).then(|| comment.to_owned());
        self.cards.push(card);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map() -> ConvergenceMap {
        ConvergenceMap::new(0.865, 3, (0..9).map(|i| i as f32 / 8.0 - 0.5).collect()).unwrap()
    }

    fn described() -> Vec<u8> {
        let description = FitsDescription {
            cosmology: Some(Cosmology::PAPER),
            source_redshift: Some(1.0),
            keywords: vec![
                ("SEED", Keyword::Integer(42), "seed"),
                ("WEIGHTS", Keyword::Text("ab'cd".repeat(16)), "SHA-256"),
            ],
        };
        write(&map(), &description).unwrap()
    }

    /// A file from header lines as people write them.
    fn file(lines: &[&str], data: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = lines.iter().flat_map(|line| format!("{line:<80}").into_bytes()).collect();
        bytes.resize(bytes.len().next_multiple_of(2880), b' ');
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(2880), 0);
        bytes
    }

    #[test]
    fn round_trip() {
        let image = FitsImage::read(&described()).unwrap();
        assert_eq!(image.cosmology(), Some(Cosmology::PAPER));
        assert_eq!((image.redshift(), image.number("SEED")), (Some(1.0), Some(42.0)));
        assert_eq!(image.text("BUNIT"), Some("kappa"));
        assert_eq!(image.into_map(None).unwrap(), map());
        assert_eq!(described().len() % 2880, 0);
    }

    #[test]
    fn reads_doubles_scaled_values_and_angles_from_the_wcs() {
        let lines = [
            "SIMPLE  =                    T / comment",
            "BITPIX  =                  -64",
            "NAXIS   =                    3",
            "NAXIS1  =                    2",
            "NAXIS2  =                    1",
            "NAXIS3  =                    1",
            "BSCALE  =                2.0D0",
            "BZERO   =                  1.0",
            "CDELT1  =            -0.25E0",
            "H0      =                 72.0",
            "OMEGA_M =                 0.26 / as in /this/ file",
            "END",
        ];
        let data: Vec<u8> = [0.5_f64, -1.0].iter().flat_map(|v| v.to_be_bytes()).collect();
        let image = FitsImage::read(&file(&lines, &data)).unwrap();
        assert_eq!((image.rows, image.columns, image.pixels.clone()), (1, 2, vec![2.0, -1.0]));
        assert_eq!(image.side_angle(), Some(0.5));
        let cosmology = image.cosmology().unwrap();
        assert!((cosmology.h - 0.72).abs() < 1e-12 && (cosmology.omega_l - 0.74).abs() < 1e-12);
        assert!(matches!(image.into_map(None), Err(FitsError::NotSquare { rows: 1, columns: 2 })));
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        let image = |bitpix: &str, axes: &[&str]| {
            let naxis = format!("NAXIS   = {:>20}", axes.len());
            let axes: Vec<String> = (1..).zip(axes).map(|(i, n)| format!("NAXIS{i}  = {n:>20}")).collect();
            let mut lines = vec!["SIMPLE  =                    T".to_owned(), format!("BITPIX  = {bitpix:>20}"), naxis];
            lines.extend(axes);
            lines.push("END".into());
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            FitsImage::read(&file(&lines, &[0; 16]))
        };
        assert!(image("16", &["2", "2"]).unwrap_err().to_string().contains("BITPIX 16"));
        assert!(image("-32", &["2", "2", "2"]).unwrap_err().to_string().contains("[2, 2, 2]"));
        assert!(image("-32", &["4"]).is_err() && image("-32", &[]).is_err() && image("-32", &["0", "0"]).is_err());
        assert!(image("-32", &["-2", "2"]).is_err());
        assert!(image("-32", &["99999999", "99999999"]).is_err());
        assert!(image("-32", &["9223372036854775807", "9223372036854775807"]).is_err());
        assert!(image("-99", &["2", "2"]).is_err());
        assert!(FitsImage::read(b"").is_err() && FitsImage::read(&[b' '; 2880]).is_err());
        let whole = described();
        for keep in [79, 2879, 2880, 2900] {
            assert!(FitsImage::read(&whole[..keep]).is_err(), "cut off at {keep}");
        }
        let no_angle = file(
            &[
                "SIMPLE  =                    T",
                "BITPIX  =                  -32",
                "NAXIS   =                    2",
                "NAXIS1  =                    1",
                "NAXIS2  =                    1",
                "END",
            ],
            &[0; 4],
        );
        assert!(matches!(FitsImage::read(&no_angle).unwrap().into_map(None), Err(FitsError::NoAngle)));
        let nan = ConvergenceMap::new(1.0, 1, vec![0.0]).unwrap();
        let mut bytes = write(&nan, &FitsDescription::default()).unwrap();
        let at = bytes.len() - 2880;
        bytes[at..at + 4].copy_from_slice(&f32::NAN.to_be_bytes());
        assert!(matches!(FitsImage::read(&bytes).unwrap().into_map(None), Err(FitsError::Map(_))));
    }

    #[test]
    fn refuses_texts_that_a_header_cannot_hold() {
        let with = |keyword, text: &str| {
            let keywords = vec![(keyword, Keyword::Text(text.into()), "")];
            write(&map(), &FitsDescription { keywords, ..FitsDescription::default() })
        };
        assert!(matches!(with("ORIGIN", "caf\u{e9}"), Err(FitsError::Text(_))));
        assert!(with("lower", "x").is_err() && with("MUCHTOOLONG", "x").is_err());
        assert!(with("ORIGIN", "it's fine").is_ok());
    }

    #[test]
    fn reads_lenstools_planes() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
        let Ok(bytes) = std::fs::read(folder.join("lenstools-planes/snap40_potentialPlane0_normal0.fits")) else {
            println!("skipped: ../shared/data is not there");
            return;
        };
        let plane = FitsImage::read(&bytes).unwrap();
        assert_eq!((plane.rows, plane.columns, plane.side_angle()), (512, 512, Some(3.5)));
        assert!((plane.redshift().unwrap() - 0.559_981_452_232_090_9).abs() < 1e-15);
        assert!((plane.comoving_distance().unwrap() - 1_479.947_522_537_275).abs() < 1e-9);
        assert!((plane.cosmology().unwrap().omega_m - 0.26).abs() < 1e-12);
        assert!(plane.pixels.iter().all(|pixel| pixel.is_finite()));
    }

    proptest! {
        #[test]
        fn mutated_files_never_panic(changes in proptest::collection::vec((0_usize..2880, any::<u8>()), 1..8), keep in 0_usize..5761) {
            let mut bytes = described();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            bytes.truncate(keep);
            if let Ok(image) = FitsImage::read(&bytes) {
                let _ = (image.cosmology(), image.side_angle(), image.into_map(Some(1.0)));
            }
        }
    }
}
