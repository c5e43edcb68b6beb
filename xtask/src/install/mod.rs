//! What each step needs, into .tools/ where possible. A tool of the right version is left alone.
//!
//! ```text
//! web      wasm target, trunk, wasm-bindgen, wasm-opt
//! torch    PyTorch from PyPI: libtorch and its Python side
//! checkers cargo-deny and cargo-fuzz
//! lenstools LensTools, for a benchmark
//! browser  Chromium and Firefox, and what drives them
//! system   packages of the distribution
//! ```

mod browser;
mod checkers;
mod lenstools;
mod system;
mod torch;
mod web;

pub use browser::{chromium, drivers, firefox, web_benchmark};
pub use checkers::{cargo_deny, cargo_fuzz};
pub use lenstools::lenstools;
pub use torch::{libtorch, python};
pub use web::web_tools;

use crate::{process::Step, workspace::Workspace};

/// Whether `program --version` prints `version` as one of its words.
fn has_version(workspace: &Workspace, program: &str, version: &str) -> bool {
    let printed = Step::new("", program).arg("--version").output(workspace).unwrap_or_default();
    printed.split_whitespace().any(|word| word.trim_start_matches('v') == version)
}
