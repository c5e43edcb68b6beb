//! FITS images: convergence maps and lens planes, with their angle, WCS and cosmology.
//!
//! Row 0 comes first and columns are the fastest axis (NAXIS1), as `astropy.io.fits` and LensTools index `data[row, column]`.
//!
//! ```text
//! header  which image, its keywords, and where the pixels lie: read without them
//! wcs     how large a pixel is on the sky
//! image   all pixels of a file, compressed or not
//! write   maps and lens planes
//! ```

pub mod header;
pub mod image;
pub mod wcs;
pub mod write;

pub use header::FitsHeader;
pub use image::FitsImage;
pub use write::{FitsDescription, Keyword, PotentialPlane, write, write_pixels, write_plane};

use super::{choose::ChooseError, shape::ShapeError};
use crate::map::MapError;

/// Why bytes are not a FITS image, or a map cannot be written as one.
#[derive(Debug, thiserror::Error)]
pub enum FitsError {
    /// Not a FITS file, or a damaged one.
    #[error("not a readable FITS file: {0}")]
    Malformed(fitsio_pure::error::Error),
    /// The bytes cannot be read.
    #[error("{0}")]
    Read(std::io::Error),
    /// No image inside that holds maps.
    #[error("the file holds no image of maps but {0}")]
    NoImage(String),
    /// Which image is meant is not clear.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// Axes that are none of maps.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A map of the sphere.
    #[error(
        "it is a HEALPix map{0}; this program takes flat square maps: project patches of it first, for example with \
         healpy.gnomview(..., return_projected_map=True)"
    )]
    Healpix(String),
    /// The data are cut off.
    #[error("the image needs {expected} bytes, the file has {found} after its header: it is cut off")]
    Length {
        /// Bytes of the image.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file does not say how large the map is on the sky.
    #[error(
        "neither ANGLE nor world coordinates (CDELT, CD) give the side of the map: give it by --side-angle DEGREES"
    )]
    NoAngle,
    /// The file says two things, or none that can be.
    #[error("the header's ANGLE is {angle}{by_wcs}{meant}: say which side is right by --side-angle DEGREES")]
    Angle {
        /// ANGLE.
        angle: f64,
        /// What the world coordinates say, in words.
        by_wcs: String,
        /// What ANGLE may be, in words.
        meant: String,
    },
    /// Pixels that are not square.
    #[error(
        "by its world coordinates a pixel is {width:.4} x {height:.4} arcminutes, or sheared: maps here have square pixels; project \
         it onto such a grid, or give --side-angle DEGREES if the header is wrong"
    )]
    Pixels {
        /// Step along a row in arcminutes.
        width: f64,
        /// Step along a column in arcminutes.
        height: f64,
    },
    /// A map far from where its projection is true to scale.
    #[error(
        "it lies {distance:.0} degrees from where its projection ({code}) keeps the size of pixels that the header states: give the side of \
         the map by --side-angle DEGREES, or project it onto a tangential plane at its middle"
    )]
    Projection {
        /// Code of the projection.
        code: String,
        /// Distance from the reference point or the equator in degrees.
        distance: f64,
    },
    /// Planes that are no maps.
    #[error("its third axis is {0}, so that its planes are no maps: save the one that is convergence")]
    Planes(String),
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

impl From<std::io::Error> for FitsError {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

// By hand, without a source: the cause stands in the message, and is not to be said twice.
impl From<fitsio_pure::error::Error> for FitsError {
    fn from(error: fitsio_pure::error::Error) -> Self {
        Self::Malformed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvergenceMap, Cosmology};
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
        assert_eq!(image.side_angle().unwrap(), Some(0.5));
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
        assert!(image("16", &["2", "2", "2", "2"]).unwrap_err().to_string().contains("[2, 2, 2, 2]"));
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
        assert_eq!((plane.rows, plane.columns, plane.side_angle().unwrap()), (512, 512, Some(3.5)));
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
