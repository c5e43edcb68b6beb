//! The boxes of a campaign that are complete: their manifests and their maps.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use storage::{files::files_with_extension, maps::MapArchive};

use crate::{
    campaign::{BoxFile, BoxManifest},
    parameters::Parameters,
};

/// Complete boxes of one campaign, by number: at least one.
pub struct Boxes {
    /// What all boxes share.
    pub parameters: Parameters,
    /// The boxes.
    pub boxes: Vec<CompleteBox>,
}

/// A box with its maps.
pub struct CompleteBox {
    /// What it was made with, and the power spectra of its particles.
    pub manifest: BoxManifest,
    /// Its maps, one archive for each of [`Parameters::source_redshifts`].
    pub maps: Vec<MapArchive>,
}

impl Boxes {
    /// Reads the manifests in the folder `out` of `trainer simulate`, and looks for the maps of each. Boxes without a
    /// manifest are not complete and are left out.
    ///
    /// # Errors
    /// When there is no manifest, one is damaged or belongs to another campaign, or maps are missing or cut off.
    pub fn open(out: &Path) -> Result<Self> {
        let (folder, shown) = (out.join("boxes"), out.display());
        let paths = if folder.is_dir() { files_with_extension(&folder, &["json"])? } else { Vec::new() };
        let mut manifests = paths.iter().map(|path| BoxManifest::read(path)).collect::<Result<Vec<_>>>()?;
        manifests.sort_by_key(|manifest| manifest.number);
        let Some(first) = manifests.first() else {
            bail!(
                "{shown} holds no complete box (there is no {shown}/boxes/box-0000.json or the like): give the folder that \
                 `trainer simulate --out` wrote, after its first box"
            );
        };
        let (parameters, seed) = (first.parameters.clone(), first.seed);
        // What follows relies on; other values are those of a simulation that was made.
        let Parameters { maps, pixels, side_angle, ref source_redshifts, .. } = parameters;
        let geometry = maps > 0 && pixels > 0 && side_angle > 0.0 && side_angle <= 180.0;
        ensure!(
            geometry && !source_redshifts.is_empty(),
            "{shown}/boxes/box-{:04}.json is damaged, it describes no maps: delete it and repeat `trainer simulate`",
            first.number
        );
        for pair in manifests.windows(2) {
            if let [one, other] = pair {
                ensure!(
                    one.number != other.number,
                    "{shown}/boxes has two manifests of box {}: delete the copy",
                    one.number
                );
            }
        }
        if let Some(other) = manifests.iter().find(|other| other.parameters != parameters || other.seed != seed) {
            bail!(
                "box {} in {shown} has other parameters or another seed than box {}: keep one campaign in one folder",
                other.number,
                first.number
            );
        }
        let boxes = manifests.into_iter().map(|manifest| CompleteBox::open(out, manifest)).collect::<Result<_>>()?;
        Ok(Self { parameters, boxes })
    }

    /// Number of boxes whose initial conditions have nothing in common: a box and its partner of opposite phases count as
    /// one.
    pub fn independent(&self) -> usize {
        let mut seeds = self.seeds();
        seeds.sort_unstable();
        seeds.dedup();
        seeds.len()
    }

    /// Seed of each box's initial conditions; partners of opposite phases have the same.
    pub fn seeds(&self) -> Vec<u64> {
        self.boxes.iter().map(|one| one.manifest.box_seed).collect()
    }

    /// Number of maps for each source redshift.
    pub fn maps(&self) -> usize {
        self.boxes.len() * self.parameters.maps
    }
}

impl CompleteBox {
    fn open(out: &Path, manifest: BoxManifest) -> Result<Self> {
        let (number, sources) = (manifest.number, manifest.parameters.source_redshifts.len());
        ensure!(
            manifest.files.len() == sources,
            "{}/boxes/box-{number:04}.json is damaged, it names {} files for {sources} source redshifts: delete it and repeat the \
             `trainer simulate` that made it",
            out.display(),
            manifest.files.len(),
        );
        let open = |file: &BoxFile| open_maps(out, file, &manifest.parameters).with_context(|| made_again(number));
        let maps = manifest.files.iter().map(open).collect::<Result<_>>()?;
        Ok(Self { manifest, maps })
    }
}

/// What to do where the maps of a box are missing or damaged.
pub(super) fn made_again(number: usize) -> String {
    format!(
        "box {number} has to be made again (delete the file, if it is there, and repeat the `trainer simulate` that made it)"
    )
}

fn open_maps(out: &Path, file: &BoxFile, parameters: &Parameters) -> Result<MapArchive> {
    let path = out.join(&file.file);
    let shown = path.display();
    ensure!(path.is_file(), "{shown} is not there");
    let bytes = path.metadata().with_context(|| format!("cannot read {shown}"))?.len();
    ensure!(bytes == file.bytes, "{shown} has {bytes} bytes, its manifest says {}", file.bytes);
    let archive = MapArchive::open(&path, Some(parameters.side_angle))?;
    let (maps, pixels) = (archive.maps(), archive.one_size()?);
    ensure!(
        (maps, pixels) == (parameters.maps, parameters.pixels),
        "{shown} has {maps} maps of {pixels} pixels, its manifest says {} of {}",
        parameters.maps,
        parameters.pixels
    );
    Ok(archive)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::campaign::BoxPower;
    use storage::maps::{MapWriter, MapsDescription};

    /// Writes a box of given maps, without simulating it.
    pub fn write_box(
        out: &Path,
        parameters: &Parameters,
        number: usize,
        maps: &[Vec<f32>],
        power: Vec<BoxPower>,
    ) -> Result<()> {
        std::fs::create_dir_all(out.join("boxes"))?;
        let mut files = Vec::new();
        for &redshift in &parameters.source_redshifts {
            let file = format!("z{redshift:.3}/box-{number:04}.npy");
            let path = out.join(&file);
            std::fs::create_dir_all(out.join(format!("z{redshift:.3}")))?;
            let mut writer = MapWriter::create(&path, parameters.pixels)?;
            for map in maps {
                writer.write(map)?;
            }
            writer.finish(Some(&MapsDescription {
                source: "test".into(),
                maps: maps.len(),
                pixels: parameters.pixels,
                side_angle: parameters.side_angle,
                seed: None,
                source_redshift: Some(redshift),
                cosmology: Some(parameters.cosmology),
                ..MapsDescription::default()
            }))?;
            files.push(BoxFile { bytes: path.metadata()?.len(), sha256: String::new(), file });
        }
        let manifest = BoxManifest {
            version: "test".into(),
            parameters: parameters.clone(),
            seed: 1,
            number,
            box_seed: number as u64 / 2 * 2 + if parameters.paired { 0 } else { number as u64 % 2 },
            inverted: false,
            files,
            power,
        };
        Ok(std::fs::write(out.join(format!("boxes/box-{number:04}.json")), serde_json::to_string(&manifest)?)?)
    }

    fn small() -> Parameters {
        Parameters { pixels: 16, maps: 2, ..Parameters::laptop() }
    }

    fn refused(out: &Path) -> String {
        Boxes::open(out).map_or_else(|error| format!("{error:#}"), |_| "taken".into())
    }

    #[test]
    fn boxes_and_their_independence() -> Result<()> {
        for (paired, independent) in [(false, 3), (true, 2)] {
            let folder = tempfile::tempdir()?;
            let parameters = Parameters { paired, source_redshifts: vec![0.5, 1.0], ..small() };
            for number in [2, 0, 1] {
                write_box(folder.path(), &parameters, number, &[vec![0.0; 256], vec![1.0; 256]], Vec::new())?;
            }
            let boxes = Boxes::open(folder.path())?;
            assert_eq!((boxes.boxes.len(), boxes.independent(), boxes.maps()), (3, independent, 6));
            let numbers: Vec<usize> = boxes.boxes.iter().map(|one| one.manifest.number).collect();
            assert_eq!(numbers, [0, 1, 2]);
            assert!(boxes.boxes.iter().all(|one| one.maps.len() == 2));
        }
        Ok(())
    }

    #[test]
    fn says_what_is_wrong() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let out = folder.path();
        assert!(refused(&out.join("nowhere")).contains("trainer simulate --out"));
        assert!(refused(out).contains("no complete box"));
        let maps = [vec![0.0; 256], vec![0.0; 256]];
        write_box(out, &small(), 0, &maps, Vec::new())?;
        assert_eq!(refused(out), "taken");

        write_box(out, &Parameters { steps: 7, ..small() }, 1, &maps, Vec::new())?;
        assert!(refused(out).contains("one campaign in one folder"), "{}", refused(out));
        std::fs::copy(out.join("boxes/box-0000.json"), out.join("boxes/box-0001.json"))?;
        assert!(refused(out).contains("two manifests of box 0"), "{}", refused(out));
        std::fs::write(out.join("boxes/box-0001.json"), "{")?;
        assert!(refused(out).contains("box-0001.json is no manifest"), "{}", refused(out));
        std::fs::remove_file(out.join("boxes/box-0001.json"))?;

        let maps = out.join("z1.000/box-0000.npy");
        let bytes = std::fs::read(&maps)?;
        std::fs::write(&maps, &bytes[..bytes.len() - 4])?;
        assert!(refused(out).contains("its manifest says") && refused(out).contains("box 0 has to be made again"));
        std::fs::remove_file(&maps)?;
        assert!(refused(out).contains("is not there") && refused(out).contains("box 0 has to be made again"));

        let manifest = std::fs::read_to_string(out.join("boxes/box-0000.json"))?;
        std::fs::write(out.join("boxes/box-0000.json"), manifest.replace("\"pixels\":16", "\"pixels\":0"))?;
        assert!(refused(out).contains("describes no maps"), "{}", refused(out));
        Ok(())
    }
}
