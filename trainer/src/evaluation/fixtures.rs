//! Sets of maps for tests.

use shared::{
    ConvergenceMap,
    latent::latent,
    statistics::{MapStatistics, Statistic, StatisticsEdges, StatisticsPlan},
};

use super::measured::MeasuredMaps;

/// Maps of white noise of this amplitude.
pub fn noise(seed: u64, count: u64, amplitude: f32) -> MeasuredMaps {
    let (pixels, edges) = (16, StatisticsEdges::default());
    let mut plan = StatisticsPlan::new(pixels, 1.0, &edges).unwrap();
    let middles = Statistic::ALL.iter().map(|&statistic| plan.middles(statistic)).collect();
    let measure = |map: u64| {
        let kappa = latent(1000 * seed + map, pixels * pixels).into_iter().map(|value| amplitude * value).collect();
        let mut found = MapStatistics::default();
        plan.measure(&ConvergenceMap::new(1.0, pixels, kappa).unwrap(), &mut found).unwrap();
        found
    };
    MeasuredMaps { source: "noise".into(), pixels, side_angle: 1.0, middles, maps: (0..count).map(measure).collect() }
}
