//! The API documentation of every crate.

use anyhow::Result;

use crate::{install, process::Step, workspace::Workspace};

/// Builds the documentation into target/doc; a warning is an error.
///
/// # Errors
/// When rustdoc warns or fails.
pub fn build(workspace: &Workspace) -> Result<()> {
    install::libtorch(workspace)?;
    Step::new("Build the documentation into target/doc", "cargo")
        .env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--locked", "--no-deps"])
        .run(workspace)
}
