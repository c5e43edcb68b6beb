//! Files as people bring them, through every command that reads maps; tests/python/corpus.py makes them and says what is expected.

// Once: with libtorch each start of the program takes half a second, and files are read by the same code.
#![cfg(not(feature = "torch"))]

mod support;

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use support::trainer;

/// What a command did: its exit code, and all that it said.
struct Said {
    code: Option<i32>,
    text: String,
}

fn run(here: &Path, line: &str) -> Result<Said> {
    let output = trainer(here, line)?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    ensure!(!text.contains("panicked"), "trainer {line}\n{text}");
    Ok(Said { code: output.status.code(), text })
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Every way in which a file is read.
fn commands(path: &str, options: &str) -> [(&'static str, String); 5] {
    [
        ("statistics", format!("statistics --maps {path} {options} --json out.json --force")),
        ("spectrum", format!("spectrum {path} {options} --out out.csv --force")),
        ("maps", format!("maps --maps {path} {options} --size 8 --out out.npy --force")),
        ("compare", format!("compare --maps {path} --against type-f4.npy {options} --resamples 99")),
        ("info", format!("info {path}")),
    ]
}

fn check_read(here: &Path, file: &Value) -> Result<()> {
    let path = file["path"].as_str().context("path")?;
    let mut options = file["options"].as_str().unwrap_or_default().to_owned();
    if file["side"].is_null() {
        options += " --side-angle 0.5";
    }
    let (maps, mut said) = (file["maps"].as_u64().context("maps")?, String::new());
    for (name, line) in commands(path, &options) {
        if name == "compare" && maps < 2 {
            continue;
        }
        // The set beside it does not state its side.
        let line = if name == "compare" && !line.contains("--side-angle") { line + " --side-angle 0.5" } else { line };
        let found = run(here, line.trim())?;
        ensure!(found.code == Some(0), "trainer {line}: {:?}\n{}", found.code, found.text);
        said += &found.text;
    }
    for words in texts(&file["says"]) {
        ensure!(said.contains(words), "{path}: nothing says {words:?}:\n{said}");
    }
    let measured: Value = serde_json::from_slice(&std::fs::read(here.join("out.json"))?)?;
    let side = if options.contains("--side-angle 0.6") { 0.6 } else { 0.5 };
    let stated = measured["side_angle"].as_f64().context("side_angle")?;
    ensure!((stated / side - 1.0).abs() < 1e-9, "{path}: a side of {stated} degrees instead of {side}");
    let rows =
        |name: &str| measured[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<_>>();
    let (means, masked) = (rows("mean"), rows("masked"));
    ensure!(means.len() as u64 == maps, "{path}: {} maps instead of {maps}", means.len());
    let of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let share = file["masked"].as_f64().unwrap_or_default();
    ensure!((of(&masked) - share).abs() < 1e-9, "{path}: {} of the pixels masked instead of {share}", of(&masked));
    let digits = file["digits"].as_i64().context("digits")?;
    if digits > 0 {
        let (found, mean) = (of(&means), file["mean"].as_f64().context("mean")?);
        let tolerance = 10.0_f64.powi(-(digits as i32)) * mean.abs();
        ensure!((found - mean).abs() <= tolerance, "{path}: mean kappa {found} instead of {mean}");
    }
    Ok(())
}

fn check_refused(here: &Path, file: &Value) -> Result<()> {
    let path = file["path"].as_str().context("path")?;
    let options = file["options"].as_str().map_or_else(String::new, |options| format!("{options} --side-angle 0.5"));
    // Whether the angle is what is missing.
    let options = if texts(&file["says"]) == ["--side-angle"] { String::new() } else { options };
    for (name, line) in commands(path, &options) {
        if name == "info" && (!options.trim_start_matches(" --side-angle 0.5").is_empty() || options.is_empty()) {
            continue;
        }
        if name == "maps" && options.contains("--mask") {
            continue;
        }
        let found = run(here, line.trim())?;
        // `trainer info` tells what is there where others refuse it.
        let is_told = found.code == Some(2) || name == "info" && found.code == Some(0);
        ensure!(is_told, "trainer {line}: {:?}\n{}", found.code, found.text);
        ensure!(found.text.len() < 1500, "trainer {line} says too much:\n{}", found.text);
        let words = texts(&file["says"]).into_iter().filter(|words| name != "info" || !words.starts_with("--"));
        for words in words {
            ensure!(found.text.contains(words), "trainer {line}: nothing says {words:?}:\n{}", found.text);
        }
    }
    Ok(())
}

#[test]
fn every_file_is_read_or_refused_as_expected() -> Result<()> {
    let Some(python) = std::env::var_os("COSMOGAN_PYTHON") else {
        println!("skipped: COSMOGAN_PYTHON is not set, which `cargo xtask test` does");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let here = folder.path();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/corpus.py");
    let made = Command::new(python).arg(script).arg(here).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let expected: Vec<Value> = serde_json::from_slice(&std::fs::read(here.join("expected.json"))?)?;
    ensure!(expected.len() > 80, "{} files", expected.len());
    let mut wrong = Vec::new();
    for file in &expected {
        let check = if file["outcome"] == "read" { check_read } else { check_refused };
        if let Err(error) = check(here, file) {
            wrong.push(format!("{error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), expected.len(), wrong.join("\n\n"));
    Ok(())
}
