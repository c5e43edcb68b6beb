//! Lens planes of a box on disk, by the numbers of their shells.
//!
//! The simulation meets the light cone from its far end, rays start at its near end: planes wait here in between.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// One file of planes, `[shell][map][row][column]` in f32.
pub struct PlaneStore {
    file: File,
    path: PathBuf,
    maps: usize,
    pixels: usize,
}

impl PlaneStore {
    /// Opens a file, or begins one; planes of an earlier start stay.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn open(path: &Path, maps: usize, pixels: usize) -> Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file = file.with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { file, path: path.into(), maps, pixels })
    }

    /// Writes a plane.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn write(&self, shell: usize, map: usize, plane: &[f32]) -> Result<()> {
        let written = self.file.write_all_at(bytemuck::cast_slice(plane), self.offset(shell, map));
        written.with_context(|| format!("cannot write {}: is the disk full?", self.path.display()))
    }

    /// Reads a plane.
    ///
    /// # Errors
    /// When it was not written.
    pub fn read(&self, shell: usize, map: usize) -> Result<Vec<f32>> {
        let mut plane = vec![0.0; self.pixels * self.pixels];
        let read = self.file.read_exact_at(bytemuck::cast_slice_mut(&mut plane), self.offset(shell, map));
        read.with_context(|| format!("{} is cut off: delete it and the box's checkpoint", self.path.display()))?;
        Ok(plane)
    }

    /// Makes what was written safe from a loss of power.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    fn offset(&self, shell: usize, map: usize) -> u64 {
        ((shell * self.maps + map) * self.pixels * self.pixels * size_of::<f32>()) as u64
    }
}
