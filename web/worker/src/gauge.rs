//! What treats and measures maps of one geometry.

use protocol::{Measured, Portrait};
use shared::{
    ConvergenceMap,
    statistics::{
        MapStatistics, PowerSpectrumPlan, Statistic, StatisticsEdges, StatisticsPlan, mask::Mask, mean_and_sigma,
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

    /// Treats a map and measures what is asked for, of all of it but the band. Pixels that `mask` leaves out are NaN in what is seen.
    ///
    /// # Errors
    /// When the map has too few pixels to be measured.
    pub fn look(
        &mut self,
        map: ConvergenceMap,
        mask: Option<&Mask>,
        treatment: &Treatment,
        statistics: &[Statistic],
    ) -> Result<(Portrait, Vec<f32>), Failure> {
        let (pixels, side_angle) = (self.pixels, self.side_angle);
        let whole = treatment.whole();
        let seen = if whole.is_none() { map } else { self.treated(&map, &whole)? };
        let measured = match mask {
            None => self.measure(&seen, statistics)?,
            Some(mask) => self.measure_masked(&seen, mask, statistics)?,
        };
        let seen = if treatment.band.is_none() {
            seen
        } else {
            self.treated(&seen, &Treatment { band: treatment.band, ..Treatment::default() })?
        };
        let mut kappa = seen.into_kappa();
        let Some(mask) = mask else {
            let (_, sigma) = mean_and_sigma(&kappa);
            return Ok((Portrait { pixels, side_angle, sigma, measured }, kappa));
        };
        let whole: Vec<f32> = kappa.iter().zip(mask.whole()).filter(|(_, whole)| **whole).map(|(&k, _)| k).collect();
        let sigma = if whole.is_empty() { 0.0 } else { mean_and_sigma(&whole).1 };
        for (kappa, used) in kappa.iter_mut().zip(mask.used()) {
            if !used {
                *kappa = f32::NAN;
            }
        }
        Ok((Portrait { pixels, side_angle, sigma, measured }, kappa))
    }

    fn measure_masked(
        &mut self,
        map: &ConvergenceMap,
        mask: &Mask,
        statistics: &[Statistic],
    ) -> Result<Vec<Measured>, Failure> {
        let plan = self.plan()?;
        let mut all = MapStatistics::default();
        plan.measure_masked(map, mask, &mut all).map_err(|error| unmeasured(&error))?;
        let of = |&statistic: &Statistic| Measured {
            statistic,
            middles: plan.middles(statistic),
            values: all.of(statistic).to_vec(),
        };
        Ok(statistics.iter().map(of).collect())
    }

    /// The plan of all statistics.
    fn plan(&mut self) -> Result<&mut StatisticsPlan, Failure> {
        let made = match self.others.take() {
            Some(plan) => plan,
            None => StatisticsPlan::new(self.pixels, self.side_angle, &StatisticsEdges::default())
                .map_err(|error| unmeasured(&error))?,
        };
        Ok(self.others.insert(made))
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
        let mut all = MapStatistics::default();
        if statistics.iter().any(|statistic| *statistic != Statistic::PowerSpectrum) {
            let plan = self.plan()?;
            // The quick ones take a tenth of the time that all of them do.
            if statistics.iter().all(|statistic| Statistic::QUICK.contains(statistic)) {
                plan.measure_pixels(map, &mut all);
                plan.measure_paper(map, &mut all)
            } else {
                plan.measure(map, &mut all)
            }
            .map_err(|error| unmeasured(&error))?;
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

fn unmeasured(error: &dyn std::fmt::Display) -> Failure {
    Failure::final_one(format!("The map cannot be measured: {error}."))
}
