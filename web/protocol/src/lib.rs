//! Messages between the page and its worker.
//!
//! A message is a JavaScript array `[text, ...attachments]`: `text` is JSON of a [`Request`] or [`Response`] (see [`encode`]
//! and [`decode`]), attachments are `Float32Array`s whose buffers are transferred, not copied. Only [`Response::Drawn`]
//! has one: kappa, row-major.
//!
//! ```text
//! page                         worker
//!   |  <- Hello                  |   the program runs
//!   |  Start ->                  |
//!   |  <- Progress ...           |   weights, device, self-check
//!   |  <- Ready                  |
//!   |  Draw ->                   |   at most one at a time
//!   |  <- Drawn [kappa]          |
//!   |  <- Failed                 |   at any time
//! ```
//!
//! A new kind of work is one more variant of [`Request`] and of [`Response`].
#![warn(missing_docs)]

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::formats::weights::Manifest;

/// What the page asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Loads the weights and makes a device ready; the first request, once.
    Start {
        /// Address of the folder of the weights and their manifest.
        weights: String,
        /// Which device to use.
        device: DevicePreference,
    },
    /// Draws one map and measures it.
    Draw {
        /// Chosen by the page; the answer carries it.
        id: u32,
        /// What to draw.
        view: View,
    },
}

/// What the worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Response {
    /// The program runs and takes requests.
    Hello,
    /// Where the start has got to.
    Progress(Progress),
    /// The device has passed its self-check; [`Request::Draw`] may follow.
    Ready {
        /// What computes.
        device: DeviceReport,
        /// The manifest of the weights.
        manifest: Box<Manifest>,
    },
    /// One map, measured; its kappa is the message's attachment.
    Drawn(Drawn),
    /// Something failed.
    Failed {
        /// The [`Request::Draw`] that failed, if it was one.
        id: Option<u32>,
        /// Whether a fresh worker on the CPU may do better; this one is of no more use then.
        retry_on_cpu: bool,
        /// For the visitor, a full sentence.
        sentence: String,
    },
}

/// Which device the visitor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DevicePreference {
    /// WebGPU on real graphics hardware that passes the self-check, else the CPU.
    #[default]
    Auto,
    /// WebGPU, a software adapter too; the CPU where the self-check fails.
    WebGpu,
    /// The CPU.
    Cpu,
}

/// A point of latent space: a seed's vector, or one on the arc between two seeds' vectors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Seed at place 0.
    pub seed: u64,
    /// Seed at place 1.
    pub to: u64,
    /// Place on the arc, from 0 to 1.
    pub place: f64,
}

/// Where the start has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is going on.
    pub stage: Stage,
    /// Bytes so far; 0 for a stage without bytes.
    pub loaded: u64,
    /// Bytes in all; 0 where that is not known.
    pub total: u64,
}

/// Stages of the start, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Fetching the worker's own program; sent by the script that loads it.
    Program,
    /// Fetching the weights.
    Weights,
    /// Opening a device.
    Device,
    /// Putting the weights on the device and drawing the known map.
    SelfCheck,
}

/// What computes the maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Graphics or CPU.
    pub kind: DeviceKind,
    /// Name in words.
    pub name: String,
    /// Why it is not the device that was wanted: a clause, without capital and full stop.
    pub remark: Option<String>,
    /// Largest difference in kappa from the known pixels of the manifest.
    pub deviation: f32,
}

/// Kinds of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// The browser's WebGPU.
    WebGpu,
    /// WebAssembly on the CPU.
    Cpu,
}

/// A map without its pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The request's.
    pub id: u32,
    /// What was drawn.
    pub view: View,
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Time to draw it, read-back included.
    pub milliseconds: f64,
    /// Middle of each bin in l.
    pub ell: Vec<f64>,
    /// P(l) in steradians, `None` for an empty bin.
    pub power: Vec<Option<f64>>,
}

/// The text of a message.
///
/// # Errors
/// When a number is one that JSON cannot hold.
pub fn encode<T: Serialize>(message: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(message)
}

/// A message from its text.
///
/// # Errors
/// When the text is no such message.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_places_survive() {
        let request = Request::Draw { id: 7, view: View { seed: u64::MAX, to: 0, place: 0.1 } };
        assert_eq!(decode::<Request>(&encode(&request).unwrap()).unwrap(), request);
    }

    #[test]
    fn empty_bins_are_null_and_not_zero() {
        let drawn = Drawn {
            id: 1,
            view: View { seed: 1, to: 2, place: 0.0 },
            pixels: 2,
            side_angle: 1.0,
            milliseconds: 0.5,
            ell: vec![300.0, 500.0],
            power: vec![None, Some(1e-9)],
        };
        let text = encode(&Response::Drawn(drawn.clone())).unwrap();
        assert!(text.contains("[null,1e-9]"), "{text}");
        assert_eq!(decode::<Response>(&text).unwrap(), Response::Drawn(drawn));
    }

    /// The script that loads the worker writes these by hand.
    #[test]
    fn the_loading_script_speaks_this_protocol() {
        let script = include_str!("../../start/worker.js");
        let progress = Response::Progress(Progress { stage: Stage::Program, loaded: 5, total: 9 });
        let failed = Response::Failed { id: None, retry_on_cpu: true, sentence: "It stopped.".into() };
        for message in [progress, failed] {
            let value: serde_json::Value = decode(&encode(&message).unwrap()).unwrap();
            for (name, value) in value.as_object().unwrap() {
                assert!(script.contains(name), "{name}");
                // Its kind and stage are words of the protocol; numbers and sentences are the script's own.
                if matches!(name.as_str(), "type" | "stage") {
                    assert!(script.contains(&format!("{name}: {value}")), "{name}: {value}");
                }
            }
        }
    }
}
