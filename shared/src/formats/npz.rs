//! NumPy `.npz` archives: arrays in a zip, stored or deflated.

use std::io::{self, Read};

use zip::{CompressionMethod, ZipArchive};

use super::{
    choose::{Part, choose},
    layout::Layout,
    maps::MapsError,
    npy::{self, HEADER_BYTES, NpyHeader},
    source::{MemorySpool, Source, SourceReader, Spool},
};

/// How every file begins.
pub const MAGIC: &[u8; 4] = b"PK\x03\x04";

/// Arrays up to this size are read once to compare their checksum.
const CHECKED_BYTES: u64 = 1 << 30;

/// The array of an archive that holds maps.
pub struct MapArray {
    /// Its key.
    pub name: String,
    /// Its header, whose `data_offset` counts from the array's own beginning.
    pub header: NpyHeader,
    /// What was passed over.
    pub note: Option<String>,
    /// Where the array begins in the file, where it is stored as it is.
    stored: Option<u64>,
    place: usize,
}

/// Finds the array that is meant, as [`choose`] does.
///
/// # Errors
/// When the file is damaged, or holds no array of maps, or several.
pub fn open(source: &dyn Source, asked: Option<&str>) -> Result<MapArray, MapsError> {
    let mut archive = ZipArchive::new(SourceReader::new(source)).map_err(damaged)?;
    let mut found = Vec::new();
    for place in 0..archive.len() {
        let mut member = archive.by_index(place).map_err(damaged)?;
        let Some(name) = member.name().map_err(damaged)?.strip_suffix(".npy").map(str::to_owned) else { continue };
        let stored = (member.compression() == CompressionMethod::Stored).then(|| member.data_start()).flatten();
        let mut beginning = Vec::new();
        member.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut beginning).map_err(damaged)?;
        let header = NpyHeader::parse(&beginning);
        let looks = match &header {
            Ok(header) => format!("{:?}, {}", header.shape, header.element.name()),
            Err(error) => error.to_string(),
        };
        let holds_maps = header.as_ref().is_ok_and(|header| header.layout().is_ok());
        found.push((Part { name, number: None, holds_maps, looks }, header, stored, place));
    }
    if found.is_empty() {
        return Err(MapsError::Kind("a zip archive without .npy arrays: unpack it first".into()));
    }
    let parts: Vec<Part> = found.iter().map(|(part, ..)| part.clone()).collect();
    let asked = asked.map(|asked| asked.strip_suffix(".npy").unwrap_or(asked));
    let (chosen, note) = choose(&parts, asked)?;
    let (part, header, stored, place) = found.swap_remove(chosen);
    let header = header?;
    header.layout()?;
    Ok(MapArray { name: part.name, header, note, stored, place })
}

impl MapArray {
    /// Where the maps lie in the file, where they do so as they are.
    ///
    /// # Errors
    /// When the file is cut off.
    pub fn stored(&self, source: &dyn Source) -> Result<Option<Layout>, MapsError> {
        let Some(start) = self.stored.filter(|_| !self.header.is_reordered()) else { return Ok(None) };
        let layout = self.header.layout()?;
        let layout = Layout { offset: start + layout.offset, ..layout };
        if layout.bytes() <= CHECKED_BYTES {
            // To its end, where the checksum is.
            let mut archive = ZipArchive::new(SourceReader::new(source)).map_err(damaged)?;
            let mut member = archive.by_index(self.place).map_err(damaged)?;
            io::copy(&mut member, &mut io::sink()).map_err(damaged)?;
        }
        let (end, length) = (layout.end(), source.length());
        if end > length {
            return Err(npy::NpyError::Length {
                expected: layout.bytes(),
                found: length.saturating_sub(layout.offset),
            }
            .into());
        }
        Ok(Some(layout))
    }

    /// Unpacks the array into a spool: where the maps lie there.
    ///
    /// # Errors
    /// When it is damaged, or the spool is full.
    pub fn unpack(&self, source: &dyn Source, spool: &mut dyn Spool) -> Result<Layout, MapsError> {
        let mut archive = ZipArchive::new(SourceReader::new(source)).map_err(damaged)?;
        let mut member = archive.by_index(self.place).map_err(damaged)?;
        let layout = self.header.layout()?;
        let expected = layout.end();
        if self.header.is_reordered() {
            let mut whole = MemorySpool::new(usize::try_from(expected).unwrap_or(usize::MAX));
            copy(&mut member, expected, &mut whole)?;
            return Ok(npy::reorder(&self.header, &whole, spool)?);
        }
        let start = spool.length();
        copy(&mut member, expected, spool)?;
        Ok(Layout { offset: start + layout.offset, ..layout })
    }
}

/// Copies so many bytes, and no fewer.
fn copy(from: &mut impl Read, expected: u64, to: &mut dyn Spool) -> Result<(), MapsError> {
    let found = io::copy(&mut from.take(expected), to)?;
    if found < expected {
        return Err(npy::NpyError::Length { expected, found }.into());
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> MapsError {
    MapsError::Npz(format!("not a readable .npz archive: {error}"))
}
