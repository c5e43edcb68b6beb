//! Running `trainer` as a user does.
#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use shared::formats::npy;
use tempfile::TempDir;

/// Runs `trainer` in a folder.
pub fn trainer(folder: &Path, line: &str) -> Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .context("cannot start trainer")
}

pub fn succeed(folder: &Path, line: &str) -> Result<String> {
    let output = trainer(folder, line)?;
    ensure!(output.status.success(), "trainer {line}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Wrong input: exit code 2 and a message that holds `says`, no panic.
pub fn refuse(folder: &Path, line: &str, says: &str) -> Result<()> {
    let output = trainer(folder, line)?;
    let message = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2), "trainer {line}: {:?}\n{message}", output.status);
    ensure!(message.contains(says), "trainer {line}: expected \"{says}\" in\n{message}");
    ensure!(!message.contains("panicked"), "trainer {line}\n{message}");
    Ok(())
}

/// A folder with `maps.npy`: 24 maps of 48 x 48 pixels without a description.
pub fn folder_with_maps() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let kappa: Vec<f32> = (0..24 * 48 * 48).map(|pixel| 0.02 * ((pixel * 7919 % 1013) as f32 / 1013.0 - 0.5)).collect();
    let mut bytes = npy::encode_header(24, 48, 48);
    bytes.extend(kappa.iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(folder.path().join("maps.npy"), bytes)?;
    std::fs::write(
        folder.path().join("small.toml"),
        "steps = 4\nbatch_size = 4\nsample_every = 2\nsample_maps = 4\ncheckpoint_every = 2\n\
         [network]\nlatent_size = 8\nmap_side = 32\nbase_channels = 4\nstages = 3\nkappa_scale = 0.125\n",
    )?;
    Ok(folder)
}

/// Starts a command that goes on; its standard error is thrown away.
pub fn start(folder: &Path, line: &str) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.args(line.split_whitespace()).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("cannot start trainer")
}

/// Asks a program to stop, as Ctrl-C and Slurm do.
pub fn terminate(child: &Child) -> Result<()> {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    ensure!(status.success(), "kill failed");
    Ok(())
}

/// Interrupts a command once it has printed a line that `told` wants: it ends with exit code 75.
pub fn interrupt(folder: &Path, line: &str, told: impl Fn(&str) -> bool) -> Result<()> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trainer"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (sender, lines) = std::sync::mpsc::channel();
    let out = child.stdout.take().context("a pipe")?;
    let err = child.stderr.take().context("a pipe")?;
    let other = sender.clone();
    std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| sender.send(l)));
    std::thread::spawn(move || BufReader::new(err).lines().map_while(Result::ok).try_for_each(|l| other.send(l)));
    let mut heard = String::new();
    loop {
        let line = lines.recv().with_context(|| format!("it ended without a word of what was waited for:\n{heard}"))?;
        if told(&line) {
            break;
        }
        heard += &line;
        heard.push('\n');
    }
    terminate(&child)?;
    let status = child.wait()?;
    ensure!(status.code() == Some(75), "trainer {line}: {status:?}");
    Ok(())
}
