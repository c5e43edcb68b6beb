//! `cargo xtask`: sets the machine up, runs the page, runs every check.
//!
//! ```text
//! process    commands with a visible step, and what to run by hand when one fails
//! workspace  where things lie, and versions read from Cargo.lock
//! install    what each step needs, into .tools/ where possible
//! page       the release build of the page, skipped while its sources are the same
//! dist       the page for any static host
//! serve      the built page at http://127.0.0.1:8080/
//! test       every test, and the sum of what passed
//! check      formatting, lints, documentation, licences
//! docs       the API documentation
//! bench      statistics against their definitions, the trainer against PyTorch
//! python     the Python package
//! fuzz       searches the parsers for input that they do not survive
//! ```

mod bench;
mod check;
mod dist;
mod docs;
mod fuzz;
mod install;
mod page;
mod process;
mod python;
mod serve;
mod summary;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use workspace::Workspace;

/// Sets the machine up, runs the page, runs every check.
///
/// `run` and `test` need Rust (rustup), Python 3 with pip, and Node with npm; they install everything else, most of it into
/// .tools/ in this folder. A tool of the right version that is on PATH is used instead.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about, long_about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the page and serve it with the shipped weights; needs no libtorch
    Run(serve::RunArguments),
    /// Build the page into web/dist without serving it
    Build,
    /// Write the page as a folder for any static host: kept for use without a connection, compressed beforehand
    Dist(dist::DistArguments),
    /// Set up the rest (libtorch, Chromium) and run every test: native, tch, and the page in headless Chromium
    Test(test::TestArguments),
    /// Formatting, lints, documentation and licences, as a change must pass them
    Check(check::CheckArguments),
    /// Build the API documentation of every crate
    Docs,
    /// Run the benchmarks
    Bench(bench::BenchArguments),
    /// Search a parser for input that it does not survive
    Fuzz(fuzz::FuzzArguments),
    /// Build the Python package into target/wheels and test it in an empty environment
    Python(python::PythonArguments),
    /// Install libtorch, so that `cargo build -p trainer` works
    Setup,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Run(arguments) => {
            page::build(&workspace)?;
            serve::serve(&workspace.page(), arguments.port)?;
        }
        Command::Build => page::build(&workspace)?,
        Command::Dist(arguments) => dist::run(&workspace, arguments)?,
        Command::Test(arguments) => return test::run(&workspace, arguments),
        Command::Check(arguments) => check::run(&workspace, arguments)?,
        Command::Docs => docs::build(&workspace)?,
        Command::Bench(arguments) => bench::run(&workspace, arguments)?,
        Command::Fuzz(arguments) => fuzz::run(&workspace, arguments)?,
        Command::Python(arguments) => python::run(&workspace, arguments)?,
        Command::Setup => install::libtorch(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}
