//! Weights to choose from, as the page finds them under `weights/`: the newest ones there, each in a folder of its own, and their list.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

/// Weights that stay to be chosen from: each takes tens of megabytes.
const KEPT: usize = 6;
/// Seconds after which a page that watches a run asks again.
const WATCH_SECONDS: u64 = 10;

/// Weights with their manifest, as files.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Name on the page.
    pub title: String,
    /// Name of its folder: letters, digits and `-`.
    pub folder: String,
    /// Names and bytes; one of them is `manifest.json`.
    pub files: Vec<(String, Arc<Vec<u8>>)>,
}

/// Weights in the order in which they came.
#[derive(Debug, Default)]
pub struct Shelf {
    volumes: Mutex<Vec<Volume>>,
    grows: bool,
}

impl Shelf {
    /// A shelf without weights; `grows` says whether more may come, so that a page asks again.
    pub fn new(grows: bool) -> Self {
        Self { grows, ..Self::default() }
    }

    /// Adds weights; the oldest ones go when there are many.
    pub fn add(&self, volume: Volume) {
        let mut volumes = self.volumes();
        volumes.push(volume);
        let surplus = volumes.len().saturating_sub(KEPT);
        volumes.drain(..surplus);
    }

    /// The bytes of a name below `weights/`; the newest weights lie there without a folder.
    pub fn find(&self, name: &str) -> Option<Arc<Vec<u8>>> {
        let volumes = self.volumes();
        if name == "index.json" {
            return Some(Arc::new(self.index(&volumes).into_bytes()));
        }
        let (volume, file) = match name.split_once('/') {
            Some((folder, file)) => (volumes.iter().find(|volume| volume.folder == folder)?, file),
            None => (volumes.last()?, name),
        };
        volume.files.iter().find(|(name, _)| name == file).map(|(_, bytes)| Arc::clone(bytes))
    }

    fn index(&self, volumes: &[Volume]) -> String {
        let entry = |volume: &Volume| json!({ "title": volume.title, "folder": format!("weights/{}", volume.folder), "reference": "reference" });
        let mut document = json!({ "weights": volumes.iter().map(entry).collect::<Vec<_>>() });
        if self.grows {
            document["watch_seconds"] = json!(WATCH_SECONDS);
        }
        document.to_string()
    }

    fn volumes(&self) -> MutexGuard<'_, Vec<Volume>> {
        // A list is whole whatever became of another thread.
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(number: usize) -> Volume {
        let files = vec![("manifest.json".to_owned(), Arc::new(vec![number as u8]))];
        Volume { title: format!("step {number}"), folder: format!("step-{number}"), files }
    }

    #[test]
    fn the_newest_lie_without_a_folder_and_the_oldest_go() {
        let shelf = Shelf::new(true);
        assert!(shelf.find("manifest.json").is_none());
        (0..9).for_each(|number| shelf.add(volume(number)));
        let first_byte = |name: &str| shelf.find(name).map(|bytes| bytes[0]);
        assert_eq!(first_byte("manifest.json"), Some(8));
        assert_eq!((first_byte("step-5/manifest.json"), first_byte("step-2/manifest.json")), (Some(5), None));
        for name in ["step-5", "step-5/", "step-5/x", "../step-5/manifest.json", "step-5/../manifest.json", ""] {
            assert_eq!(first_byte(name), None, "{name}");
        }
        let index: serde_json::Value = serde_json::from_slice(&shelf.find("index.json").unwrap()).unwrap();
        assert_eq!(index["weights"].as_array().unwrap().len(), KEPT);
        assert_eq!((&index["weights"][5]["folder"], &index["watch_seconds"]), (&json!("weights/step-8"), &json!(10)));
    }
}
