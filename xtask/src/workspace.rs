//! Where things lie, and versions read from Cargo.lock.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The root folder of the repository.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this program was built in.
    pub fn find() -> Result<Self> {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = crate_folder.parent().context("the xtask crate has no parent folder")?.to_path_buf();
        Ok(Self { root })
    }

    /// The folder that holds Cargo.toml and Cargo.lock.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the set-up installs, outside git.
    pub fn tools(&self) -> PathBuf {
        self.root.join(".tools")
    }

    /// Where trunk writes the built page.
    pub fn page(&self) -> PathBuf {
        self.root.join("web/dist")
    }

    /// Cargo's output folder.
    pub fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), |folder| self.root.join(folder))
    }

    /// PATH with the installed tools in front. [`crate::install`] installs one only where the user's own is missing or of
    /// another version; wasm-opt always, since it needs a larger stack than npm's own wrapper gives it.
    pub fn search_path(&self) -> Result<OsString> {
        let mut folders = vec![self.tools().join("bin")];
        if let Some(path) = std::env::var_os("PATH") {
            folders.extend(std::env::split_paths(&path));
        }
        std::env::join_paths(folders).context("a folder on PATH contains a character that PATH cannot hold")
    }

    /// The version of `package` in Cargo.lock.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        version_in_lock(&lock, package).with_context(|| format!("{} does not name {package}", path.display()))
    }
}

/// The version of the first package of that name in the text of a Cargo.lock.
fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_locked_version() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n[[package]]\n\
                    name = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"registry\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }

    #[test]
    fn this_workspace_locks_wasm_bindgen() -> Result<()> {
        let version = Workspace::find()?.locked_version("wasm-bindgen")?;
        assert!(version.starts_with("0.2."), "{version}");
        Ok(())
    }
}
