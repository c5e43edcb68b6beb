//! The example runs.
#![cfg(not(target_arch = "wasm32"))]

use std::{path::Path, process::Command};

#[test]
fn statistics_of_a_map() {
    let tests = std::env::current_exe().unwrap();
    // A test lies in target/debug/deps, an example that was built with it in target/debug/examples.
    let built = tests.parent().and_then(Path::parent).unwrap();
    let output = Command::new(built.join("examples/statistics_of_a_map")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("V1 (boundary): 19 of 19 bins have a value"), "{told}");
}
