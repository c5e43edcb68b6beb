//! Statistics of a 256 x 256 map: P(l) beside its definition written out, all that the paper measures of a map, many maps
//! on one core and on all, and two-sample tests with their resamples.
//!
//! The definition of P(l) uses the same FFT library in the plainest way: a complex transform, planned anew, and a search of
//! the bins for every cell. The ratio of the two is what the plan is worth. LensTools' times are taken by
//! tests/python/compare_statistics.py.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rustfft::{FftPlanner, num_complex::Complex64};
use shared::{
    ConvergenceMap,
    latent::latent,
    parallel,
    statistics::{
        MapStatistics, PowerSpectrumPlan, StatisticsEdges, StatisticsPlan, TwoSample, power_spectrum::paper_edges,
        two_sample::Resampling,
    },
};

const PIXELS: usize = 256;

fn definition(map: &ConvergenceMap, edges: &[f64]) -> Vec<Option<f64>> {
    let n = map.pixels();
    let fft = FftPlanner::new().plan_fft_forward(n);
    let mut values: Vec<Complex64> = map.kappa().iter().map(|&kappa| Complex64::new(f64::from(kappa), 0.0)).collect();
    let transpose = |values: &[Complex64]| (0..n * n).map(|at| values[at % n * n + at / n]).collect::<Vec<_>>();
    fft.process(&mut values);
    let mut values = transpose(&values);
    fft.process(&mut values);
    let values = transpose(&values);
    let mut sums = vec![(0.0, 0_u32); edges.len() - 1];
    for i in 0..n {
        for j in 0..=n / 2 {
            let ell = 360.0 / map.side_angle() * ((i.min(n - i).pow(2) + j * j) as f64).sqrt();
            if let Some(bin) = edges.windows(2).position(|edge| edge[0] < ell && ell <= edge[1]) {
                sums[bin].0 += values[i * n + j].norm_sqr();
                sums[bin].1 += 1;
            }
        }
    }
    let norm = (map.side_angle().to_radians() / (n * n) as f64).powi(2);
    sums.into_iter().map(|(sum, cells)| (cells > 0).then(|| norm * sum / f64::from(cells))).collect()
}

/// Noise smoothed over about two pixels, as tests/python/compare_statistics.py gives LensTools.
fn noise(seed: u64) -> ConvergenceMap {
    let mut kappa = latent(seed, PIXELS * PIXELS);
    // Four times 1 4 6 4 1 along rows and columns: a variance of four pixels squared.
    for _ in 0..4 {
        for step in [1, PIXELS] {
            let at = |place: usize, by: usize| (place + by * step) % (PIXELS * PIXELS);
            let smooth = |place: usize| {
                let weights = [0.0625, 0.25, 0.375, 0.25, 0.0625];
                weights.iter().enumerate().map(|(by, weight)| weight * kappa[at(place, by)]).sum()
            };
            kappa = (0..PIXELS * PIXELS).map(smooth).collect();
        }
    }
    ConvergenceMap::new(ConvergenceMap::PAPER_SIDE_ANGLE, PIXELS, kappa).expect("random numbers are a map")
}

fn plan() -> (StatisticsPlan, MapStatistics) {
    let plan = StatisticsPlan::new(PIXELS, ConvergenceMap::PAPER_SIDE_ANGLE, &StatisticsEdges::default());
    (plan.expect("the paper's edges rise"), MapStatistics::default())
}

fn one_map(criterion: &mut Criterion) {
    let (map, (mut plan, mut found)) = (noise(1), plan());
    let mut group = criterion.benchmark_group("one map");
    group.bench_function("P(l), Minkowski functionals, peaks", |bencher| {
        bencher.iter(|| plan.measure_paper(black_box(&map), &mut found));
    });
    group.bench_function("all statistics", |bencher| bencher.iter(|| plan.measure(black_box(&map), &mut found)));
    group.finish();
}

fn many_maps(criterion: &mut Criterion) {
    let maps: Vec<ConvergenceMap> = (0..64).map(noise).collect();
    let measure = |(plan, found): &mut (StatisticsPlan, MapStatistics), index: usize| {
        plan.measure(&maps[index], found).expect("the plan is for these maps");
        found.sigma
    };
    let mut group = criterion.benchmark_group("64 maps");
    group.sample_size(20);
    group.bench_function("one core", |bencher| {
        let mut state = plan();
        bencher.iter(|| (0..maps.len()).map(|index| measure(&mut state, index)).sum::<f64>());
    });
    group.bench_function("all cores", |bencher| {
        bencher.iter(|| parallel::map_init(maps.len(), plan, measure).into_iter().sum::<f64>());
    });
    group.finish();
}

fn two_samples(criterion: &mut Criterion) {
    let numbers = |seed| latent(seed, 6400).into_iter().map(f64::from).collect::<Vec<_>>();
    let pair = TwoSample::new(&numbers(1), &numbers(2)).expect("numbers make samples");
    let mut group = criterion.benchmark_group("6400 and 6400 values, KS and AD");
    group.bench_function("statistics", |bencher| {
        bencher.iter(|| (pair.kolmogorov_smirnov(), pair.anderson_darling()));
    });
    group.sample_size(10);
    for resampling in [Resampling::Permutation, Resampling::Bootstrap] {
        group.bench_function(format!("100 resamples, {resampling:?}"), |bencher| {
            bencher.iter(|| pair.resample(resampling, 100, 1, 0));
        });
    }
    group.finish();
}

fn power_spectrum(criterion: &mut Criterion) {
    let map = noise(1);
    let mut plan = PowerSpectrumPlan::paper(&map).expect("the paper's edges rise");
    let (fast, slow) = (plan.measure(&map).expect("the plan is for this map"), definition(&map, &paper_edges()));
    for (fast, slow) in fast.iter().zip(&slow) {
        // A cell on an edge may round to either side of it; that moves a mode's mean by less than a half.
        assert!(fast.is_some() == slow.is_some() && fast.zip(*slow).is_none_or(|(a, b)| (a / b - 1.0).abs() < 0.5));
    }
    let mut group = criterion.benchmark_group("P(l) of 256 x 256 pixels");
    group.bench_function("plan", |bencher| bencher.iter(|| plan.measure(black_box(&map))));
    group.bench_function("definition", |bencher| bencher.iter(|| definition(black_box(&map), &paper_edges())));
    group.finish();
}

criterion_group!(benches, power_spectrum, one_map, many_maps, two_samples);
criterion_main!(benches);
