//! Distance of generated power spectra to the data's: at the modes that the evaluation compares.

use anyhow::{Context, Result};
use shared::{
    network::{MapGenerator, generator::Backend},
    statistics::{
        SpectrumBand,
        distance::{band_ratios, spectrum_distance},
    },
};

use super::{NO_MODE, draw};
use crate::{
    spectra::{Spectrum, compared_modes, spectra},
    training::data::TrainingMaps,
};

/// Power spectra of data maps, against which generators are measured.
pub struct SpectrumMonitor {
    side_angle: f64,
    side: usize,
    ell: Vec<f64>,
    data: Vec<Spectrum>,
}

impl SpectrumMonitor {
    /// Measures `count` maps spread evenly over the data (fewer where there are fewer), of `side_angle` degrees.
    ///
    /// # Errors
    /// When a map is not finite.
    pub fn new(maps: &TrainingMaps, side_angle: f64, count: usize) -> Result<Self> {
        Self::of(maps, side_angle, &maps.spread(count).collect::<Vec<_>>())
    }

    /// Measures the first `count` maps of the data.
    ///
    /// # Errors
    /// When a map is not finite.
    pub fn of_first(maps: &TrainingMaps, side_angle: f64, count: usize) -> Result<Self> {
        Self::of(maps, side_angle, &(0..count.min(maps.crops())).collect::<Vec<_>>())
    }

    fn of(maps: &TrainingMaps, side_angle: f64, places: &[usize]) -> Result<Self> {
        let side = maps.side();
        let ell = compared_modes(side, side_angle)?;
        let data = spectra(places.len(), [side, ell.len()], side_angle, |at| maps.kappa([places[at]]))?;
        Ok(Self { side_angle, side, ell, data })
    }

    /// Distance and ratios per band of `count` generated maps, of the seeds from `first_seed` on. `tick` is called after each batch
    /// with the number of its maps, and may end the measurement.
    ///
    /// # Errors
    /// When the device fails, a generated map is not finite, there is no mode to compare, or `tick` ends it.
    pub fn measure<B: Backend<Error = anyhow::Error>>(
        &self,
        generator: &MapGenerator<B>,
        first_seed: u64,
        count: usize,
        mut tick: impl FnMut(usize) -> Result<()>,
    ) -> Result<(f64, Vec<SpectrumBand>)> {
        let mut generated = Vec::with_capacity(count);
        draw(generator, first_seed, count, |maps| {
            generated
                .extend(spectra(maps.len(), [self.side, self.ell.len()], self.side_angle, |at| Ok(maps[at].clone()))?);
            tick(maps.len())
        })?;
        let distance = spectrum_distance(&self.data, &generated).context(NO_MODE)?;
        Ok((distance, band_ratios(&self.ell, &self.data, &generated)))
    }
}
