//! The subcommands, one a file.

pub mod export;
pub mod generate;
pub mod info;
pub mod maps;
pub mod spectrum;
pub mod train;

use anyhow::Result;
use clap::Subcommand;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Cut training maps from lens planes or from your own maps
    Maps(maps::MapsArguments),
    /// Train the generator against the discriminator
    Train(train::TrainArguments),
    /// Draw maps with trained weights
    Generate(generate::GenerateArguments),
    /// Write a run's generator as weights for the page and for `generate`
    Export(export::ExportArguments),
    /// Measure the power spectrum of maps
    Spectrum(spectrum::SpectrumArguments),
    /// Say what a file is: maps, weights, manifest, checkpoint
    Info(info::InfoArguments),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// With a sentence that says what was wrong and what to do.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Maps(arguments) => maps::run(&arguments),
            Self::Train(arguments) => train::run(&arguments),
            Self::Generate(arguments) => generate::run(&arguments),
            Self::Export(arguments) => export::run(&arguments),
            Self::Spectrum(arguments) => spectrum::run(&arguments),
            Self::Info(arguments) => info::run(&arguments),
        }
    }
}

/// A progress bar for `count` maps.
fn map_bar(count: usize) -> indicatif::ProgressBar {
    let template = "{bar:30} {pos}/{len} maps, {per_sec}, {eta} left";
    let style = indicatif::ProgressStyle::with_template(template);
    indicatif::ProgressBar::new(count as u64)
        .with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()))
}
