//! Packages of the distribution, through apt as root or with sudo.

use anyhow::{Result, bail};

use crate::{process::Step, workspace::Workspace};

/// A C++ compiler for the shim in front of libtorch.
pub fn compiler(workspace: &Workspace) -> Result<()> {
    if Step::new("", "c++").arg("--version").output(workspace).is_some() {
        return Ok(());
    }
    apt(workspace, "a C++ compiler", &["g++"])
}

/// Installs Debian packages.
pub fn apt(workspace: &Workspace, what: &str, packages: &[&str]) -> Result<()> {
    let by_hand = format!("sudo apt-get update && sudo apt-get install {}", packages.join(" "));
    if Step::new("", "apt-get").arg("--version").output(workspace).is_none() {
        bail!("{what} is missing, and there is no apt-get here to install it. On Debian the command is\n    {by_hand}");
    }
    let root = Step::new("", "id").arg("-u").output(workspace).is_some_and(|id| id.trim() == "0");
    let apt_get = |title: &str| {
        let step = if root { Step::new(title, "apt-get") } else { Step::new(title, "sudo").arg("apt-get") };
        step.env("DEBIAN_FRONTEND", "noninteractive").by_hand(by_hand.clone())
    };
    apt_get("Refresh the list of Debian packages").args(["update", "--quiet"]).run(workspace)?;
    apt_get(&format!("Install {what}"))
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages)
        .run(workspace)
}
