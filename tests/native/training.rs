//! A small network learns on real crops; an interrupted run ends as an uninterrupted one.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use shared::network::initial::Initialisation;
use storage::runs::{Ending, Interruption};
use tch::{Device, Tensor};
use tests::{small, training_maps};
use trainer::{
    torch::{Group, to_vec},
    training::{
        checkpoint::{self, Checkpoints, DataRecord, ResumeFrom},
        config::{Arithmetic, SelectionConfig, TrainingConfig},
        data::{Part, TrainingMaps},
        log::{LogLine, read_lines},
        measures::{DISCRIMINATOR_LOSS, FORCE_LATTICE, FORCE_PIXELS, FORCE_SHAPE, FORCE_SPECTRUM, GRADIENT_PENALTY},
        order::Order,
        recipe::{DiscriminatorConfig, DiscriminatorInput, ExportConfig, ForcesConfig, Updates},
        run::{RunSetup, best_selected},
        step::Players,
    },
};

/// Side of the maps in degrees; only the spectrum's labels depend on it.
const SIDE_ANGLE: f64 = 0.22;
/// Nothing is held out.
const ALL: Part = Part::WithoutLast(0);

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
    let maps = Arc::new(TrainingMaps::open(data, config.network.map_side, ALL, config.batch_size)?);
    let (_, deviation) = maps.measure(64)?;
    let data = DataRecord { maps: maps.crops(), sha256: "of the test".into(), deviation, description: None };
    Ok(RunSetup {
        folder: folder.into(),
        config,
        maps,
        held_out: None,
        data,
        side_angle: SIDE_ANGLE,
        device: Device::Cpu,
        group: Group::default(),
    })
}

#[test]
fn twenty_steps_lower_the_discriminators_loss_and_move_the_generator() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 64, small().map_side)?;
    let config = config(20);
    let side = config.network.map_side;
    let maps = TrainingMaps::open(&data, side, ALL, config.batch_size)?;
    let mut order = Order::new(maps.crops(), config.batch_size, config.seed);
    let mut players = Players::new(&config, maps.measure(64)?.1, Device::Cpu)?;
    let values = |players: &Players| -> Result<Vec<f32>> {
        let tensors = players.generator.named().map(|(_, tensor)| to_vec(tensor));
        Ok(tensors.collect::<Result<Vec<_>>>()?.concat())
    };
    let before = values(&players)?;
    let mut losses = Vec::new();
    for step in 0..config.steps {
        let batch = Tensor::f_from_slice(&maps.kappa(order.maps_of(step))?)?;
        let batch = batch.f_view([config.batch_size as i64, 1, side as i64, side as i64])?;
        let measured = players.step(&config, step, config.learning_rate, &batch)?;
        assert_eq!(measured[0].0, DISCRIMINATOR_LOSS);
        losses.push(to_vec(&measured[0].1)?[0]);
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
    let go_on = Interruption::default();

    assert!(matches!(setup(&whole, &data, 20)?.begin()?.train(&go_on)?, Ending::Complete));
    // 13 is amid an epoch, and between two checkpoints.
    assert!(matches!(setup(&parts, &data, 13)?.begin()?.train(&go_on)?, Ending::Complete));
    let mut resumed = setup(&parts, &data, 20)?.resume(ResumeFrom::Newest)?;
    assert_eq!(resumed.step(), 13);
    assert!(matches!(resumed.train(&go_on)?, Ending::Complete));

    let (expected, found) = (tensors(&whole, 20)?, tensors(&parts, 20)?);
    assert!(expected.len() > 10_000);
    assert!(expected == found, "the checkpoints of step 20 differ");
    // A run leaves what the manual promises.
    for file in ["config.toml", "log.jsonl", "samples/step-0000020.png"] {
        assert!(whole.join(file).is_file(), "{file} is missing");
    }
    Ok(())
}

/// The tensors of a checkpoint, without what it says of itself.
fn tensors(run: &Path, step: u64) -> Result<Vec<u8>> {
    let bytes = fs::read(Checkpoints::of_run(run).path(step))?;
    let header = u64::from_le_bytes(*bytes.first_chunk().context("a safetensors file begins with 8 bytes")?);
    Ok(bytes[8 + header as usize..].to_vec())
}

/// Everything that a recipe has, on windows of maps twice as wide.
fn recipe(steps: u64) -> TrainingConfig {
    TrainingConfig {
        cool_down_steps: steps / 2,
        symmetries: true,
        updates: Updates::Alternating,
        initialisation: Initialisation::Spline,
        average_half_life_maps: 50.0,
        discriminator: DiscriminatorConfig {
            batch_norm: false,
            input: DiscriminatorInput::Deviation,
            rate: 0.5,
            last_layer_rate: 0.25,
            gradient_penalty: 1.0,
            noise: 0.3,
            gradient_penalty_every: 3,
        },
        forces: ForcesConfig { spectrum: 3.0, pixels: 3.0, shape: 2.0, lattice: 1.0, ..ForcesConfig::default() },
        export: ExportConfig { averaged: true, statistics_maps: 64, last_layer_null: true },
        held_out_maps: 4,
        ..config(steps)
    }
}

#[test]
fn a_run_by_a_recipe_goes_on_bit_for_bit_and_ends_finite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let side = small().map_side;
    let data = training_maps(folder.path(), 24, 2 * side)?;
    let run = folder.path().join("run");
    let go_on = Interruption::default();
    let begin = || -> Result<RunSetup> {
        let config = recipe(20);
        let open = |part| TrainingMaps::open(&data, side, part, config.batch_size);
        let (maps, held_out) = (Arc::new(open(Part::WithoutLast(4))?), Some(open(Part::Last(4))?));
        assert_eq!(maps.crops(), 80);
        let (_, deviation) = maps.measure(64)?;
        let data = DataRecord { maps: maps.crops(), sha256: "of the test".into(), deviation, description: None };
        Ok(RunSetup {
            folder: run.clone(),
            config,
            maps,
            held_out,
            data,
            side_angle: SIDE_ANGLE,
            device: Device::Cpu,
            group: Group::default(),
        })
    };
    assert_eq!(begin()?.begin()?.train(&go_on)?, Ending::Complete);
    let whole = tensors(&run, 20)?;
    let mut again = begin()?.resume(ResumeFrom::Step(10))?;
    assert_eq!(again.train(&go_on)?, Ending::Complete);
    assert!(whole == tensors(&run, 20)?, "the checkpoints of step 20 differ");
    let log = read_lines(&run.join("log.jsonl"))?;
    for measure in [GRADIENT_PENALTY, FORCE_SPECTRUM, FORCE_PIXELS, FORCE_SHAPE, FORCE_LATTICE] {
        let found: Vec<f64> = log
            .iter()
            .filter_map(|line| match line {
                LogLine::Progress(means) => means.values.get(measure),
                _ => None,
            })
            .collect();
        assert!(
            !found.is_empty() && found.iter().all(|value| value.is_finite() && *value > 0.0),
            "{measure:?} {found:?}"
        );
    }
    Ok(())
}

#[test]
fn a_branch_cools_down_and_leaves_its_trunk_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 40, small().map_side)?;
    let [trunk, branch] = ["trunk", "branch"].map(|name| folder.path().join(name));
    let go_on = Interruption::default();
    assert_eq!(setup(&trunk, &data, 15)?.begin()?.train(&go_on)?, Ending::Complete);
    let before = tensors(&trunk, 15)?;
    let mut cooling = setup(&branch, &data, 14)?;
    cooling.config.cool_down_steps = 4;
    let mut run = cooling.branch(&trunk, ResumeFrom::Step(10))?;
    assert_eq!(run.step(), 10);
    assert_eq!(run.train(&go_on)?, Ending::Complete);
    drop(run);
    assert!(before == tensors(&trunk, 15)? && Checkpoints::of_run(&trunk).steps()? == [5, 10, 15]);
    assert!(tensors(&branch, 10)? == tensors(&trunk, 10)? && tensors(&branch, 14)? != tensors(&trunk, 10)?);
    // The branch has the trunk's log until there.
    let steps: Vec<u64> = read_lines(&branch.join("log.jsonl"))?
        .iter()
        .filter(|line| matches!(line, LogLine::Progress(_)))
        .map(LogLine::step)
        .collect();
    assert_eq!(steps, (1..=14).collect::<Vec<_>>());
    let again =
        setup(&branch, &data, 14)?.branch(&trunk, ResumeFrom::Newest).err().context("it holds a run already")?;
    assert!(format!("{again:#}").contains("holds a run already"), "{again:#}");
    Ok(())
}

#[test]
fn a_selection_measures_every_step_and_goes_on_where_it_was() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 40, small().map_side)?;
    let run = folder.path().join("run");
    let go_on = Interruption::default();
    let begin = || -> Result<RunSetup> {
        let mut begun = setup(&run, &data, 12)?;
        begun.config.selection = SelectionConfig { steps: 6, every: 1, maps: 16, keep: 2 };
        Ok(begun)
    };
    assert_eq!(begin()?.begin()?.train(&go_on)?, Ending::Complete);
    let selected = || -> Result<Vec<(u64, f64)>> {
        let lines = read_lines(&run.join("log.jsonl"))?.into_iter();
        Ok(lines
            .filter_map(|line| match line {
                LogLine::Selection(line) => Some((line.step, line.distance)),
                _ => None,
            })
            .collect())
    };
    let whole = selected()?;
    assert_eq!(whole.iter().map(|(step, _)| *step).collect::<Vec<_>>(), (7..=12).collect::<Vec<_>>());
    let mut best = whole.clone();
    best.sort_by(|a, b| a.1.total_cmp(&b.1));
    assert_eq!(best_selected(&run)?, Some(best[0]));
    let kept = || -> Result<Vec<(u64, Vec<u8>)>> {
        let snapshots = Checkpoints::of_selection(&run);
        snapshots.steps()?.into_iter().map(|step| Ok((step, fs::read(snapshots.path(step))?))).collect()
    };
    let snapshots = kept()?;
    assert!(snapshots.iter().all(|(step, _)| best[..2].iter().any(|(best, _)| best == step)) && snapshots.len() == 2);
    // A generator alone is a small part of a checkpoint.
    let checkpoint = fs::metadata(Checkpoints::of_run(&run).path(12))?.len();
    assert!(4 * snapshots[0].1.len() < checkpoint as usize);
    // Interrupted after step 10, before it was measured.
    let log = fs::read_to_string(run.join("log.jsonl"))?;
    let without: String = log
        .lines()
        .filter(|line| !(line.contains("\"selection\"") && line.contains("\"step\":10")))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(without.len() < log.len());
    fs::write(run.join("log.jsonl"), without)?;
    assert_eq!(begin()?.resume(ResumeFrom::Step(10))?.train(&go_on)?, Ending::Complete);
    assert_eq!(selected()?, whole);
    let of = |snapshots: &[(u64, Vec<u8>)]| snapshots.iter().map(|(step, _)| *step).collect::<Vec<_>>();
    let again = kept()?;
    assert_eq!(of(&again), of(&snapshots));
    let players = Players::new(&config(12), 1.0, Device::Cpu)?;
    for ((_, a), (_, b)) in again.iter().zip(&snapshots) {
        let values = |bytes: &[u8]| -> Result<Vec<f32>> {
            checkpoint::restore_generator(bytes, &players.generator)?;
            Ok(players.generator.named().map(|(_, tensor)| to_vec(tensor)).collect::<Result<Vec<_>>>()?.concat())
        };
        assert!(values(a)? == values(b)?);
    }
    Ok(())
}

#[test]
fn ctrl_c_saves_and_stops() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 16, small().map_side)?;
    let run = folder.path().join("run");
    let interruption = Interruption::default();
    interruption.ask();
    let ending = setup(&run, &data, 1000)?.begin()?.train(&interruption)?;
    assert!(matches!(ending, Ending::Interrupted));
    assert_eq!(Checkpoints::of_run(&run).steps()?.len(), 1);
    assert!(setup(&run, &data, 1000)?.resume(ResumeFrom::Newest)?.step() < 1000);
    Ok(())
}

#[test]
fn a_run_that_diverges_stops_and_keeps_the_last_good_checkpoint() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 40, small().map_side)?;
    let go_on = Interruption::default();
    // Steps this large leave the range of f32 soon: in the losses, or in the running statistics alone.
    for learning_rate in [1e30, 1e10] {
        let run = folder.path().join(format!("run-{learning_rate:e}"));
        assert_eq!(setup(&run, &data, 10)?.begin()?.train(&go_on)?, Ending::Complete);
        let mut broken = setup(&run, &data, 40)?;
        broken.config.learning_rate = learning_rate;
        let ended = broken.resume(ResumeFrom::Newest)?.train(&go_on);
        let error = ended.err().context("a diverging run must not end well")?;
        assert!(format!("{error:#}").contains("not finite"), "{error:#}");
        assert!(format!("{error:#}").contains("the checkpoint of step"), "{error:#}");
        let (bytes, _) = Checkpoints::of_run(&run).newest_good()?;
        let players = Players::new(&config(10), 1.0, Device::Cpu)?;
        checkpoint::restore(&bytes, &players)?;
        for (name, tensor) in players.generator.named().chain(players.discriminator.named()) {
            assert!(to_vec(tensor)?.iter().all(|value| value.is_finite()), "{name} at {learning_rate:e}");
        }
    }
    // Without any checkpoint there is nothing to go on from, and nothing is promised.
    let mut broken = setup(&folder.path().join("at-once"), &data, 4)?;
    broken.config.learning_rate = 1e30;
    let error = format!("{:#}", broken.begin()?.train(&go_on).err().context("it must not end well")?);
    assert!(error.contains("no checkpoint was written") && !error.contains("--resume"), "{error}");
    Ok(())
}

#[test]
fn a_collapsed_run_keeps_the_checkpoint_from_before_and_goes_on_from_there() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 40, small().map_side)?;
    let run = folder.path().join("run");
    let go_on = Interruption::default();
    assert_eq!(setup(&run, &data, 10)?.begin()?.train(&go_on)?, Ending::Complete);
    // From here on every loss counts as one of a discriminator that has won; those before were good.
    fs::remove_file(run.join("log.jsonl"))?;
    let mut won = setup(&run, &data, 60)?;
    (won.config.collapse_loss, won.config.collapse_steps, won.config.keep_checkpoints) = (1e9, 25, 2);
    won.config.sample_every = 0;
    let error = won.resume(ResumeFrom::Newest)?.train(&go_on).err().context("a collapsed run must stop")?;
    assert!(format!("{error:#}").contains("--resume --from-step 10"), "{error:#}");
    let checkpoints = Checkpoints::of_run(&run);
    assert!(checkpoints.steps()?.contains(&10), "{:?}", checkpoints.steps()?);
    let mut again = setup(&run, &data, 20)?.resume(ResumeFrom::Step(10))?;
    assert_eq!((again.step(), checkpoints.steps()?), (10, vec![10]));
    assert_eq!(again.train(&go_on)?, Ending::Complete);
    drop(again);
    let missing = setup(&run, &data, 20)?.resume(ResumeFrom::Step(7)).err().context("there is no step 7")?;
    assert!(format!("{missing:#}").contains("there is no checkpoint of step 7"), "{missing:#}");
    Ok(())
}

#[test]
fn one_trainer_at_a_time_has_a_folder_and_a_damaged_checkpoint_is_passed_over() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = training_maps(folder.path(), 40, small().map_side)?;
    let run = folder.path().join("run");
    let go_on = Interruption::default();
    let mut first = setup(&run, &data, 10)?.begin()?;
    for second in [setup(&run, &data, 10)?.begin(), setup(&run, &data, 10)?.resume(ResumeFrom::Newest)] {
        let refused = format!("{:#}", second.err().context("two must not train in one folder")?);
        assert!(refused.contains("another program trains in"), "{refused}");
    }
    assert_eq!(first.train(&go_on)?, Ending::Complete);
    drop(first);
    let checkpoints = Checkpoints::of_run(&run);
    let newest = checkpoints.path(10);
    let bytes = fs::read(&newest)?;
    let mut infinite = bytes.clone();
    let last = infinite.len() - 4;
    infinite[last..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    for (time, damaged) in [(1, &bytes[..bytes.len() - 3]), (2, &infinite)] {
        fs::write(&newest, damaged)?;
        assert_eq!(setup(&run, &data, 10)?.resume(ResumeFrom::Newest)?.step(), 5);
        // What was passed over is set aside, not lost.
        let aside = checkpoints.folder().join(format!("after-step-0000005-{time}/step-0000010.safetensors"));
        assert_eq!(fs::read(&aside)?, damaged);
    }
    Ok(())
}
