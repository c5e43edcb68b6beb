//! Chromium, and playwright-core that drives it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::system::apt;
use crate::{process::Step, workspace::Workspace};

/// Drives a Chromium that is there; brings none of its own.
const PLAYWRIGHT: &str = "1.64.1";
/// Names under which Chromium is known.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Where Chromium is, after installing it if need be; `COSMOGAN_CHROMIUM` names another.
///
/// # Errors
/// When it cannot be installed.
pub fn chromium(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("COSMOGAN_CHROMIUM").map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        bail!("COSMOGAN_CHROMIUM names {}, which is no file", path.display());
    }
    if let Some(path) = find(workspace)? {
        return Ok(path);
    }
    // A sans-serif font: the base system has none, and screenshots without letters show nothing.
    apt(workspace, "Chromium", &["chromium", "fonts-dejavu-core"])?;
    find(workspace)?.context("Chromium was installed, but no program of that name is on PATH")
}

fn find(workspace: &Workspace) -> Result<Option<PathBuf>> {
    let path = workspace.search_path()?;
    let mut candidates =
        CHROMIUM.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    Ok(candidates.find(|candidate| candidate.is_file()))
}

/// The folder of Node modules with playwright-core.
///
/// # Errors
/// When npm fails.
pub fn playwright(workspace: &Workspace) -> Result<PathBuf> {
    let modules = workspace.tools().join("node/node_modules");
    let installed = std::fs::read_to_string(modules.join("playwright-core/package.json"));
    if !installed.is_ok_and(|text| text.contains(&format!("\"version\": \"{PLAYWRIGHT}\""))) {
        npm(workspace, "Install playwright-core", &format!("playwright-core@{PLAYWRIGHT}"))?;
    }
    Ok(modules)
}

/// Installs an npm package into .tools/node.
pub fn npm(workspace: &Workspace, title: &str, package: &str) -> Result<()> {
    Step::new(format!("{title} ({package})"), "npm")
        .args(["install", "--no-fund", "--no-audit", "--save-exact", "--prefix"])
        .arg(workspace.tools().join("node"))
        .arg(package)
        .run(workspace)
}
