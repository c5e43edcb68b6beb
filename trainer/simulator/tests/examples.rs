//! The example runs.

use std::{path::Path, process::Command};

#[test]
fn one_box() {
    let tests = std::env::current_exe().unwrap();
    // A test lies in target/debug/deps, an example that was built with it in target/debug/examples.
    let built = tests.parent().and_then(Path::parent).unwrap();
    let output = Command::new(built.join("examples/one_box")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("a map of 4096 pixels with sigma(kappa)"), "{told}");
}
