//! The files of the page: those that were there when this program was built with the feature `page`, or those of a folder.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};

/// Names and bytes of the built page, where this program has it.
#[cfg(feature = "page")]
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));
#[cfg(not(feature = "page"))]
const EMBEDDED: &[(&str, &[u8])] = &[];

/// Files by their exact names, with `/` between folders.
pub type Files = BTreeMap<String, Cow<'static, [u8]>>;

/// Most bytes of a folder that is served: all of it is read.
const MOST_BYTES: u64 = 1 << 30;

/// The page in this program, or in a folder that `cargo xtask build` or `cargo xtask dist` wrote; its weights are left out.
///
/// # Errors
/// When there is neither, or the folder holds no page.
pub fn page(folder: Option<&Path>) -> Result<Files> {
    let own = |&(name, bytes): &(&str, &'static [u8])| (name.to_owned(), Cow::Borrowed(bytes));
    let files = match folder {
        Some(folder) => read(folder, |name| !is_other(name))?,
        None => EMBEDDED.iter().filter(|(name, _)| !is_other(name)).map(own).collect(),
    };
    if files.is_empty() && folder.is_none() {
        bail!(
            "this trainer was built without the page: give a built one by --page web/dist (`cargo xtask build`), or build the trainer \
             after it with `cargo build --release -p trainer --features page`"
        );
    }
    if !files.contains_key("index.html") {
        bail!(
            "{} holds no index.html: give the folder of the built page",
            folder.unwrap_or(Path::new("the page")).display()
        );
    }
    Ok(files)
}

/// What is no part of the page itself: its weights, what keeps it for use without a connection, and compressed copies.
fn is_other(name: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default();
    name.starts_with("weights/") || name == "sw.js" || matches!(ending, "br" | "gz")
}

/// All files of a folder and those in it whose names `wanted` takes; links and hidden ones are left out.
///
/// # Errors
/// When a file cannot be read, or all of them are too large to be held.
pub fn read(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Files> {
    let mut files = Files::new();
    let mut left = MOST_BYTES;
    let mut folders = vec![String::new()];
    while let Some(below) = folders.pop() {
        let at = folder.join(&below);
        for entry in std::fs::read_dir(&at).with_context(|| format!("cannot list {}", at.display()))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (kind, name) = (entry.file_type()?, format!("{below}{name}"));
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                folders.push(format!("{name}/"));
            } else if kind.is_file() && wanted(&name) {
                left = left
                    .checked_sub(entry.metadata()?.len())
                    .with_context(|| format!("{} holds more than is served", folder.display()))?;
                let bytes =
                    std::fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
                files.insert(name, Cow::Owned(bytes));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_what_is_hidden_linked_or_of_others() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().join("page");
        std::fs::create_dir_all(at.join("start"))?;
        std::fs::create_dir_all(at.join("weights"))?;
        for name in [
            "page/index.html",
            "page/start/page.js",
            "page/weights/w",
            "page/.hidden",
            "page/sw.js",
            "page/a.js.br",
            "secret",
        ] {
            std::fs::write(folder.path().join(name), name)?;
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("secret"), at.join("link"))?;
        let files = page(Some(&at))?;
        assert_eq!(files.keys().collect::<Vec<_>>(), ["index.html", "start/page.js"]);
        assert!(page(Some(folder.path())).unwrap_err().to_string().contains("index.html"));
        Ok(())
    }
}
