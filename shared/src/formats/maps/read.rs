//! The first maps of a file, with the pixels that have no value masked: all that a page needs.

use std::sync::Arc;

use super::{MapFile, MapsError, content};
use crate::{
    ConvergenceMap,
    formats::source::{MemorySpool, SharedSource, Source},
};

/// Maps of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileMaps {
    /// The first ones; where a pixel has no value, it is 0.
    pub maps: Vec<ConvergenceMap>,
    /// For each map, which pixels have no value; empty where all have one.
    pub masked: Vec<Vec<bool>>,
    /// How many maps the file holds.
    pub total: usize,
    /// Whether the file itself says how large its maps are on the sky.
    pub states_angle: bool,
    /// What a reader should be told.
    pub notes: Vec<String>,
}

/// What a reader takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most maps.
    pub maps: usize,
    /// Most pixels along a side.
    pub pixels: usize,
    /// Most bytes that a packed file may unpack to.
    pub unpacked: usize,
}

/// Reads the first maps of a file. `side_angle` in degrees is for files that do not state theirs. Pixels that are NaN or hold a
/// value that stands for none are masked.
///
/// # Errors
/// When it is another kind of file, damaged, or holds no square maps of convergence.
///
/// # Examples
/// ```
/// use shared::formats::{maps::{self, Limits}, npy};
///
/// let file = npy::encode(2, 2, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, f32::NAN]);
/// let read = maps::read(file, 0.5, Limits { maps: 2, pixels: 4096, unpacked: 1 << 20 })?;
/// assert_eq!((read.maps.len(), read.total, read.maps[0].side_angle()), (2, 2, 0.5));
/// assert!(read.masked[0].is_empty() && read.masked[1][3]);
/// # Ok::<(), maps::MapsError>(())
/// ```
pub fn read(bytes: Vec<u8>, side_angle: f64, limits: Limits) -> Result<FileMaps, MapsError> {
    let source: SharedSource = Arc::new(bytes);
    let mut spool = MemorySpool::new(limits.unpacked);
    let file = MapFile::open(&source, &mut spool, None)?;
    let (rows, columns) = (file.rows(), file.columns());
    if rows != columns {
        return Err(MapsError::NotSquare { rows, columns });
    }
    if rows > limits.pixels {
        return Err(MapsError::TooLarge { found: rows, most: limits.pixels });
    }
    if let Some(other) = content::other_than_kappa(&file.facts) {
        return Err(MapsError::Content(other));
    }
    let stated = file.side_angle.clone().map_err(MapsError::Content)?;
    let (mut maps, mut masked, mut numbers) = (Vec::new(), Vec::new(), content::Numbers::default());
    for map in 0..file.maps().min(limits.maps) {
        let Some((piece, map)) = file.place(map) else { break };
        let from: &dyn Source = if file.is_unpacked { &spool } else { &*source };
        let mut kappa = piece.read(from, map, piece.whole())?;
        numbers.add(&kappa);
        let used = content::used_where(&kappa, |kappa| !content::is_fill(kappa)).unwrap_or_default();
        content::blank(&mut kappa, &used);
        maps.push(ConvergenceMap::new(stated.unwrap_or(side_angle), rows, kappa)?);
        masked.push(used.into_iter().map(|used| !used).collect());
    }
    let mut notes = file.notes.clone();
    if numbers.values() == 0 {
        return Err(MapsError::Content("no pixel of it has a value".into()));
    }
    notes.extend(numbers.missing().map(|missing| format!("{missing}: they are left out")));
    notes.extend(content::looks_like(&numbers));
    Ok(FileMaps { maps, masked, total: file.maps(), states_angle: stated.is_some(), notes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{
        fits::{self, FitsDescription},
        npy, npz,
    };
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { maps: 3, pixels: 64, unpacked: 1 << 20 };

    #[test]
    fn the_first_maps_of_a_stack_and_the_one_of_a_fits_file() {
        let values: Vec<f32> = (0..5 * 16).map(|i| i as f32).collect();
        let read_in = read(npy::encode(4, 4, &values), 1.5, LIMITS).unwrap();
        assert_eq!((read_in.maps.len(), read_in.total, read_in.states_angle), (3, 5, false));
        assert_eq!((read_in.maps[2].kappa(), read_in.maps[2].side_angle()), (&values[32..48], 1.5));
        assert!(read_in.notes[0].contains("whole numbers"), "{:?}", read_in.notes);
        let map =
            ConvergenceMap::new(0.25, 4, values[..16].iter().map(|value| 0.01 * value + 0.001).collect()).unwrap();
        let file = fits::write(&map, &FitsDescription::default()).unwrap();
        let found = FileMaps { maps: vec![map], masked: vec![vec![]], total: 1, states_angle: true, notes: vec![] };
        assert_eq!(read(file, 1.5, LIMITS).unwrap(), found);
    }

    #[test]
    fn what_is_no_map_is_named() {
        let refused = |bytes: &[u8]| read(bytes.to_vec(), 1.0, LIMITS).unwrap_err().to_string();
        assert!(refused(b"").contains("empty"));
        assert!(refused(b"PK\x03\x04....").contains(".npz"));
        assert!(refused(b"\x1f\x8b....").contains("damaged"));
        assert!(refused(b"\x89HDF\r\n\x1a\n....").contains("HDF5"));
        assert!(refused(b"\x89PNG\r\n").contains("picture"));
        assert!(refused(b"hello").contains("a text"));
        assert!(refused(b"0.1 0.2\n").contains("numpy.loadtxt"));
        assert!(refused(b"\x01\x02\x03").contains("none of"));
        assert!(refused(&npy::encode(2, 3, &[0.0; 6])).contains("square"));
        assert!(refused(&npy::encode(65, 65, &vec![0.0; 65 * 65])).contains("64"));
        assert!(refused(&npy::encode(1, 1, &[f32::NAN])).contains("no pixel"));
        let whole = npy::encode(4, 4, &[0.0; 32]);
        assert!(refused(&whole[..whole.len() - 1]).contains("cut off"));
        assert!(refused(b"SIMPLE").contains("FITS"));
    }

    #[test]
    fn packed_files_hold_the_same_maps() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::{Cursor, Write};
        use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};
        let values: Vec<f32> = (0..48).map(|i| 0.01 * (i * i % 7) as f32 + 0.003).collect();
        let plain = npy::encode(4, 4, &values);
        let expected = read(plain.clone(), 1.0, LIMITS).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&plain).unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(read(gzip.clone(), 1.0, LIMITS).unwrap(), expected);
        assert!(read(gzip[..gzip.len() - 9].to_vec(), 1.0, LIMITS).unwrap_err().to_string().contains("damaged"));
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
            for (name, bytes) in [("labels.npy", &npy::encode(1, 2, &[0.0; 2])), ("kappa.npy", &plain)] {
                archive.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
                archive.write_all(bytes).unwrap();
            }
            let bytes = archive.finish().unwrap().into_inner();
            let found = read(bytes.clone(), 1.0, LIMITS).unwrap();
            assert_eq!(found.maps, expected.maps, "{method}");
            assert!(found.notes[0].contains("labels"), "{:?}", found.notes);
            let small = Limits { unpacked: 100, ..LIMITS };
            assert_eq!(read(bytes, 1.0, small).is_ok(), method == CompressionMethod::Stored);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0_usize..6) {
            let beginning: &[u8] = [&b"\x93NUMPY"[..], b"SIMPLE", npz::MAGIC, b"\x89HDF\r\n\x1a\n", b"\x1f\x8b\x08", b""][kind];
            let _ = read([beginning, &bytes].concat(), 1.0, LIMITS);
        }
    }
}
