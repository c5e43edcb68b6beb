//! Benchmarks: Criterion's, the statistics beside LensTools and SciPy, the simulator's transforms beside SciPy, and the trainer beside PyTorch and under
//! each way of waiting, in one run.

use anyhow::Result;
use clap::Args;

use crate::{install, process::Step, workspace::Workspace};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub struct BenchArguments {
    /// Options of tests/python/compare_training.py, such as `--device cuda --batch 64`; the defaults suit a small CPU
    #[arg(last = true, default_values = ["--batch", "8", "--steps", "10", "--generate", "64"])]
    compare: Vec<String>,
}

/// Runs the benchmarks.
///
/// # Errors
/// When one does not build or run.
pub fn run(workspace: &Workspace, arguments: &BenchArguments) -> Result<()> {
    install::libtorch(workspace)?;
    let python = install::python(workspace)?;
    Step::new("Statistics, against their definitions", "cargo")
        .args(["bench", "--locked", "-p", "shared", "--bench", "statistics"])
        .run(workspace)?;
    Step::new("Build the trainer", "cargo").args(["build", "--locked", "--release", "-p", "trainer"]).run(workspace)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    Step::new("The simulator's parts", "cargo")
        .env("RAYON_NUM_THREADS", &threads)
        .args(["bench", "--locked", "-p", "simulator", "--bench", "simulator"])
        .run(workspace)?;
    let lenstools = install::lenstools(workspace)?;
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
