//! Benchmarks: Criterion's, the statistics beside LensTools and SciPy, the simulator's transforms beside SciPy, and the trainer beside PyTorch and under
//! each way of waiting, in one run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};

use crate::{install, page, process::Step, python, workspace::Workspace};

/// Parts that run by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Maps in Chromium and Firefox, beside burn's CPU backend and onnxruntime-web, and what a first load fetches
    Web,
}

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub struct BenchArguments {
    /// Only this part
    part: Option<Part>,
    /// Options of tests/python/compare_training.py, such as `--device cuda --batch 64`; the defaults suit a small CPU
    #[arg(last = true, default_values = ["--batch", "8", "--steps", "10", "--generate", "64"])]
    compare: Vec<String>,
}

/// Runs the benchmarks.
///
/// # Errors
/// When one does not build or run.
pub fn run(workspace: &Workspace, arguments: &BenchArguments) -> Result<()> {
    if arguments.part == Some(Part::Web) {
        return web(workspace);
    }
    install::libtorch(workspace)?;
    let python = install::python(workspace)?;
    Step::new("Statistics, against their definitions", "cargo")
        .args(["bench", "--locked", "-p", "shared", "--bench", "statistics"])
        .run(workspace)?;
    trainer(workspace)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    Step::new("The simulator's parts", "cargo")
        .env("RAYON_NUM_THREADS", &threads)
        .args(["bench", "--locked", "-p", "simulator", "--bench", "simulator"])
        .run(workspace)?;
    let lenstools = install::lenstools(workspace)?;
    Step::new("Install the Python package beside LensTools", &lenstools.python)
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps", "--force-reinstall"])
        .arg(python::wheel(workspace, false)?)
        .run(workspace)?;
    Step::new("Transforms of cubes, against SciPy", &lenstools.python)
        .arg("tests/python/compare_simulator.py")
        .arg(workspace.target().join("criterion"))
        .args(["--threads", &threads])
        .run(workspace)?;
    Step::new("Statistics, against LensTools and SciPy", &lenstools.python)
        .env("PYTHONPATH", &lenstools.source)
        .arg("tests/python/compare_statistics.py")
        .arg(workspace.target().join("release/trainer"))
        .arg(workspace.target().join("criterion"))
        .run(workspace)?;
    Step::new("Waiting threads of a small network's training", &python)
        .arg("tests/python/compare_waiting.py")
        .arg(workspace.target().join("release/trainer"))
        .run(workspace)?;
    Step::new("Training and generation, against PyTorch", python)
        .arg("tests/python/compare_training.py")
        .arg(workspace.target().join("release/trainer"))
        .args(&arguments.compare)
        .run(workspace)
}

/// Builds the trainer.
fn trainer(workspace: &Workspace) -> Result<()> {
    Step::new("Build the trainer", "cargo").args(["build", "--locked", "--release", "-p", "trainer"]).run(workspace)
}

/// Maps in the browser.
fn web(workspace: &Workspace) -> Result<()> {
    page::build(workspace)?;
    let chromium = install::chromium(workspace)?;
    let firefox = install::firefox(workspace)?;
    let modules = install::web_benchmark(workspace)?;
    install::libtorch(workspace)?;
    trainer(workspace)?;
    let folder = workspace.target().join("bench-web");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let draw = || Step::new("Maps and model of the shipped weights", workspace.target().join("release/trainer"));
    let (onnx, maps) = (folder.join("generator.onnx"), folder.join("maps.npy"));
    draw().args(["export", "--force", "--weights", "public/weights", "--onnx"]).arg(&onnx).run(workspace)?;
    draw()
        .args(["generate", "--force", "--device", "cpu", "--weights", "public/weights", "--count", "4", "--out"])
        .arg(&maps)
        .run(workspace)?;
    let [flex, burn_kernels] = ["flex", "burn-kernels"].map(|feature| graphics_program(workspace, &folder, feature));
    Step::new("Maps in the browser, against burn and onnxruntime-web", "node")
        .env("COSMOGAN_PAGE", workspace.page())
        .env("COSMOGAN_CHROMIUM", chromium)
        .env("COSMOGAN_FIREFOX", firefox)
        .env("COSMOGAN_NODE_MODULES", modules)
        .env("COSMOGAN_ONNX", onnx)
        .env("COSMOGAN_FLEX", flex?)
        .env("COSMOGAN_BURN_KERNELS", burn_kernels?)
        .env("COSMOGAN_DIGEST", digest(&maps)?)
        .arg("tests/browser/bench.mjs")
        .run(workspace)
}

/// The worker's program for graphics processors with burn's own backend or kernels in place of ours.
fn graphics_program(workspace: &Workspace, folder: &Path, feature: &str) -> Result<PathBuf> {
    Step::new("Build burn's own for the browser", "cargo")
        .args([
            "build",
            "--locked",
            "--profile",
            "page",
            "--target",
            "wasm32-unknown-unknown",
            "-p",
            "gpu",
            "--features",
            feature,
        ])
        .arg("--target-dir")
        .arg(folder.join("target"))
        .run(workspace)?;
    let out = folder.join(feature);
    Step::new("Bind it", "wasm-bindgen")
        .args(["--target", "web", "--no-typescript", "--out-dir"])
        .arg(&out)
        .arg(folder.join("target/wasm32-unknown-unknown/page/gpu.wasm"))
        .run(workspace)?;
    Ok(out)
}

/// SHA-256 of the numbers of a .npy file.
fn digest(maps: &Path) -> Result<String> {
    let bytes = std::fs::read(maps).with_context(|| format!("cannot read {}", maps.display()))?;
    let header = bytes.get(8..10).context("not a .npy file")?;
    let start = 10 + usize::from(u16::from_le_bytes([header[0], header[1]]));
    let digest = Sha256::digest(bytes.get(start..).context("not a .npy file")?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
