//! Power cuts, full disks, damaged files: a run goes on from what is whole.
#![cfg(feature = "torch")]

mod support;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    thread::sleep,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use shared::random::{Stream, stream};
use support::{folder_with_maps, refuse, start, succeed};
use tempfile::TempDir;

/// A folder with crops, whose small.toml has a run write a checkpoint at every step.
fn ready(steps: u64) -> Result<TempDir> {
    let folder = folder_with_maps()?;
    succeed(folder.path(), "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --out crops.npy")?;
    std::fs::write(
        folder.path().join("often.toml"),
        format!(
            "steps = {steps}\nbatch_size = 4\nsample_every = 0\ncheckpoint_every = 1\nlog_every = 1\n[network]\nlatent_size = 8\n\
             map_side = 32\nbase_channels = 4\nstages = 3\nkappa_scale = 0.125\n"
        ),
    )?;
    Ok(folder)
}

fn checkpoint(here: &Path, run: &str, step: u64) -> PathBuf {
    here.join(format!("{run}/checkpoints/step-{step:07}.safetensors"))
}

/// The command that begins a run, or goes on with it.
fn train(here: &Path, run: &str) -> Result<String> {
    let folder = here.join(run).join("checkpoints");
    let begun = folder.is_dir()
        && std::fs::read_dir(&folder)?.any(|entry| entry.is_ok_and(|entry| is_checkpoint(&entry.path())));
    let resume = if begun { "--resume" } else { "--config often.toml" };
    Ok(format!("train {resume} --data crops.npy --out {run} --device cpu --threads 1"))
}

fn is_checkpoint(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "safetensors")
}

#[test]
fn fifty_kills_at_random_moments_change_nothing() -> Result<()> {
    const STEPS: u64 = 80;
    const KILLS: usize = 50;
    let folder = ready(STEPS)?;
    let here = folder.path();
    let begun = Instant::now();
    succeed(here, &train(here, "whole")?)?;
    let (whole, longest) = (std::fs::read(checkpoint(here, "whole", STEPS))?, begun.elapsed());
    let mut random = stream(1, Stream::Resampling).at(50);
    let (mut run, mut steps) = (0, Vec::new());
    while steps.len() < KILLS {
        let name = format!("run-{run}");
        let mut child = start(here, &train(here, &name)?)?;
        sleep(longest.mul_f64(random.uniform()));
        child.kill()?;
        // One that was done before is no loss, but no kill either: another one begins.
        if child.wait()?.success() {
            ensure!(std::fs::read(checkpoint(here, &name, STEPS))? == whole, "{name} ended otherwise");
            run += 1;
        } else {
            let kept = std::fs::read_dir(here.join(&name).join("checkpoints"));
            let newest =
                kept.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| is_checkpoint(path)).max();
            steps.push(newest.and_then(|path| path.file_stem()?.to_str()?.strip_prefix("step-")?.parse::<u64>().ok()));
        }
    }
    let name = format!("run-{run}");
    if !checkpoint(here, &name, STEPS).is_file() {
        succeed(here, &train(here, &name)?)?;
    }
    println!("{KILLS} kills, each with the newest checkpoint then: {steps:?}");
    ensure!(std::fs::read(checkpoint(here, &name, STEPS))? == whole, "{name} ended otherwise");
    ensure!(steps.iter().flatten().count() > 5, "hardly any came to a checkpoint: {steps:?}");
    let left = std::fs::read_dir(here.join(&name).join("checkpoints"))?.map(|entry| Ok(entry?.path()));
    let left = left.collect::<Result<Vec<_>>>()?;
    ensure!(left.iter().all(|path| is_checkpoint(path)), "what killed programs left is removed: {left:?}");
    Ok(())
}

/// Runs `trainer` where no file may be longer than so many KiB: writing more fails as on a full disk.
fn with_longest_file(here: &Path, kibibytes: u64, line: &str) -> Result<Output> {
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" {line}", 2 * kibibytes);
    Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_trainer")])
        .current_dir(here)
        .output()
        .context("cannot start a shell")
}

#[test]
fn a_full_disk_ends_a_run_and_what_was_whole_stays() -> Result<()> {
    let folder = ready(6)?;
    let here = folder.path();
    succeed(here, &train(here, "whole")?)?;
    succeed(here, &format!("{} --steps 2", train(here, "run")?))?;
    let before = std::fs::read(checkpoint(here, "run", 2))?;
    let room = before.len() as u64 / 2048;
    ensure!(room > 8, "a log and a config must find room");
    let full = with_longest_file(here, room, &format!("{} --steps 6", train(here, "run")?))?;
    let message = String::from_utf8(full.stderr)?;
    ensure!(full.status.code() == Some(2) && message.contains("is the disk full?"), "{:?}\n{message}", full.status);
    ensure!(!message.contains("panicked"), "{message}");
    ensure!(std::fs::read(checkpoint(here, "run", 2))? == before);
    let files = std::fs::read_dir(here.join("run/checkpoints"))?.count();
    ensure!(files == 2, "{files} files: the checkpoints of steps 1 and 2, and nothing half written");
    succeed(here, &format!("{} --steps 6", train(here, "run")?))?;
    ensure!(std::fs::read(checkpoint(here, "whole", 6))? == std::fs::read(checkpoint(here, "run", 6))?);
    Ok(())
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_goes_on() -> Result<()> {
    let folder = ready(6)?;
    let here = folder.path();
    succeed(here, &train(here, "run")?)?;
    let (newest, before) = (checkpoint(here, "run", 6), checkpoint(here, "run", 5));
    let whole = std::fs::read(&newest)?;
    ensure!(succeed(here, &format!("info {}", newest.display()))?.contains("is whole"));
    // One bit of one weight, which makes another finite number.
    let mut damaged = whole.clone();
    let place = damaged.len() - 4000;
    damaged[place] ^= 1;
    std::fs::write(&newest, &damaged)?;
    refuse(here, &format!("info {}", newest.display()), "is damaged")?;
    refuse(here, "export --run run --step 6 --out weights", "the disk or a copy changed it")?;
    let output = support::trainer(here, &train(here, "run")?)?;
    let (told, shown) = (String::from_utf8(output.stderr)?, String::from_utf8(output.stdout)?);
    ensure!(told.contains("a checkpoint is damaged and left aside"), "{told}");
    ensure!(shown.contains("resumed after step 5"), "{shown}");
    ensure!(std::fs::read(&newest)? == whole, "the step was taken again");
    for path in [&newest, &before, &checkpoint(here, "run", 4)] {
        std::fs::write(path, "cut off")?;
    }
    refuse(here, &train(here, "run")?, "no checkpoint to resume from")
}

#[test]
fn a_checkpoint_travels_in_pieces() -> Result<()> {
    let folder = ready(2)?;
    let here = folder.path();
    succeed(here, &train(here, "run")?)?;
    let file = "run/checkpoints/step-0000002.safetensors";
    let text = succeed(here, &format!("checkpoint split {file} --megabytes 1 --out pieces"))?;
    ensure!(text.contains("pieces and their list, pieces/step-0000002.safetensors.pieces.json"), "{text}");
    refuse(here, &format!("checkpoint split {file} --megabytes 1 --out pieces"), "--force")?;
    let list = "pieces/step-0000002.safetensors.pieces.json";
    succeed(here, &format!("checkpoint join {list} --out back.safetensors"))?;
    ensure!(std::fs::read(here.join(file))? == std::fs::read(here.join("back.safetensors"))?);
    refuse(here, &format!("checkpoint join {list} --out back.safetensors"), "--force")?;
    let pieces = std::fs::read_dir(here.join("pieces"))?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let piece = pieces.iter().find(|path| path.to_string_lossy().contains("-of-")).context("a piece")?;
    std::fs::remove_file(piece)?;
    refuse(here, &format!("checkpoint join {list} --out again.safetensors"), "is not there: bring them again")?;
    refuse(here, &format!("checkpoint join {file} --out again.safetensors"), "no list of pieces")?;
    refuse(here, "checkpoint split nowhere --out pieces", "nowhere")
}
