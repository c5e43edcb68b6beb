//! Weights and device, up to the self-check.

use protocol::{DeviceKind, DeviceReport, Response, Stage};
use shared::{
    formats::weights::{Manifest, Precision, Weights, WeightsFile},
    network::definition::parameters,
};

use crate::{
    artist::{Artist, now},
    device::Open,
    download::{Caching, download, download_weights, sha256},
    judge::Judge,
    messages::{Failure, send_progress},
};

/// A manifest is a few kilobytes.
const LONGEST_MANIFEST: u64 = 1 << 20;

/// Where weights come from.
pub enum Source {
    /// The folder at an address, with their manifest.
    Folder(String),
    /// The visitor: the manifest's bytes, and those of the file that it names.
    Visitor(Vec<u8>, Vec<u8>),
}

/// Loads weights, opens a device and has it draw one known map. `name` is the device in words.
///
/// # Errors
/// When a file is missing or not the one meant, or the device does not draw the known map.
pub async fn load(source: Source, name: String, open: Open) -> Result<(Response, Artist), Failure> {
    let read = |json: &[u8]| {
        Manifest::from_json(json)
            .map_err(|error| Failure::final_one(format!("The weights' manifest cannot be used: {error}.")))
    };
    let (manifest, weights, judge) = match source {
        Source::Folder(address) => {
            let address = address.trim_end_matches('/');
            let name = format!("{address}/manifest.json");
            let manifest = read(&download(&name, Caching::AskServer, LONGEST_MANIFEST, |_| {}).await?)?;
            let bytes = fetch(address, file(&manifest)?).await?;
            let again = "Please reload the page; if this stays, its files on the server are not whole.";
            let weights = check(&manifest, bytes, again).await?;
            let judge = Judge::of(&manifest, address);
            (manifest, weights, judge)
        }
        Source::Visitor(json, bytes) => {
            let manifest = read(&json)?;
            let weights =
                check(&manifest, bytes, "Choose the manifest and the weights that were written together.").await?;
            (manifest, weights, Judge::None)
        }
    };
    send_progress(Stage::Device, 0, 0);
    let device = open(manifest.network.clone(), weights).await?;
    let kind = device.kind;
    send_progress(Stage::SelfCheck, 0, 0);
    let artist = Artist::new(&manifest, judge, device);
    let check = &manifest.self_check;
    let kappa = artist.kappa_of_seed(check.seed).await?;
    let deviation = check.deviation(manifest.network.map_side, &kappa);
    if deviation > check.tolerance {
        let differs = format!("it differs by {deviation:.2e} in kappa");
        return Err(match kind {
            DeviceKind::WebGpu => {
                Failure::of_device(format!("The GPU did not draw the known map of these weights ({differs})."))
            }
            DeviceKind::Cpu => Failure::final_one(format!(
                "No device here draws the known map of these weights ({differs}), so no map is shown. Please try another browser."
            )),
        });
    }
    // Once more: the first map of a device also pays for its preparations.
    let start = now();
    artist.kappa_of_seed(check.seed).await?;
    let device = DeviceReport { kind, name, remark: None, deviation, milliseconds: now() - start };
    Ok((Response::Ready { device, manifest: Box::new(manifest) }, artist))
}

/// The smallest file of the generator.
fn file(manifest: &Manifest) -> Result<&WeightsFile, Failure> {
    let file = manifest.file(Precision::F16).or_else(|| manifest.file(Precision::F32));
    file.ok_or_else(|| Failure::final_one("The weights' manifest names no file of weights."))
}

/// The bytes of a file beside its manifest.
async fn fetch(address: &str, file: &WeightsFile) -> Result<Vec<u8>, Failure> {
    send_progress(Stage::Weights, 0, file.bytes);
    // Progress at whole percents: a message for each chunk would be more than anyone sees.
    let percent = std::cell::Cell::new(0);
    let progress = |loaded: u64| {
        let now = loaded * 100 / file.bytes.max(1);
        if now > percent.replace(now) {
            send_progress(Stage::Weights, loaded, file.bytes);
        }
    };
    download_weights(address, file, progress).await
}

/// The weights in the bytes of whichever file of the manifest they are.
async fn check(manifest: &Manifest, bytes: Vec<u8>, advice: &str) -> Result<Weights, Failure> {
    let unusable = |error| Failure::final_one(format!("The weights were not used: {error}. {advice}"));
    let meant = manifest.generator.iter().find(|file| file.bytes == bytes.len() as u64);
    let meant = meant.map_or_else(|| file(manifest), Ok)?;
    meant.verify_digest(bytes.len() as u64, sha256(&bytes).await).map_err(unusable)?;
    Weights::read(bytes, &parameters(&manifest.network.generator())).map_err(unusable)
}
