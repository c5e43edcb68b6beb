//! `trainer view`: the page on one's own weights, or on a run while it trains.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::formats::weights::Manifest;
use storage::runs::Interruption;

use crate::viewer::{
    page,
    server::{self, Library},
    shelf::{Shelf, Volume},
};

/// Serve the page with your own weights, or with a run's checkpoints as they are written.
///
/// The page is for this machine alone, unless --address says otherwise, and nothing can be changed through it. On a cluster, watch through a tunnel:
///   ssh -L 8080:localhost:8080 node17
///
/// Examples:
///   trainer view --weights runs/mine/exported
///   trainer view --weights runs/recipe
///   trainer view --weights public/weights --reference report/reference --port 9000
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct ViewArguments {
    /// Weights (a folder with manifest.json), or the folder of a training run
    #[arg(long, value_name = "WEIGHTS|RUN")]
    weights: PathBuf,
    /// Statistics of simulated maps, as `trainer evaluate --reference` writes them; those of the page, otherwise
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
    /// A built page (web/dist), in place of the one in this program
    #[arg(long, value_name = "DIR")]
    page: Option<PathBuf>,
    /// Port to serve at; 0 for any that is free
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Address to serve at: any other than a loopback one lets others see the page
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,
}

/// Runs the command until it is interrupted.
///
/// # Errors
/// When there is no page, no weights, or the port is taken.
pub fn run(arguments: &ViewArguments) -> Result<()> {
    let files = page::page(arguments.page.as_deref())?;
    let reference = match &arguments.reference {
        Some(folder) => Some(page::read(folder, is_statistics)?),
        None => None,
    };
    let is_run = arguments.weights.join("checkpoints").is_dir();
    if is_run && cfg!(not(feature = "torch")) {
        bail!(
            "{} is a training run, whose checkpoints this trainer cannot read without libtorch: export its weights, or build it with `cargo \
             xtask setup && cargo build --release -p trainer`",
            arguments.weights.display()
        );
    }
    let shelf = Shelf::new(is_run);
    if !is_run {
        shelf.add(volume(&arguments.weights)?);
    }
    let address = arguments.address.to_string();
    let server = server::open(&address, arguments.port)?;
    let port = server.server_addr().to_ip().map_or(arguments.port, |address| address.port());
    let library = Library::new(files, reference, shelf, &address);
    let interruption = Interruption::listen()?;
    let is_over = || interruption.is_asked();
    if !arguments.address.is_loopback() {
        eprintln!("note: whoever reaches {address} sees this page; without --address only this machine does");
    }
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    crate::say!("http://{host}:{port}/   (Ctrl-C ends it)");
    std::thread::scope(|scope| {
        scope.spawn(|| server::serve(&server, &library, is_over));
        if is_run {
            follow(&arguments.weights, &library.shelf, is_over);
        }
    });
    Ok(())
}

/// Whether a file is one that the page reads of simulated maps.
fn is_statistics(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "json" || ending == "npy")
}

#[cfg(feature = "torch")]
use crate::viewer::run::follow;

/// Without libtorch no checkpoint is read: this has been said before.
#[cfg(not(feature = "torch"))]
fn follow(_: &Path, _: &Shelf, _: impl Fn() -> bool) {}

/// Weights of a folder, of its manifest, or of a file beside that.
fn volume(path: &Path) -> Result<Volume> {
    if !path.exists() {
        bail!(
            "{} is not there: give a folder of weights, as `trainer export` writes it, or the folder of a training run",
            path.display()
        );
    }
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    let manifest_path = folder.join("manifest.json");
    let bytes = std::fs::read(&manifest_path).with_context(|| {
        format!(
            "cannot read {}: give a folder of weights, as `trainer export` writes it, or the folder of a training run",
            manifest_path.display()
        )
    })?;
    let manifest = Manifest::from_json(&bytes).with_context(|| manifest_path.display().to_string())?;
    let mut files = vec![("manifest.json".to_owned(), Arc::new(bytes))];
    for file in &manifest.generator {
        if Path::new(&file.file).file_name() != Some(file.file.as_ref()) {
            bail!("{}: {:?} is no name of a file beside it", manifest_path.display(), file.file);
        }
        let path = folder.join(&file.file);
        if path.is_file() {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            file.verify(&bytes).with_context(|| path.display().to_string())?;
            files.push((file.file.clone(), Arc::new(bytes)));
        }
    }
    if files.len() == 1 {
        bail!("{} names no file of weights that is there", manifest_path.display());
    }
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    Ok(Volume { title: name, folder: "own".into(), files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_weights_are_served_and_a_manifest_that_leads_elsewhere_is_not() -> Result<()> {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/weights");
        let weights = volume(&shipped)?;
        assert_eq!(weights.files.len(), 2);
        let folder = tempfile::tempdir()?;
        let text = std::fs::read_to_string(shipped.join("manifest.json"))?;
        std::fs::write(folder.path().join("manifest.json"), text.replace("generator-f16", "../generator-f16"))?;
        assert!(volume(folder.path()).is_err());
        for missing in ["nothing", "nothing/there"] {
            let refused = volume(&folder.path().join(missing));
            assert!(refused.is_err_and(|error| error.to_string().contains("is not there")));
        }
        Ok(())
    }
}
