//! A small network learns on real crops; an interrupted run ends as an uninterrupted one.

use std::{fs, path::Path, sync::atomic::AtomicBool};

use anyhow::{Context, Result};
use tch::Device;
use tests::{small, training_maps};
use trainer::{
    networks::to_vec,
    training::{
        checkpoint::{self, DataRecord},
        config::{Arithmetic, TrainingConfig},
        data::TrainingMaps,
        run::{Ending, RunSetup},
        step::Players,
    },
};

/// Side of the maps in degrees; only the spectrum's labels depend on it.
const SIDE_ANGLE: f64 = 0.22;

fn config(steps: u64) -> TrainingConfig {
    TrainingConfig {
        steps,
        batch_size: 8,
        precision: Arithmetic::F32,
        log_every: 1,
        sample_every: 10,
        sample_maps: 16,
        checkpoint_every: 5,
        network: small(),
        ..TrainingConfig::default()
    }
}

fn setup(folder: &Path, data: &Path, steps: u64) -> Result<RunSetup> {
    let config = config(steps);
    let maps = TrainingMaps::open(data, config.network.map_side, config.batch_size, config.seed)?;
    let data = DataRecord { maps: maps.maps(), sha256: "of the test".into(), description: None };
    Ok(RunSetup { folder: folder.into(), config, maps, data, side_angle: SIDE_ANGLE, device: Device::Cpu })
}

#[test]
fn twenty_steps_lower_the_discriminators_loss_and_move_the_generator() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 64, small().map_side)?;
    let config = config(20);
    let maps = TrainingMaps::open(&data, config.network.map_side, config.batch_size, config.seed)?;
    let mut players = Players::new(&config, Device::Cpu)?;
    let values = |players: &Players| -> Result<Vec<f32>> {
        let tensors = players.generator.named().map(|(_, tensor)| to_vec(tensor));
        Ok(tensors.collect::<Result<Vec<_>>>()?.concat())
    };
    let before = values(&players)?;
    let mut losses = Vec::new();
    for step in 0..config.steps {
        let batch = maps.batch(step, config.batch_size, Device::Cpu)?;
        losses.push(to_vec(&players.step(&config, step, &batch)?.values)?[0]);
    }
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    // The generator learns too, so the loss cannot fall far in 20 steps.
    let (first, last) = (mean(&losses[..5]), mean(&losses[10..]));
    assert!(last < 0.93 * first, "discriminator loss {first} -> {last}: {losses:?}");
    let after = values(&players)?;
    let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    assert!(moved > before.len() / 2, "{moved} of {} values moved", before.len());
    assert!(after.iter().all(|value| value.is_finite()));
    Ok(())
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one_bit_for_bit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 40, small().map_side)?;
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let stop = AtomicBool::new(false);

    assert!(matches!(setup(&whole, &data, 20)?.begin()?.train(&stop)?, Ending::Complete));
    // 13 is amid an epoch, and between two checkpoints.
    assert!(matches!(setup(&parts, &data, 13)?.begin()?.train(&stop)?, Ending::Complete));
    let mut resumed = setup(&parts, &data, 20)?.resume()?;
    assert_eq!(resumed.step(), 13);
    assert!(matches!(resumed.train(&stop)?, Ending::Complete));

    let tensors = |run: &Path| -> Result<Vec<u8>> {
        let bytes = fs::read(checkpoint::path(&run.join("checkpoints"), 20))?;
        let header = u64::from_le_bytes(*bytes.first_chunk().context("a safetensors file begins with 8 bytes")?);
        Ok(bytes[8 + header as usize..].to_vec())
    };
    let (expected, found) = (tensors(&whole)?, tensors(&parts)?);
    assert!(expected.len() > 10_000);
    assert!(expected == found, "the checkpoints of step 20 differ");
    // A run leaves what the manual promises.
    for file in ["config.toml", "log.jsonl", "samples/step-0000020.png"] {
        assert!(whole.join(file).is_file(), "{file} is missing");
    }
    Ok(())
}

#[test]
fn ctrl_c_saves_and_stops() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 16, small().map_side)?;
    let run = folder.path().join("run");
    let ending = setup(&run, &data, 1000)?.begin()?.train(&AtomicBool::new(true))?;
    assert!(matches!(ending, Ending::Interrupted));
    assert_eq!(checkpoint::steps(&run.join("checkpoints"))?.len(), 1);
    assert!(setup(&run, &data, 1000)?.resume()?.step() < 1000);
    Ok(())
}

#[test]
fn a_run_that_diverges_stops_and_keeps_the_last_good_checkpoint() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 40, small().map_side)?;
    let run = folder.path().join("run");
    let stop = AtomicBool::new(false);
    setup(&run, &data, 10)?.begin()?.train(&stop)?;
    let mut broken = setup(&run, &data, 1000)?;
    // Steps this large leave the range of f32 soon.
    broken.config.learning_rate = 1e30;
    let error = broken.resume()?.train(&stop).err().context("a diverging run must not end well")?;
    assert!(format!("{error:#}").contains("not finite"), "{error:#}");
    let newest = checkpoint::steps(&run.join("checkpoints"))?.pop().context("no checkpoint is left")?;
    let players = Players::new(&config(10), Device::Cpu)?;
    checkpoint::restore(&fs::read(checkpoint::path(&run.join("checkpoints"), newest))?, &players)?;
    for (name, tensor) in players.generator.named() {
        assert!(to_vec(tensor)?.iter().all(|value| value.is_finite()), "{name} of step {newest}");
    }
    Ok(())
}
