//! Every map of every box, read and measured one by one, on all cores.

use anyhow::{Context, Result};
use rayon::prelude::*;
use storage::maps::MapArchive;

use super::{
    angular_power::{AngularBands, AngularTheory, BANDS, BandRatios},
    boxes::{Boxes, made_again},
    crops::CropCount,
    moments::PooledMoments,
    smoothing::Smoothing,
};
use crate::cosmology::ConvergencePower;

/// Least maps that a thread takes at a time: each time it plans anew.
const LEAST_MAPS: usize = 4;

/// What the maps of a box for sources at one redshift give, or those of several boxes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapsMeasured {
    /// Ratio of `C_l` to theory in the bands of [`super::angular_power::EDGES`], as a mean over maps.
    pub angular_power: BandRatios,
    /// Crops of all maps.
    pub crops: CropCount,
    /// Smoothed pixels of all maps; `None` where their geometry does not allow it.
    pub smoothed: Option<PooledMoments>,
}

/// What is measured of one map.
struct MapMeasured {
    angular_power: BandRatios,
    crops: CropCount,
    smoothed: Option<PooledMoments>,
}

/// A map to be measured.
struct Job<'a> {
    /// Its box.
    number: usize,
    archive: &'a MapArchive,
    theory: &'a AngularTheory,
    map: usize,
}

/// Buffers of a thread.
struct Plan {
    bands: AngularBands,
    smoothing: Option<Smoothing>,
}

/// Measures all maps of all boxes: `[box][source redshift]`. `tick` is called after each map.
///
/// # Errors
/// When theory does not apply to the campaign's cosmology, or a map is not readable or not finite.
pub fn measure(boxes: &Boxes, tick: &(impl Fn() + Sync)) -> Result<Vec<Vec<MapsMeasured>>> {
    let parameters = &boxes.parameters;
    let theories = parameters.source_redshifts.iter().map(|&redshift| {
        let power = ConvergencePower::new(&parameters.cosmology, redshift)?;
        Ok(AngularTheory::new(|ell| power.at(ell)))
    });
    let theories = theories.collect::<Result<Vec<_>>>()?;
    // All pieces of work in one list, so that boxes of few maps keep all cores busy, too.
    let jobs = boxes.boxes.iter().flat_map(|one| {
        let number = one.manifest.number;
        let sources = one.maps.iter().zip(&theories);
        sources
            .flat_map(move |(archive, theory)| (0..archive.maps()).map(move |map| Job { number, archive, theory, map }))
    });
    let jobs: Vec<Job> = jobs.collect();
    let plan = || -> Result<Plan> {
        let (pixels, side_angle) = (parameters.pixels, parameters.side_angle);
        Ok(Plan { bands: AngularBands::new(pixels, side_angle)?, smoothing: Smoothing::new(pixels, side_angle) })
    };
    let measured: Vec<MapMeasured> = jobs
        .into_par_iter()
        .with_min_len(LEAST_MAPS)
        .map_init(plan, |plan, job| {
            let plan = plan.as_mut().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            let measured = plan.measure(&job);
            tick();
            measured
        })
        .collect::<Result<_>>()?;
    let mut measured = measured.into_iter();
    let mut next = |archive: &MapArchive| MapsMeasured::together(measured.by_ref().take(archive.maps()));
    Ok(boxes.boxes.iter().map(|one| one.maps.iter().map(&mut next).collect()).collect())
}

/// Pools the smoothed pixels of all maps of an archive, which are of one size. `tick` is called after each map.
///
/// # Errors
/// When the maps are too coarse or too narrow to be smoothed, differ in size, or one is not readable or not finite.
pub fn pool_smoothed(archive: &MapArchive, tick: &(impl Fn() + Sync)) -> Result<PooledMoments> {
    let pixels = archive.one_size()?;
    let side_angle = archive.side_angle(pixels);
    let pools: Vec<PooledMoments> = (0..archive.maps())
        .into_par_iter()
        .with_min_len(LEAST_MAPS)
        .map_init(
            || Smoothing::new(pixels, side_angle),
            |smoothing, map| {
                let smoothing = smoothing.as_mut().with_context(|| too_small(pixels, side_angle))?;
                let pool =
                    smoothing.moments(&archive.map(map)?).with_context(|| format!("map {map} is of another size"));
                tick();
                pool
            },
        )
        .collect::<Result<_>>()?;
    let mut all = PooledMoments::default();
    for pool in &pools {
        all.merge(pool);
    }
    Ok(all)
}

/// Why maps cannot be smoothed.
pub(super) fn too_small(pixels: usize, side_angle: f64) -> String {
    format!(
        "maps of {pixels} pixels and {side_angle:.3} degrees are too coarse or too narrow to be smoothed with a Gaussian of \
         1 arcmin: use pixels of at most 1 arcmin and maps of at least 0.25 degrees"
    )
}

impl Plan {
    fn measure(&mut self, job: &Job) -> Result<MapMeasured> {
        let map = job.archive.map(job.map).with_context(|| made_again(job.number))?;
        Ok(MapMeasured {
            angular_power: self.bands.ratios(&map, job.theory)?,
            crops: CropCount::of(map.kappa(), map.pixels()),
            smoothed: self.smoothing.as_mut().and_then(|smoothing| smoothing.moments(&map)),
        })
    }
}

impl MapsMeasured {
    fn together(maps: impl Iterator<Item = MapMeasured>) -> Self {
        let mut all = Self::default();
        let mut sums = [[0.0; 2]; BANDS];
        for map in maps {
            all.crops += map.crops;
            if let Some(smoothed) = &map.smoothed {
                all.smoothed.get_or_insert_default().merge(smoothed);
            }
            for ([sum, count], ratio) in sums.iter_mut().zip(map.angular_power) {
                *sum += ratio.unwrap_or(0.0);
                *count += f64::from(u8::from(ratio.is_some()));
            }
        }
        all.angular_power = sums.map(|[sum, count]| (count > 0.0).then(|| sum / count));
        all
    }
}
