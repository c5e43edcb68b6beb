//! The Python package: a wheel, installed where nothing else is, and its tests.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::{install, process::Step, workspace::Workspace};

/// Options of `cargo xtask python`.
#[derive(Args)]
pub struct PythonArguments {
    /// Compile as tests are, which is quicker
    #[arg(long)]
    debug: bool,
    /// Build the wheel alone
    #[arg(long)]
    no_test: bool,
}

/// What the tests need beside the package: Jupyter executes the notebook, mypy compares the stubs with the module.
const TEST_PACKAGES: [&str; 6] =
    ["numpy==2.4.6", "matplotlib==3.11.2", "nbclient==0.11.0", "nbformat==5.10.4", "ipykernel==7.4.0", "mypy==2.4.1"];

/// Builds the wheel into target/wheels and tests it.
///
/// # Errors
/// When a step fails.
pub fn run(workspace: &Workspace, arguments: &PythonArguments) -> Result<()> {
    let wheel = wheel(workspace, arguments.debug)?;
    if !arguments.no_test {
        tests(workspace, &wheel)?.run(workspace)?;
    }
    println!("\n{}", wheel.display());
    Ok(())
}

/// Builds the wheel.
///
/// # Errors
/// When it does not build.
pub fn wheel(workspace: &Workspace, debug: bool) -> Result<PathBuf> {
    let python = install::python(workspace)?;
    let folder = workspace.target().join(if debug { "wheels/debug" } else { "wheels" });
    Step::new("Build the Python package", &python)
        .args(["-m", "maturin", "build", "--locked", "--manifest-path", "trainer/python/Cargo.toml", "--profile"])
        .arg(if debug { "dev" } else { "release" })
        .arg("--interpreter")
        .arg(&python)
        .arg("--out")
        .arg(&folder)
        .run(workspace)?;
    let wheels = std::fs::read_dir(&folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let newest = wheels
        .filter(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .max_by_key(|path| path.metadata().and_then(|about| about.modified()).ok());
    newest.with_context(|| format!("maturin left no wheel in {}", folder.display()))
}

/// The tests of a wheel, in an environment that has it and what the tests need.
///
/// # Errors
/// When the environment cannot be made.
pub fn tests(workspace: &Workspace, wheel: &Path) -> Result<Step> {
    let environment = workspace.target().join("wheels/environment");
    Step::new("Create an empty Python environment", "python3")
        .args(["-m", "venv", "--clear"])
        .arg(&environment)
        .run(workspace)?;
    let python = environment.join("bin/python");
    Step::new("Install the package and what its tests need", &python)
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--only-binary=:all:"])
        .args(TEST_PACKAGES)
        .arg(wheel)
        .run(workspace)?;
    let executed = workspace.target().join("wheels/cosmogan.ipynb");
    Ok(Step::new("Test the Python package", python)
        .arg("tests/python/package.py")
        .args(["public/weights", "examples/cosmogan.ipynb"])
        .arg(executed))
}
