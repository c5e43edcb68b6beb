//! A run's generator as weights.

use anyhow::{Context, Result, bail};
use shared::formats::weights::{Origin, Precision, TrainingRecord};
use tch::Device;

use super::write::EncodedWeights;
use crate::training::{
    checkpoint::{self, CheckpointState},
    finish::finish,
    step::{Players, discriminator_form},
};

/// What a checkpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Both networks, and all that a run goes on from.
    Whole,
    /// The generator, as a selection keeps it.
    Generator,
}

/// Encodes the generator of a checkpoint, finished as the run's `[export]` says where `finished` is on, and with it the
/// discriminator where `judging` is.
///
/// # Errors
/// When the checkpoint is damaged or lacks the discriminator, or the run does not know its maps' angle.
pub fn encode(
    bytes: &[u8],
    state: &CheckpointState,
    part: Part,
    [finished, judging]: [bool; 2],
    precisions: impl IntoIterator<Item = Precision>,
) -> Result<EncodedWeights> {
    let players = Players::new(&state.config, state.data.deviation, Device::Cpu)?;
    match part {
        Part::Generator => checkpoint::restore_generator(bytes, &players.generator)?,
        Part::Whole => checkpoint::restore(bytes, &players)?,
    }
    if finished {
        finish(&players, &state.config)?;
    }
    let described = state.data.description.as_ref();
    let side_angle =
        described.map(|description| description.side_angle).context("the run does not know its maps' angle")?;
    let generator = |precision| players.generator.encode(precision);
    let encoded = EncodedWeights::new(generator, &state.config.network, side_angle, precisions)?;
    match (judging, part) {
        (false, _) => Ok(encoded),
        (true, Part::Generator) => bail!(
            "the selection keeps generators alone: --step with the step of a checkpoint gives one with its discriminator"
        ),
        (true, Part::Whole) => encoded.with_discriminator(
            discriminator_form(&state.config, state.data.deviation),
            players.discriminator.encode(Precision::F16)?,
        ),
    }
}

/// What a manifest says of how the weights were trained.
pub fn origin(state: &CheckpointState) -> Origin {
    let description = state.data.description.as_ref();
    Origin::Trained(TrainingRecord {
        data: description.map_or_else(|| "not described".to_owned(), |description| description.source.clone()),
        maps: state.data.maps,
        data_sha256: state.data.sha256.clone(),
        data_marks: description.map(|description| description.sources.to_text()).unwrap_or_default(),
        cosmology: description.and_then(|description| description.cosmology),
        source_redshift: description.and_then(|description| description.source_redshift),
        step: state.step,
        started_from: state.started_from.clone(),
        batch_size: state.config.batch_size,
        learning_rate: Some(state.config.learning_rate),
        seed: state.config.seed,
        precision: state.config.precision.to_string(),
        device: state.device.clone(),
        discriminator: state.config.discriminator.differs(),
        trained_toward: state.config.forces.statistics(),
    })
}
