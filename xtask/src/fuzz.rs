//! Coverage-guided search for input that a parser of `shared` does not survive.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{install, process::Step, workspace::Workspace};

/// Options of `cargo xtask fuzz`.
#[derive(Args)]
pub struct FuzzArguments {
    /// Parser to search
    target: Target,
    /// Length of the search in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// A parser.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    /// `.npy` arrays
    Npy,
    /// FITS images
    Fits,
    /// Maps of any kind of file
    Maps,
    /// Manifests of weights
    Manifest,
    /// Files of weights
    Tensors,
    /// TensorFlow's checkpoints
    Tensorflow,
    /// What torch.save writes
    Pytorch,
}

/// Searches; input that is found lies in `shared/fuzz/artifacts` then.
///
/// # Errors
/// When the set-up fails or the search finds something.
pub fn run(workspace: &Workspace, arguments: &FuzzArguments) -> Result<()> {
    install::cargo_fuzz(workspace)?;
    Step::new("Write valid files to begin with", "cargo")
        .args(["run", "--locked", "--manifest-path", "shared/fuzz/Cargo.toml", "--bin", "seeds"])
        .run(workspace)?;
    let target = arguments.target.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    Step::new(format!("Search the parser of {target} for {} s", arguments.seconds), "cargo")
        // The sanitizer's flags are unstable; this lets the stable toolchain take them.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "run", "--fuzz-dir", "shared/fuzz"])
        .arg(target)
        .args(["--", "-timeout=10", "-rss_limit_mb=4096"])
        .arg(format!("-max_total_time={}", arguments.seconds))
        .run(workspace)
}
