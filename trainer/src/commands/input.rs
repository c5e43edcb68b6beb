//! How every command reads maps.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use storage::maps::{MapArchive, MaskFrom, Reading, description::side_angle_of};

use crate::progress::Bar;

/// Folders of fewer files are indexed before a bar could be seen.
const MANY_FILES: usize = 200;

/// What a person says of maps that files do not say, or say wrongly.
#[derive(Args, Clone, Default)]
pub struct InputArguments {
    /// Side of the maps in degrees, along a row: where the files do not state it, or instead of what they state
    #[arg(long, value_name = "DEGREES", value_parser = side_angle_of)]
    pub side_angle: Option<f64>,
    /// Take the numbers as kappa, whatever unit or kind the files state
    #[arg(long)]
    pub as_kappa: bool,
}

/// Which pixels are left out.
#[derive(Args, Clone, Default)]
pub struct MaskArguments {
    /// Pixels to leave out: nan (those that are NaN), auto (those without a value: NaN, infinite, HEALPix's UNSEEN, -99, -9999 and the
    /// like), or a FILE of one mask for all maps or one for each, where 0 is left out
    #[arg(long, value_name = "nan|auto|FILE")]
    pub mask: Option<MaskFrom>,
    /// Arcminutes over which the weights of pixels rise from 0 to 1 beside those that are left out, for P(l) and the bispectrum
    #[arg(long, value_name = "ARCMINUTES", requires = "mask", default_value_t = 0.0, value_parser = apodised_of)]
    pub apodise: f64,
}

/// A width from the command line.
fn apodised_of(text: &str) -> Result<f64, String> {
    let width = text.parse().ok().filter(|width| (0.0..=60.0).contains(width));
    width.ok_or_else(|| "the width is a number of arcminutes from 0 to 60".to_owned())
}

impl InputArguments {
    /// Opens maps of which every pixel has a value, and says what is to be said of them.
    ///
    /// # Errors
    /// When they are not usable, or their angle is not known.
    pub fn open(&self, path: &Path) -> Result<MapArchive> {
        self.open_masked(path, &MaskArguments::default())
    }

    /// The same of maps with pixels that are left out.
    ///
    /// # Errors
    /// As [`InputArguments::open`], and when the mask does not fit.
    pub fn open_masked(&self, path: &Path, mask: &MaskArguments) -> Result<MapArchive> {
        self.with(mask, |reading| MapArchive::read(path, reading))
    }

    /// The same of maps whose angle need not be known.
    ///
    /// # Errors
    /// As [`InputArguments::open`], but for the angle.
    pub fn index(&self, path: &Path) -> Result<MapArchive> {
        self.with(&MaskArguments::default(), |reading| MapArchive::index(path, reading))
    }

    fn with(&self, mask: &MaskArguments, open: impl Fn(&Reading) -> Result<MapArchive>) -> Result<MapArchive> {
        let bar = std::cell::OnceCell::new();
        let progress = |done: usize, of: usize| {
            if of >= MANY_FILES {
                bar.get_or_init(|| Bar::new(of, "files").with_message("look into")).set_position(done as u64);
            }
        };
        let archive = open(&Reading {
            side_angle: self.side_angle,
            mask: mask.mask.clone().unwrap_or_default(),
            apodised: mask.apodise,
            as_kappa: self.as_kappa,
            any_angle: false,
            progress: Some(&progress),
        })?;
        if let Some(bar) = bar.get() {
            bar.finish_and_clear();
        }
        for note in archive.notes() {
            eprintln!("note: {note}");
        }
        Ok(archive)
    }
}
