//! Browsers, and what drives them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::system::apt;
use crate::{process::Step, workspace::Workspace};

/// Drives a Chromium that is there; brings none of its own.
const PLAYWRIGHT: &str = "1.64.1";
/// Finds what shuts people out.
const AXE: &str = "4.11.0";
/// Drives Debian's Firefox, which Playwright cannot.
const PUPPETEER: &str = "24.43.1";
/// What the page is compared with.
const ONNXRUNTIME_WEB: &str = "1.30.0";
/// Names under which Firefox is known.
const FIREFOX: [&str; 2] = ["firefox-esr", "firefox"];
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
    if let Some(path) = find(workspace, &CHROMIUM)? {
        return Ok(path);
    }
    // A sans-serif font: the base system has none, and screenshots without letters show nothing.
    apt(workspace, "Chromium", &["chromium", "fonts-dejavu-core"])?;
    find(workspace, &CHROMIUM)?.context("Chromium was installed, but no program of that name is on PATH")
}

/// Where Firefox is, after installing it if need be.
///
/// # Errors
/// When it cannot be installed.
pub fn firefox(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(path) = find(workspace, &FIREFOX)? {
        return Ok(path);
    }
    apt(workspace, "Firefox", &["firefox-esr"])?;
    find(workspace, &FIREFOX)?.context("Firefox was installed, but no program of that name is on PATH")
}

fn find(workspace: &Workspace, names: &[&str]) -> Result<Option<PathBuf>> {
    let path = workspace.search_path()?;
    let mut candidates =
        names.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    Ok(candidates.find(|candidate| candidate.is_file()))
}

/// The folder of Node modules with what drives both browsers.
///
/// # Errors
/// When npm fails.
pub fn drivers(workspace: &Workspace) -> Result<PathBuf> {
    modules(workspace, &[("playwright-core", PLAYWRIGHT), ("puppeteer-core", PUPPETEER), ("axe-core", AXE)])
}

/// The folder of Node modules with what the benchmark in the browser needs.
///
/// # Errors
/// When npm fails.
pub fn web_benchmark(workspace: &Workspace) -> Result<PathBuf> {
    modules(workspace, &[("puppeteer-core", PUPPETEER), ("onnxruntime-web", ONNXRUNTIME_WEB)])
}

/// The folder of Node modules with these packages.
fn modules(workspace: &Workspace, packages: &[(&str, &str)]) -> Result<PathBuf> {
    let modules = workspace.tools().join("node/node_modules");
    for (name, version) in packages {
        let installed = std::fs::read_to_string(modules.join(name).join("package.json"));
        if !installed.is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\""))) {
            npm(workspace, &format!("Install {name}"), &format!("{name}@{version}"))?;
        }
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
