//! A file of maps: streamed to disk, complete or not there, with its description beside it.

use std::{
    collections::BTreeMap,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use shared::formats::{element::Element, npy};

use super::{
    description::{MapsDescription, description_path, marked},
    sources::{is_flat, mark},
};
use crate::{
    files::check_free,
    runs::{AtomicFile, write_atomically},
};

/// Writes a `.npy` file map by map; only [`MapWriter::finish`] gives the file its name.
pub struct MapWriter {
    path: PathBuf,
    file: AtomicFile,
    pixels: usize,
    element: Element,
    /// Marks of the maps that are written, by their number.
    marks: BTreeMap<usize, u64>,
}

impl MapWriter {
    /// Refuses to write over a file of maps, or over what would become its description.
    ///
    /// # Errors
    /// When one of them is there and `force` is off, or the folder cannot be made.
    pub fn check_free(path: &Path, force: bool) -> Result<()> {
        check_free(path, force)?;
        check_free(&description_path(path), force)
    }

    /// Begins a file for maps of `pixels` x `pixels`.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, pixels: usize) -> Result<Self> {
        Self::create_of(Element::LITTLE_F32, path, pixels)
    }

    /// The same for numbers of another type.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create_of(element: Element, path: &Path, pixels: usize) -> Result<Self> {
        let mut file = AtomicFile::create(path)?;
        file.write_all(&npy::encode_header_of(element, 0, pixels, pixels))?;
        Ok(Self { path: path.into(), file, pixels, element, marks: BTreeMap::new() })
    }

    /// Appends one map.
    ///
    /// # Errors
    /// When the disk is full, or the map is of another size.
    pub fn write(&mut self, kappa: &[f32]) -> Result<()> {
        self.write_at(self.marks.len(), kappa)
    }

    /// Writes the map of this number, counted from 0: in any order, each once, until all are there.
    ///
    /// # Errors
    /// When the disk is full, or the map is of another size.
    pub fn write_at(&mut self, map: usize, kappa: &[f32]) -> Result<()> {
        if kappa.len() != self.pixels * self.pixels {
            bail!("a map of {} values does not fit into a file of {} x {}", kappa.len(), self.pixels, self.pixels);
        }
        let bytes = self.element.encode(kappa);
        let place = npy::WRITTEN_HEADER_BYTES as u64 + map as u64 * bytes.len() as u64;
        self.file.seek(SeekFrom::Start(place)).with_context(|| self.cannot_write())?;
        self.file.write_all(&bytes).with_context(|| self.cannot_write())?;
        let row = self.pixels / 2 * self.pixels;
        // As it will be read.
        let written = self.element.decode(&bytes);
        let middle = &written[row..row + self.pixels];
        self.marks.insert(map, if is_flat(middle) { mark(&written) } else { mark(middle) });
        Ok(())
    }

    /// Completes the header, writes the description and gives the file its name.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self, description: Option<&MapsDescription>) -> Result<()> {
        let count = self.marks.len();
        if self.marks.last_key_value().is_some_and(|(last, _)| last + 1 != count) {
            bail!("not every map of {} was written", self.path.display());
        }
        self.file.seek(SeekFrom::Start(0)).with_context(|| self.cannot_write())?;
        let header = npy::encode_header_of(self.element, count, self.pixels, self.pixels);
        self.file.write_all(&header).with_context(|| self.cannot_write())?;
        // The array is safe before its description gets a name, and both are there before the array gets its own.
        self.file.sync()?;
        if let Some(description) = description {
            let marks = marked(count).iter().filter_map(|map| self.marks.get(map).copied()).collect();
            let text = serde_json::to_string_pretty(&MapsDescription { marks, ..description.clone() })? + "\n";
            write_atomically(&description_path(&self.path), text.as_bytes())?;
        }
        self.file.finish()
    }

    fn cannot_write(&self) -> String {
        format!("cannot write {}: is the disk full?", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maps::{MapArchive, Sources};
    use shared::Cosmology;

    #[test]
    fn a_file_is_complete_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.npy");
        let mut writer = MapWriter::create(&path, 2).unwrap();
        writer.write(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!(writer.write(&[1.0]).is_err() && !path.exists());
        let description = MapsDescription {
            source: "test".into(),
            maps: 1,
            pixels: 2,
            side_angle: 1.75,
            seed: Some(3),
            source_redshift: Some(1.0),
            cosmology: Some(Cosmology::PAPER),
            split: None,
            sources: Sources::default(),
            marks: Sources::default(),
        };
        writer.finish(Some(&description)).unwrap();
        let found = npy::read(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((found.maps, found.values), (1, vec![1.0, 2.0, 3.0, 4.0]));
        let beside = MapsDescription::beside(&path, 1, 2).unwrap().unwrap();
        assert_eq!(MapsDescription { marks: Sources::default(), ..beside.clone() }, description);
        // The same description beside another array of that shape is found out.
        assert_eq!(beside.marks.count(), 1);
        assert!(MapArchive::open(&path, None).is_ok());
        std::fs::write(&path, npy::encode(2, 2, &[0.01, 0.02, 0.03, 0.05])).unwrap();
        let error = format!("{:#}", MapArchive::open(&path, None).err().unwrap());
        assert!(error.contains("other maps"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn neither_the_array_nor_its_description_is_overwritten_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.npy");
        assert!(MapWriter::check_free(&path, false).is_ok());
        std::fs::write(folder.path().join("maps.npy.json"), "{}").unwrap();
        assert!(MapWriter::check_free(&path, false).unwrap_err().to_string().contains("maps.npy.json"));
        assert!(MapWriter::check_free(&path, true).is_ok());
    }
}
