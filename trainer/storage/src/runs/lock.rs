//! One program at a time in a folder, or on a box of a campaign.

use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// A lock that is held until it is dropped; the system lets it go when the program ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
    path: PathBuf,
}

impl FolderLock {
    /// Creates a file that one program at a time holds; `None` while another one does.
    ///
    /// Where the file system knows no locks, as some network ones do not, it is had, and a line says so.
    ///
    /// # Errors
    /// When the file cannot be created, or locking fails otherwise.
    pub fn take(path: &Path) -> Result<Option<Self>> {
        // A file of that name that is somebody's keeps its contents.
        let file = File::options().create(true).truncate(false).write(true).open(path);
        let file = file.with_context(|| format!("cannot create {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) if knows_no_locks(&error) => {
                eprintln!("note: {} is on a file system without locks: start no second program there", path.display());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        Ok(Some(Self { _file: file, path: path.into() }))
    }

    /// Makes a folder this program's own, by the file `lock` in it. `does` says what the program does there, such as "trains".
    ///
    /// # Errors
    /// When another program has it, or the folder cannot be made or written.
    pub fn of_folder(folder: &Path, does: &str) -> Result<Self> {
        crate::files::create_folder(folder)?;
        match Self::take(&folder.join("lock"))? {
            Some(lock) => Ok(lock),
            None => bail!(
                "another program {does} in {} right now: wait for its end, or give another --out",
                folder.display()
            ),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether an error says that there are no locks here, rather than that one could not be had.
fn knows_no_locks(error: &std::io::Error) -> bool {
    // ENOLCK of Linux and macOS: network file systems without a lock service.
    error.kind() == ErrorKind::Unsupported || matches!(error.raw_os_error(), Some(37 | 77))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let first = FolderLock::of_folder(&run, "trains").unwrap();
        let refused = FolderLock::of_folder(&run, "trains").unwrap_err().to_string();
        assert!(refused.contains("another program trains in") && refused.contains("--out"), "{refused}");
        drop(first);
        assert!(FolderLock::of_folder(&run, "trains").is_ok());
    }

    #[test]
    fn an_error_is_not_a_lock() {
        assert!(FolderLock::take(Path::new("/nowhere/at/all/lock")).is_err());
        assert!(!knows_no_locks(&std::io::Error::from(ErrorKind::PermissionDenied)));
        assert!(knows_no_locks(&std::io::Error::from_raw_os_error(37)));
    }
}
