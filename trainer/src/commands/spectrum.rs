//! `trainer spectrum`: P(l) of maps, as a table.

use std::{fmt::Write, path::PathBuf};

use anyhow::Result;
use clap::Args;
use shared::statistics::{
    Ensemble, Statistic, StatisticsEdges,
    bins::middles,
    power_spectrum::{dimensionless, paper_edges},
};
use storage::{files::check_free, runs::write_atomically};

use super::input::{InputArguments, MaskArguments};
use crate::{
    evaluation::measured::{MeasuredMaps, masked_note},
    progress::Bar,
    spectra::spectra,
};

/// Maps that are in memory at once.
const CHUNK: usize = 64;

/// Measure the power spectrum P(l) of maps.
///
/// One line for each of the paper's 248 modes (l = 200..49800 in steps of 200): the middle of the bin, the mean of P(l) over
/// the maps in steradians, l(l+1)P/2pi, and the standard deviation of P(l) over the maps. A bin without Fourier modes has no
/// values. The definitions are LensTools'. Of maps with pixels that are left out (--mask) it is a pseudo spectrum: that of the map
/// times the mask, over the mean square of the mask; what the mask's shape moves between multipoles stays moved.
///
/// Examples:
///   trainer spectrum maps.npy > spectrum.csv
///   trainer spectrum my-fits-maps --out spectrum.csv
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct SpectrumArguments {
    /// File or folder of convergence maps of one size (.npy, .npz, FITS, HDF5); FILE[NAME] takes one array or image of several
    maps: PathBuf,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    mask: MaskArguments,
    /// File to write; the table is printed otherwise
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// When a map is not usable, the maps differ in size, or the file cannot be written.
pub fn run(arguments: &SpectrumArguments) -> Result<()> {
    // A reader that has enough, such as `head`, ends this command without a word.
    sigpipe::reset();
    if let Some(out) = &arguments.out {
        check_free(out, arguments.force)?;
    }
    let archive = arguments.input.open_masked(&arguments.maps, &arguments.mask)?;
    let ell = middles(&paper_edges());
    let pixels = archive.one_size()?;
    let side_angle = archive.side_angle(pixels);
    let mut ensemble = Ensemble::new(ell.len());
    if archive.is_masked() {
        let measured = MeasuredMaps::of_archive(&archive, archive.maps(), &StatisticsEdges::default(), "maps")?;
        for map in &measured.maps {
            ensemble.add(map.of(Statistic::PowerSpectrum));
        }
        eprintln!("note: {}", masked_note(measured.masked_share()));
        return write(arguments, &table(&ell, &ensemble));
    }
    let bar = Bar::new(archive.maps(), "maps");
    for first in (0..archive.maps()).step_by(CHUNK) {
        let count = CHUNK.min(archive.maps() - first);
        let kappa = |at: usize| Ok(archive.map(first + at)?.into_kappa());
        for spectrum in &spectra(count, [pixels, ell.len()], side_angle, kappa)? {
            ensemble.add(spectrum);
        }
        bar.inc(count as u64);
    }
    bar.finish_and_clear();
    write(arguments, &table(&ell, &ensemble))
}

fn write(arguments: &SpectrumArguments, table: &str) -> Result<()> {
    match &arguments.out {
        Some(out) => write_atomically(out, table.as_bytes())?,
        None => print!("{table}"),
    }
    Ok(())
}

fn table(ell: &[f64], ensemble: &Ensemble) -> String {
    let mut text = String::from("ell,power_sr,dimensionless_power,sigma_sr\n");
    for ((&ell, mean), sigma) in ell.iter().zip(ensemble.mean()).zip(ensemble.sigma()) {
        // Writing to a String cannot fail.
        let _ = match (mean, sigma) {
            (Some(mean), Some(sigma)) => writeln!(text, "{ell},{mean:e},{:e},{sigma:e}", dimensionless(ell, mean)),
            _ => writeln!(text, "{ell},,,"),
        };
    }
    text
}
