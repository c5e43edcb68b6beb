//! `trainer`: makes convergence maps, trains CosmoGAN on them and exports its weights.

use std::process::ExitCode;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};
use storage::runs::{Ending, INTERRUPTED, Interrupted};
use trainer::commands::Command;

/// Makes convergence maps, trains CosmoGAN on them and exports its weights.
///
/// The usual way: `simulate` makes convergence maps from nothing, `maps` cuts training maps from these, from lens planes or from your own maps, `train` trains the networks, `export`
/// writes the weights that the web page and `generate` read. `info` says what a file is.
///
/// Exit codes: 0 done, 2 wrong input or a failure that the message explains, 75 interrupted: what was saved is kept, and the same command goes on.
#[derive(Parser)]
#[command(version, about, long_about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// A table that cannot be printed, on a full disk for example, is no fault of the program: it is told as other failures are.
fn explain_unprintable_output() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        let Some(reason) = said.strip_prefix("failed printing to stdout: ") else { return usual(panic) };
        eprintln!("error: cannot write to the standard output: {reason}");
        std::process::exit(2);
    }));
}

/// The arguments of this process. A negative number after an option is its value, and refused as one.
fn arguments() -> Arguments {
    let negative = |argument: clap::Arg| match argument.get_action() {
        ArgAction::Set | ArgAction::Append => argument.allow_negative_numbers(true),
        _ => argument,
    };
    let command = Arguments::command().mut_subcommands(|command| command.mut_args(negative));
    Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

fn main() -> ExitCode {
    explain_unprintable_output();
    match arguments().command.run() {
        Ok(Ending::Complete) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("interrupted: what is not complete was removed, and the same command does it again");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            // What clap uses for bad arguments: nothing was done, or everything up to here is kept.
            ExitCode::from(2)
        }
    }
}
