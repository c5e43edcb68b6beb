//! Files that are whole or not there: written under another name, brought to the disk, then renamed.

use std::{
    fs::File,
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

/// Files that this program has begun so far: keeps the names of two that are written at once apart.
static BEGUN: AtomicU32 = AtomicU32::new(0);

/// A file that gets its name when it is complete. Dropped before, it leaves nothing behind.
///
/// Its temporary name holds the whole name, the number of the process and a number of its own, so that two programs, or `a.json` and
/// `a.html`, never share one.
pub struct AtomicFile {
    path: PathBuf,
    part: PathBuf,
    /// `None` once it is finished.
    file: Option<BufWriter<File>>,
}

impl AtomicFile {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        loop {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}-{}.part", std::process::id(), BEGUN.fetch_add(1, Ordering::Relaxed)));
            let part = path.with_file_name(name);
            match File::create_new(&part) {
                Ok(file) => {
                    return Ok(Self { path: path.into(), part, file: Some(BufWriter::with_capacity(1 << 20, file)) });
                }
                // Left by a program of the same number that was killed: in a container numbers begin anew.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("cannot create {}", part.display())),
            }
        }
    }

    /// Removes what killed programs left in a folder of files whose names were to begin like this. For the owner of these files
    /// alone: nobody else may be writing them.
    ///
    /// # Errors
    /// When the folder cannot be read, or a leftover cannot be removed.
    pub fn remove_leftovers(folder: &Path, beginning: &str) -> Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot open {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // NAME.PROCESS-NUMBER.part
            let numbers = name.strip_suffix(".part").and_then(|rest| rest.rsplit_once('.')).map(|(_, numbers)| numbers);
            let is_ours = numbers.and_then(|numbers| numbers.split_once('-')).is_some_and(|(process, number)| {
                [process, number].iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()))
            });
            if is_ours && name.starts_with(beginning) {
                std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Brings the bytes to the disk, under the temporary name still.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn sync(&mut self) -> Result<()> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.flush().and_then(|()| file.get_ref().sync_all()));
        written.with_context(|| format!("cannot write {}: is the disk full?", self.path.display()))
    }

    /// Brings the bytes to the disk and gives the file its name; what had that name before is replaced.
    ///
    /// # Errors
    /// When the disk is full; a file that had the name then stays as it was.
    pub fn finish(mut self) -> Result<()> {
        let path = self.path.clone();
        let mut finish = || -> io::Result<()> {
            let Some(file) = self.file.take() else { return Ok(()) };
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            std::fs::rename(&self.part, &self.path)?;
            sync_folder(&self.path)
        };
        let finished = finish();
        if finished.is_err() {
            let _ = std::fs::remove_file(&self.part);
        }
        finished.with_context(|| format!("cannot write {}: is the disk full?", path.display()))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.file.as_mut().map_or(Ok(0), |file| file.seek(place))
    }
}

/// Brings the name of a file to the disk: without this, a loss of power may take a rename back.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder)?.sync_all() {
        // Some network file systems do not know how to sync a folder.
        Err(error) if error.kind() == io::ErrorKind::Unsupported || error.kind() == io::ErrorKind::InvalidInput => {
            Ok(())
        }
        result => result,
    }
}

/// Writes bytes as a file that is whole or not there.
///
/// # Errors
/// When the disk is full or the folder cannot be written; an older file of this name then stays as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).with_context(|| format!("cannot write {}: is the disk full?", path.display()))?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_the_one_before_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomically(&path, b"before").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"after").unwrap();
        drop(file);
        assert_eq!((std::fs::read(&path).unwrap(), names(folder.path())), (b"before".to_vec(), vec!["a.json".into()]));
    }

    #[test]
    fn what_killed_programs_left_blocks_nothing_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.checkpoint");
        // Whatever number comes next, a program of this one's number has left a file of it.
        let next = BEGUN.load(Ordering::Relaxed);
        for number in next..next + 40 {
            let name = format!("a.checkpoint.{}-{number}.part", std::process::id());
            std::fs::write(folder.path().join(name), "left").unwrap();
        }
        std::fs::write(folder.path().join("a.checkpoint.mine.part"), "mine").unwrap();
        write_atomically(&path, b"whole").unwrap();
        AtomicFile::remove_leftovers(folder.path(), "b").unwrap();
        assert_eq!(names(folder.path()).len(), 42);
        AtomicFile::remove_leftovers(folder.path(), "a.checkpoint").unwrap();
        assert_eq!(names(folder.path()), ["a.checkpoint", "a.checkpoint.mine.part"]);
    }

    #[test]
    fn files_that_are_written_at_once_do_not_share_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let [json, html] = ["a.json", "a.html"].map(|name| folder.path().join(name));
        let files = [&json, &html, &json].map(|path| AtomicFile::create(path).unwrap());
        assert_eq!(names(folder.path()).len(), 3);
        for (mut file, text) in files.into_iter().zip(["one", "two", "three"]) {
            file.write_all(text.as_bytes()).unwrap();
            file.finish().unwrap();
        }
        assert_eq!(
            (std::fs::read(&json).unwrap(), std::fs::read(&html).unwrap()),
            (b"three".to_vec(), b"two".to_vec())
        );
        assert_eq!(names(folder.path()), ["a.html", "a.json"]);
    }
}
