//! Reading weights: a folder, its manifest, or one of its files of tensors.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use safetensors::SafeTensors;
use shared::{
    formats::weights::{Manifest, Precision, Weights, WeightsFile},
    network::definition::parameters,
};

/// Name of the manifest in a folder of weights.
pub const MANIFEST: &str = "manifest.json";

/// Precision of a file of weights, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightsPrecision {
    /// Half precision, as the page loads it.
    F16,
    /// Single precision.
    F32,
}

impl From<WeightsPrecision> for Precision {
    fn from(precision: WeightsPrecision) -> Self {
        match precision {
            WeightsPrecision::F16 => Self::F16,
            WeightsPrecision::F32 => Self::F32,
        }
    }
}

/// Weights: their manifest, and the generator in the file that was chosen.
pub struct LoadedWeights {
    /// What the weights are.
    pub manifest: Manifest,
    /// The file that was read.
    pub file: WeightsFile,
    /// The generator's tensors.
    pub generator: Weights,
}

impl LoadedWeights {
    /// Reads a folder of weights, the folder of a manifest, or a file of tensors that a manifest beside it names. Of several
    /// files it is that of the precision that is asked for, otherwise the most precise one that is there.
    ///
    /// # Errors
    /// When the manifest or the file is missing, damaged, or not what it says.
    pub fn read(path: &Path, precision: Option<Precision>) -> Result<Self> {
        let chosen = if path.is_file() { named_file(path)? } else { None };
        let manifest_path = match (&chosen, path.is_dir()) {
            (Some(_), _) => path.with_file_name(MANIFEST),
            (None, true) => path.join(MANIFEST),
            (None, false) => path.to_owned(),
        };
        let folder = manifest_path.parent().unwrap_or(Path::new("."));
        let bytes = std::fs::read(&manifest_path).with_context(|| {
            format!("cannot read {}: give a folder of weights, as `trainer export` writes it", manifest_path.display())
        })?;
        let shown = || manifest_path.display().to_string();
        if serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|json| json.get("format").cloned())
            .is_none()
        {
            bail!(
                "{} is no manifest of weights, or it is cut off: give a folder that `trainer export` or `trainer import` wrote, or its manifest.json",
                manifest_path.display()
            );
        }
        let manifest = Manifest::from_json(&bytes).with_context(shown)?;
        let file = match &chosen {
            Some(name) => file_of_name(&manifest, name, precision).with_context(shown)?,
            None => choose_file(&manifest, folder, precision).with_context(shown)?,
        };
        let path = folder.join(&file.file);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        file.verify(&bytes).with_context(|| folder.display().to_string())?;
        let generator = Weights::read(bytes, &parameters(&manifest.network.generator()));
        Ok(Self { generator: generator.with_context(|| path.display().to_string())?, file, manifest })
    }
}

/// The name of a file of tensors with a manifest beside it; `None` for anything that may be a manifest itself.
fn named_file(path: &Path) -> Result<Option<String>> {
    let is_tensors = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    if !is_tensors {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let manifest: PathBuf = path.with_file_name(MANIFEST);
    if manifest.is_file() {
        return Ok(Some(name));
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_checkpoint = crate::training::checkpoint::read_state(&bytes).is_ok();
    let what = match SafeTensors::deserialize(&bytes) {
        Ok(_) if is_checkpoint => "is a checkpoint of a training run: `trainer export --run RUN` makes weights of it",
        Ok(_) => {
            "holds tensors, and no manifest.json lies beside it that says what they are: give a folder that `trainer export` wrote"
        }
        Err(_) => "is no readable safetensors file, and no manifest.json lies beside it",
    };
    bail!("{} {what}", path.display())
}

/// The file of this name, which has to be of the precision that is asked for.
fn file_of_name(manifest: &Manifest, name: &str, precision: Option<Precision>) -> Result<WeightsFile> {
    let names = || manifest.generator.iter().map(|file| file.file.as_str()).collect::<Vec<_>>().join(" and ");
    let file = manifest.generator.iter().find(|file| file.file == name);
    let file = file.with_context(|| format!("names {} as its files of weights, not {name}", names()))?;
    match precision {
        Some(precision) if precision != file.precision => {
            bail!("{name} holds {:?} weights, --precision asks for {precision:?}", file.precision)
        }
        _ => Ok(file.clone()),
    }
}

/// The file of the precision that is asked for, otherwise the most precise one that is there.
fn choose_file(manifest: &Manifest, folder: &Path, precision: Option<Precision>) -> Result<WeightsFile> {
    if let Some(precision) = precision {
        return manifest.file(precision).cloned().with_context(|| format!("names no file of {precision:?} weights"));
    }
    let named: Vec<_> = [Precision::F32, Precision::F16].iter().filter_map(|&p| manifest.file(p)).collect();
    let there = named.iter().find(|file| folder.join(&file.file).is_file());
    let names = || named.iter().map(|file| file.file.as_str()).collect::<Vec<_>>().join(" and ");
    there.map(|&file| file.clone()).with_context(|| format!("{} must lie beside it and is missing", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/weights")
    }

    #[test]
    fn a_folder_a_manifest_and_a_file_of_tensors_are_the_same_weights() {
        let folder = LoadedWeights::read(&shipped(), None).unwrap();
        let file = folder.file.file.clone();
        for path in [shipped().join(MANIFEST), shipped().join(&file)] {
            let loaded = LoadedWeights::read(&path, None).unwrap();
            assert!(loaded.file == folder.file && loaded.generator == folder.generator, "{}", path.display());
        }
        let refused = LoadedWeights::read(&shipped().join(&file), Some(Precision::F32)).err().unwrap();
        assert!(format!("{refused:#}").contains("--precision asks for F32"), "{refused:#}");
    }

    #[test]
    fn what_lacks_its_manifest_is_said_to_be_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| format!("{:#}", LoadedWeights::read(path, None).err().unwrap());
        let path = folder.path().join("alone.safetensors");
        let file = LoadedWeights::read(&shipped(), None).unwrap().file.file;
        std::fs::copy(shipped().join(file), &path).unwrap();
        assert!(refused(&path).contains("no manifest.json lies beside it"), "{}", refused(&path));
        std::fs::copy(shipped().join(MANIFEST), folder.path().join(MANIFEST)).unwrap();
        assert!(refused(&path).contains("not alone.safetensors"), "{}", refused(&path));
        std::fs::write(folder.path().join("text.safetensors"), "text").unwrap();
        std::fs::remove_file(folder.path().join(MANIFEST)).unwrap();
        assert!(refused(&folder.path().join("text.safetensors")).contains("no readable safetensors file"));
    }
}
