//! Bytes of files, and of what packed files unpack to: a nameless temporary file that goes when it is no longer used.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::{FileExt, FileTypeExt},
    path::Path,
};

use shared::formats::source::{Source, Spool};

/// An open file.
pub struct FileSource {
    file: File,
    length: u64,
}

impl FileSource {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is not there or not readable.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Before it is opened: opening a pipe waits for who writes into it.
        if std::fs::metadata(path)?.file_type().is_fifo() {
            return Err(io::Error::other("it is a pipe, which is read once: save it to a file first"));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self { length: metadata.len(), file })
    }
}

impl Source for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other("the file has become shorter since it was opened"),
            _ => error,
        })
    }
}

/// What packed files unpack to, one after the other: in the folder that `TMPDIR` names, or `/tmp`.
#[derive(Default)]
pub struct SpoolFile {
    file: Option<File>,
    length: u64,
}

impl Source for SpoolFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::UnexpectedEof)?;
        file.read_exact_at(buffer, offset)
    }
}

impl Write for SpoolFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile().map_err(|error| {
                let folder = std::env::temp_dir();
                io::Error::other(format!(
                    "cannot unpack it into {}: {error}; set TMPDIR to a folder that can be written",
                    folder.display()
                ))
            })?),
        };
        file.write_all_at(bytes, self.length).map_err(|error| {
            let folder = std::env::temp_dir();
            io::Error::other(format!(
                "cannot unpack it into {}: {error}; set TMPDIR to a folder on a disk with more room",
                folder.display()
            ))
        })?;
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spool for SpoolFile {}
