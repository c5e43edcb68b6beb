//! The release build of the page, skipped while its sources are the same.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::{install, process::Step, workspace::Workspace};

/// Everything that the built page depends on.
const SOURCES: [&str; 7] = ["Cargo.toml", "Cargo.lock", ".cargo", "shared/Cargo.toml", "shared/src", "web", "public"];

/// Builds the page into web/dist, and installs first what that needs.
///
/// # Errors
/// When the weights are missing, or a step fails.
pub fn build(workspace: &Workspace) -> Result<()> {
    let manifest = workspace.root().join("public/weights/manifest.json");
    if !manifest.is_file() {
        bail!(
            "{} is missing: the page shows maps of trained weights; `trainer export` writes them",
            manifest.display()
        );
    }
    let fingerprint = fingerprint(workspace)?;
    let stamp = workspace.target().join("page.sha256");
    let built = workspace.page().join("index.html").is_file();
    if built && std::fs::read_to_string(&stamp).is_ok_and(|built_from| built_from == fingerprint) {
        eprintln!("==> The page in {} is up to date", workspace.page().display());
        return Ok(());
    }
    install::web_tools(workspace)?;
    let wasm_opt = workspace.tools().join("bin/wasm-opt");
    Step::new("Build the page (several minutes the first time)", "trunk")
        // Some machines set NO_COLOR=1, which trunk takes for a mistake.
        .env("NO_COLOR", "false")
        .args(["build", "--config", "web/Trunk.toml"])
        .by_hand(format!("PATH={}:$PATH trunk build --config web/Trunk.toml", folder_of(&wasm_opt)))
        .run(workspace)?;
    if !workspace.page().join("index.html").is_file() {
        bail!("trunk ended well, but {} is not there", workspace.page().join("index.html").display());
    }
    std::fs::create_dir_all(workspace.target())?;
    std::fs::write(&stamp, fingerprint).with_context(|| format!("cannot write {}", stamp.display()))
}

fn folder_of(path: &Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}

/// SHA-256 over names and bytes of all sources.
fn fingerprint(workspace: &Workspace) -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&workspace.root().join(source), &workspace.page(), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    for path in files {
        hash.update(path.to_string_lossy().as_bytes());
        let mut file = std::fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        hash.update(file.metadata()?.len().to_le_bytes());
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
        }
    }
    Ok(format!("{:x?}", hash.finalize()))
}

/// Adds the files of a folder, or the file itself; `built` is left out.
fn collect(path: &Path, built: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path == built {
        return Ok(());
    }
    if path.is_dir() {
        for entry in std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
            collect(&entry?.path(), built, files)?;
        }
    } else {
        files.push(path.to_path_buf());
    }
    Ok(())
}
