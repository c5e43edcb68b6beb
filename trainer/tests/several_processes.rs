//! Training by several processes: the same updates as of one, and what becomes of the others when one ends.
#![cfg(feature = "torch")]

mod support;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use safetensors::SafeTensors;
use support::{folder_with_maps, succeed, terminate};
use tempfile::TempDir;

/// Batches of 8, a checkpoint and a log line at every step.
const SETTINGS: &str =
    "batch_size = 8\nsample_every = 0\ncheckpoint_every = 1\nlog_every = 1\nsynchronised_batch_norm = true\n";
const NETWORK: &str = "[network]\nlatent_size = 8\nmap_side = 32\nbase_channels = 4\nstages = 3\nkappa_scale = 0.01\n";
/// A second derivative through synchronised batch normalisation.
const PENALISED: &str = "[discriminator]\ngradient_penalty = 1.0\n";
/// What the recipe has beside the adversarial gradient.
const RECIPE: &str = "symmetries = true\nupdates = \"alternating\"\naverage_half_life_maps = 50.0\n[discriminator]\n\
                      batch_norm = false\ninput = \"deviation\"\ngradient_penalty = 1.0\ngradient_penalty_every = 2\nnoise = 0.3\n[forces]\n\
                      spectrum = 3.0\npixels = 3.0\nshape = 2.0\nlattice = 1.0\n";

fn ready(steps: u64, more: &str) -> Result<TempDir> {
    let folder = folder_with_maps()?;
    succeed(folder.path(), "maps --maps maps.npy --side-angle 0.9 --count 16 --size 32 --out crops.npy")?;
    std::fs::write(folder.path().join("run.toml"), format!("steps = {steps}\n{SETTINGS}{more}{NETWORK}"))?;
    Ok(folder)
}

/// Starts `size` processes that train together, as a launcher does.
fn start(here: &Path, size: usize, line: &str) -> Result<Vec<Child>> {
    start_each(here, &vec![line.to_owned(); size])
}

/// Starts processes that train together, each with a command line of its own.
fn start_each(here: &Path, lines: &[String]) -> Result<Vec<Child>> {
    let (port, size) = (TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(), lines.len());
    let process = |(rank, line): (usize, &String)| -> Result<Child> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.args(line.split_whitespace()).current_dir(here).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("MASTER_ADDR", "127.0.0.1").env("MASTER_PORT", port.to_string());
        for (name, number) in [("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", size), ("LOCAL_WORLD_SIZE", size)] {
            command.env(name, number.to_string());
        }
        command.spawn().context("cannot start trainer")
    };
    lines.iter().enumerate().map(process).collect()
}

fn ends(processes: Vec<Child>) -> Result<Vec<Output>> {
    processes.into_iter().map(|process| Ok(process.wait_with_output()?)).collect()
}

fn train(here: &Path, size: usize, line: &str) -> Result<()> {
    for output in ends(start(here, size, line)?)? {
        ensure!(output.status.success(), "{size} processes: {line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Losses of the steps of a run.
fn losses(here: &Path, run: &str) -> Result<Vec<f64>> {
    let log = std::fs::read_to_string(here.join(run).join("log.jsonl"))?;
    let mut losses = Vec::new();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        for key in ["discriminator_loss", "generator_loss"] {
            losses.push(line[key].as_f64().with_context(|| format!("no {key} in {line}"))?);
        }
    }
    Ok(losses)
}

/// Largest difference of two runs' first moments of Adam after the first step, half of the gradients, over the network's largest: those
/// of parameters without influence, such as a bias before batch normalisation, are nothing but rounding.
fn difference_of_gradients(here: &Path, a: &str, b: &str) -> Result<f32> {
    let read = |run: &str| std::fs::read(here.join(run).join("checkpoints/step-0000001.safetensors"));
    let (a, b) = (read(a)?, read(b)?);
    let (a, b) = (SafeTensors::deserialize(&a)?, SafeTensors::deserialize(&b)?);
    let values = |file: &SafeTensors<'_>, name: &str| -> Result<Vec<f32>> {
        Ok(file.tensor(name)?.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    };
    let mut worst = 0.0_f32;
    for network in ["generator", "discriminator"] {
        let (mut largest, mut difference) = (0.0_f32, 0.0_f32);
        for name in a.names().into_iter().filter(|name| name.starts_with(&format!("{network}.adam.first."))) {
            for (a, b) in values(&a, name)?.into_iter().zip(values(&b, name)?) {
                largest = largest.max(a.abs());
                difference = difference.max((a - b).abs());
            }
        }
        ensure!(largest > 0.0, "{network} has no gradients");
        worst = worst.max(difference / largest);
    }
    Ok(worst)
}

#[test]
fn processes_with_shares_of_a_batch_train_as_one_with_all_of_it() -> Result<()> {
    for (name, more) in [("paper", ""), ("penalised", PENALISED), ("recipe", RECIPE)] {
        let folder = ready(3, more)?;
        let here = folder.path();
        let line = |run: &str| format!("train --config run.toml --data crops.npy --out {run} --device cpu --threads 1");
        succeed(here, &line("one"))?;
        for size in [2, 4] {
            let run = format!("of-{size}");
            train(here, size, &line(&run))?;
            let gradients = difference_of_gradients(here, "one", &run)?;
            ensure!(gradients < 1e-5, "{name}, {size} processes: gradients differ by {gradients:e}");
            let (one, all) = (losses(here, "one")?, losses(here, &run)?);
            ensure!(one.len() == 6 && all.len() == 6, "{one:?} {all:?}");
            // After the first step, what is nothing but rounding has moved each parameter by a learning rate.
            for (place, (one, all)) in one.iter().zip(&all).enumerate() {
                let most = if place < 2 { 1e-5 } else { 1e-3 };
                ensure!((one / all - 1.0).abs() < most, "{name}, {size} processes: losses {one} {all}");
            }
        }
        // However many go on.
        train(here, 2, "train --resume --data crops.npy --out of-4 --device cpu --threads 1 --steps 5")?;
        succeed(here, "train --resume --data crops.npy --out of-4 --device cpu --threads 1 --steps 6")?;
        ensure!(losses(here, "of-4")?.len() == 12);
    }
    Ok(())
}

#[test]
fn a_killed_process_ends_the_others_with_a_word_and_a_whole_checkpoint() -> Result<()> {
    let folder = ready(1_000_000, "")?;
    let here = folder.path();
    let line = "train --config run.toml --data crops.npy --out run --device cpu --threads 1";
    let mut processes = start(here, 2, line)?;
    while !here.join("run/checkpoints/step-0000003.safetensors").is_file() {
        for process in &mut processes {
            ensure!(process.try_wait()?.is_none(), "a process ended");
        }
        sleep(Duration::from_millis(20));
    }
    processes[1].kill()?;
    let outputs = ends(processes)?;
    let message = String::from_utf8_lossy(&outputs[0].stderr).into_owned();
    ensure!(outputs[0].status.code() == Some(2), "{:?}\n{message}", outputs[0].status);
    ensure!(
        message.contains("another process of this training has ended") && message.contains("--resume"),
        "{message}"
    );
    ensure!(!message.contains("panicked"), "{message}");
    let newest = || -> Result<PathBuf> {
        let kept = std::fs::read_dir(here.join("run/checkpoints"))?.map(|entry| Ok(entry?.path()));
        let whole = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "safetensors");
        kept.collect::<Result<Vec<_>>>()?.into_iter().filter(whole).max().context("no checkpoint")
    };
    let kept = newest()?;
    ensure!(succeed(here, &format!("info {}", kept.display()))?.contains("is whole"));
    // Asked of one alone, both stop and say so by their exit code.
    let processes = start(here, 2, "train --resume --data crops.npy --out run --device cpu --threads 1")?;
    while newest()? <= kept {
        sleep(Duration::from_millis(20));
    }
    terminate(&processes[1])?;
    for output in ends(processes)? {
        ensure!(output.status.code() == Some(75), "{:?}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[test]
fn what_cannot_be_shared_is_explained() -> Result<()> {
    let folder = ready(3, "")?;
    let here = folder.path();
    let line = "train --config run.toml --data crops.npy --out run --device cpu --threads 1";
    for output in ends(start(here, 3, line)?)? {
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(2) && message.contains("multiple of 3"), "{message}");
    }
    // One that was started with another seed.
    let outputs = ends(start_each(here, &[line.to_owned(), format!("{line} --seed 7")])?)?;
    let messages: String = outputs.iter().map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).collect();
    ensure!(messages.contains("process 1 was started with other settings"), "{messages}");
    ensure!(outputs.iter().all(|output| output.status.code() == Some(2)), "{messages}");
    Ok(())
}
