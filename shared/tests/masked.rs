//! Statistics of a map with masked pixels against LensTools 1.2's, which tests/python/masked_reference.py wrote.

use serde_json::Value;
use shared::{
    ConvergenceMap,
    statistics::{MapStatistics, Statistic, StatisticsEdges, StatisticsPlan, mask::Mask},
};

const PIXELS: usize = 48;

fn kappa(row: usize, column: usize) -> f32 {
    let (r, c) = (row as f64, column as f64);
    let waves =
        (0.7 * r + 0.3 * c).sin() + 0.6 * (0.41 * c * r / 7.0).cos() + 0.2 * ((row * 31 + column * 17) % 11) as f64;
    (0.02 * waves) as f32
}

fn is_used(row: usize, column: usize) -> bool {
    let disc = row.abs_diff(20).pow(2) + column.abs_diff(11).pow(2) < 50;
    let corner = row < 6 && column > 30;
    !(disc || corner || (row * 7 + column * 3).is_multiple_of(101))
}

#[test]
fn masked_statistics_equal_lenstools() {
    let theirs: Value = serde_json::from_str(include_str!("masked.json")).unwrap();
    let places = || (0..PIXELS * PIXELS).map(|at| (at / PIXELS, at % PIXELS));
    let map = ConvergenceMap::new(0.5, PIXELS, places().map(|(row, column)| kappa(row, column)).collect()).unwrap();
    let mask = Mask::new(PIXELS, places().map(|(row, column)| is_used(row, column)).collect(), 0.0);
    let mut ours = MapStatistics::default();
    let edges = StatisticsEdges::default();
    StatisticsPlan::new(PIXELS, 0.5, &edges).unwrap().measure_masked(&map, &mask, &mut ours).unwrap();
    let close = |name: &str, ours: &[f64]| {
        let theirs = &theirs[name];
        let theirs: Vec<f64> = match theirs.as_array() {
            Some(theirs) => theirs.iter().filter_map(Value::as_f64).collect(),
            None => theirs.as_f64().into_iter().collect(),
        };
        assert_eq!(ours.len(), theirs.len(), "{name}");
        assert!(theirs.iter().any(|value| *value != 0.0), "{name}");
        for (bin, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            // Sums of a thousand pixels whose sines may differ in the last digit.
            let scale = theirs.abs().max(1e-9);
            assert!((ours - theirs).abs() < 1e-9 * scale.max(1e-3), "{name}, {bin}: {ours} and {theirs}");
        }
    };
    let of = |statistic: Statistic| ours.of(statistic).iter().map(|value| value.unwrap()).collect::<Vec<f64>>();
    close("masked", &[ours.masked]);
    close("mean", &[ours.mean]);
    close("sigma", &[ours.sigma]);
    close("v0", &of(Statistic::V0));
    close("v1", &of(Statistic::V1));
    close("v2", &of(Statistic::V2));
    close("peaks", &of(Statistic::Peaks));
    close("pdf", &of(Statistic::Pdf));
    close("moments", &ours.moments.map(Option::unwrap));
}
