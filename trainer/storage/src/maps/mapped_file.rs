//! A file in the address space, read-only: larger than memory where need be, since the system holds only the pages in use.
#![allow(unsafe_code)]

use std::fs::File;

use memmap2::Mmap;

/// The bytes of a file.
pub struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps a whole file.
    ///
    /// # Errors
    /// When the system refuses, as for an empty file.
    pub fn open(file: &File) -> std::io::Result<Self> {
        // SAFETY: the map is read-only and private to this value, and this program never writes to a file that it trains on.
        // A program that changes the file meanwhile changes the numbers read, every bit pattern of which is a valid float;
        // one that shortens it makes the system stop the process, as it would any reader of a map.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self { map })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}
