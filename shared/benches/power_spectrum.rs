//! P(l) of a 256 x 256 map at the paper's 248 modes: the plan of this library beside the definition written out.
//!
//! The definition uses the same FFT library in the plainest way: a complex transform, planned anew, and a search of the
//! bins for every cell. The ratio of the two is what the plan is worth.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rustfft::{FftPlanner, num_complex::Complex64};
use shared::{
    ConvergenceMap,
    latent::latent,
    statistics::{PowerSpectrumPlan, power_spectrum::paper_edges},
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

fn power_spectrum(criterion: &mut Criterion) {
    let kappa: Vec<f32> = (0..PIXELS as u64).flat_map(|seed| latent(seed, PIXELS)).collect();
    let map = ConvergenceMap::new(ConvergenceMap::PAPER_SIDE_ANGLE, PIXELS, kappa).expect("random numbers are a map");
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

criterion_group!(benches, power_spectrum);
criterion_main!(benches);
