//! PyTorch from PyPI in a virtual environment: libtorch for the trainer, and Python for the tests that compare with it.
//!
//! PyPI serves the CUDA build (3 GB to download, 5 GB on disk); the same libtorch serves a machine without CUDA.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::system;
use crate::{process::Step, workspace::Workspace};

/// torch is the one that tch 0.24 binds; safetensors, astropy, onnxruntime and h5py are who else must read our files, and write some;
/// TensorFlow writes the authors' checkpoints anew, and wants this h5py; maturin builds the Python package.
const PACKAGES: [&str; 8] = [
    "torch==2.11.0",
    "numpy==2.4.6",
    "safetensors==0.8.0",
    "astropy==8.0.2",
    "onnxruntime==1.32.0",
    "h5py==3.14.0",
    "tensorflow-cpu==2.21.0",
    "maturin==1.16.0",
];

/// Installs libtorch, unless the environment's `LIBTORCH` names one already.
///
/// # Errors
/// When `LIBTORCH` names something else, or a step fails.
pub fn libtorch(workspace: &Workspace) -> Result<()> {
    system::compiler(workspace)?;
    let link = link(workspace);
    // Cargo sets LIBTORCH from .cargo/config.toml for the programs it runs, this one too.
    if let Some(folder) = std::env::var_os("LIBTORCH").map(|folder| workspace.root().join(folder))
        && folder != link
    {
        if has_library(&folder) {
            return Ok(());
        }
        bail!("LIBTORCH names {}, which has no lib/libtorch.so; unset it and run this again", folder.display());
    }
    python(workspace)?;
    if has_library(&link) {
        return Ok(());
    }
    let torch = Step::new("", interpreter(workspace))
        .args(["-c", "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"])
        .output(workspace)
        .context("the virtual environment has no torch; delete .tools/python and run this again")?;
    std::fs::create_dir_all(link.parent().unwrap_or(&link))?;
    // A link that points nowhere is in the way.
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(torch.trim(), &link).with_context(|| format!("cannot link {}", link.display()))?;
    if !has_library(&link) {
        bail!("{} holds no libtorch; set LIBTORCH to the folder of torch 2.11", torch.trim());
    }
    Ok(())
}

/// Installs the virtual environment and returns its interpreter.
///
/// # Errors
/// When a step fails.
pub fn python(workspace: &Workspace) -> Result<PathBuf> {
    let environment = workspace.tools().join("python");
    let complete = environment.join("packages.txt");
    let packages = PACKAGES.join("\n");
    if std::fs::read_to_string(&complete).is_ok_and(|installed| installed == packages) {
        return Ok(interpreter(workspace));
    }
    Step::new("Create a Python environment", "python3")
        .args(["-m", "venv"])
        .arg(&environment)
        .by_hand(format!("sudo apt-get install python3-venv && python3 -m venv {}", environment.display()))
        .run(workspace)?;
    Step::new("Install PyTorch from PyPI (3 GB, a few minutes, once)", interpreter(workspace))
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--only-binary=:all:"])
        .args(PACKAGES)
        .run(workspace)?;
    std::fs::write(&complete, packages).with_context(|| format!("cannot write {}", complete.display()))?;
    Ok(interpreter(workspace))
}

fn interpreter(workspace: &Workspace) -> PathBuf {
    workspace.tools().join("python/bin/python")
}

/// The folder that .cargo/config.toml names as LIBTORCH.
fn link(workspace: &Workspace) -> PathBuf {
    workspace.tools().join("libtorch/torch")
}

fn has_library(torch: &Path) -> bool {
    torch.join("lib/libtorch.so").is_file() && torch.join("include/torch").is_dir()
}
