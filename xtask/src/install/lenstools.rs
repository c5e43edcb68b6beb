//! LensTools 1.2 in a Python environment of its own, for the benchmark that sets the statistics beside it.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{process::Step, workspace::Workspace};

/// LensTools 1.2 is of 2021 and needs the NumPy of its time; so does its way to build, which a newer setuptools lacks.
const PACKAGES: [&str; 8] = [
    "setuptools==65.7.0",
    "wheel==0.45.1",
    "numpy==1.23.5",
    "scipy==1.10.1",
    "astropy==5.2.2",
    "emcee==2.2.1",
    "pandas==1.5.3",
    "matplotlib==3.6.3",
];
const VERSION: &str = "1.2";

/// An interpreter and the folder that its `PYTHONPATH` must hold.
pub struct LensTools {
    /// Python.
    pub python: PathBuf,
    /// Folder with the built package.
    pub source: PathBuf,
}

/// Builds LensTools, unless that is done.
///
/// # Errors
/// When a step fails: PyPI cannot be reached, or Python is newer than 3.11.
pub fn lenstools(workspace: &Workspace) -> Result<LensTools> {
    let folder = workspace.tools().join("lenstools");
    let found =
        LensTools { python: folder.join("venv/bin/python"), source: folder.join(format!("lenstools-{VERSION}")) };
    let complete = folder.join("built.txt");
    if std::fs::read_to_string(&complete).is_ok_and(|built| built == PACKAGES.join("\n")) {
        return Ok(found);
    }
    std::fs::create_dir_all(&folder)?;
    Step::new("Create a Python environment for LensTools", "python3")
        .args(["-m", "venv"])
        .arg(folder.join("venv"))
        .run(workspace)?;
    Step::new("Install what LensTools needs from PyPI", &found.python)
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--only-binary=:all:"])
        .args(PACKAGES.iter().filter(|package| !package.starts_with("emcee")))
        .run(workspace)?;
    Step::new("Install emcee, which is source alone", &found.python)
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--no-build-isolation"])
        .args(PACKAGES.iter().filter(|package| package.starts_with("emcee")))
        .run(workspace)?;
    Step::new("Download LensTools", &found.python)
        .args(["-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--no-binary=:all:"])
        .args(["--no-build-isolation", "--dest"])
        .arg(&folder)
        .arg(format!("lenstools=={VERSION}"))
        .run(workspace)?;
    Step::new("Unpack LensTools", "tar")
        .arg("-xzf")
        .arg(folder.join(format!("lenstools-{VERSION}.tar.gz")))
        .arg("-C")
        .arg(&folder)
        .run(workspace)?;
    Step::new("Build LensTools", &found.python)
        .args([
            "-c",
            "import os, runpy, sys; os.chdir(sys.argv.pop(1)); runpy.run_path('setup.py', run_name='__main__')",
        ])
        .arg(&found.source)
        .args(["build_ext", "--inplace"])
        .run(workspace)?;
    std::fs::write(&complete, PACKAGES.join("\n")).with_context(|| format!("cannot write {}", complete.display()))?;
    Ok(found)
}
