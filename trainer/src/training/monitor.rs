//! Distance of generated power spectra to the data's, while a run goes on.

use anyhow::{Context, Result};
use rayon::prelude::*;
use shared::{
    ConvergenceMap,
    latent::latent,
    statistics::{
        PowerSpectrumPlan, SpectrumBand,
        distance::{band_ratios, spectrum_distance},
        power_spectrum::paper_edges,
    },
};
use tch::Device;

use super::data::TrainingMaps;
use crate::networks::{TorchNetwork, generate, to_vec};

/// Seed of the first map that a monitor draws; far from the small numbers that people type.
const FIRST_SEED: u64 = 1 << 40;
/// Maps that are drawn at once.
const BATCH: usize = 32;

/// Power spectra of data maps, against which generators are measured.
pub struct SpectrumMonitor {
    side_angle: f64,
    side: usize,
    ell: Vec<f64>,
    data: Vec<Vec<Option<f64>>>,
}

impl SpectrumMonitor {
    /// Measures `count` maps spread evenly over the data (fewer where there are fewer).
    ///
    /// # Errors
    /// When a map is not finite.
    pub fn new(maps: &TrainingMaps, side: usize, side_angle: f64, count: usize) -> Result<Self> {
        let count = count.min(maps.maps());
        let mut values = Vec::with_capacity(count * side * side);
        for place in 0..count {
            let index = (place * maps.maps() / count) as i64;
            values.extend(to_vec(&maps.select(&[index], Device::Cpu)?)?);
        }
        let data = spectra(&values, side, side_angle)?;
        let ell = PowerSpectrumPlan::new(side, side_angle, &paper_edges())?.ell().to_vec();
        Ok(Self { side_angle, side, ell, data })
    }

    /// Distance and ratios per band of as many generated maps as there are data maps.
    ///
    /// # Errors
    /// When the device fails or a generated map is not finite.
    pub fn measure(
        &self,
        generator: &TorchNetwork,
        latent_size: usize,
        device: Device,
    ) -> Result<(f64, Vec<SpectrumBand>)> {
        let seeds: Vec<u64> = (0..self.data.len() as u64).map(|map| FIRST_SEED + map).collect();
        let mut generated = Vec::new();
        for seeds in seeds.chunks(BATCH) {
            let latents: Vec<Vec<f32>> = seeds.iter().map(|&seed| latent(seed, latent_size)).collect();
            generated.extend(spectra(&generate(generator, &latents, device)?, self.side, self.side_angle)?);
        }
        let distance = spectrum_distance(&self.data, &generated).context("no mode has power")?;
        Ok((distance, band_ratios(&self.ell, &self.data, &generated)))
    }
}

/// P(l) at the paper's modes of consecutive maps, on all threads.
///
/// # Errors
/// When a map is not finite.
pub fn spectra(values: &[f32], side: usize, side_angle: f64) -> Result<Vec<Vec<Option<f64>>>> {
    let plan = || PowerSpectrumPlan::new(side, side_angle, &paper_edges());
    values
        .par_chunks(side * side)
        .map_init(plan, |plan, kappa| {
            let map = ConvergenceMap::new(side_angle, side, kappa.to_vec())?;
            let plan = plan.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?;
            Ok(plan.measure(&map)?)
        })
        .collect()
}
