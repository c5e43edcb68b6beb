//! Which pixels of maps have a value: from the maps themselves, or from a file.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use shared::formats::{
    layout::Window,
    maps::{MapFile, content},
    source::{SharedSource, Source},
};

use super::{
    bytes::{FileSource, SpoolFile},
    folder,
};

/// Where it is said which pixels are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MaskFrom {
    /// Nowhere: every pixel has to have a value.
    #[default]
    None,
    /// Pixels that are NaN are left out.
    Nan,
    /// Pixels that are NaN, infinite or hold a number that stands for none are left out.
    Auto,
    /// Pixels where this file's map is 0, or has no value, are left out.
    File(PathBuf),
}

impl FromStr for MaskFrom {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "nan" => Self::Nan,
            "auto" => Self::Auto,
            file => Self::File(file.into()),
        })
    }
}

/// Names of masks beside maps in one file.
const NAMES: [&str; 5] = ["mask", "masks", "weight", "weights", "wht"];

/// A file of masks: one for all maps, or one for each.
pub struct MaskFile {
    content: MapFile,
    source: SharedSource,
    spool: SpoolFile,
}

impl MaskFile {
    /// Opens a file of any kind that maps are read from.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn open(path: &Path) -> Result<Self> {
        let named = folder::named(path)?;
        let [file] = &named.files[..] else { bail!("it is a folder: give one file") };
        let source: SharedSource = Arc::new(FileSource::open(file)?);
        let mut spool = SpoolFile::default();
        // Of a file that holds maps too, the mask is what is named so.
        let mut open = |part: Option<&str>| MapFile::open(&source, &mut spool, part);
        let of_name = || NAMES.iter().find_map(|name| open(Some(name)).ok());
        let content = match named.part.is_none().then(of_name).flatten() {
            Some(content) => content,
            None => MapFile::open(&source, &mut spool, named.part.as_deref())?,
        };
        let mask = Self { content, source, spool };
        // What has values below 0 is a map that was taken for a mask.
        let window = Window { row: 0, column: 0, rows: mask.content.rows(), columns: mask.content.columns() };
        if mask.values(0, window)?.iter().any(|value| *value < 0.0 && !content::is_fill(*value)) {
            bail!(
                "it holds values below 0, as maps of kappa do: a mask holds 0 where a pixel is left out, and 1 elsewhere"
            );
        }
        Ok(mask)
    }

    /// Whether the first mask leaves any pixel out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn leaves_out(&self) -> Result<bool> {
        let window = Window { row: 0, column: 0, rows: self.content.rows(), columns: self.content.columns() };
        Ok(self.window(0, window)?.contains(&false))
    }

    /// Checks that it masks maps of this size and number.
    ///
    /// # Errors
    /// When it is of another size, or has neither one mask nor one a map.
    pub fn check(&self, rows: usize, columns: usize, maps: usize) -> Result<()> {
        let (own_rows, own_columns, masks) = (self.content.rows(), self.content.columns(), self.content.maps());
        if (own_rows, own_columns) != (rows, columns) {
            bail!(
                "the mask has {own_rows} x {own_columns} pixels, the maps {rows} x {columns}: give a mask of that size"
            );
        }
        if masks != 1 && masks != maps {
            bail!("it holds {masks} masks for {maps} maps: give one for all, or one for each");
        }
        Ok(())
    }

    /// For each pixel of a window of a map whether it has a value.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn window(&self, map: usize, window: Window) -> Result<Vec<bool>> {
        let values = self.values(map, window)?;
        Ok(values.into_iter().map(|value| value != 0.0 && !content::is_fill(value)).collect())
    }

    fn values(&self, map: usize, window: Window) -> Result<Vec<f32>> {
        let map = if self.content.maps() == 1 { 0 } else { map };
        let (layout, map) = self.content.place(map).context("the mask has too few maps")?;
        let source: &dyn Source = if self.content.is_unpacked { &self.spool } else { &*self.source };
        Ok(layout.read(source, map, window)?)
    }
}
