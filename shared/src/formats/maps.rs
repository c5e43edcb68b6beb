//! Maps of a file of any kind that is read here, told by its bytes and not by its name.

use super::{
    fits::{FitsError, FitsImage},
    npy::{self, NpyError, NpyHeader},
};
use crate::{ConvergenceMap, map::MapError};

/// Why a file gives no maps.
#[derive(Debug, thiserror::Error)]
pub enum MapsError {
    /// A NumPy array that is none of maps.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A FITS file without a map.
    #[error(transparent)]
    Fits(FitsError),
    /// Pixels that make no map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Maps that are not square.
    #[error("its maps have {rows} rows and {columns} columns; a map is square")]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// Maps too large to be shown.
    #[error("its maps have {found} pixels along a side; up to {most} are taken here")]
    TooLarge {
        /// Pixels of its maps.
        found: usize,
        /// Most that are taken.
        most: usize,
    },
    /// Another kind of file.
    #[error("it is {0}; maps are read from .npy and FITS files")]
    Kind(&'static str),
    /// Nothing that is known.
    #[error("it is neither a .npy nor a FITS file")]
    Unknown,
}

/// Maps of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileMaps {
    /// The first ones.
    pub maps: Vec<ConvergenceMap>,
    /// How many the file holds.
    pub total: usize,
    /// Whether the file itself says how large its maps are on the sky.
    pub states_angle: bool,
}

/// What a reader takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most maps.
    pub maps: usize,
    /// Most pixels along a side.
    pub pixels: usize,
}

/// Reads the first maps of a file. `side_angle` in degrees is for files that do not state theirs.
///
/// # Errors
/// When it is another kind of file, damaged, or holds no square maps of finite numbers.
///
/// # Examples
/// ```
/// use shared::formats::{maps::{self, Limits}, npy};
///
/// let file = npy::encode(2, 2, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
/// let read = maps::read(&file, 0.5, Limits { maps: 1, pixels: 4096 })?;
/// assert_eq!((read.maps.len(), read.total, read.maps[0].side_angle()), (1, 2, 0.5));
/// # Ok::<(), maps::MapsError>(())
/// ```
pub fn read(bytes: &[u8], side_angle: f64, limits: Limits) -> Result<FileMaps, MapsError> {
    if bytes.starts_with(b"\x93NUMPY") {
        return read_npy(bytes, side_angle, limits);
    }
    if bytes.starts_with(b"SIMPLE") {
        return read_fits(bytes, side_angle, limits);
    }
    Err(other_kind(bytes).map_or(MapsError::Unknown, MapsError::Kind))
}

fn read_npy(bytes: &[u8], side_angle: f64, limits: Limits) -> Result<FileMaps, MapsError> {
    let header = NpyHeader::parse(&bytes[..bytes.len().min(npy::HEADER_BYTES)])?;
    let NpyHeader { maps: total, rows, columns, element, data_offset } = header;
    check(rows, columns, limits)?;
    let (found, expected) = (bytes.len() - data_offset, total * header.map_bytes());
    if found != expected {
        return Err(NpyError::Length { expected, found }.into());
    }
    let maps = bytes[data_offset..]
        .chunks_exact(header.map_bytes())
        .take(limits.maps)
        .map(|map| ConvergenceMap::new(side_angle, rows, element.decode(map)))
        .collect::<Result<_, _>>()?;
    Ok(FileMaps { maps, total, states_angle: false })
}

fn read_fits(bytes: &[u8], side_angle: f64, limits: Limits) -> Result<FileMaps, MapsError> {
    let image = FitsImage::read(bytes).map_err(MapsError::Fits)?;
    check(image.rows, image.columns, limits)?;
    let stated = image.side_angle();
    let map = image.into_map(Some(stated.unwrap_or(side_angle))).map_err(MapsError::Fits)?;
    Ok(FileMaps { maps: vec![map], total: 1, states_angle: stated.is_some() })
}

fn check(rows: usize, columns: usize, limits: Limits) -> Result<(), MapsError> {
    if rows != columns {
        return Err(MapsError::NotSquare { rows, columns });
    }
    if rows > limits.pixels {
        return Err(MapsError::TooLarge { found: rows, most: limits.pixels });
    }
    Ok(())
}

/// A kind of file that people drop where maps are wanted, by how it begins.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 11] = [
        (b"", "empty"),
        (b"PK\x03\x04", "an archive (.npz or .zip): save one array with numpy.save"),
        (b"\x1f\x8b", "compressed (.gz): unpack it first"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file: save its array with numpy.save"),
        (b"\x89PNG", "a picture (PNG), whose colours are no kappa"),
        (b"\xff\xd8\xff", "a picture (JPEG), whose colours are no kappa"),
        (b"GIF8", "a picture (GIF), whose colours are no kappa"),
        (b"%PDF", "a PDF"),
        (b"\x80\x04", "a Python pickle: save its array with numpy.save"),
        (b"\x80\x05", "a Python pickle: save its array with numpy.save"),
        (b"<", "a text of HTML or XML"),
    ];
    KINDS
        .into_iter()
        .find(|(beginning, _)| if beginning.is_empty() { bytes.is_empty() } else { bytes.starts_with(beginning) })
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::fits::{self, FitsDescription};
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { maps: 3, pixels: 64 };

    #[test]
    fn the_first_maps_of_a_stack_and_the_one_of_a_fits_file() {
        let values: Vec<f32> = (0..5 * 16).map(|i| i as f32).collect();
        let read_in = read(&npy::encode(4, 4, &values), 1.5, LIMITS).unwrap();
        assert_eq!((read_in.maps.len(), read_in.total, read_in.states_angle), (3, 5, false));
        assert_eq!((read_in.maps[2].kappa(), read_in.maps[2].side_angle()), (&values[32..48], 1.5));
        let map = ConvergenceMap::new(0.25, 4, values[..16].to_vec()).unwrap();
        let file = fits::write(&map, &FitsDescription::default()).unwrap();
        assert_eq!(read(&file, 1.5, LIMITS).unwrap(), FileMaps { maps: vec![map], total: 1, states_angle: true });
    }

    #[test]
    fn what_is_no_map_is_named() {
        let refused = |bytes: &[u8]| read(bytes, 1.0, LIMITS).unwrap_err().to_string();
        assert!(refused(b"").contains("empty"));
        assert!(refused(b"PK\x03\x04....").contains("numpy.save"));
        assert!(refused(b"\x89PNG\r\n").contains("picture"));
        assert!(refused(b"hello").contains("neither"));
        assert!(refused(&npy::encode(2, 3, &[0.0; 6])).contains("square"));
        assert!(refused(&npy::encode(65, 65, &vec![0.0; 65 * 65])).contains("64"));
        assert!(refused(&npy::encode(1, 1, &[f32::NAN])).contains("finite"));
        let whole = npy::encode(4, 4, &[0.0; 32]);
        assert!(refused(&whole[..whole.len() - 1]).contains("cut off"));
        assert!(refused(b"SIMPLE").contains("FITS"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0_usize..3) {
            let beginning: &[u8] = [&b"\x93NUMPY"[..], b"SIMPLE", b""][kind];
            let _ = read(&[beginning, &bytes].concat(), 1.0, LIMITS);
        }
    }
}
