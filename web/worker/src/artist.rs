//! The generator on a device, and what measures its maps.

use burn::tensor::Device;
use protocol::{LatentPoint, Measured};
use shared::{
    ConvergenceMap,
    formats::weights::{Manifest, Weights},
    network::{
        DrawInput, MapGenerator,
        burn::{BurnBackend, DeviceError},
        generator::DrawError,
    },
    statistics::{
        MapStatistics, PowerSpectrumPlan, Statistic, StatisticsEdges, StatisticsPlan, power_spectrum::paper_edges,
    },
};

use crate::messages::{Failure, scope};

/// Draws maps one by one, and measures them.
pub struct Artist {
    generator: MapGenerator<BurnBackend>,
    spectrum: PowerSpectrumPlan,
    /// Made when a statistic beside P(l) is asked for.
    others: Option<StatisticsPlan>,
}

impl Artist {
    /// Puts the generator on a device.
    ///
    /// # Errors
    /// When the weights do not fit the manifest.
    pub fn new(manifest: &Manifest, weights: &Weights, device: &Device) -> Result<Self, Failure> {
        let (network, side_angle) = (&manifest.network, manifest.side_angle);
        let backend = BurnBackend::new(network, weights, device)
            .map_err(|error| Failure::final_one(format!("The weights cannot be used: {error}.")))?;
        let spectrum = PowerSpectrumPlan::new(network.map_side, side_angle, &paper_edges())
            .map_err(|error| Failure::final_one(error.to_string()))?;
        Ok(Self { generator: MapGenerator::new(network.clone(), side_angle, 1, backend), spectrum, others: None })
    }

    /// Draws a point of latent space; also says how long that took, in milliseconds.
    ///
    /// # Errors
    /// When the device fails or draws something that is not a map.
    pub async fn draw(&self, point: LatentPoint) -> Result<(ConvergenceMap, f64), Failure> {
        let now = || scope().performance().map_or(0.0, |performance| performance.now());
        let start = now();
        let input = DrawInput::between([point.seed, point.to], point.place, self.generator.definition());
        let kappa = self.generator.draw(&[input]).await?.concat();
        let milliseconds = now() - start;
        let map = ConvergenceMap::new(self.generator.side_angle(), self.generator.pixels(), kappa)
            .map_err(|error| Failure::of_device(format!("The device drew no map: {error}.")))?;
        Ok((map, milliseconds))
    }

    /// Kappa of a seed's map, row by row.
    ///
    /// # Errors
    /// When the device fails or draws something that is not a map.
    pub async fn kappa_of_seed(&self, seed: u64) -> Result<Vec<f32>, Failure> {
        Ok(self.generator.draw(&[DrawInput::of_seed(seed, self.generator.definition())]).await?.concat())
    }

    /// Measures what is asked for of a map.
    ///
    /// # Errors
    /// When the map is of another size.
    pub fn measure(&mut self, map: &ConvergenceMap, statistics: &[Statistic]) -> Result<Vec<Measured>, Failure> {
        let unmeasured = |error: &dyn std::fmt::Display| Failure::final_one(error.to_string());
        let mut all = MapStatistics::default();
        if statistics.iter().any(|statistic| *statistic != Statistic::PowerSpectrum) {
            if self.others.is_none() {
                let plan = StatisticsPlan::new(map.pixels(), map.side_angle(), &StatisticsEdges::default());
                self.others = Some(plan.map_err(|error| unmeasured(&error))?);
            }
            if let Some(plan) = &mut self.others {
                plan.measure(map, &mut all).map_err(|error| unmeasured(&error))?;
            }
        }
        let mut measured = Vec::with_capacity(statistics.len());
        for &statistic in statistics {
            let (middles, values) = match (statistic, &self.others) {
                (Statistic::PowerSpectrum, _) => {
                    let power = self.spectrum.measure(map).map_err(|error| unmeasured(&error))?;
                    (self.spectrum.ell().to_vec(), power)
                }
                (other, Some(plan)) => (plan.middles(other), all.of(other).to_vec()),
                (_, None) => continue,
            };
            measured.push(Measured { statistic, middles, values });
        }
        Ok(measured)
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Draw(error @ (DrawError::Latent { .. } | DrawError::Conditions { .. })) => {
                Self::final_one(format!("The map cannot be drawn: {error}."))
            }
            error => Self::of_device(format!("The device could not draw the map ({error}).")),
        }
    }
}
