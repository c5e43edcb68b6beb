//! What the discriminator holds a map for.

use protocol::Event;

use super::Step;
use crate::{artist::Artist, messages::Failure};

/// Asks it.
///
/// # Errors
/// When there is none, or it cannot be loaded.
pub async fn step(artist: &mut Artist, kappa: &[f32]) -> Result<Step, Failure> {
    Ok((Event::Judged { logit: artist.judge.judge(kappa).await? }, Vec::new()))
}
