//! What people watch while a run goes on: mean, scatter and correlations of P(l), pixels, and the shape of structures.

use anyhow::{Context, Result};
use rayon::prelude::*;
use shared::{
    ConvergenceMap,
    network::{MapGenerator, generator::Backend},
    statistics::{
        Ensemble, MapStatistics, Statistic, StatisticsEdges, StatisticsPlan,
        correlation::{CorrelationDifference, correlation_matrix},
        distance::{band_ratios, spectrum_distance},
    },
};

use super::{NO_MODE, draw};
use crate::{
    spectra::compared_modes,
    training::{
        data::TrainingMaps,
        log::{MeasuredLine, StatisticDistances},
    },
};

/// Statistics of the Minkowski distance.
const MINKOWSKI: [Statistic; 3] = [Statistic::V0, Statistic::V1, Statistic::V2];

/// Statistics of data maps, against which a generator is measured.
pub struct StatisticsMonitor {
    side: usize,
    side_angle: f64,
    ell: Vec<f64>,
    /// Width of a bin of the pixel density, in kappa.
    pixel_bin: f64,
    data: Measured,
}

/// Statistics of some maps.
#[derive(Default)]
struct Measured {
    /// P(l) of each map, at the modes that are compared.
    spectra: Vec<Vec<Option<f64>>>,
    /// V0, V1 and V2 over the maps.
    minkowski: Vec<Ensemble>,
    /// Shares of pixels below the bins of the pixel density and in each of them, summed over the maps.
    pixels: Vec<f64>,
}

impl StatisticsMonitor {
    /// Measures `count` maps spread evenly over the data (fewer where there are fewer), of `side_angle` degrees.
    ///
    /// # Errors
    /// When a map is not finite.
    pub fn new(maps: &TrainingMaps, side_angle: f64, count: usize) -> Result<Self> {
        let side = maps.side();
        let ell = compared_modes(side, side_angle)?;
        let kappa = StatisticsEdges::default().kappa;
        let pixel_bin = kappa[1] - kappa[0];
        let mut monitor = Self { side, side_angle, ell, pixel_bin, data: Measured::default() };
        let mut data = Measured::default();
        // Not all of the data at once: they may be larger than memory.
        for places in maps.spread(count).collect::<Vec<_>>().chunks(64) {
            let kappa = places.iter().map(|place| maps.kappa([*place])).collect::<Result<Vec<_>>>()?;
            monitor.add(&kappa, &mut data)?;
        }
        monitor.data = data;
        Ok(monitor)
    }

    /// Measures as many generated maps as there are data maps, of the seeds from `first_seed` on, after step `step`.
    ///
    /// # Errors
    /// When the device fails, a generated map is not finite, or there is no mode to compare.
    pub fn measure<B: Backend<Error = anyhow::Error>>(
        &self,
        generator: &MapGenerator<B>,
        first_seed: u64,
        step: u64,
    ) -> Result<MeasuredLine> {
        let mut generated = Measured::default();
        draw(generator, first_seed, self.data.spectra.len(), |maps| self.add(maps, &mut generated))?;
        let (data, generated) = (&self.data, &generated);
        let distance = spectrum_distance(&data.spectra, &generated.spectra).context(NO_MODE)?;
        let correlation =
            CorrelationDifference::of(&correlation_matrix(&generated.spectra), &correlation_matrix(&data.spectra));
        Ok(MeasuredLine {
            step,
            distance,
            bands: band_ratios(&self.ell, &data.spectra, &generated.spectra),
            modes: self.ell.len(),
            statistics: Some(StatisticDistances {
                correlation_largest: correlation.largest,
                correlation_rms: correlation.rms,
                pixels: data.pixel_distance(generated),
                minkowski: data.minkowski_distance(generated),
            }),
        })
    }

    fn add(&self, maps: &[Vec<f32>], into: &mut Measured) -> Result<()> {
        let edges = StatisticsEdges::default();
        let least = maps.len().div_ceil(rayon::current_num_threads());
        let measured: Vec<MapStatistics> = maps
            .par_iter()
            .with_min_len(least)
            .map_init(
                || StatisticsPlan::new(self.side, self.side_angle, &edges),
                |plan, kappa| {
                    let plan = plan.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?;
                    let map = ConvergenceMap::new(self.side_angle, self.side, kappa.clone())?;
                    let mut found = MapStatistics::default();
                    plan.measure_paper(&map, &mut found)?;
                    plan.measure_pixels(&map, &mut found);
                    Ok(found)
                },
            )
            .collect::<Result<_>>()?;
        for mut map in measured {
            into.take(&map, self.pixel_bin);
            map.power_spectrum.truncate(self.ell.len());
            into.spectra.push(map.power_spectrum);
        }
        Ok(())
    }
}

impl Measured {
    /// Takes in the shape and the pixels of a map.
    fn take(&mut self, map: &MapStatistics, pixel_bin: f64) {
        self.minkowski.resize_with(MINKOWSKI.len(), || Ensemble::new(map.of(Statistic::V0).len()));
        for (ensemble, statistic) in self.minkowski.iter_mut().zip(MINKOWSKI) {
            ensemble.add(map.of(statistic));
        }
        let shares = map.pixel_shares(pixel_bin);
        self.pixels.resize(shares.len(), 0.0);
        for (sum, share) in self.pixels.iter_mut().zip(shares) {
            *sum += share;
        }
    }

    /// Largest difference of the distribution functions of all pixels, at the edges of the density's bins.
    fn pixel_distance(&self, other: &Self) -> f64 {
        let (own, others) = (self.spectra.len().max(1) as f64, other.spectra.len().max(1) as f64);
        let differences = self.pixels.iter().zip(&other.pixels).scan(0.0, |at_edge: &mut f64, (a, b)| {
            *at_edge += a / own - b / others;
            Some(at_edge.abs())
        });
        differences.fold(0.0, f64::max)
    }

    /// Root mean square over thresholds of the difference of mean V0, V1 and V2, in units of this set's scatter of a map.
    fn minkowski_distance(&self, other: &Self) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for (own, other) in self.minkowski.iter().zip(&other.minkowski) {
            for ((mean, sigma), other) in own.mean().iter().zip(own.sigma()).zip(other.mean()) {
                if let (Some(mean), Some(sigma), Some(other)) = (mean, sigma, other)
                    && sigma > 0.0
                {
                    sum += ((other - mean) / sigma).powi(2);
                    count += 1.0;
                }
            }
        }
        (sum / f64::max(count, 1.0)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::data::Part;
    use shared::{formats::npy, latent::latent};

    /// 40 maps of smoothed noise of 32 pixels.
    fn maps(folder: &std::path::Path, name: &str, first: u64, amplitude: f32) -> TrainingMaps {
        let path = folder.join(name);
        let mut bytes = npy::encode_header(40, 32, 32);
        for seed in first..first + 40 {
            let noise = latent(seed, 1024);
            let smooth = (0..1024).map(|i| {
                let around = (0..9).map(|at| noise[(i / 32 + at / 3) % 32 * 32 + (i % 32 + at % 3) % 32]);
                amplitude * around.sum::<f32>()
            });
            bytes.extend(smooth.flat_map(f32::to_le_bytes));
        }
        std::fs::write(&path, bytes).unwrap();
        TrainingMaps::open(&path, 32, Part::WithoutLast(0), 1).unwrap()
    }

    #[test]
    fn equal_sets_have_no_distance_and_others_have() {
        let folder = tempfile::tempdir().unwrap();
        let monitor = |name: &str, first: u64, amplitude: f32| {
            StatisticsMonitor::new(&maps(folder.path(), name, first, amplitude), 0.865, 40).unwrap()
        };
        let a = monitor("a.npy", 1, 0.01);
        let (same, wider) = (monitor("b.npy", 100, 0.01), monitor("c.npy", 100, 0.02));
        assert_eq!((a.data.pixel_distance(&a.data), a.data.minkowski_distance(&a.data)), (0.0, 0.0));
        let (near, far) = (a.data.pixel_distance(&same.data), a.data.pixel_distance(&wider.data));
        assert!(near < 0.03 && far > 0.1, "{near} {far}");
        // V1 has the gradient in kappa: it grows with the amplitude.
        let (near, far) = (a.data.minkowski_distance(&same.data), a.data.minkowski_distance(&wider.data));
        assert!(near < 0.5 && far > 2.0, "{near} {far}");
    }
}
