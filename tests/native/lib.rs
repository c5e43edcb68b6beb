//! What the tests of this folder share.
//!
//! ```text
//! agreement  libtorch, burn and PyTorch compute the same maps from the same file
//! cosmology  distances, growth, power spectra and C_l equal those of pyccl and CAMB
//! golden     statistics against LensTools' values, formats against astropy
//! training   a small network learns; an interrupted run ends as an uninterrupted one
//! ```
//!
//! What concerns one crate is tested there: malformed files in `shared`, the command line in `trainer/tests`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use shared::{
    formats::npy,
    network::NetworkDefinition,
    random::{Stream, stream},
};

/// A network of the paper's kind that computes in milliseconds.
pub fn small() -> NetworkDefinition {
    NetworkDefinition {
        latent_size: 16,
        map_side: 32,
        base_channels: 8,
        stages: 3,
        kappa_scale: 0.125,
        ..NetworkDefinition::paper()
    }
}

/// A file outside the repository, beside its root: real planes and golden values that are not ours to publish.
/// Where it is not there, says so as `cargo xtask test` counts it.
pub fn outside(path: &str) -> Option<PathBuf> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if full.exists() {
        return Some(full);
    }
    println!("skipped: ../shared/{path} is not there");
    None
}

/// The Python with PyTorch, safetensors and astropy that `cargo xtask test` installs.
pub fn python() -> Option<PathBuf> {
    let interpreter = std::env::var_os("COSMOGAN_PYTHON")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python/bin/python"), PathBuf::from);
    if interpreter.is_file() {
        return Some(interpreter);
    }
    println!("skipped: no Python with PyTorch; `cargo xtask test` installs it");
    None
}

/// Runs a script of tests/python.
///
/// # Errors
/// When it ends badly; the error holds what it printed.
pub fn run_python(interpreter: &Path, script: &str, arguments: &[&Path]) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    let output = std::process::Command::new(interpreter)
        .arg(&script)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot start {}", interpreter.display()))?;
    if !output.status.success() {
        bail!("{} ended badly:\n{}", script.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Writes maps to train on: LensTools planes where they are there, else smooth random fields. Returns the file.
///
/// # Errors
/// When the disk fails.
pub fn training_maps(folder: &Path, count: usize, side: usize) -> Result<PathBuf> {
    let path = folder.join("maps.npy");
    let mut kappa = Vec::with_capacity(count * side * side);
    if let Some(planes) = outside("data/lenstools-planes") {
        let planes = simulator::planes::LensPlanes::read(&planes)?;
        let lines = simulator::planes::LinesOfSight::new(&planes, 1.0)?;
        for map in 0..count {
            kappa.extend(lines.draw(&mut stream(1, Stream::Crops).at(map as u64), side));
        }
    } else {
        for map in 0..count {
            let waves = shared::latent::latent(map as u64, 16);
            kappa.extend((0..side * side).map(|pixel| {
                let (y, x) = ((pixel / side) as f32, (pixel % side) as f32);
                let wave = |i: usize| waves[i] * (0.1 * (i % 4 + 1) as f32 * x + 0.1 * (i / 4 + 1) as f32 * y).sin();
                0.004 * (0..16).map(wave).sum::<f32>()
            }));
        }
    }
    let mut bytes = npy::encode_header(count, side, side);
    bytes.extend(kappa.iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(&path, bytes)?;
    Ok(path)
}
