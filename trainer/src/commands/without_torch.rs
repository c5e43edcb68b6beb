//! What stands in for commands that train or judge networks, in a program that was built without libtorch.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Args;

/// A command that this program lacks.
#[derive(Args)]
pub struct Unavailable {
    /// Whatever it was called with
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

impl Unavailable {
    /// Says what is missing.
    ///
    /// # Errors
    /// Always.
    pub fn run(self) -> Result<()> {
        drop(self.rest);
        bail!(
            "this trainer was built without libtorch, which this command computes with: build it with `cargo xtask setup && cargo build \
             --release -p trainer`, without --no-default-features"
        )
    }
}
