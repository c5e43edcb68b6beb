//! The subcommands, one a file.

pub mod assess;
pub mod compare;
pub mod evaluate;
pub mod export;
pub mod generate;
pub mod info;
pub mod maps;
pub mod simulate;
pub mod spectrum;
pub mod statistics;
pub mod train;

use anyhow::Result;
use clap::Subcommand;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Simulate structure formation and write convergence maps
    Simulate(simulate::SimulateArguments),
    /// Compare simulated boxes with theory
    Assess(assess::AssessArguments),
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
    /// Measure every statistic of every map
    Statistics(statistics::StatisticsArguments),
    /// Ask whether two sets of maps are one population
    Compare(compare::CompareArguments),
    /// Reproduce the paper's evaluation of a generator, beside a control
    Evaluate(evaluate::EvaluateArguments),
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
            Self::Simulate(arguments) => simulate::run(&arguments),
            Self::Assess(arguments) => assess::run(&arguments),
            Self::Maps(arguments) => maps::run(&arguments),
            Self::Train(arguments) => train::run(&arguments),
            Self::Generate(arguments) => generate::run(&arguments),
            Self::Export(arguments) => export::run(&arguments),
            Self::Spectrum(arguments) => spectrum::run(&arguments),
            Self::Statistics(arguments) => statistics::run(&arguments),
            Self::Compare(arguments) => compare::run(&arguments),
            Self::Evaluate(arguments) => evaluate::run(&arguments),
            Self::Info(arguments) => info::run(&arguments),
        }
    }
}
