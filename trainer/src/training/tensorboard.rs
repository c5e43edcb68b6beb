//! TensorBoard event files: protobuf events in length-prefixed records with masked CRC-32C (TFRecord).

use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use prost::Message;

/// `tensorflow.Event` of tensorflow/core/util/event.proto, as far as scalars need it.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary` of tensorflow/core/framework/summary.proto.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// A file of scalars that TensorBoard reads while it grows.
pub struct EventFile {
    file: File,
}

impl EventFile {
    /// Begins a new event file in a folder; TensorBoard joins the files of a run.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(folder: &Path) -> Result<Self> {
        let now = seconds();
        // TensorBoard orders a run's files by this name; the process number keeps two starts in a second apart.
        let name = format!("events.out.tfevents.{:010}.{}", now as u64, std::process::id());
        let path = folder.join(name);
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut events = Self { file };
        let version = Some("brain.Event:2".to_owned());
        events.write(&Event { wall_time: now, step: 0, file_version: version, summary: None })?;
        Ok(events)
    }

    /// Appends scalars of one step.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<()> {
        let value = |&(tag, value): &(&str, f64)| SummaryValue { tag: tag.into(), simple_value: Some(value as f32) };
        let summary = Some(Summary { value: values.iter().map(value).collect() });
        self.write(&Event { wall_time: seconds(), step: step as i64, file_version: None, summary })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        self.file.write_all(&record(&event.encode_to_vec())).context("cannot write the TensorBoard events")
    }
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A TFRecord: length, its checksum, the bytes, their checksum.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), bytes, &masked(bytes).to_le_bytes()].concat()
}

/// CRC-32C, rotated and shifted so that a checksum of checksums is not degenerate.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_as_tensorflow_writes_it() {
        // The first record of any event file of a TensorFlow run: Event { wall_time: 0, file_version: "brain.Event:2" }.
        let event = Event { file_version: Some("brain.Event:2".into()), ..Event::default() };
        let bytes = record(&event.encode_to_vec());
        assert_eq!(bytes[..8], 15_u64.to_le_bytes());
        assert_eq!(bytes[12..27], *b"\x1a\x0dbrain.Event:2");
        // CRC-32C of "123456789" is e3069283 (RFC 3720).
        assert_eq!(masked(b"123456789"), 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }

    #[test]
    fn scalars_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventFile::create(folder.path()).unwrap();
        events.scalars(7, &[("loss", 0.5)]).unwrap();
        let path = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let bytes = std::fs::read(path).unwrap();
        let first = 16 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let event = Event::decode(&bytes[first + 12..bytes.len() - 4]).unwrap();
        assert_eq!((event.step, event.summary.unwrap().value[0].simple_value), (7, Some(0.5)));
    }
}
