//! Maps of a file of any kind that is read here, told by its bytes and not by its name.
//!
//! ```text
//! content  whether numbers can be convergence
//! kinds    what a file is that holds no maps
//! read     the maps themselves, as a page takes them
//! ```

pub mod content;
mod kinds;
mod read;

pub use read::{FileMaps, Limits, read};

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{
    choose::ChooseError,
    fits::{FitsError, FitsHeader, image},
    layout::Layout,
    npy::{self, NpyError, NpyHeader},
    npz,
    shape::ShapeError,
    source::{SharedSource, Source, SourceReader, Spool},
};
#[cfg(feature = "hdf5")]
use crate::formats::hdf5::MapDataset;
use crate::{Cosmology, map::MapError};

/// How every HDF5 file begins.
const HDF5_MAGIC: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// Why a file gives no maps.
#[derive(Debug, thiserror::Error)]
pub enum MapsError {
    /// A NumPy array that is none of maps.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A zip without such an array.
    #[error("{0}")]
    Npz(String),
    /// A FITS file without a map.
    #[error(transparent)]
    Fits(#[from] FitsError),
    /// An HDF5 file without a map.
    #[error("{0}")]
    Hdf5(String),
    /// An array of some other shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Which array or image is meant is not clear.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// Pixels that make no map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The file cannot be read, or what it unpacks to cannot be kept.
    #[error("{0}")]
    Read(std::io::Error),
    /// Maps that are not square.
    #[error("its maps have {rows} rows and {columns} columns; a map is square")]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// Arrays of one file that hold maps of several sizes.
    #[error("it holds maps of {first} and of {other} pixels: save those of one size into a file of their own")]
    Sizes {
        /// Pixels of the first.
        first: String,
        /// Pixels of another.
        other: String,
    },
    /// Maps too large to be shown.
    #[error("its maps have {found} pixels along a side; up to {most} are taken here")]
    TooLarge {
        /// Pixels of its maps.
        found: usize,
        /// Most that are taken.
        most: usize,
    },
    /// Numbers that are no convergence.
    #[error("{0}")]
    Content(String),
    /// A part asked for by name, of a file that has none.
    #[error("a {0} holds one array, which has no name: leave [...] out")]
    NoParts(&'static str),
    /// Another kind of file.
    #[error("it is {0}; maps are read from .npy, .npz, FITS and HDF5 files")]
    Kind(String),
    /// Nothing that is known.
    #[error("it is none of .npy, .npz, FITS and HDF5, from which maps are read")]
    Unknown,
}

impl From<std::io::Error> for MapsError {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

/// What a file says of its maps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Unit of the values (BUNIT).
    pub unit: Option<String>,
    /// Redshift of the source plane.
    pub source_redshift: Option<f64>,
    /// Cosmology of the simulation.
    pub cosmology: Option<Cosmology>,
    /// Comoving distance in Mpc/h: a lens plane and no map.
    pub plane_distance: Option<f64>,
}

/// What a file holds and where its numbers lie: known without reading them.
#[derive(Debug, Clone, PartialEq)]
pub struct MapFile {
    /// Kind of the file in words.
    pub kind: String,
    /// Name of the array or image in the file.
    pub part: Option<String>,
    /// Where the maps lie, one entry for each array: in the file, or in the spool.
    pub pieces: Vec<Layout>,
    /// Whether they were unpacked into the spool.
    pub is_unpacked: bool,
    /// Side of a map in degrees; `None` where the file does not say it; the reason where what it says cannot be used.
    pub side_angle: Result<Option<f64>, String>,
    /// What else the file says.
    pub facts: Facts,
    /// What a reader should be told.
    pub notes: Vec<String>,
}

/// What must be unpacked before its numbers can be read where they lie.
enum Packed {
    /// Arrays in Fortran order.
    Reordered(Vec<NpyHeader>),
    /// An image in compressed tiles.
    Tiles(Box<FitsHeader>),
}

impl MapFile {
    /// Looks into a file. What is packed (.gz, .fz, compressed .npz, HDF5, Fortran order) is unpacked into the spool. `part` is the
    /// name of an array or image, where the file holds several.
    ///
    /// # Errors
    /// When it is another kind of file, damaged, or holds no maps.
    pub fn open(source: &SharedSource, spool: &mut dyn Spool, part: Option<&str>) -> Result<Self, MapsError> {
        let beginning = source.piece(0, 16)?;
        let bytes: &dyn Source = &**source;
        if beginning.starts_with(npz::MAGIC) {
            return Self::of_npz(bytes, spool, part);
        }
        if beginning.starts_with(b"\x1f\x8b") {
            return Self::of_gzip(bytes, spool, part);
        }
        // Behind a block of the user's, such as MATLAB's, an HDF5 file begins at 512 bytes, or twice that, and so on: looked for in
        // what is nothing else.
        let is_plain = beginning.starts_with(npy::MAGIC) || beginning.starts_with(b"SIMPLE");
        let is_hdf5 = |block: u64| source.piece(block, 8).is_ok_and(|bytes| bytes == HDF5_MAGIC);
        if !is_plain && (is_hdf5(0) || (9..=13).any(|power| is_hdf5(1 << power))) {
            return Self::of_hdf5(source, spool, part);
        }
        let (mut file, packed) = Self::plain(bytes, part)?;
        if let Some(packed) = packed {
            file.pieces = packed.unpack(bytes, spool)?;
            file.is_unpacked = true;
        }
        Ok(file)
    }

    /// Looks into a file that is no archive.
    fn plain(source: &dyn Source, part: Option<&str>) -> Result<(Self, Option<Packed>), MapsError> {
        let beginning = source.piece(0, 16)?;
        if beginning.starts_with(npy::MAGIC) {
            if part.is_some() {
                return Err(MapsError::NoParts(".npy file"));
            }
            let arrays = npy::arrays(source)?;
            let pieces = arrays.iter().map(NpyHeader::layout).collect::<Result<Vec<_>, _>>()?;
            let packed = arrays.iter().any(NpyHeader::is_reordered).then_some(Packed::Reordered(arrays));
            let order = if packed.is_some() { ", Fortran order" } else { "" };
            let element = pieces.first().map(|piece| piece.element.name()).unwrap_or_default();
            let mut file = Self::of(format!("NumPy array (.npy), {element}{order}"), pieces)?;
            if file.pieces.len() > 1 {
                file.notes.push(format!("{} arrays lie in it one after the other: all are read", file.pieces.len()));
            }
            return Ok((file, packed));
        }
        if beginning.starts_with(b"SIMPLE") {
            let (header, note) = FitsHeader::read(source, part)?;
            let kind = if header.is_packed() { "tile-compressed FITS image" } else { "FITS image" };
            let mut file = Self::of(format!("{kind}, {}", header.element().name()), vec![header.layout()])?;
            file.part = Some(header.name.clone());
            file.side_angle = header.side_angle().map_err(|error| error.to_string());
            file.facts = Facts {
                unit: header.text("BUNIT").map(str::to_owned),
                source_redshift: header.redshift(),
                cosmology: header.cosmology(),
                plane_distance: header.comoving_distance(),
            };
            file.notes.extend(note);
            let packed = header.is_packed().then(|| Packed::Tiles(Box::new(header)));
            return Ok((file, packed));
        }
        Err(kinds::other_kind(source, &beginning).map_or(MapsError::Unknown, MapsError::Kind))
    }

    fn of(kind: String, pieces: Vec<Layout>) -> Result<Self, MapsError> {
        let size = |piece: &Layout| format!("{} x {}", piece.rows, piece.columns);
        if let Some(first) = pieces.first() {
            let differs = |piece: &&Layout| (piece.rows, piece.columns) != (first.rows, first.columns);
            if let Some(other) = pieces.iter().find(differs) {
                return Err(MapsError::Sizes { first: size(first), other: size(other) });
            }
        }
        Ok(Self {
            kind,
            part: None,
            pieces,
            is_unpacked: false,
            side_angle: Ok(None),
            facts: Facts::default(),
            notes: Vec::new(),
        })
    }

    fn of_npz(source: &dyn Source, spool: &mut dyn Spool, part: Option<&str>) -> Result<Self, MapsError> {
        let array = npz::open(source, part)?;
        let stored = array.stored(source)?;
        let is_unpacked = stored.is_none();
        let layout = match stored {
            Some(layout) => layout,
            None => array.unpack(source, spool)?,
        };
        let kind = format!("array of a NumPy archive (.npz), {}", array.header.element.name());
        let file = Self::of(kind, vec![layout])?;
        Ok(Self { part: Some(array.name), is_unpacked, notes: array.note.into_iter().collect(), ..file })
    }

    #[cfg(not(feature = "hdf5"))]
    fn of_hdf5(_: &SharedSource, _: &mut dyn Spool, _: Option<&str>) -> Result<Self, MapsError> {
        Err(MapsError::Kind(
            "an HDF5 file, which the trainer reads and this does not: save its array with numpy.save".into(),
        ))
    }

    #[cfg(feature = "hdf5")]
    fn of_hdf5(source: &SharedSource, spool: &mut dyn Spool, part: Option<&str>) -> Result<Self, MapsError> {
        let dataset = MapDataset::open(source, part)?;
        let layout = dataset.unpack(spool).map_err(|error| MapsError::Hdf5(format!("{}: {error}", dataset.name)))?;
        let file = Self::of(format!("HDF5 dataset, {}", dataset.element().name()), vec![layout])?;
        let facts = Facts { unit: dataset.unit, ..Facts::default() };
        Ok(Self {
            part: Some(dataset.name),
            is_unpacked: true,
            facts,
            notes: dataset.note.into_iter().collect(),
            ..file
        })
    }

    fn of_gzip(source: &dyn Source, spool: &mut dyn Spool, part: Option<&str>) -> Result<Self, MapsError> {
        let damaged = |error: std::io::Error| MapsError::Kind(format!("compressed (.gz), and damaged ({error})"));
        let mut unpacked = MultiGzDecoder::new(SourceReader::new(source));
        let mut beginning = Vec::new();
        unpacked.by_ref().take(16).read_to_end(&mut beginning).map_err(damaged)?;
        if !beginning.starts_with(npy::MAGIC) && !beginning.starts_with(b"SIMPLE") {
            return Err(MapsError::Kind("compressed (.gz), and holds neither .npy nor FITS: unpack it first".into()));
        }
        let start = spool.length();
        spool.write_all(&beginning)?;
        let mut block = vec![0; 1 << 20];
        loop {
            let count = unpacked.read(&mut block).map_err(damaged)?;
            if count == 0 {
                break;
            }
            spool.write_all(&block[..count])?;
        }
        let region = Region { source: &*spool, start };
        let (mut file, packed) = Self::plain(&region, part)?;
        file.kind.push_str(", in .gz");
        file.is_unpacked = true;
        match packed {
            // Its bytes lie where the unpacked ones are to go.
            Some(packed) => {
                let whole = region.piece(0, usize::MAX)?;
                file.pieces = packed.unpack(&whole, spool)?;
            }
            None => file.pieces.iter_mut().for_each(|piece| piece.offset += start),
        }
        Ok(file)
    }

    /// Number of maps.
    pub fn maps(&self) -> usize {
        self.pieces.iter().map(|piece| piece.maps).sum()
    }

    /// Rows of a map.
    pub fn rows(&self) -> usize {
        self.pieces.first().map_or(0, |piece| piece.rows)
    }

    /// Columns of a map.
    pub fn columns(&self) -> usize {
        self.pieces.first().map_or(0, |piece| piece.columns)
    }

    /// The array that holds a map, and which of its maps it is.
    pub fn place(&self, map: usize) -> Option<(&Layout, usize)> {
        let mut before = 0;
        for piece in &self.pieces {
            if map < before + piece.maps {
                return Some((piece, map - before));
            }
            before += piece.maps;
        }
        None
    }
}

impl Packed {
    fn unpack(&self, source: &dyn Source, spool: &mut dyn Spool) -> Result<Vec<Layout>, MapsError> {
        match self {
            Self::Reordered(arrays) => {
                Ok(arrays.iter().map(|array| npy::reorder(array, source, spool)).collect::<Result<_, _>>()?)
            }
            Self::Tiles(header) => Ok(vec![image::unpack_into(header, source, spool)?]),
        }
    }
}

/// What follows a place of a source.
struct Region<'a> {
    source: &'a dyn Spool,
    start: u64,
}

impl Source for Region<'_> {
    fn length(&self) -> u64 {
        self.source.length() - self.start
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.source.read_at(self.start.saturating_add(offset), buffer)
    }
}
