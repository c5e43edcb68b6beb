//! `trainer checkpoint`: carrying checkpoints between machines that move small files.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use storage::runs::pieces;

/// Cut a checkpoint, or any file, into small pieces, and put it together again.
///
/// Examples:
///   trainer checkpoint split runs/first/checkpoints/step-0002000.safetensors --megabytes 16 --out pieces
///   trainer checkpoint join pieces/step-0002000.safetensors.pieces.json --out runs/first/checkpoints
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct CheckpointArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Cut a file into pieces, with a list of them and their checksums
    Split {
        /// The checkpoint, or any other file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Size of a piece in MiB, at most
        #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
        megabytes: u64,
        /// Folder for the pieces
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Replace pieces that are there
        #[arg(long)]
        force: bool,
    },
    /// Put a file together from its pieces, and check it
    Join {
        /// The list that `split` wrote, beside the pieces
        #[arg(value_name = "FILE.pieces.json")]
        list: PathBuf,
        /// The file, or a folder for it under its own name
        #[arg(long, value_name = "FILE|DIR")]
        out: PathBuf,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// When a file or a piece is missing, damaged or there already, or the disk is full.
pub fn run(arguments: &CheckpointArguments) -> Result<()> {
    match &arguments.what {
        What::Split { file, megabytes, out, force } => {
            let (list, count) = pieces::split(file, megabytes << 20, out, *force)?;
            crate::say!("{count} pieces and their list, {}", list.display());
        }
        What::Join { list, out, force } => {
            let path = pieces::join(list, out, *force)?;
            crate::say!("{}: whole, as it was cut", path.display());
        }
    }
    Ok(())
}
