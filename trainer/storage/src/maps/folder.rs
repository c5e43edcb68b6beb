//! Which files a path means: one, one part of one, or those of a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use shared::formats::choose::is_beside_maps;

/// Endings of files that may hold maps.
const ENDINGS: [&str; 16] = [
    ".npy", ".npz", ".fits", ".fit", ".fts", ".fz", ".h5", ".hdf5", ".he5", ".hdf", ".npy.gz", ".fits.gz", ".fit.gz",
    ".fts.gz", ".npz.gz", ".fits.fz",
];
/// Files that are told as left out, one by one.
const TOLD: usize = 4;

/// What a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The files, by name.
    pub files: Vec<PathBuf>,
    /// The array or image in the file, of a path such as `file.fits[KAPPA]`.
    pub part: Option<String>,
    /// What was left out.
    pub notes: Vec<String>,
}

/// The files that a path means. Of folders, hidden files and descriptions are passed over in silence, and what does not end as files
/// of maps do is told.
///
/// # Errors
/// When there is nothing of that name, or a folder holds no maps.
pub fn named(path: &Path) -> Result<Named> {
    if path.is_dir() {
        let (files, notes) = of_folder(path)?;
        return Ok(Named { files, part: None, notes });
    }
    let alone = |part: Option<&str>, file: &Path| Named {
        files: vec![file.into()],
        part: part.map(str::to_owned),
        notes: Vec::new(),
    };
    if path.exists() {
        return Ok(alone(None, path));
    }
    // The first bracket behind a file: names of parts may hold brackets too.
    let text = path.to_str().and_then(|text| text.strip_suffix(']')).unwrap_or_default();
    let file = text.match_indices('[').find(|(place, _)| Path::new(&text[..*place]).is_file());
    if let Some((place, _)) = file {
        return Ok(alone(Some(&text[place + 1..]), Path::new(&text[..place])));
    }
    bail!("{} is not there", path.display())
}

/// The files of maps in a folder, and notes of what else is there.
fn of_folder(folder: &Path) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let shown = folder.display();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot open the folder {shown}"))?;
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read the folder {shown}"))?.path();
        let own_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = own_name.to_ascii_lowercase();
        // Descriptions, and sheets of maps that `trainer simulate` writes beside them.
        let is_sheet =
            name.strip_prefix("box-").is_some_and(|rest| Path::new(rest).extension() == Some("png".as_ref()));
        if name.starts_with('.') || name.ends_with(".npy.json") || is_sheet {
            continue;
        }
        if path.is_file() && ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        } else {
            others.push(own_name + if path.is_dir() { "/" } else { "" });
        }
    }
    // Masks and shear that lie beside maps are none; where there is nothing else, they are what is meant.
    let is_beside = |path: &PathBuf| path.file_name().is_some_and(|name| is_beside_maps(&name.to_string_lossy()));
    if files.iter().any(is_beside) && !files.iter().all(is_beside) {
        let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        others.extend(files.iter().filter(|path| is_beside(path)).map(name));
        files.retain(|path| !is_beside(path));
    }
    files.sort();
    others.sort();
    if files.is_empty() {
        let there = if others.is_empty() { "nothing".to_owned() } else { list(&others) };
        let inner = others.iter().find(|name| name.ends_with('/') && !name.starts_with("boxes"));
        let advice = inner.map(|inner| format!(": do you mean {}?", folder.join(inner).display())).unwrap_or_default();
        bail!("{shown} holds no maps (.npy, .npz, .fits, .fits.gz, .fz, .h5) but {there}{advice}");
    }
    let note = (!others.is_empty()).then(|| format!("{shown}: left out, by their names no maps: {}", list(&others)));
    Ok((files, note.into_iter().collect()))
}

fn list(names: &[String]) -> String {
    let mut told: Vec<String> = names.iter().take(TOLD).cloned().collect();
    if names.len() > TOLD {
        told.push(format!("{} more", names.len() - TOLD));
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_maps_and_says_what_it_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.fits.gz", "a.NPY", "a.npy.json", "._a.fits", "c.npz", "notes.txt", ".DS_Store", "d.h5"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("older")).unwrap();
        let found = named(folder.path()).unwrap();
        let names: Vec<_> = found.files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.NPY", "b.fits.gz", "c.npz", "d.h5"]);
        assert!(found.notes.len() == 1 && found.notes[0].ends_with("notes.txt, older/"), "{:?}", found.notes);
        for name in ["a_mask.npy", "gamma1-a.npy"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = named(folder.path()).unwrap();
        assert_eq!(found.files.len(), 4);
        assert!(found.notes[0].contains("a_mask.npy, gamma1-a.npy"), "{:?}", found.notes);
        let empty = named(&folder.path().join("older")).unwrap_err().to_string();
        assert!(empty.contains("but nothing"), "{empty}");
    }

    #[test]
    fn a_part_is_named_behind_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.fits");
        std::fs::write(&file, "").unwrap();
        std::fs::write(folder.path().join("b[1].fits"), "").unwrap();
        let of = |name: &str| named(&folder.path().join(name));
        assert_eq!(of("a.fits[KAPPA]").unwrap().part.as_deref(), Some("KAPPA"));
        assert_eq!(of("a.fits[/group/kappa]").unwrap().files, [file]);
        assert_eq!(of("b[1].fits").unwrap().part, None);
        assert_eq!(of("a.fits[KAPPA[Z1]]").unwrap().part.as_deref(), Some("KAPPA[Z1]"));
        assert_eq!(of("b[1].fits[E]").unwrap().part.as_deref(), Some("E"));
        assert!(of("c.fits[1]").unwrap_err().to_string().contains("is not there"));
    }
}
