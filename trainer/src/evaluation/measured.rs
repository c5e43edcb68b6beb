//! Statistics of a set of maps, from files or drawn by a generator.

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use shared::{
    ConvergenceMap,
    network::{MapGenerator, generator::Backend},
    statistics::{
        Ensemble, MapStatistics, Statistic, StatisticsEdges, StatisticsPlan, mask::Mask,
        power_spectrum::modes_below_nyquist,
    },
};
use storage::maps::MapArchive;

use crate::progress::Bar;

/// What a result of maps with pixels left out has to say.
pub fn masked_note(share: f64) -> String {
    format!(
        "{:.2} % of the pixels are masked: P(l) and bispectrum are pseudo spectra over the mean square of the mask, without mode coupling \
         removed; functionals, peaks and moments are of pixels whose whole neighbourhood is there",
        100.0 * share
    )
}

/// Least maps that a thread takes at a time: each time it plans anew.
const LEAST_MAPS: usize = 16;

/// Statistics of the maps of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredMaps {
    /// The maps in words.
    pub source: String,
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Middles of the bins of each statistic, in the order of [`Statistic::ALL`].
    pub middles: Vec<Vec<f64>>,
    /// One entry a map.
    pub maps: Vec<MapStatistics>,
}

impl MeasuredMaps {
    /// Measures the first `count` maps of an archive, on all cores.
    ///
    /// # Errors
    /// When maps differ in size, or one is not readable or not finite.
    pub fn of_archive(archive: &MapArchive, count: usize, edges: &StatisticsEdges, label: &str) -> Result<Self> {
        let (count, pixels) = (count.min(archive.maps()), archive.one_size()?);
        let side_angle = archive.side_angle(pixels);
        let source = archive.origin().source.clone().unwrap_or_else(|| "not described".into());
        let bar = Bar::new(count, "maps").with_message(format!("measure {label}"));
        let mut measured = Self::none(source, pixels, side_angle, edges)?;
        measured.add(edges, count, |map| {
            bar.inc(1);
            archive.masked_map(map)
        })?;
        bar.finish_and_clear();
        Ok(measured)
    }

    /// Draws the maps of `count` seeds from `first_seed` on and measures them. The second value is how many maps a second the
    /// network drew, latent vectors and the way back from the device included, and the first batch, which warms the device up,
    /// left out; `None` for a single batch.
    ///
    /// # Errors
    /// When the device fails or a map is not finite.
    pub fn of_generator<B: Backend<Error = anyhow::Error>>(
        generator: &MapGenerator<B>,
        first_seed: u64,
        count: usize,
        edges: &StatisticsEdges,
    ) -> Result<(Self, Option<f64>)> {
        let (pixels, side_angle, batch) = (generator.pixels(), generator.side_angle(), generator.batch());
        let bar = Bar::new(count, "maps").with_message("generate and measure");
        let mut measured = Self::none("generated".into(), pixels, side_angle, edges)?;
        let mut seconds = 0.0;
        for first in (0..count).step_by(batch) {
            let seeds = first_seed + first as u64..first_seed + (first + batch).min(count) as u64;
            let start = std::time::Instant::now();
            let maps = generator.draw_seeds(seeds.clone())?;
            if first > 0 {
                seconds += start.elapsed().as_secs_f64();
            }
            measured.add(edges, maps.len(), |at| {
                let map = ConvergenceMap::new(side_angle, pixels, maps[at].clone());
                Ok((map.with_context(|| format!("the generated map of seed {}", seeds.start + at as u64))?, None))
            })?;
            bar.inc(maps.len() as u64);
        }
        bar.finish_and_clear();
        Ok((measured, (seconds > 0.0).then(|| (count - batch) as f64 / seconds)))
    }

    /// Measures maps of one size that are in memory, on all cores.
    ///
    /// # Errors
    /// When edges do not rise, or a map cannot be had.
    pub fn of_maps(
        pixels: usize,
        side_angle: f64,
        count: usize,
        edges: &StatisticsEdges,
        map: impl Fn(usize) -> Result<(ConvergenceMap, Option<Mask>)> + Sync,
    ) -> Result<Self> {
        let mut measured = Self::none("maps in memory".into(), pixels, side_angle, edges)?;
        measured.add(edges, count, map)?;
        Ok(measured)
    }

    fn none(source: String, pixels: usize, side_angle: f64, edges: &StatisticsEdges) -> Result<Self> {
        let plan = StatisticsPlan::new(pixels, side_angle, edges)?;
        let middles = Statistic::ALL.iter().map(|&statistic| plan.middles(statistic)).collect();
        Ok(Self { source, pixels, side_angle, middles, maps: Vec::new() })
    }

    fn add(
        &mut self,
        edges: &StatisticsEdges,
        count: usize,
        map: impl Fn(usize) -> Result<(ConvergenceMap, Option<Mask>)> + Sync,
    ) -> Result<()> {
        let plan = || StatisticsPlan::new(self.pixels, self.side_angle, edges);
        let measured: Vec<MapStatistics> = (0..count)
            .into_par_iter()
            .with_min_len(LEAST_MAPS)
            .map_init(plan, |plan, at| {
                let plan = plan.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?;
                let mut found = MapStatistics::default();
                match map(at)? {
                    (map, None) => plan.measure(&map, &mut found)?,
                    (_, Some(mask)) if !mask.whole().contains(&true) => {
                        bail!("map {at} is masked so far that no pixel has its whole neighbourhood left: leave it out of the set")
                    }
                    (map, Some(mask)) => plan.measure_masked(&map, &mask, &mut found)?,
                }
                Ok(found)
            })
            .collect::<Result<_>>()?;
        self.maps.extend(measured);
        Ok(())
    }

    /// Mean share of the pixels that were left out.
    pub fn masked_share(&self) -> f64 {
        self.maps.iter().map(|map| map.masked).sum::<f64>() / self.maps.len().max(1) as f64
    }

    /// Middles of a statistic's bins.
    pub fn middles(&self, statistic: Statistic) -> &[f64] {
        let place = Statistic::ALL.iter().position(|&known| known == statistic);
        place.and_then(|place| self.middles.get(place)).map_or(&[], Vec::as_slice)
    }

    /// Number of bins, from the first on, that tests look at: all, but of P(l) those below the Nyquist multipole alone.
    pub fn tested_bins(&self, statistic: Statistic) -> usize {
        let middles = self.middles(statistic);
        if statistic != Statistic::PowerSpectrum {
            return middles.len();
        }
        modes_below_nyquist(middles, self.pixels, self.side_angle)
    }

    /// Distance between the middles of a statistic's bins.
    pub fn bin_width(&self, statistic: Statistic) -> f64 {
        let middles = self.middles(statistic);
        middles.get(1).zip(middles.first()).map_or(1.0, |(second, first)| second - first)
    }

    /// Values of one bin over the maps where it is not empty.
    pub fn column(&self, statistic: Statistic, bin: usize) -> Vec<f64> {
        self.maps.iter().filter_map(|map| map.of(statistic).get(bin).copied().flatten()).collect()
    }

    /// Mean and standard deviation of a statistic over the maps.
    pub fn ensemble(&self, statistic: Statistic) -> Ensemble {
        let mut ensemble = Ensemble::new(self.middles(statistic).len());
        for map in &self.maps {
            ensemble.add(map.of(statistic));
        }
        ensemble
    }

    /// Checks that two sets can be compared.
    ///
    /// # Errors
    /// When their maps differ in size or angle, or one has fewer than two maps.
    pub fn check_comparable(&self, other: &Self, names: [&str; 2]) -> Result<()> {
        let [a, b] = names;
        if self.pixels != other.pixels || (self.side_angle / other.side_angle - 1.0).abs() > 1e-6 {
            bail!(
                "{a} has maps of {} pixels and {} degrees, {b} of {} pixels and {} degrees: statistics of different maps \
                 cannot be compared; cut both with `trainer maps --size` first, or correct --side-angle",
                self.pixels,
                self.side_angle,
                other.pixels,
                other.side_angle
            );
        }
        for (set, name) in [(self, a), (other, b)] {
            if set.maps.len() < 2 {
                bail!("{name} has {} map: two-sample tests need at least two in each set", set.maps.len());
            }
        }
        Ok(())
    }
}
