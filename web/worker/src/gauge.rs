//! What treats and measures maps of one geometry.

use protocol::{Measured, Portrait};
use shared::{
    ConvergenceMap,
    statistics::{
        MapStatistics, PowerSpectrumPlan, Statistic, StatisticsEdges, StatisticsPlan, mean_and_sigma,
        power_spectrum::paper_edges,
    },
    survey::{DeflectionPlan, Treatment, TreatmentPlan},
};

use crate::messages::Failure;

/// Geometries that are kept ready: that of the network, and those of two files.
const KEPT: usize = 3;

/// Plans for maps of one geometry, each made when it is first needed.
pub struct Gauge {
    pixels: usize,
    side_angle: f64,
    spectrum: Option<PowerSpectrumPlan>,
    others: Option<StatisticsPlan>,
    treatment: Option<TreatmentPlan>,
    deflection: Option<DeflectionPlan>,
}

/// Gauges of the last few geometries, the newest last.
#[derive(Default)]
pub struct Gauges(Vec<Gauge>);

impl Gauges {
    /// The gauge for a map.
    pub fn of(&mut self, map: &ConvergenceMap) -> &mut Gauge {
        let kept = self.0.iter().position(|gauge| gauge.fits(map));
        let gauge = kept.map_or_else(|| Gauge::new(map), |place| self.0.remove(place));
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(gauge);
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

impl Gauge {
    fn new(map: &ConvergenceMap) -> Self {
        let (pixels, side_angle) = (map.pixels(), map.side_angle());
        Self { pixels, side_angle, spectrum: None, others: None, treatment: None, deflection: None }
    }

    fn fits(&self, map: &ConvergenceMap) -> bool {
        self.pixels == map.pixels() && self.side_angle.to_bits() == map.side_angle().to_bits()
    }

    /// Treats a map and measures what is asked for, of all of it but the band.
    ///
    /// # Errors
    /// When the map has too few pixels to be measured.
    pub fn look(
        &mut self,
        map: ConvergenceMap,
        treatment: &Treatment,
        statistics: &[Statistic],
    ) -> Result<(Portrait, Vec<f32>), Failure> {
        let (pixels, side_angle) = (self.pixels, self.side_angle);
        let whole = treatment.whole();
        let seen = if whole.is_none() { map } else { self.treated(&map, &whole)? };
        let measured = self.measure(&seen, statistics)?;
        let seen = if treatment.band.is_none() {
            seen
        } else {
            self.treated(&seen, &Treatment { band: treatment.band, ..Treatment::default() })?
        };
        let (_, sigma) = mean_and_sigma(seen.kappa());
        Ok((Portrait { pixels, side_angle, sigma, measured }, seen.into_kappa()))
    }

    fn treated(&mut self, map: &ConvergenceMap, treatment: &Treatment) -> Result<ConvergenceMap, Failure> {
        let plan = self.treatment.get_or_insert_with(|| TreatmentPlan::new(self.pixels));
        ConvergenceMap::new(self.side_angle, self.pixels, plan.treat(map, treatment))
            .map_err(|error| Failure::final_one(format!("The map cannot be treated so: {error}.")))
    }

    /// Measures what is asked for of a map.
    ///
    /// # Errors
    /// When the map has too few pixels to be measured.
    pub fn measure(&mut self, map: &ConvergenceMap, statistics: &[Statistic]) -> Result<Vec<Measured>, Failure> {
        let unmeasured =
            |error: &dyn std::fmt::Display| Failure::final_one(format!("The map cannot be measured: {error}."));
        let mut all = MapStatistics::default();
        if statistics.iter().any(|statistic| *statistic != Statistic::PowerSpectrum) {
            if self.others.is_none() {
                let plan = StatisticsPlan::new(self.pixels, self.side_angle, &StatisticsEdges::default());
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
                    if self.spectrum.is_none() {
                        let plan = PowerSpectrumPlan::new(self.pixels, self.side_angle, &paper_edges());
                        self.spectrum = Some(plan.map_err(|error| unmeasured(&error))?);
                    }
                    let Some(plan) = &mut self.spectrum else { continue };
                    let power = plan.measure(map).map_err(|error| unmeasured(&error))?;
                    (plan.ell().to_vec(), power)
                }
                (other, Some(plan)) => (plan.middles(other), all.of(other).to_vec()),
                (_, None) => continue,
            };
            measured.push(Measured { statistic, middles, values });
        }
        Ok(measured)
    }

    /// The deflection of light by a map.
    pub fn deflection(&mut self, map: &ConvergenceMap) -> Option<[Vec<f32>; 2]> {
        let plan = self.deflection.get_or_insert_with(|| DeflectionPlan::new(self.pixels));
        plan.deflection(map).map(|deflection| [deflection.right, deflection.down])
    }
}
