//! Weights of other programs: what TensorFlow and PyTorch draw with them, the imported ones draw too.

mod support;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use shared::{
    formats::weights::{Manifest, Precision, Weights},
    latent::latent,
    network::{
        cpu::{CpuDiscriminator, CpuGenerator, Workspace},
        definition::parameters,
    },
};
use support::{refuse, succeed, trainer};
use trainer::weights::LoadedWeights;

/// The Python that `cargo xtask test` installs.
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let interpreter =
        std::env::var_os("COSMOGAN_PYTHON").map_or_else(|| root.join(".tools/python/bin/python"), PathBuf::from);
    if interpreter.is_file() {
        return Some(interpreter);
    }
    println!("skipped: no Python with TensorFlow and PyTorch; `cargo xtask test` installs it");
    None
}

fn run_python(interpreter: &Path, script: &str, arguments: &[&str]) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python").join(script);
    let output = Command::new(interpreter).arg(script).args(arguments).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn write_latents(path: &Path, seeds: std::ops::Range<u64>, size: usize) -> Result<Vec<f32>> {
    let latents: Vec<f32> = seeds.flat_map(|seed| latent(seed, size)).collect();
    std::fs::write(path, latents.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
    Ok(latents)
}

fn read_numbers(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect())
}

/// What imported weights draw.
fn drawn(folder: &Path, latents: &[f32]) -> Result<(Manifest, Vec<f32>)> {
    let weights = LoadedWeights::read(folder, Some(Precision::F32))?;
    let generator = CpuGenerator::new(&weights.manifest.network, &weights.generator)?;
    let maps = generator.draw(latents, &mut Workspace::default())?;
    Ok((weights.manifest, maps))
}

/// The largest difference, of numbers that are not all alike.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let mean = theirs.iter().sum::<f32>() / theirs.len() as f32;
    let deviation = (theirs.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / theirs.len() as f32).sqrt();
    assert!((0.01..0.9).contains(&deviation), "such maps prove nothing: their deviation is {deviation}");
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Imports a checkpoint that TensorFlow wrote, of networks of this size, and compares what both draw and say.
fn agrees_with_tensorflow(size: [usize; 3], format: &str, dense: &str) -> Result<()> {
    let Some(interpreter) = python() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let here = folder.path();
    let [side, channels, latent_size] = size;
    let latents = write_latents(&here.join("latents.f32"), 1..4, latent_size)?;
    let sizes = size.map(|size| size.to_string());
    let folder_name = here.display().to_string();
    let arguments = [folder_name.as_str(), &sizes[0], &sizes[1], &sizes[2], format, dense];
    run_python(&interpreter, "tensorflow_checkpoint.py", &arguments)?;
    let said = succeed(here, "import --tensorflow checkpoint --out weights --data anything --side-angle 0.5")?;
    ensure!(said.contains("generator and discriminator, from the checkpoint dcgan.model-epoch-47"), "{said}");
    let (manifest, maps) = drawn(&here.join("weights"), &latents)?;
    let network = &manifest.network;
    ensure!((network.map_side, network.base_channels, network.latent_size) == (side, channels, latent_size));
    // Half a turn is the reversed order of pixels.
    let theirs: Vec<f32> = read_numbers(&here.join("maps.f32"))?
        .chunks(side * side)
        .flat_map(|map| map.iter().rev().copied().collect::<Vec<_>>())
        .collect();
    let largest = difference(&maps, &theirs);
    println!("{side} pixels, {format}, {dense}: largest difference of maps {largest:e}");
    ensure!(largest <= 1e-5, "{largest:e}");

    let discriminator = manifest.discriminator.context("no discriminator")?;
    let bytes = std::fs::read(here.join("weights").join(&discriminator.file.file))?;
    discriminator.file.verify(&bytes)?;
    let layers = discriminator.form.layers(network);
    let judge = CpuDiscriminator::new(network, discriminator.form, &Weights::read(bytes, &parameters(&layers))?)?;
    for (map, theirs) in maps.chunks(side * side).zip(read_numbers(&here.join("logits.f32"))?) {
        let ours = judge.judge(map)?.logit;
        // Half precision of its weights is all that differs.
        ensure!((ours - theirs).abs() <= 3e-3 * theirs.abs().max(1.0), "{ours} here, {theirs} there");
    }

    // The same by its name, and out of a tar.
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("theirs", here.join("checkpoint"))?;
    std::fs::write(here.join("theirs.tar"), tar.into_inner()?)?;
    for (at, path) in ["checkpoint/dcgan.model-epoch-47", "theirs.tar"].iter().enumerate() {
        succeed(here, &format!("import --tensorflow {path} --out again-{at} --data anything --side-angle 0.5"))?;
        ensure!(drawn(&here.join(format!("again-{at}")), &latents)?.1 == maps, "{path} draws other maps");
    }
    // The other order of a dense layer's numbers makes other maps.
    let other = if format == "NHWC" { "NCHW" } else { "nhwc" };
    succeed(here, &format!("import --tensorflow checkpoint --data-format {other} --side-angle 0.5 --out other"))?;
    ensure!(difference(&drawn(&here.join("other"), &latents)?.1, &theirs) > 0.1, "the order changes nothing");

    // What is wrong with files.
    refuse(here, "import --tensorflow checkpoint --out weights", "is there already")?;
    let data = here.join("checkpoint/dcgan.model-epoch-47.data-00000-of-00001");
    let whole = std::fs::read(&data)?;
    std::fs::write(&data, &whole[..whole.len() / 2])?;
    refuse(here, "import --tensorflow checkpoint --out new", "beyond the end of its file of data")?;
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&data, changed)?;
    refuse(here, "import --tensorflow checkpoint --out new", "differs from its checksum")?;
    std::fs::remove_file(&data)?;
    refuse(here, "import --tensorflow checkpoint --out new", "must lie beside it")?;
    std::fs::write(here.join("checkpoint/dcgan.model-epoch-47.index"), "model")?;
    refuse(here, "import --tensorflow checkpoint --out new", "no index of TensorFlow's second format")?;
    ensure!(!here.join("new").exists(), "something was written of what was refused");
    Ok(())
}

#[test]
fn the_authors_checkpoint_draws_the_authors_maps() -> Result<()> {
    agrees_with_tensorflow([256, 64, 64], "NHWC", "plain")
}

#[test]
fn checkpoints_with_channels_first_and_transposed_matrices_too() -> Result<()> {
    agrees_with_tensorflow([64, 8, 16], "NCHW", "transposed")?;
    agrees_with_tensorflow([32, 4, 8], "NCHW", "plain")?;
    agrees_with_tensorflow([48, 2, 5], "NHWC", "transposed")
}

#[test]
fn state_dicts_draw_what_pytorch_draws_and_nothing_else_is_taken() -> Result<()> {
    let Some(interpreter) = python() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let here = folder.path();
    let latents = write_latents(&here.join("latents.f32"), 1..3, 64)?;
    run_python(&interpreter, "state_dicts.py", &[&here.display().to_string()])?;
    let files: Value = serde_json::from_slice(&std::fs::read(here.join("files.json"))?)?;
    let files = files.as_object().context("files.json")?;
    let (mut read, mut refused) = (0, 0);
    for (name, expected) in files {
        let expected = expected.as_str().context("expected")?;
        let line = format!("import --pytorch {name} --side-angle 0.5 --out of-{name}");
        let whose = expected.split(' ').next().unwrap_or_default();
        if !["ours", "theirs"].contains(&whose) || expected.starts_with("ours.") {
            refuse(here, &line, expected)?;
            ensure!(!here.join(format!("of-{name}")).exists(), "{name}: something was written");
            refused += 1;
            continue;
        }
        let output = trainer(here, &line)?;
        ensure!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        let (manifest, maps) = drawn(&here.join(format!("of-{name}")), &latents)?;
        let theirs = read_numbers(&here.join(format!("{whose}.f32")))?;
        let (largest, most) = (difference(&maps, &theirs), if expected.ends_with("roughly") { 0.1 } else { 1e-5 });
        println!("{name}: largest difference of maps {largest:e}");
        ensure!(largest <= most, "{name}: {largest:e}");
        ensure!(manifest.discriminator.is_some() == expected.ends_with("with discriminator"), "{name}");
        read += 1;
    }
    ensure!(read >= 11 && refused >= 18, "{read} read, {refused} refused");
    ensure!(!here.join("was-run").exists(), "code of a pickle was run");
    Ok(())
}
