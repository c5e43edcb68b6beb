//! The generator on a device, and what measures its maps.

use protocol::{LatentPoint, Measured};
use shared::{
    ConvergenceMap,
    formats::weights::Manifest,
    network::{DrawInput, MapGenerator},
    statistics::{
        MapStatistics, PowerSpectrumPlan, Statistic, StatisticsEdges, StatisticsPlan, power_spectrum::paper_edges,
    },
};

use crate::{
    device::{Compute, Computing},
    messages::{Failure, scope},
};

/// Milliseconds of a clock that never goes back.
pub fn now() -> f64 {
    scope().performance().map_or(0.0, |performance| performance.now())
}

/// Draws maps one by one, and measures them.
pub struct Artist {
    generator: MapGenerator<Computing>,
    spectrum: PowerSpectrumPlan,
    /// Made when a statistic beside P(l) is asked for.
    others: Option<StatisticsPlan>,
}

impl Artist {
    /// Draws the maps of a manifest's network with what computes it.
    ///
    /// # Errors
    /// When the maps are of a size whose spectrum cannot be measured.
    pub fn new(manifest: &Manifest, compute: Box<dyn Compute>) -> Result<Self, Failure> {
        let (network, side_angle) = (&manifest.network, manifest.side_angle);
        let spectrum = PowerSpectrumPlan::new(network.map_side, side_angle, &paper_edges())
            .map_err(|error| Failure::final_one(error.to_string()))?;
        let generator = MapGenerator::new(network.clone(), side_angle, 1, Computing(compute));
        Ok(Self { generator, spectrum, others: None })
    }

    /// Draws a point of latent space; also says how long that took, in milliseconds.
    ///
    /// # Errors
    /// When the device fails or draws something that is not a map.
    pub async fn draw(&self, point: LatentPoint) -> Result<(ConvergenceMap, f64), Failure> {
        let start = now();
        let (definition, upper) = (self.generator.definition(), [point.seed, point.to]);
        let input = match point.below {
            None => DrawInput::between(upper, point.place, definition),
            Some(below) => DrawInput::on_patch([upper, [below.seed, below.to]], point.place, below.height, definition),
        };
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
                // The quick ones take a tenth of the time that all of them do.
                if statistics.iter().all(|statistic| Statistic::QUICK.contains(statistic)) {
                    plan.measure_pixels(map, &mut all);
                    plan.measure_paper(map, &mut all)
                } else {
                    plan.measure(map, &mut all)
                }
                .map_err(|error| unmeasured(&error))?;
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
