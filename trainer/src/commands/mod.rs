//! The subcommands, one a file.

pub mod assess;
pub mod checkpoint;
pub mod compare;
#[cfg(feature = "torch")]
pub mod evaluate;
#[cfg(feature = "torch")]
pub mod export;
pub mod generate;
pub mod import;
pub mod info;
pub mod input;
pub mod maps;
pub mod runs;
pub mod simulate;
pub mod spectrum;
pub mod statistics;
#[cfg(feature = "torch")]
pub mod train;
pub mod view;
#[cfg(not(feature = "torch"))]
pub mod without_torch;

use anyhow::Result;
use clap::Subcommand;
use storage::runs::Ending;
#[cfg(not(feature = "torch"))]
use without_torch::Unavailable;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Simulate structure formation and write convergence maps
    Simulate(Box<simulate::SimulateArguments>),
    /// Compare simulated boxes with theory
    Assess(assess::AssessArguments),
    /// Cut training maps from lens planes or from your own maps
    Maps(maps::MapsArguments),
    /// Train the generator against the discriminator
    #[cfg(feature = "torch")]
    Train(train::TrainArguments),
    /// Show the learning curves of training runs side by side
    Runs(runs::RunsArguments),
    /// Carry checkpoints between machines that move small files
    Checkpoint(checkpoint::CheckpointArguments),
    /// Draw maps with trained weights
    Generate(generate::GenerateArguments),
    /// Write a run's generator as weights for the page and for `generate`
    #[cfg(feature = "torch")]
    Export(export::ExportArguments),
    /// Bring weights of other programs into this form: the authors' TensorFlow checkpoint, PyTorch state_dicts
    Import(import::ImportArguments),
    /// Measure the power spectrum of maps
    Spectrum(spectrum::SpectrumArguments),
    /// Measure every statistic of every map
    Statistics(statistics::StatisticsArguments),
    /// Ask whether two sets of maps are one population
    Compare(compare::CompareArguments),
    /// Reproduce the paper's evaluation of a generator, beside a control
    #[cfg(feature = "torch")]
    Evaluate(evaluate::EvaluateArguments),
    /// Serve the page with your own weights, or with a run while it trains
    View(view::ViewArguments),
    /// Say what a file is: maps, weights, manifest, checkpoint
    Info(info::InfoArguments),
    /// Needs libtorch: train the generator against the discriminator
    #[cfg(not(feature = "torch"))]
    Train(Unavailable),
    /// Needs libtorch: write a run's generator as weights
    #[cfg(not(feature = "torch"))]
    Export(Unavailable),
    /// Needs libtorch: reproduce the paper's evaluation of a generator
    #[cfg(not(feature = "torch"))]
    Evaluate(Unavailable),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// With a sentence that says what was wrong and what to do.
    pub fn run(self) -> Result<Ending> {
        match self {
            Self::Simulate(arguments) => return simulate::run(&arguments),
            #[cfg(feature = "torch")]
            Self::Train(arguments) => return train::run(&arguments),
            #[cfg(feature = "torch")]
            Self::Evaluate(arguments) => return evaluate::run(&arguments),
            Self::Assess(arguments) => assess::run(&arguments)?,
            Self::Maps(arguments) => maps::run(&arguments)?,
            Self::Runs(arguments) => runs::run(&arguments)?,
            Self::Checkpoint(arguments) => checkpoint::run(&arguments)?,
            Self::Generate(arguments) => generate::run(&arguments)?,
            Self::Import(arguments) => import::run(&arguments)?,
            #[cfg(feature = "torch")]
            Self::Export(arguments) => export::run(&arguments)?,
            Self::Spectrum(arguments) => spectrum::run(&arguments)?,
            Self::Statistics(arguments) => statistics::run(&arguments)?,
            Self::Compare(arguments) => compare::run(&arguments)?,
            Self::View(arguments) => view::run(&arguments)?,
            Self::Info(arguments) => info::run(&arguments)?,
            #[cfg(not(feature = "torch"))]
            Self::Train(it) | Self::Export(it) | Self::Evaluate(it) => it.run()?,
        }
        Ok(Ending::Complete)
    }
}
