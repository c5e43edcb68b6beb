//! Rows of numbers and goals, from what boxes and their maps give.

use anyhow::Result;
use serde::Serialize;
use shared::ConvergenceMap;

use super::{
    Against, Boxes, angular_power,
    crops::{CROP_PIXELS, CropCount},
    estimate::Estimate,
    maps::{MapsMeasured, measure},
    matter_power,
    moments::{Moment, PooledMoments},
    quantity::{Goal, Quantity},
    smoothing::{SMOOTHING, smoothed_sigma},
};
use crate::{
    cosmology::{ConvergencePower, Halofit, LinearPower, Wiggles},
    parameters::Parameters,
};

/// Goals of [`angular_power::EDGES`]' bands.
const ANGULAR_GOALS: [f64; angular_power::BANDS] = [0.1, 0.1, 0.1, 0.1, 0.2];
/// Goals of [`matter_power::EDGES`]' bands.
const MATTER_GOALS: [f64; matter_power::BANDS] = [0.05, 0.05, 0.1, 0.1];
/// The paper has less than 0.9 % of maps with a pixel outside [-1, 1].
const OUTSIDE_GOAL: f64 = 0.009;
/// Goal of moments over those of other simulations.
const MOMENT_GOAL: f64 = 0.15;

/// The whole assessment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What all boxes share.
    pub parameters: Parameters,
    /// Boxes.
    pub boxes: usize,
    /// Boxes that do not depend on each other; errors are over these.
    pub independent_boxes: usize,
    /// Maps for each source redshift.
    pub maps: usize,
    /// Crops for each source redshift.
    pub crops: usize,
    /// Standard deviation of the Gaussian in arcminutes.
    pub smoothing_arcmin: f64,
    /// What was compared with.
    pub against: Option<AgainstReport>,
    /// The numbers.
    pub rows: Vec<Row>,
}

/// Maps of other simulations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgainstReport {
    /// In words.
    pub source: String,
    /// Number of maps.
    pub maps: usize,
    /// Redshift of the sources.
    pub source_redshift: f64,
    /// Moments of all smoothed pixels, in the order of [`Moment::ALL`].
    pub moments: [Option<f64>; 3],
}

/// A number with its goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What it is.
    pub quantity: Quantity,
    /// Over boxes.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// What it shall be.
    pub goal: Option<Goal>,
    /// Whether it is; `None` without a goal or a value.
    pub met: Option<bool>,
}

/// Measures all maps of the boxes, and those to compare with, and puts them beside theory. `tick` is called after each map.
///
/// # Errors
/// When theory does not apply to the campaign's cosmology, or a map is not readable or not finite.
pub fn assess(boxes: &Boxes, against: Option<&Against>, tick: &(impl Fn() + Sync)) -> Result<Report> {
    // Theory first: it may refuse, and takes no time.
    let matter = matter_rows(boxes)?;
    let against = against.map(|against| Ok::<_, anyhow::Error>((against, against.measure(tick)?))).transpose()?;
    let measured = measure(boxes, tick)?;
    let mut rows = Vec::new();
    for (place, &redshift) in boxes.parameters.source_redshifts.iter().enumerate() {
        let of_boxes: Vec<&MapsMeasured> = measured.iter().filter_map(|sources| sources.get(place)).collect();
        let pool = against.as_ref().filter(|(against, _)| against.source_redshift == redshift).map(|(_, pool)| pool);
        rows.extend(map_rows(boxes, redshift, &of_boxes, pool)?);
    }
    rows.extend(matter);
    let mut crops = CropCount::default();
    for first in measured.iter().filter_map(|sources| sources.first()) {
        crops += first.crops;
    }
    Ok(Report {
        parameters: boxes.parameters.clone(),
        boxes: boxes.boxes.len(),
        independent_boxes: boxes.independent(),
        maps: boxes.maps(),
        crops: crops.crops,
        smoothing_arcmin: SMOOTHING,
        against: against.map(|(against, pool)| AgainstReport {
            source: against.source(),
            maps: against.maps(),
            source_redshift: against.source_redshift,
            moments: Moment::ALL.map(|moment| pool.moment(moment)),
        }),
        rows,
    })
}

/// Rows of the maps for sources at one redshift.
fn map_rows(
    boxes: &Boxes,
    source_redshift: f64,
    measured: &[&MapsMeasured],
    against: Option<&PooledMoments>,
) -> Result<Vec<Row>> {
    let theory = ConvergencePower::new(&boxes.parameters.cosmology, source_redshift)?;
    let theory_sigma = smoothed_sigma(|ell| theory.at(ell), 360.0 / boxes.parameters.side_angle);
    let row = |quantity, goal, value: &dyn Fn(&MapsMeasured) -> Option<f64>| {
        Row::new(boxes, quantity, goal, measured.iter().map(|measured| value(measured)))
    };
    let mut rows = Vec::new();
    for (band, (&goal, ell)) in ANGULAR_GOALS.iter().zip(pairs(&angular_power::EDGES)).enumerate() {
        let quantity = Quantity::AngularPower { source_redshift, ell };
        rows.push(row(quantity, Some(Goal::Within(goal)), &|of| of.angular_power.get(band).copied().flatten()));
    }
    // The paper's figure is of its own maps: nearer sources are lensed less, and larger pixels average more.
    let crop_angle = boxes.parameters.side_angle * CROP_PIXELS as f64 / boxes.parameters.pixels as f64;
    let papers = source_redshift == 1.0 && (crop_angle / ConvergenceMap::PAPER_SIDE_ANGLE - 1.0).abs() < 0.01;
    let goal = papers.then_some(Goal::Below(OUTSIDE_GOAL));
    rows.push(row(Quantity::CropsOutside { source_redshift }, goal, &|of| of.crops.share()));
    for moment in Moment::ALL {
        let value = |of: &MapsMeasured| of.smoothed.and_then(|pool| pool.moment(moment));
        rows.push(row(Quantity::SmoothedMoment { source_redshift, moment }, None, &value));
        if moment == Moment::Sigma {
            rows.push(row(Quantity::SigmaOverTheory { source_redshift }, None, &|of| Some(value(of)? / theory_sigma)));
        }
        let Some(theirs) = against.map(|pool| pool.moment(moment).filter(|theirs| *theirs != 0.0)) else { continue };
        let quantity = Quantity::SmoothedMomentRatio { source_redshift, moment };
        rows.push(row(quantity, Some(Goal::Within(MOMENT_GOAL)), &|of| Some(value(of)? / theirs?)));
    }
    Ok(rows)
}

/// Rows of the particles' power spectra.
fn matter_rows(boxes: &Boxes) -> Result<Vec<Row>> {
    let linear = LinearPower::new(&boxes.parameters.cosmology, Wiggles::With)?;
    let mut rows = Vec::new();
    for &redshift in &boxes.parameters.power_redshifts {
        let halofit = Halofit::new(&linear, 1.0 / (1.0 + redshift))?;
        let ratios: Vec<_> = boxes
            .boxes
            .iter()
            .map(|one| {
                let found = one.manifest.power.iter().find(|power| power.redshift == redshift);
                found.map(|power| matter_power::band_ratios(&power.bins, |k| halofit.at(k)))
            })
            .collect();
        for (band, (&goal, k)) in MATTER_GOALS.iter().zip(pairs(&matter_power::EDGES)).enumerate() {
            let values = ratios.iter().map(|ratios| ratios.as_ref()?.get(band).copied().flatten());
            rows.push(Row::new(boxes, Quantity::MatterPower { redshift, k }, Some(Goal::Within(goal)), values));
        }
    }
    Ok(rows)
}

impl Row {
    fn new(boxes: &Boxes, quantity: Quantity, goal: Option<Goal>, values: impl Iterator<Item = Option<f64>>) -> Self {
        let estimate = Estimate::over_boxes(boxes.seeds().into_iter().zip(values));
        let met = goal.zip(estimate.mean).map(|(goal, mean)| goal.is_met(mean));
        Self { quantity, estimate, goal, met }
    }
}

/// Ends of bands.
fn pairs(edges: &[f64]) -> impl Iterator<Item = [f64; 2]> {
    edges.iter().zip(edges.iter().skip(1)).map(|(&low, &high)| [low, high])
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{
        assessment::{angular_power::tests::gaussian_map, boxes::tests::write_box},
        campaign::BoxPower,
        nbody::power::PowerBin,
    };

    /// Two boxes of two Gaussian maps of halofit's power, and particles with 4 % more and 4 % less of it.
    fn campaign(out: &std::path::Path) -> Result<Parameters> {
        let parameters =
            Parameters { pixels: 512, side_angle: 1.73, maps: 2, power_redshifts: vec![0.5], ..Parameters::laptop() };
        let theory = ConvergencePower::new(&parameters.cosmology, 1.0)?;
        let linear = LinearPower::new(&parameters.cosmology, Wiggles::With)?;
        let halofit = Halofit::new(&linear, 1.0 / 1.5)?;
        // C_l is slow to ask for: a table of it.
        let table: Vec<f64> = (0..=200).map(|i| theory.at((0.08 * f64::from(i)).exp()).ln()).collect();
        let power = |ell: f64| {
            let place = ell.max(1.0).ln() / 0.08;
            let (node, share) = (place.floor().min(199.0), place.fract());
            ((1.0 - share) * table[node as usize] + share * table[node as usize + 1]).exp()
        };
        for number in 0..2 {
            let mut maps: Vec<Vec<f32>> =
                (0..2).map(|map| gaussian_map(2 * number + map, 512, parameters.side_angle, power)).collect();
            // One crop of eight.
            maps[0][1000] += 1.5 * (1 - number) as f32;
            let factor = if number == 0 { 1.04 } else { 0.96 };
            let bin = |i: u64| {
                let k = 0.05 * (i as f64 / 8.0).exp();
                PowerBin { k, power: factor * halofit.at(k), modes: 10 * i + 1 }
            };
            let power = vec![BoxPower { redshift: 0.5, bins: (0..38).map(bin).collect() }];
            write_box(out, &parameters, number as usize, &maps, power)?;
        }
        Ok(parameters)
    }

    #[test]
    fn a_campaign_of_known_maps() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let parameters = campaign(folder.path())?;
        let boxes = Boxes::open(folder.path())?;
        let against = Against::open(&folder.path().join("z1.000"), None, &parameters)?;
        let ticks = AtomicUsize::new(0);
        let report = assess(&boxes, Some(&against), &|| {
            ticks.fetch_add(1, Ordering::Relaxed);
        })?;
        assert_eq!((report.boxes, report.independent_boxes, report.maps, report.crops), (2, 2, 4, 16));
        assert_eq!(ticks.into_inner(), 8);
        assert_eq!(report.rows.len(), 5 + 1 + 7 + 4);
        for row in &report.rows {
            let (mean, error) = (row.estimate.mean.unwrap(), row.estimate.standard_error.unwrap());
            match row.quantity {
                // 10 modes in the lowest band, thousands in the highest; the planted pixel has as much power as the sky there.
                Quantity::AngularPower { ell, .. } => {
                    let tolerance = if ell[0] < 1000.0 { 0.3 } else { 0.12 };
                    assert!((mean - 1.0).abs() < tolerance, "{row:?}");
                }
                Quantity::CropsOutside { .. } => {
                    assert_eq!((mean, row.met), (1.0 / 16.0, Some(false)));
                    assert!((error - 1.0 / 16.0).abs() < 1e-12);
                }
                Quantity::SmoothedMoment { moment: Moment::Sigma, .. } => {
                    assert!(mean > 0.003 && mean < 0.03 && row.met.is_none(), "{row:?}");
                }
                // 1.7 degrees hold few of the longest waves.
                Quantity::SigmaOverTheory { .. } => assert!((mean - 1.0).abs() < 0.2, "{row:?}"),
                Quantity::SmoothedMoment { .. } => assert_eq!((row.goal, row.met), (None, None)),
                // Against themselves.
                Quantity::SmoothedMomentRatio { moment: Moment::Sigma, .. } => {
                    assert!((mean - 1.0).abs() < 0.02 && row.met == Some(true), "{row:?}");
                }
                Quantity::SmoothedMomentRatio { .. } => assert_eq!(row.goal, Some(Goal::Within(0.15))),
                Quantity::MatterPower { .. } => {
                    assert!(
                        (mean - 1.0).abs() < 1e-9 && (error - 0.04).abs() < 1e-9 && row.met == Some(true),
                        "{row:?}"
                    );
                }
            }
        }
        Ok(())
    }
}
