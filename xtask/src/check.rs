//! Formatting, lints, documentation, licences.

use anyhow::Result;
use clap::Args;

use crate::{docs, install, process::Step, workspace::Workspace};

/// Options of `cargo xtask check`.
#[derive(Args, Default)]
pub struct CheckArguments {
    /// Format and apply the lints' suggestions instead of complaining
    #[arg(long)]
    fix: bool,
}

/// Runs every check that is no test.
///
/// # Errors
/// At the first one that does not pass.
pub fn run(workspace: &Workspace, arguments: &CheckArguments) -> Result<()> {
    install::libtorch(workspace)?;
    let format = Step::new("Formatting", "cargo").args(["fmt", "--all"]);
    if arguments.fix { format } else { format.arg("--check") }.run(workspace)?;

    let fix: &[&str] = if arguments.fix { &["--fix", "--allow-dirty"] } else { &[] };
    Step::new("Lints, native", "cargo")
        .args(["clippy", "--locked", "--all-targets"])
        .args(fix)
        .args(["--", "-D", "warnings"])
        .run(workspace)?;
    Step::new("Lints, without libtorch", "cargo")
        .args(["clippy", "--locked", "--all-targets", "-p", "trainer", "--no-default-features"])
        .args(fix)
        .args(["--", "-D", "warnings"])
        .run(workspace)?;
    Step::new("Lints, Python package", "cargo")
        .args(["clippy", "--locked", "-p", "cosmogan-python"])
        .args(fix)
        .args(["--", "-D", "warnings"])
        .run(workspace)?;
    // The page's profile, so that the build of the page and this check share their dependencies.
    Step::new("Lints, page", "cargo")
        .args([
            "clippy",
            "--locked",
            "--profile",
            "page",
            "--target",
            "wasm32-unknown-unknown",
            "-p",
            "web",
            "-p",
            "worker",
            "-p",
            "gpu",
        ])
        .args(fix)
        .args(["--", "-D", "warnings"])
        .run(workspace)?;
    docs::build(workspace)?;
    licences(workspace)
}

/// Licences by cargo-deny; its database of advisories lives on GitHub, which not every machine reaches.
fn licences(workspace: &Workspace) -> Result<()> {
    install::cargo_deny(workspace)?;
    Step::new("Licences, sources and duplicate versions", "cargo-deny")
        .args(["--all-features", "--locked", "check", "licenses", "bans", "sources"])
        .run(workspace)?;
    let reachable = Step::new("", "git")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=10", "ls-remote"])
        .args(["https://github.com/rustsec/advisory-db", "HEAD"])
        .output(workspace)
        .is_some();
    if !reachable {
        eprintln!("\n==> Advisories: not checked, since github.com/rustsec/advisory-db cannot be reached from here");
        return Ok(());
    }
    Step::new("Advisories", "cargo-deny").args(["--all-features", "--locked", "check", "advisories"]).run(workspace)
}
