//! Every test, and the sum of what passed.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{check, dist, install, process::Step, python, summary::Summary, workspace::Workspace};

/// Options of `cargo xtask test`.
#[derive(Args)]
pub struct TestArguments {
    /// Leave the page and its tests in Chromium out
    #[arg(long)]
    no_browser: bool,
    /// Leave formatting, lints, documentation and licences out
    #[arg(long)]
    no_check: bool,
}

/// What is tested natively: all but the programs that run in a browser or in Python alone. The page's own logic (axes, zoom) is in it, so
/// that what it shares with the rest is compiled once.
const NATIVE: [&str; 7] = ["--workspace", "--exclude", "worker", "--exclude", "gpu", "--exclude", "cosmogan-python"];

/// Sets up what is missing, runs everything, and ends with one line of counts.
///
/// # Errors
/// When the set-up fails; failing tests are in the exit code.
pub fn run(workspace: &Workspace, arguments: &TestArguments) -> Result<ExitCode> {
    install::libtorch(workspace)?;
    let interpreter = install::python(workspace)?;
    let mut summary = Summary::default();
    let mut failed_runs = Vec::new();

    let native = Step::new("Build and run the native tests, those of the page's logic among them", "cargo")
        .env("COSMOGAN_PYTHON", &interpreter)
        .args(["test", "--locked", "--no-fail-fast"])
        .args(NATIVE)
        .args(["--", "--show-output"]);
    count(workspace, native, "native tests", &mut summary, &mut failed_runs)?;
    // A machine without libtorch, as far as a build can tell.
    let without_torch = Step::new("Build and test the trainer without libtorch", "cargo")
        .env("LIBTORCH", "/there-is-no-libtorch")
        .env("COSMOGAN_PYTHON", &interpreter)
        // What its commands do: the rest is compiled from the same text, and tested above.
        .args([
            "test",
            "--locked",
            "--no-fail-fast",
            "-p",
            "trainer",
            "--no-default-features",
            "--test",
            "command_line",
            "--test",
            "corpus",
        ]);
    count(workspace, without_torch, "tests without libtorch", &mut summary, &mut failed_runs)?;

    let wheel = python::wheel(workspace, true)?;
    let package = python::tests(workspace, &wheel)?;
    count(workspace, package, "tests of the Python package", &mut summary, &mut failed_runs)?;

    if !arguments.no_browser {
        install::web_tools(workspace)?;
        let wasm = Step::new("Run the tests of numbers that must not depend on the platform in wasm", "cargo")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
            .args(["test", "--locked", "--target", "wasm32-unknown-unknown", "-p", "shared", "--test", "platforms"]);
        count(workspace, wasm, "wasm tests", &mut summary, &mut failed_runs)?;

        let folder = workspace.target().join("dist");
        dist::run(workspace, &dist::DistArguments { out: folder.clone() })?;
        let chromium = install::chromium(workspace)?;
        let firefox = install::firefox(workspace)?;
        let modules = install::drivers(workspace)?;
        Step::new("Build the trainer, whose maps the page must draw too", "cargo")
            // As for the tests: by itself, it would have another set of features, and all of it be compiled anew.
            .args(["test", "--locked", "--no-run"])
            .args(NATIVE)
            .run(workspace)?;
        let browser = Step::new("Run the page in headless Chromium and Firefox", "node")
            .env("COSMOGAN_PAGE", workspace.page())
            .env("COSMOGAN_DIST", folder)
            .env("COSMOGAN_CHROMIUM", chromium)
            .env("COSMOGAN_FIREFOX", firefox)
            .env("COSMOGAN_TRAINER", workspace.target().join("debug/trainer"))
            .env("COSMOGAN_NODE_MODULES", modules)
            .args(["--test", "--test-reporter=tap", "--test-timeout=900000", "--test-force-exit"])
            // One after the other: they measure how fast the page answers.
            .arg("--test-concurrency=1")
            .args(["tests/browser/page.test.mjs", "tests/browser/views.test.mjs"]);
        count(workspace, browser, "browser tests", &mut summary, &mut failed_runs)?;
    }
    if !arguments.no_check {
        match check::run(workspace, &check::CheckArguments::default()) {
            Ok(()) => {}
            Err(error) => {
                eprintln!("error: {error:#}");
                failed_runs.push("check");
            }
        }
    }
    println!("\n{summary}");
    if !failed_runs.is_empty() {
        println!("not passed: {}", failed_runs.join(", "));
    }
    let success = summary.is_success() && failed_runs.is_empty();
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn count(
    workspace: &Workspace,
    step: Step,
    name: &'static str,
    summary: &mut Summary,
    failed_runs: &mut Vec<&'static str>,
) -> Result<()> {
    let before = summary.failed();
    if !step.run_reading(workspace, |line| summary.read(line))? {
        failed_runs.push(name);
        if summary.failed() == before {
            summary.fail();
        }
    }
    Ok(())
}
