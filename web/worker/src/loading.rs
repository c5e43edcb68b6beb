//! Weights and device, up to the self-check.

use protocol::{DeviceKind, DevicePreference, DeviceReport, Response, Stage};
use shared::{
    formats::weights::{Manifest, Precision, Weights},
    network::definition::parameters,
};

use crate::{
    artist::Artist,
    device::{self, Candidate},
    download::{Caching, download},
    messages::{Failure, send_progress},
};

/// A manifest is a few kilobytes.
const LONGEST_MANIFEST: u64 = 1 << 20;

/// Loads the weights from the folder at an address, opens a device and has it draw one known map.
///
/// # Errors
/// When a file is missing or not the one meant, or no device draws the known map.
pub async fn load(address: &str, preference: DevicePreference) -> Result<(Response, Artist), Failure> {
    let address = address.trim_end_matches('/');
    let json = download(&format!("{address}/manifest.json"), Caching::AskServer, LONGEST_MANIFEST, |_| {}).await?;
    let manifest = Manifest::from_json(&json)
        .map_err(|error| Failure::final_one(format!("The weights' manifest cannot be used: {error}.")))?;
    let weights = weights(address, &manifest).await?;

    send_progress(Stage::Device, 0, 0);
    let candidate = device::choose(preference).await;
    let first = check(candidate, &manifest, &weights).await;
    let (report, artist) = match first {
        Ok(ready) => ready,
        Err(wrong) if wrong.kind == DeviceKind::WebGpu => {
            let remark = format!("the GPU did not pass its self-check ({})", wrong.reason);
            let second = check(device::cpu(Some(remark)), &manifest, &weights).await;
            second.map_err(|wrong| broken(&wrong.reason))?
        }
        Err(wrong) => return Err(broken(&wrong.reason)),
    };
    Ok((Response::Ready { device: report, manifest: Box::new(manifest) }, artist))
}

fn broken(reason: &str) -> Failure {
    Failure::final_one(format!(
        "No device here draws the known map of these weights ({reason}), so no map is shown. Please try another browser."
    ))
}

async fn weights(address: &str, manifest: &Manifest) -> Result<Weights, Failure> {
    let file = manifest.file(Precision::F16).or_else(|| manifest.file(Precision::F32));
    let file = file.ok_or_else(|| Failure::final_one("The weights' manifest names no file of weights."))?;
    send_progress(Stage::Weights, 0, file.bytes);
    // Progress at whole percents: a message for each chunk would be more than anyone sees.
    let percent = std::cell::Cell::new(0);
    let progress = |loaded: u64| {
        let now = loaded * 100 / file.bytes.max(1);
        if now > percent.replace(now) {
            send_progress(Stage::Weights, loaded, file.bytes);
        }
    };
    // Weights keep their name when they are trained anew: with the checksum in the address, no cache gives old ones.
    let version = file.sha256.get(..12).unwrap_or_default();
    let bytes = download(&format!("{address}/{}?{version}", file.file), Caching::Usual, file.bytes, progress).await?;
    let unusable = |error| {
        Failure::final_one(format!(
            "The weights were not used: {error}. Please reload the page; if this stays, its files on the server are not whole."
        ))
    };
    file.verify(&bytes).map_err(unusable)?;
    Weights::read(bytes, &parameters(&manifest.network.generator())).map_err(unusable)
}

/// A device that did not draw the known map.
struct Wrong {
    kind: DeviceKind,
    reason: String,
}

/// Has a device draw the map whose pixels the manifest states.
async fn check(candidate: Candidate, manifest: &Manifest, weights: &Weights) -> Result<(DeviceReport, Artist), Wrong> {
    send_progress(Stage::SelfCheck, 0, 0);
    let Candidate { device, kind, name, remark } = candidate;
    let wrong = |reason: String| Wrong { kind, reason };
    let artist = Artist::new(manifest, weights, &device).map_err(|failure| wrong(failure.sentence))?;
    let check = &manifest.self_check;
    let kappa = artist.kappa_of_seed(check.seed).await.map_err(|failure| wrong(failure.sentence))?;
    let deviation = check.deviation(manifest.network.map_side, &kappa);
    if deviation > check.tolerance {
        return Err(wrong(format!("a known map differs by {deviation:.2e} in kappa")));
    }
    Ok((DeviceReport { kind, name, remark, deviation }, artist))
}
