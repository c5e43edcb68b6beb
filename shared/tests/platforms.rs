//! Numbers that must be the same on every platform. `cargo test` runs this file natively, `cargo xtask test` in wasm too.

use shared::{
    ConvergenceMap,
    formats::weights::{Precision, Weights, encode, manifest::sha256},
    latent::{latent, slerp},
    network::{
        NetworkDefinition, ParameterDefinition,
        cpu::{CpuGenerator, Workspace},
        definition::parameters,
        initial::{Initialisation, Network, initial_network},
    },
    statistics::{
        MapStatistics, PowerSpectrumPlan, Statistic, StatisticsEdges, StatisticsPlan, TwoSample, two_sample::Resampling,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn digest(vectors: impl Iterator<Item = Vec<f32>>) -> String {
    sha256(&vectors.flatten().flat_map(|value| value.to_bits().to_le_bytes()).collect::<Vec<u8>>())
}

#[test]
fn latent_vectors_have_the_same_bits() {
    let seeds = (0..1000).chain([u64::from(u32::MAX) + 1, 1 << 53, u64::MAX]);
    let found = digest(seeds.map(|seed| latent(seed, 64)));
    assert_eq!(found, LATENT_VECTORS);
}

#[test]
fn places_between_latent_vectors_have_the_same_bits() {
    let between = |i: u64| slerp(&latent(i, 64), &latent(i + 1, 64), i as f64 / 100.0);
    assert_eq!(digest((0..=100).map(between)), PLACES_BETWEEN);
}

/// Odd channels and sizes that no tile divides, and a network of whole tiles.
#[test]
fn maps_have_the_same_bits() {
    let mut maps = Vec::new();
    for (map_side, base_channels, stages) in [(40, 5, 3), (64, 16, 2), (16, 3, 4)] {
        let definition = NetworkDefinition { map_side, base_channels, stages, ..NetworkDefinition::paper() };
        let layers = definition.generator();
        let (all, values) =
            (parameters(&layers), initial_network(&layers, Network::Generator, Initialisation::Spline, 1));
        let of = |wanted: &ParameterDefinition| {
            let place = all.iter().position(|parameter| parameter == wanted).unwrap();
            // Larger than at the beginning of a training, so that tanh bends; and batch normalisation differs by channel.
            values[place].iter().enumerate().map(|(i, x)| x * (4.0 + (i % 7) as f32)).collect()
        };
        for precision in [Precision::F16, Precision::F32] {
            let weights = Weights::read(encode(&all, precision, of).unwrap(), &all).unwrap();
            let generator = CpuGenerator::new(&definition, &weights).unwrap();
            for seed in 0..3 {
                maps.push(generator.draw(&latent(seed, 64), &mut Workspace::default()).unwrap());
            }
        }
    }
    assert!(maps.iter().all(|kappa| kappa.iter().any(|kappa| kappa.abs() > 1e-3)));
    assert_eq!(digest(maps.into_iter()), MAPS);
}

#[test]
fn a_power_spectrum_agrees_to_rounding() {
    let kappa: Vec<f32> = (0..64_u64).flat_map(|seed| latent(seed, 64)).collect();
    let map = ConvergenceMap::new(1.0, 64, kappa).unwrap();
    let mut plan = PowerSpectrumPlan::new(64, 1.0, &[100.0, 1_000.0, 3_000.0, 6_000.0, 11_000.0]).unwrap();
    for (found, expected) in plan.measure(&map).unwrap().into_iter().zip(POWER) {
        let found = found.unwrap();
        assert!((found / expected - 1.0).abs() < 1e-12, "{found:e} {expected:e}");
    }
}

#[test]
fn statistics_of_a_map_agree_to_rounding() {
    let kappa: Vec<f32> = (0..64_u64).flat_map(|seed| latent(seed, 64)).collect();
    let map = ConvergenceMap::new(1.0, 64, kappa).unwrap();
    let mut found = MapStatistics::default();
    StatisticsPlan::new(64, 1.0, &StatisticsEdges::default()).unwrap().measure(&map, &mut found).unwrap();
    let bins =
        [(Statistic::V0, 9), (Statistic::V1, 9), (Statistic::V2, 14), (Statistic::Peaks, 14), (Statistic::Minima, 6)];
    let found = bins.map(|(statistic, bin)| found.of(statistic)[bin].unwrap());
    for (found, expected) in found.into_iter().zip(STATISTICS) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found:e} {expected:e}");
    }
}

#[test]
fn tests_of_two_samples_agree() {
    let sample =
        |seed, shift: f64| latent(seed, 200).into_iter().map(|value| f64::from(value) + shift).collect::<Vec<_>>();
    let pair = TwoSample::new(&sample(1, 0.0), &sample(2, 0.15)).unwrap();
    let resampled = pair.resample(Resampling::Bootstrap, 199, 1, 0);
    let permuted = pair.resample(Resampling::Permutation, 199, 1, 0);
    let found = [
        pair.kolmogorov_smirnov(),
        pair.exact_p(),
        pair.asymptotic_p(),
        pair.anderson_darling().unwrap(),
        resampled.kolmogorov_smirnov,
        permuted.anderson_darling.unwrap(),
    ];
    for (found, expected) in found.into_iter().zip(TWO_SAMPLES) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found:e} {expected:e}");
    }
}

// Printed by the native run. Published maps are named by their seeds: the first three never change.
const LATENT_VECTORS: &str = "3eb30f06662c3d1bbff80700d863cdc09997a4a4318988b7f7b74f9d15400f55";
const PLACES_BETWEEN: &str = "9f576e01680c16cbf09f0f284c787910ef5647a9b8d499895f9e635aa5040d21";
const MAPS: &str = "553f04de7365d33dacc4298079dc7d9c928f44edef6547904b371a25ef5aa67b";
const POWER: [f64; 4] =
    [7.731_573_884_668_98e-8, 6.564_045_812_356_434e-8, 8.073_658_360_766_087e-8, 7.589_621_282_411_318e-8];
const STATISTICS: [f64; 5] = [0.537_597_656_25, 0.089_049_128_159_094_71, 0.018_691_898_563_743_96, 255.0, 245.0];
const TWO_SAMPLES: [f64; 6] =
    [0.145, 0.029_714_824_470_760_69, 0.026_797_028_434_204_395, 2.698_630_331_443_866_7, 0.045, 0.03];
