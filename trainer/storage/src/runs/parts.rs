//! Finished parts of long work, kept on disk so that an interrupted one goes on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::atomic::write_atomically;

/// A folder with one file a part.
pub struct Parts {
    folder: PathBuf,
}

/// A part with what it depends on.
#[derive(Serialize, Deserialize)]
struct Part<T> {
    depends_on: String,
    value: T,
}

impl Parts {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
        Ok(Self { folder: folder.into() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A part that is there and was made from the same things; otherwise `make`s it and keeps it.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn get_or<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        depends_on: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if let Some(value) = self.get(name, depends_on) {
            return Ok(value);
        }
        let value = make()?;
        self.put(name, depends_on, &value)?;
        Ok(value)
    }

    /// A part, if it is there, whole, and was made from the same things.
    pub fn get<T: DeserializeOwned>(&self, name: &str, depends_on: &str) -> Option<T> {
        let bytes = std::fs::read(self.path(name)).ok()?;
        let part: Part<T> = serde_json::from_slice(&bytes).ok()?;
        (part.depends_on == depends_on).then_some(part.value)
    }

    /// Keeps a part.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put<T: Serialize>(&self, name: &str, depends_on: &str, value: &T) -> Result<()> {
        let part = Part { depends_on: depends_on.to_owned(), value };
        write_atomically(&self.path(name), &serde_json::to_vec(&part)?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_made_once_until_what_it_depends_on_changes() {
        let folder = tempfile::tempdir().unwrap();
        let parts = Parts::open(&folder.path().join("parts")).unwrap();
        let mut made = 0;
        let mut get = |depends_on: &str| {
            parts
                .get_or("numbers", depends_on, || {
                    made += 1;
                    Ok(vec![1.5, f64::from(made)])
                })
                .unwrap()
        };
        assert_eq!((get("a"), get("a"), get("b")), (vec![1.5, 1.0], vec![1.5, 1.0], vec![1.5, 2.0]));
        std::fs::write(parts.folder().join("numbers.json"), "{\"depends_on\":\"b\",\"val").unwrap();
        assert_eq!(parts.get::<Vec<f64>>("numbers", "b"), None, "a file that is cut off is no part");
    }
}
