//! Messages between the page and its workers.
//!
//! A message is a JavaScript array `[text, ...attachments]`: `text` is JSON of a [`Request`] or [`Response`] (see [`encode`]
//! and [`decode`]). Attachments are typed arrays, whose buffers are transferred where the sender needs them no more: pixels of maps,
//! row-major, as `Float32Array`, bytes of files as `Uint8Array`; each kind of work and event says which it has. [`Response::Program`]
//! has the compiled `WebAssembly.Module`.
//!
//! ```text
//! page                         worker
//!   |  <- Program                |   it is compiled
//!   |  <- Hello                  |   and runs
//!   |  Start ->                  |
//!   |  <- Progress ...           |   weights, device, self-check
//!   |  <- Ready                  |
//!   |  Submit, Submit ... ->     |   jobs, any number
//!   |  <- Job, Job ...           |   one of each job
//!   |  Cancel ->                 |
//!   |  <- Failed                 |   at any time: the worker is of no more use
//! ```
//!
//! A job is about one map, with a number and a priority ([`queue`] decides whose turn it is). A new kind of work is one more
//! variant of [`Work`] and of [`Event`].
#![warn(missing_docs)]

pub mod queue;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{formats::weights::Manifest, statistics::Statistic, survey::Treatment};

/// What the page asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Loads the weights and makes a device ready; the first request, once.
    Start {
        /// Address of the folder of the weights and their manifest; `None` for those of the attachments, bytes of the manifest and
        /// of the file that it names.
        weights: Option<String>,
        /// The program's device in words, for its report.
        device: String,
    },
    /// Asks for a job, which is about one map.
    Submit {
        /// Chosen by the page, new for each job; what is said of the job carries it.
        id: u32,
        /// What to do.
        work: Work,
    },
    /// Takes a job back that waits; unknown ones, and those that are worked on or done, are left alone.
    Cancel {
        /// The job.
        id: u32,
    },
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Draws one map, treats it, and measures of it what is asked for.
    Draw {
        /// Which one.
        point: LatentPoint,
        /// What is done to it; statistics see all of it but the band.
        #[serde(default)]
        treatment: Treatment,
        /// What to measure; nothing, as for a frame that only passes by, is quickest.
        statistics: Vec<Statistic>,
    },
    /// Does the same with a map that is there. Attachment: its pixels.
    Look {
        /// Pixels along its side.
        pixels: usize,
        /// Its side in degrees.
        side_angle: f64,
        /// As for [`Work::Draw`].
        #[serde(default)]
        treatment: Treatment,
        /// As for [`Work::Draw`].
        statistics: Vec<Statistic>,
    },
    /// Draws a map that nobody sees, and measures it.
    Measure {
        /// Which one.
        point: LatentPoint,
        /// What to measure.
        statistics: Vec<Statistic>,
    },
    /// Reads the maps of a file. Attachment: its bytes.
    Read {
        /// Side in degrees of maps whose file does not state it.
        side_angle: f64,
    },
    /// Shows what each layer of the network makes of a point.
    Layers {
        /// Which one.
        point: LatentPoint,
    },
    /// Tests two sets of power spectra against each other. Attachments: generated and simulated spectra, map by map, NaN where a mode is
    /// empty.
    Test {
        /// Modes of a spectrum.
        modes: usize,
    },
    /// Asks the discriminator of the weights about a map. Attachment: its pixels.
    Judge,
    /// Computes the deflection of light by a map. Attachment: its pixels.
    Deflect {
        /// Pixels along its side.
        pixels: usize,
    },
}

impl Work {
    /// What is waited for by someone who looks on overtakes everything else.
    pub fn priority(&self) -> queue::Priority {
        match self {
            Self::Measure { .. } => queue::Priority::Background,
            _ => queue::Priority::Drawing,
        }
    }
}

/// What the worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Response {
    /// The worker's program is compiled; sent by the script that loads it, with the module.
    Program,
    /// The program runs and takes requests.
    Hello,
    /// Where the start has got to.
    Progress(Progress),
    /// The device has passed its self-check; jobs may follow.
    Ready {
        /// What computes.
        device: DeviceReport,
        /// The manifest of the weights.
        manifest: Box<Manifest>,
    },
    /// How a job ended.
    Job {
        /// The job's number.
        id: u32,
        /// What became of it.
        event: Event,
    },
    /// The start failed, or the program stopped.
    Failed {
        /// Whether a fresh worker on the CPU may do better.
        retry_on_cpu: bool,
        /// For the visitor, a full sentence.
        sentence: String,
    },
}

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A map is drawn. Attachment: its kappa.
    Drawn(Drawn),
    /// A map is treated and measured. Attachment: its kappa.
    Looked(Portrait),
    /// A file is read. Attachments: kappa of each map, NaN where a pixel has no value.
    Read {
        /// Its first maps.
        maps: Vec<MapSize>,
        /// How many it holds.
        total: usize,
        /// Whether it states how large they are on the sky.
        states_angle: bool,
        /// What the visitor should be told.
        notes: Vec<String>,
    },
    /// Layers of the network, the first one first. Attachments: for each, the shown channels, one after the other.
    Layers {
        /// What they are.
        layers: Vec<LayerSize>,
    },
    /// Two sets of spectra are tested. Attachments: correlation matrices of the generated and of the simulated ones, row by row, 0 where
    /// there is none.
    Tested(Tests),
    /// A map is judged.
    Judged {
        /// What the discriminator holds it for: a simulated map where it is large, the generator's where it is small.
        logit: f32,
    },
    /// A deflection, in shares of the map's side. Attachments: to the right, and down.
    Deflected,
    /// A map is measured.
    Measured {
        /// What was asked for.
        measured: Vec<Measured>,
    },
    /// The job was cancelled.
    Cancelled,
    /// The job failed.
    Failed {
        /// Whether a fresh worker on the CPU may do better; this one is of no more use then.
        retry_on_cpu: bool,
        /// For the visitor, a full sentence.
        sentence: String,
    },
}

/// A point of latent space: a seed's vector, one on the arc between two seeds' vectors, or one of the patch between four.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatentPoint {
    /// Seed at place 0.
    pub seed: u64,
    /// Seed at place 1.
    pub to: u64,
    /// Place on the arc, from 0 to 1.
    pub place: f64,
    /// The arc below, on a patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Arc>,
}

/// The lower arc of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arc {
    /// Seed at place 0.
    pub seed: u64,
    /// Seed at place 1.
    pub to: u64,
    /// How far the point is from the upper arc, 0, to this one, 1.
    pub height: f64,
}

impl LatentPoint {
    /// A seed's own vector.
    pub fn of_seed(seed: u64) -> Self {
        Self { seed, to: seed.wrapping_add(1), place: 0.0, below: None }
    }

    /// Whether this is the first seed's own vector.
    pub fn is_seed(&self) -> bool {
        self.place <= 0.0 && self.below.is_none_or(|below| below.height <= 0.0)
    }
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
    /// Time to draw a map, in milliseconds.
    pub milliseconds: f64,
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

/// A drawn map without its pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// What was drawn.
    pub point: LatentPoint,
    /// What was done to it.
    #[serde(default)]
    pub treatment: Treatment,
    /// Time to draw it, read-back included.
    pub milliseconds: f64,
    /// What it is like.
    pub portrait: Portrait,
}

/// A map without its pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Portrait {
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Standard deviation of kappa over its pixels: the unit of thresholds and heights.
    pub sigma: f64,
    /// What was asked to be measured.
    pub measured: Vec<Measured>,
}

impl Portrait {
    /// A statistic, where it was asked for.
    pub fn of(&self, statistic: Statistic) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.statistic == statistic)
    }
}

/// Size of a map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MapSize {
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
}

/// What is said of two sets of power spectra.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tests {
    /// Generated and simulated maps.
    pub maps: [usize; 2],
    /// p-value of the Kolmogorov-Smirnov test of each mode; `None` for an empty one.
    pub p_values: Vec<Option<f64>>,
    /// p-value of all modes together, by permutation of whole maps.
    pub together: Option<f64>,
    /// Root mean square difference of the two correlation matrices beside their diagonals.
    pub correlation_rms: f64,
}

/// A layer of the network, of which some channels are shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSize {
    /// Channels in all.
    pub channels: usize,
    /// Numbers along the side of a channel.
    pub side: usize,
    /// Channels that are shown, those that vary most first.
    pub shown: Vec<usize>,
}

/// One statistic of one map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Which one.
    pub statistic: Statistic,
    /// Middle of each bin.
    pub middles: Vec<f64>,
    /// Value per bin, `None` for one that does not exist.
    pub values: Vec<Option<f64>>,
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
        let point = LatentPoint {
            seed: u64::MAX,
            to: 0,
            place: 0.1,
            below: Some(Arc { seed: u64::MAX - 1, to: 3, height: 0.7 }),
        };
        let treatment = Treatment { smoothing: 0.3, band: Some((0.0, 2e3)), ..Treatment::default() };
        let work = Work::Draw { point, treatment, statistics: vec![Statistic::PowerSpectrum] };
        let request = Request::Submit { id: 7, work };
        assert_eq!(decode::<Request>(&encode(&request).unwrap()).unwrap(), request);
    }

    #[test]
    fn empty_bins_are_null_and_not_zero() {
        let measured = Measured {
            statistic: Statistic::PowerSpectrum,
            middles: vec![300.0, 500.0],
            values: vec![None, Some(1e-9)],
        };
        let portrait = Portrait { pixels: 2, side_angle: 1.0, sigma: 0.02, measured: vec![measured.clone()] };
        assert_eq!((portrait.of(Statistic::PowerSpectrum), portrait.of(Statistic::V0)), (Some(&measured), None));
        let (point, treatment) = (LatentPoint::of_seed(1), Treatment::default());
        let drawn = Drawn { point, treatment, milliseconds: 0.5, portrait };
        let response = Response::Job { id: 1, event: Event::Drawn(drawn) };
        let text = encode(&response).unwrap();
        assert!(text.contains("[null,1e-9]"), "{text}");
        assert_eq!(decode::<Response>(&text).unwrap(), response);
    }

    #[test]
    fn a_drawing_goes_before_an_ensemble() {
        let draw =
            Work::Draw { point: LatentPoint::of_seed(1), treatment: Treatment::default(), statistics: Vec::new() };
        let measure = Work::Measure { point: LatentPoint::of_seed(1), statistics: Vec::new() };
        assert!(draw.priority() > measure.priority());
    }

    /// The script that loads the worker writes these by hand.
    #[test]
    fn the_loading_script_speaks_this_protocol() {
        let script = include_str!("../../start/worker.js");
        let progress = Response::Progress(Progress { stage: Stage::Program, loaded: 5, total: 9 });
        let failed = Response::Failed { retry_on_cpu: true, sentence: "It stopped.".into() };
        for message in [Response::Program, progress, failed] {
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
