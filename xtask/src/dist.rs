//! The page as a folder for any static host: kept for use without a connection, and compressed beforehand.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::{page, workspace::Workspace};

/// Options of `cargo xtask dist`.
#[derive(Args)]
pub struct DistArguments {
    /// Folder to write; one that is there must be of an earlier run
    #[arg(long, default_value = "dist", value_name = "DIR")]
    pub out: PathBuf,
}

/// The program that keeps the page, at the page's root so that all of it is in its scope.
const SERVICE_WORKER: &str = "sw.js";
/// How a page says that it is kept.
const OFFLINE: &str = "<meta name=\"offline\"";
/// Endings of files that compression makes smaller; weights it does not.
const COMPRESSIBLE: [&str; 9] = ["html", "css", "js", "json", "wasm", "svg", "npy", "webmanifest", "txt"];
/// Settings of brotli: quality, and the window as a power of two.
const BROTLI: (u32, u32) = (11, 22);
const BUFFER: usize = 1 << 16;

/// Builds the page and writes the folder.
///
/// # Errors
/// When the page cannot be built, the folder is something else, or the disk is full.
pub fn run(workspace: &Workspace, arguments: &DistArguments) -> Result<()> {
    page::build(workspace)?;
    let out = workspace.root().join(&arguments.out);
    write(&workspace.page(), &workspace.root().join("web/offline"), &out)?;
    let (files, bytes) = size(&out)?;
    println!("{}: {files} files, {:.1} MB, for any static host and under any path", out.display(), bytes as f64 / 1e6);
    Ok(())
}

/// Writes the built page to a folder, with what keeps it, and compressed copies beside its files.
fn write(page: &Path, offline: &Path, out: &Path) -> Result<()> {
    if out.exists() {
        if !is_earlier(out) && std::fs::read_dir(out)?.next().is_some() {
            bail!("{} is there and no earlier result: name another folder by --out", out.display());
        }
        std::fs::remove_dir_all(out).with_context(|| format!("cannot replace {}", out.display()))?;
    }
    let mut files = Vec::new();
    list(page, Path::new(""), &mut files)?;
    files.sort();
    for file in &files {
        let to = out.join(file);
        std::fs::create_dir_all(to.parent().unwrap_or(out))?;
        std::fs::copy(page.join(file), &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    let index = std::fs::read_to_string(page.join("index.html"))?;
    let index = index.replacen(
        "<head>",
        &format!(
            "<head>\n  <link rel=\"manifest\" href=\"manifest.webmanifest\">\n  {OFFLINE} content=\"{SERVICE_WORKER}\">"
        ),
        1,
    );
    std::fs::write(out.join("index.html"), index)?;
    std::fs::copy(offline.join("manifest.webmanifest"), out.join("manifest.webmanifest"))?;
    files.push(PathBuf::from("manifest.webmanifest"));

    // Checksums of what lies there now: the index is another one than the built page's.
    let mut entries = Vec::new();
    for file in &files {
        let name = file.to_str().context("a file of the page has no readable name")?.replace('\\', "/");
        entries.push(format!("  {name:?}: \"{}\"", checksum(&std::fs::read(out.join(file))?)));
    }
    let table = format!("{{\n{}\n}}", entries.join(",\n"));
    let version = checksum(table.as_bytes());
    let program = std::fs::read_to_string(offline.join("sw.js"))?;
    let program = program.replace("__VERSION__", version.get(..12).unwrap_or_default()).replace("__FILES__", &table);
    std::fs::write(out.join(SERVICE_WORKER), program)?;
    files.push(PathBuf::from(SERVICE_WORKER));
    for file in &files {
        compress(&out.join(file))?;
    }
    Ok(())
}

/// Whether a folder is what this wrote earlier, and so may be replaced.
fn is_earlier(out: &Path) -> bool {
    let says = |file: &str, words: &str| std::fs::read_to_string(out.join(file)).is_ok_and(|text| text.contains(words));
    says("index.html", OFFLINE) && says(SERVICE_WORKER, "cosmogan") && !says(SERVICE_WORKER, "__VERSION__")
}

/// Names of all files of a folder, relative to it.
fn list(folder: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder.join(below)).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            // What trunk leaves half done.
            if !entry.file_name().to_string_lossy().starts_with('.') {
                list(folder, &name, files)?;
            }
        } else {
            files.push(name);
        }
    }
    Ok(())
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes `file.br` and `file.gz`, where they are smaller.
fn compress(file: &Path) -> Result<()> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if !COMPRESSIBLE.contains(&ending) {
        return Ok(());
    }
    let bytes = std::fs::read(file)?;
    let mut brotli = Vec::new();
    let (quality, window) = BROTLI;
    let mut writer = brotli::CompressorWriter::new(&mut brotli, BUFFER, quality, window);
    writer.write_all(&bytes)?;
    drop(writer);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&bytes)?;
    for (ending, compressed) in [("br", brotli), ("gz", gzip.finish()?)] {
        if compressed.len() < bytes.len() {
            let mut name = file.as_os_str().to_owned();
            name.push(format!(".{ending}"));
            std::fs::write(&name, compressed)
                .with_context(|| format!("cannot write {}", Path::new(&name).display()))?;
        }
    }
    Ok(())
}

/// Number of files and bytes of a folder.
fn size(folder: &Path) -> Result<(usize, u64)> {
    let mut files = Vec::new();
    list(folder, Path::new(""), &mut files)?;
    let bytes = files.iter().map(|file| Ok(std::fs::metadata(folder.join(file))?.len())).sum::<Result<u64>>()?;
    Ok((files.len(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_kept_under_its_checksum() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (page, out) = (folder.path().join("page"), folder.path().join("out"));
        std::fs::create_dir_all(page.join("start"))?;
        std::fs::create_dir_all(page.join(".stage"))?;
        std::fs::write(page.join("index.html"), "<html><head></head></html>")?;
        std::fs::write(page.join("start/page.js"), "let x = 1; ".repeat(99))?;
        std::fs::write(page.join(".stage/half"), "x")?;
        let offline = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/offline");
        write(&page, &offline, &out)?;
        let program = std::fs::read_to_string(out.join("sw.js"))?;
        for file in ["index.html", "start/page.js", "manifest.webmanifest"] {
            let line = format!("\"{file}\": \"{}\"", checksum(&std::fs::read(out.join(file))?));
            assert!(program.contains(&line), "{line}");
        }
        assert!(!program.contains("__") && !program.contains("half"), "{program}");
        assert!(out.join("start/page.js.br").is_file() && out.join("start/page.js.gz").is_file());
        assert!(std::fs::read_to_string(out.join("index.html"))?.contains("content=\"sw.js\""));
        // Once more over the earlier result, and never over anything else.
        write(&page, &offline, &out)?;
        assert!(write(&page, &offline, &page).is_err());
        let other = folder.path().join("site");
        std::fs::create_dir(&other)?;
        std::fs::write(other.join("sw.js"), "of another site")?;
        assert!(write(&page, &offline, &other).is_err() && other.join("sw.js").is_file());
        Ok(())
    }
}
