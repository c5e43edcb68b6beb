//! Bytes that are asked for where they lie, and a place for those that a packed file unpacks to.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    sync::Arc,
};

/// A file, or its bytes in memory.
pub trait Source {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Fills the buffer with the bytes at this place.
    ///
    /// # Errors
    /// When they are not there, or cannot be read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Up to `most` bytes at this place, fewer at the end.
    ///
    /// # Errors
    /// When they cannot be read.
    fn piece(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let there = self.length().saturating_sub(offset).min(most as u64) as usize;
        let mut bytes = vec![0; there];
        if there > 0 {
            self.read_at(offset, &mut bytes)?;
        }
        Ok(bytes)
    }
}

/// A source that outlives who opened it.
pub type SharedSource = Arc<dyn Source + Send + Sync>;

impl Source for [u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let bytes = start.and_then(|start| self.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Source for Vec<u8> {
    fn length(&self) -> u64 {
        self.as_slice().length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(offset, buffer)
    }
}

/// Where packed files are unpacked to: bytes are appended, and read back from where they went.
pub trait Spool: Source + Write {}

/// A spool in memory that takes so many bytes and no more.
#[derive(Debug)]
pub struct MemorySpool {
    bytes: Vec<u8>,
    most: usize,
}

impl MemorySpool {
    /// One for up to `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    /// What was put into it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Source for MemorySpool {
    fn length(&self) -> u64 {
        self.bytes.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.read_at(offset, buffer)
    }
}

impl Write for MemorySpool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            let most = self.most / 1_000_000;
            return Err(io::Error::other(format!("it unpacks to more than {most} MB, more than is taken here")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spool for MemorySpool {}

/// A source that is read from front to back, or from any place on.
pub struct SourceReader<'a> {
    source: &'a dyn Source,
    place: u64,
}

impl<'a> SourceReader<'a> {
    /// A reader from the front.
    pub fn new(source: &'a dyn Source) -> Self {
        Self { source, place: 0 }
    }
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.source.length().saturating_sub(self.place).min(buffer.len() as u64) as usize;
        self.source.read_at(self.place, &mut buffer[..there])?;
        self.place += there as u64;
        Ok(there)
    }
}

impl Seek for SourceReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(step) => self.source.length().checked_add_signed(step),
            SeekFrom::Current(step) => self.place.checked_add_signed(step),
        };
        self.place = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_where_they_lie_and_nowhere_else() {
        let bytes: Vec<u8> = (0..10).collect();
        let mut buffer = [0; 3];
        bytes.read_at(7, &mut buffer).unwrap();
        assert_eq!(buffer, [7, 8, 9]);
        assert!(bytes.read_at(8, &mut buffer).is_err() && bytes.read_at(u64::MAX, &mut buffer).is_err());
        assert_eq!((bytes.piece(8, 5).unwrap(), bytes.piece(20, 5).unwrap()), (vec![8, 9], vec![]));
        let mut reader = SourceReader::new(&bytes);
        reader.seek(SeekFrom::End(-2)).unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [8, 9]);
        assert!(reader.seek(SeekFrom::Current(-20)).is_err());
    }

    #[test]
    fn a_spool_in_memory_is_bounded() {
        let mut spool = MemorySpool::new(4);
        spool.write_all(&[1, 2, 3]).unwrap();
        assert!(spool.write_all(&[4, 5]).is_err());
        assert_eq!(spool.piece(1, 9).unwrap(), [2, 3]);
    }
}
