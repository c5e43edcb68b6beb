//! The example runs.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

/// Runs an example that was built with the tests, from the root of the repository.
fn run(name: &str, arguments: &[&str]) -> Result<String> {
    let tests = std::env::current_exe()?;
    let built = tests.parent().and_then(Path::parent).context("a test lies in target/debug/deps")?;
    let output = Command::new(built.join("examples").join(name))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .with_context(|| format!("cannot start the example {name}"))?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn a_map_is_drawn() -> Result<()> {
    let told = run("draw_a_map", &["public/weights", "42"])?;
    ensure!(told.contains("seed 42: 65536 pixels over 1.75 degrees"), "{told}");
    Ok(())
}
