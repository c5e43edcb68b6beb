//! The wasm target; trunk and wasm-bindgen, compiled from crates.io; wasm-opt from npm.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};

use super::has_version;
use crate::{process::Step, workspace::Workspace};

/// The last release of trunk.
const TRUNK: &str = "0.21.14";
/// Debian's wasm-opt of 2022 writes wrong code for today's wasm; this one is current.
const BINARYEN: &str = "132.0.0";

/// Installs what the page's build needs.
///
/// # Errors
/// When a step fails; the error names the command to run by hand.
pub fn web_tools(workspace: &Workspace) -> Result<()> {
    wasm_target(workspace)?;
    // It copies files and calls others.
    cargo_tool(workspace, "trunk", "trunk", TRUNK, "0", &["--locked", "--no-default-features"])?;
    // The generated JavaScript and the program must come from one version. Not --locked: its own lock file may name
    // versions of crates that have been withdrawn since.
    cargo_tool(workspace, "wasm-bindgen-cli", "wasm-bindgen", &workspace.locked_version("wasm-bindgen")?, "1", &[])?;
    wasm_opt(workspace)
}

fn wasm_target(workspace: &Workspace) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let libraries = Step::new("", "rustc").args(["--print", "target-libdir", "--target", TARGET]).output(workspace);
    if libraries.is_some_and(|folder| std::path::Path::new(folder.trim()).is_dir()) {
        return Ok(());
    }
    Step::new("Install Rust's WebAssembly target", "rustup").args(["target", "add", TARGET]).run(workspace)
}

/// Compiles a program of crates.io into .tools/bin, quickly rather than fast: it runs for seconds.
fn cargo_tool(
    workspace: &Workspace,
    package: &str,
    program: &str,
    version: &str,
    opt_level: &str,
    options: &[&str],
) -> Result<()> {
    if has_version(workspace, program, version) {
        return Ok(());
    }
    Step::new(format!("Compile {program} {version} (a few minutes, once)"), "cargo")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .args(["install", "--force", "--root"])
        .arg(workspace.tools())
        .args(options)
        .arg(format!("{package}@{version}"))
        .run(workspace)
}

fn wasm_opt(workspace: &Workspace) -> Result<()> {
    let script = workspace.tools().join("node/node_modules/binaryen/bin/wasm-opt");
    let wrapper = workspace.tools().join("bin/wasm-opt");
    let installed = workspace.tools().join("node/node_modules/binaryen/package.json");
    let current =
        std::fs::read_to_string(installed).is_ok_and(|text| text.contains(&format!("\"version\": \"{BINARYEN}\"")));
    if !current {
        super::browser::npm(workspace, "Install wasm-opt", &format!("binaryen@{BINARYEN}"))?;
    }
    // npm's program overflows Node's usual stack on functions as long as burn's kernels.
    let text = format!("#!/bin/sh\nexec node --stack-size=60000 \"{}\" \"$@\"\n", script.display());
    if std::fs::read_to_string(&wrapper).is_ok_and(|present| present == text) {
        return Ok(());
    }
    std::fs::create_dir_all(workspace.tools().join("bin"))?;
    std::fs::write(&wrapper, text).with_context(|| format!("cannot write {}", wrapper.display()))?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
