//! A file in pieces that are small enough for what carries them, and the file again.
//!
//! `FILE.pieces.json` says which pieces there are; each piece and the whole have their SHA-256 in it, so that what was lost or
//! changed on the way is named.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::formats::weights::manifest::hexadecimal;

use super::atomic::{AtomicFile, write_atomically};
use crate::files::{check_free, create_folder, sha256_of_file};

/// Ending of the name of the file that lists the pieces.
const LIST: &str = ".pieces.json";

/// A file and its pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pieces {
    file: Piece,
    /// In their order.
    pieces: Vec<Piece>,
}

/// A file that lies beside the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    name: String,
    bytes: u64,
    sha256: String,
}

/// Cuts a file into pieces of `most` bytes in a folder. Returns the list's path and the number of pieces.
///
/// # Errors
/// When the file is empty or cannot be read, `most` is 0, a piece is there already (unless `force`), or the disk is full.
pub fn split(path: &Path, most: u64, folder: &Path, force: bool) -> Result<(PathBuf, usize)> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let bytes = file.metadata()?.len();
    if bytes == 0 || most == 0 {
        bail!("{} has {bytes} bytes, which make no pieces of {most}", path.display());
    }
    let name = path.file_name().and_then(|name| name.to_str()).context("the file has no name that is text")?;
    let list = folder.join(format!("{name}{LIST}"));
    check_free(&list, force)?;
    create_folder(folder)?;
    let count = usize::try_from(bytes.div_ceil(most))?;
    let digits = count.to_string().len();
    let (mut pieces, mut whole) = (Vec::with_capacity(count), Sha256::new());
    for number in 1..=count {
        let mut content = Vec::new();
        (&mut file).take(most).read_to_end(&mut content).with_context(|| format!("cannot read {}", path.display()))?;
        whole.update(&content);
        let piece = Piece {
            name: format!("{name}.{number:0digits$}-of-{count}"),
            bytes: content.len() as u64,
            sha256: hexadecimal(&Sha256::digest(&content)),
        };
        let place = folder.join(&piece.name);
        check_free(&place, force)?;
        write_atomically(&place, &content)?;
        pieces.push(piece);
    }
    if pieces.iter().map(|piece| piece.bytes).sum::<u64>() != bytes {
        bail!("{} changed while it was read: split it again", path.display());
    }
    // The list comes last: where it is, the pieces are.
    let file = Piece { name: name.to_owned(), bytes, sha256: hexadecimal(&whole.finalize()) };
    write_atomically(&list, &serde_json::to_vec_pretty(&Pieces { file, pieces })?)?;
    Ok((list, count))
}

/// Puts a file together again from the list of its pieces, which lie beside it. `out` is the file, or a folder for it under its own
/// name. Returns where it is.
///
/// # Errors
/// Names the pieces that are not there or not what was cut; or when the file is there already (unless `force`) or the disk is full.
pub fn join(list: &Path, out: &Path, force: bool) -> Result<PathBuf> {
    let text = std::fs::read(list).with_context(|| format!("cannot open {}", list.display()))?;
    let pieces: Pieces = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no list of pieces: give the file that ends in {LIST}", list.display()))?;
    let here = list.parent().unwrap_or(Path::new("."));
    let named = pieces.pieces.iter().chain([&pieces.file]);
    if let Some(piece) = named.into_iter().find(|piece| Path::new(&piece.name).file_name() != Some(piece.name.as_ref()))
    {
        bail!("{} names {}, which is no name of a file", list.display(), piece.name);
    }
    let mut wrong = Vec::new();
    for piece in &pieces.pieces {
        let path = here.join(&piece.name);
        if !path.is_file() {
            wrong.push(format!("{} is not there", piece.name));
        } else if path.metadata()?.len() != piece.bytes || sha256_of_file(&path)? != piece.sha256 {
            wrong.push(format!("{} is not what was cut", piece.name));
        }
    }
    if !wrong.is_empty() {
        bail!("of {} pieces, {}: bring them again", pieces.pieces.len(), wrong.join(", "));
    }
    // A name without an ending, where there is nothing yet, is that of a folder.
    let is_folder = out.is_dir() || out.extension().is_none() && !out.exists();
    let path = if is_folder { out.join(&pieces.file.name) } else { out.to_owned() };
    check_free(&path, force)?;
    let mut file = AtomicFile::create(&path)?;
    let mut whole = Sha256::new();
    for piece in &pieces.pieces {
        let content = std::fs::read(here.join(&piece.name))?;
        whole.update(&content);
        file.write_all(&content).with_context(|| format!("cannot write {}: is the disk full?", path.display()))?;
    }
    if hexadecimal(&whole.finalize()) != pieces.file.sha256 {
        bail!("the pieces of {} do not make the file that was cut: their order was changed", list.display());
    }
    file.finish()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_any_length_return() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("step-1.safetensors");
        for length in [1, 9, 10, 11, 20, 101] {
            let bytes: Vec<u8> = (0..length).collect();
            std::fs::write(&path, &bytes).unwrap();
            let pieces = folder.path().join(format!("of-{length}"));
            let (list, count) = split(&path, 10, &pieces, false).unwrap();
            assert_eq!(count, usize::from(length).div_ceil(10));
            let joined = join(&list, &pieces.join("back"), false).unwrap();
            assert_eq!(std::fs::read(joined).unwrap(), bytes);
            assert!(split(&path, 10, &pieces, false).unwrap_err().to_string().contains("--force"));
        }
        std::fs::write(&path, "").unwrap();
        assert!(split(&path, 10, folder.path(), false).is_err());
    }

    #[test]
    fn what_is_lost_or_changed_is_named_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        std::fs::write(&path, [7; 100]).unwrap();
        let pieces = folder.path().join("pieces");
        let (list, _) = split(&path, 30, &pieces, false).unwrap();
        std::fs::remove_file(pieces.join("a.bin.2-of-4")).unwrap();
        std::fs::write(pieces.join("a.bin.3-of-4"), [8; 30]).unwrap();
        let error = join(&list, &folder.path().join("b.bin"), false).unwrap_err().to_string();
        assert!(error.contains("2-of-4 is not there, a.bin.3-of-4 is not what was cut"), "{error}");
        assert!(!folder.path().join("b.bin").exists());
        assert!(join(&path, folder.path(), true).unwrap_err().to_string().contains("no list of pieces"));
        let elsewhere = std::fs::read_to_string(&list).unwrap().replace("\"a.bin\"", "\"../a.bin\"");
        std::fs::write(&list, elsewhere).unwrap();
        assert!(join(&list, folder.path(), true).unwrap_err().to_string().contains("no name of a file"));
    }
}
