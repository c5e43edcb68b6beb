//! The files of a TensorFlow checkpoint: in a folder, by their common name, or in a tar.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use storage::files::sha256_of_file;

/// Most bytes of one file: twelve times the authors' checkpoint.
const LARGEST: u64 = 4 << 30;

/// A checkpoint's files.
pub struct CheckpointFiles {
    place: Place,
    /// What their names have in common, without the folder.
    name: String,
}

enum Place {
    Folder(PathBuf),
    Tar(PathBuf),
}

impl CheckpointFiles {
    /// Finds a checkpoint: the one that a folder's or a tar's file `checkpoint` names, or the only one, or the one of this name.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn find(path: &Path) -> Result<Self> {
        if let Err(error) = std::fs::metadata(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
        if path.is_dir() {
            return Self::named(Place::Folder(path.to_owned())).with_context(|| path.display().to_string());
        }
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = file_name.strip_suffix(".index").or_else(|| file_name.split_once(".data-").map(|(stem, _)| stem));
        let stem = stem.unwrap_or(file_name.trim_end_matches(".meta"));
        if path.with_file_name(format!("{stem}.index")).is_file() {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            return Ok(Self { place: Place::Folder(folder), name: stem.to_owned() });
        }
        let mut beginning = [0; 2];
        if File::open(path).and_then(|mut file| file.read_exact(&mut beginning)).is_ok() && beginning == *b"PK" {
            bail!("{} is a zip: what torch.save writes is given as --pytorch, not as --tensorflow", path.display());
        }
        if path.is_file() {
            return Self::named(Place::Tar(path.to_owned())).with_context(|| path.display().to_string());
        }
        bail!(
            "{} is not there: give a checkpoint's folder, its name without .index, or the tar that it was downloaded as",
            path.display()
        )
    }

    fn named(place: Place) -> Result<Self> {
        let names = place.names()?;
        let mut found: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".index")).collect();
        found.sort_unstable();
        let plain = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let listed = || found.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
        let newest = names.iter().find(|name| plain(name) == "checkpoint").map(|name| place.read(name)).transpose()?;
        let newest = newest.and_then(|text| newest_of(&String::from_utf8_lossy(&text)));
        let name = match (newest.and_then(|newest| found.iter().find(|name| plain(name) == newest)), found.as_slice()) {
            (Some(name), _) => (*name).to_owned(),
            (None, [only]) => (*only).to_owned(),
            (None, []) => bail!("holds no NAME.index, so no checkpoint of TensorFlow's second format"),
            (None, _) => bail!("holds several checkpoints: give one of them by its name: {}", listed()),
        };
        Ok(Self { place, name })
    }

    /// What the files' names have in common, without the folder.
    pub fn name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The index.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn index(&self) -> Result<Vec<u8>> {
        self.place.read(&format!("{}.index", self.name))
    }

    /// A file of data.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    pub fn data(&self, shard: usize, shards: usize) -> Result<Vec<u8>> {
        let name = format!("{}.data-{shard:05}-of-{shards:05}", self.name);
        self.place.read(&name).with_context(|| format!("{name} belongs to the index and must lie beside it"))
    }

    /// The graph, where it is there.
    pub fn graph(&self) -> Option<Vec<u8>> {
        self.place.read(&format!("{}.meta", self.name)).ok()
    }

    /// SHA-256 of the tar, or of the only or first file of data.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sha256(&self, shards: usize) -> Result<String> {
        match &self.place {
            Place::Tar(path) => sha256_of_file(path),
            Place::Folder(folder) => sha256_of_file(&folder.join(format!("{}.data-00000-of-{shards:05}", self.name))),
        }
    }
}

/// The checkpoint that TensorFlow's file `checkpoint` says is the newest: `model_checkpoint_path: "FOLDER/NAME"`.
fn newest_of(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("model_checkpoint_path:"))?;
    line.trim().trim_matches('"').rsplit('/').next().map(str::to_owned)
}

impl Place {
    fn names(&self) -> Result<Vec<String>> {
        match self {
            Self::Folder(folder) => {
                let entries = std::fs::read_dir(folder)?.filter_map(Result::ok);
                Ok(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
            }
            Self::Tar(path) => {
                let mut names = Vec::new();
                each_of(path, |name, _| {
                    names.push(name.to_owned());
                    Ok(true)
                })?;
                Ok(names)
            }
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let mut bytes = None;
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
                bytes = Some(read_all(file, name)?);
            }
            Self::Tar(path) => each_of(path, |found, contents| {
                if found == name {
                    bytes = Some(read_all(contents, name)?);
                }
                Ok(bytes.is_none())
            })?,
        }
        bytes.with_context(|| format!("{name} is missing"))
    }
}

fn read_all(from: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
    if bytes.len() as u64 > LARGEST {
        bail!("{name} is larger than any checkpoint of this network");
    }
    Ok(bytes)
}

/// Shows the names and contents of a tar, which may be packed by gzip, until `look` has enough.
fn each_of(path: &Path, mut look: impl FnMut(&str, &mut dyn Read) -> Result<bool>) -> Result<()> {
    let mut file = File::open(path)?;
    let mut beginning = [0; 2];
    let is_packed = file.read_exact(&mut beginning).is_ok() && beginning == [0x1f, 0x8b];
    let file = BufReader::new(File::open(path)?);
    let bytes: Box<dyn Read> = if is_packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let not_one =
        "this is no tar, or it is damaged: give the checkpoint's folder, its name without .index, or a tar of it";
    for entry in tar::Archive::new(bytes).entries()? {
        // The library's own words show the bytes that it found.
        let Ok(mut entry) = entry else { bail!(not_one) };
        let name = entry.path().context(not_one)?.to_string_lossy().trim_start_matches("./").to_owned();
        if entry.header().entry_type().is_file() && !look(&name, &mut entry)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_that_is_meant_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let refused = |path: &Path| format!("{:#}", CheckpointFiles::find(path).err().unwrap());
        assert!(refused(path).contains("holds no NAME.index"));
        for name in ["a-1.index", "a-1.data-00000-of-00001", "a-2.index", "a-2.data-00000-of-00001"] {
            std::fs::write(path.join(name), name).unwrap();
        }
        assert!(refused(path).contains("several checkpoints") && refused(path).contains("a-1, a-2"));
        assert!(refused(&path.join("b")).contains("is not there"));
        assert!(refused(&path.join("../Cargo")).contains("is not there"));
        for one in ["a-1", "a-1.index", "a-1.data-00000-of-00001", "a-1.meta"] {
            assert_eq!(CheckpointFiles::find(&path.join(one)).unwrap().name(), "a-1", "{one}");
        }
        std::fs::write(path.join("checkpoint"), "model_checkpoint_path: \"/scratch/theirs/a-2\"\nall: \"a-1\"\n")
            .unwrap();
        let found = CheckpointFiles::find(path).unwrap();
        assert_eq!((found.name(), found.index().unwrap()), ("a-2", b"a-2.index".to_vec()));
        assert!(
            format!("{:#}", found.data(1, 2).unwrap_err()).contains("a-2.data-00001-of-00002 belongs to the index")
        );

        let mut tar = tar::Builder::new(Vec::new());
        tar.append_dir_all("theirs", path).unwrap();
        let archive = folder.path().join("theirs.tar");
        std::fs::write(&archive, tar.into_inner().unwrap()).unwrap();
        let found = CheckpointFiles::find(&archive).unwrap();
        assert_eq!((found.name(), found.index().unwrap()), ("a-2", b"a-2.index".to_vec()));
        std::fs::write(&archive, [7; 3000]).unwrap();
        assert!(refused(&archive).contains("no tar"), "{}", refused(&archive));
    }
}
