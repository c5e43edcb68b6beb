//! P(l) of many maps at the paper's modes.

use anyhow::{Context, Result};
use rayon::prelude::*;
use shared::{
    ConvergenceMap,
    statistics::{
        PowerSpectrumPlan,
        power_spectrum::{modes_below_nyquist, paper_edges},
    },
};

/// Maps that a thread takes at a time where there are enough for all: each time it plans anew.
const MAPS_AT_A_TIME: usize = 16;

/// P(l) of one map per mode, `None` for a bin without Fourier modes.
pub type Spectrum = Vec<Option<f64>>;

/// Middles of the paper's modes that are compared: those below the Nyquist multipole of the maps' rows. Beyond it only the corners
/// of Fourier space have modes.
///
/// # Errors
/// When the geometry is none of a map.
pub fn compared_modes(pixels: usize, side_angle: f64) -> Result<Vec<f64>> {
    let plan = PowerSpectrumPlan::new(pixels, side_angle, &paper_edges())?;
    let below = modes_below_nyquist(plan.ell(), pixels, side_angle);
    Ok(plan.ell()[..below].to_vec())
}

/// P(l) of `count` maps at the first `modes` of the paper's modes, on all threads.
///
/// # Errors
/// When a map cannot be had, or is not finite.
pub fn spectra(
    count: usize,
    [pixels, modes]: [usize; 2],
    side_angle: f64,
    kappa: impl Fn(usize) -> Result<Vec<f32>> + Sync,
) -> Result<Vec<Spectrum>> {
    let plan = || PowerSpectrumPlan::new(pixels, side_angle, &paper_edges());
    let least = (count / rayon::current_num_threads()).clamp(1, MAPS_AT_A_TIME);
    (0..count)
        .into_par_iter()
        .with_min_len(least)
        .map_init(plan, |plan, at| {
            let plan = plan.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?;
            let map = ConvergenceMap::new(side_angle, pixels, kappa(at)?).with_context(|| format!("map {at}"))?;
            let mut spectrum = plan.measure(&map)?;
            spectrum.truncate(modes);
            Ok(spectrum)
        })
        .collect()
}
