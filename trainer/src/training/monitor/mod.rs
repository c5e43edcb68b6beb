//! How far generated maps are from the data, while a run goes on.
//!
//! ```text
//! spectrum    distance of power spectra, by which a generator is selected
//! statistics  what else people watch: correlations, pixels, shape
//! ```

mod spectrum;
mod statistics;

pub use spectrum::SpectrumMonitor;
pub use statistics::StatisticsMonitor;

use anyhow::Result;
use shared::network::{MapGenerator, generator::Backend};

/// Why there is no distance.
const NO_MODE: &str =
    "no mode of the power spectrum can be compared: the maps are constant, or too small for the paper's multipoles";

/// Draws the maps of `count` seeds from `first_seed` on, batch by batch.
///
/// # Errors
/// When the device fails, or `each` does.
fn draw<B: Backend<Error = anyhow::Error>>(
    generator: &MapGenerator<B>,
    first_seed: u64,
    count: usize,
    mut each: impl FnMut(&[Vec<f32>]) -> Result<()>,
) -> Result<()> {
    let seeds: Vec<u64> = (first_seed..).take(count).collect();
    seeds.chunks(generator.batch()).try_for_each(|seeds| each(&generator.draw_seeds(seeds.iter().copied())?))
}
