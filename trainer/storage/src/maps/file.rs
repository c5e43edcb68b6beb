//! One file of an archive: what it holds, what lies beside it, and its numbers where they are asked for.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};
use shared::formats::{layout::Window, maps::MapFile, source::Source};

use super::{
    bytes::{FileSource, SpoolFile},
    description::{MapsDescription, description_path, marked},
    sources::{Sources, is_flat, mark},
};

/// One file of an archive.
pub struct ArchiveFile {
    path: PathBuf,
    content: MapFile,
    description: Option<MapsDescription>,
    open: OnceLock<FileSource>,
    keep_open: bool,
    /// Maps in the files before this one.
    first: usize,
}

impl ArchiveFile {
    pub(super) fn new(
        path: &Path,
        content: MapFile,
        description: Option<MapsDescription>,
        keep_open: bool,
        first: usize,
    ) -> Self {
        Self { path: path.into(), content, description, open: OnceLock::new(), keep_open, first }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    pub fn content(&self) -> &MapFile {
        &self.content
    }

    /// What lies beside it.
    pub fn description(&self) -> Option<&MapsDescription> {
        self.description.as_ref()
    }

    /// Number of the maps in the files before.
    pub fn first(&self) -> usize {
        self.first
    }

    pub(super) fn smaller_side(&self) -> usize {
        self.content.rows().min(self.content.columns())
    }

    pub(super) fn whole(&self) -> Window {
        Window { row: 0, column: 0, rows: self.content.rows(), columns: self.content.columns() }
    }

    /// What tells a map of this file from others.
    pub(super) fn mark(&self, spool: &SpoolFile, map: usize) -> Result<u64> {
        let (rows, columns) = (self.content.rows(), self.content.columns());
        let row = self.window(spool, map, Window { row: rows / 2, column: 0, rows: 1, columns })?;
        if is_flat(&row) {
            return Ok(mark(&self.window(spool, map, self.whole())?));
        }
        Ok(mark(&row))
    }

    /// Checks that the description is of these maps and not of others of the same number and size.
    pub(super) fn check_description(&self, spool: &SpoolFile) -> Result<()> {
        let Some(description) = self.description.as_ref().filter(|description| !description.marks.is_empty()) else {
            return Ok(());
        };
        let found = marked(self.content.maps()).map(|map| self.mark(spool, map));
        let found: Sources = found.into_iter().collect::<Result<Vec<_>>>()?.into_iter().collect();
        if found == description.marks {
            return Ok(());
        }
        bail!(
            "{} describes other maps than these (their values differ): delete it and give --side-angle, or bring the maps that it is of",
            description_path(&self.path).display()
        )
    }

    /// The numbers of a window of a map of this file: its rows alone are read.
    pub(super) fn window(&self, spool: &SpoolFile, map: usize, window: Window) -> Result<Vec<f32>> {
        let (layout, map) = self.content.place(map).with_context(|| format!("there is no map {map}"))?;
        if self.content.is_unpacked {
            return Ok(layout.read(spool, map, window)?);
        }
        if let Some(source) = self.open.get() {
            return Ok(layout.read(source, map, window)?);
        }
        let source = FileSource::open(&self.path).context("cannot open it")?;
        if source.length() < layout.end() {
            bail!("the file has become shorter since it was opened");
        }
        let found = layout.read(&source, map, window)?;
        if self.keep_open {
            // Another thread may have been faster: then this one closes.
            let _ = self.open.set(source);
        }
        Ok(found)
    }
}
