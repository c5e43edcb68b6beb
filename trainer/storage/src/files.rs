//! Files: those of a folder, what tells one from another, and outputs that must not overwrite anything.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use shared::formats::weights::manifest::hexadecimal;

/// Files of a folder with one of these extensions, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn files_with_extension(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot open the folder {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
    });
    files.sort();
    Ok(files)
}

/// SHA-256 of a file of any size, as lower-case hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hexadecimal(&hash.finalize()));
        }
        hash.update(&buffer[..count]);
    }
}

/// Refuses to write over a file that is already there, and makes its folder.
///
/// # Errors
/// When the path exists and `force` is off, or its folder cannot be made.
pub fn check_free(path: &Path, force: bool) -> Result<()> {
    if path.exists() && !force {
        bail!("{} is there already: give another name, or --force to replace it", path.display());
    }
    if path.is_dir() {
        bail!("{} is a folder: give the name of a file", path.display());
    }
    match path.parent() {
        Some(folder) => create_folder(folder),
        None => Ok(()),
    }
}

/// Refuses an output of so many bytes that the disk of `path` has no room for; what cannot be asked is let through.
///
/// # Errors
/// With both sizes.
pub fn check_room(path: &Path, bytes: u64) -> Result<()> {
    let there = path.ancestors().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let Some(disk) = there.into_iter().find_map(|folder| rustix::fs::statvfs(folder).ok()) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if bytes > free {
        bail!(
            "{} will take {}, and its disk has {} free: ask for fewer maps, or write to another disk",
            path.display(),
            shown_bytes(bytes),
            shown_bytes(free)
        );
    }
    Ok(())
}

/// A number of bytes as people write it.
fn shown_bytes(bytes: u64) -> String {
    let (size, unit) = match bytes {
        0..1_000_000 => (1e3, "kB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        1_000_000_000..1_000_000_000_000 => (1e9, "GB"),
        _ => (1e12, "TB"),
    };
    format!("{:.1} {unit}", bytes as f64 / size)
}

/// Makes a folder and those above it, where they are not there yet.
///
/// # Errors
/// When one cannot be made.
pub fn create_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))
}

/// Refuses outputs of one command that are one file.
///
/// # Errors
/// Names the file that two outputs would share.
pub fn check_distinct(outputs: &[&Path]) -> Result<()> {
    for (place, path) in outputs.iter().enumerate() {
        if outputs[..place].contains(path) {
            bail!("two outputs would be one file, {}: give each a name of its own", path.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_disk_can_hold_is_refused_with_both_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("not-there-yet/maps.npy");
        assert!(check_room(&path, 1000).is_ok() && check_room(Path::new("maps.npy"), 1000).is_ok());
        let refused = check_room(&path, 1 << 62).unwrap_err().to_string();
        assert!(refused.contains("will take 4611686.0 TB") && refused.contains(" free:"), "{refused}");
        let shown = [999, 1_500_000, 2_000_000_000, 3_000_000_000_000].map(shown_bytes);
        assert_eq!(shown, ["1.0 kB", "1.5 MB", "2.0 GB", "3.0 TB"]);
    }

    #[test]
    fn nothing_is_overwritten_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.npy");
        std::fs::write(&path, "x").unwrap();
        assert!(check_free(&path, false).is_err() && check_free(&path, true).is_ok());
        assert!(check_free(&folder.path().join("new/maps.npy"), false).is_ok() && folder.path().join("new").is_dir());
        assert!(check_free(&path.join("below-a-file/maps.npy"), false).is_err());
        assert!(check_free(&folder.path().join("new"), true).unwrap_err().to_string().contains("is a folder"));
        assert!(
            check_distinct(&[&path, folder.path()]).is_ok() && check_distinct(&[&path, folder.path(), &path]).is_err()
        );
    }

    #[test]
    fn the_checksum_is_that_of_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of_file(&path).unwrap(), expected);
    }
}
