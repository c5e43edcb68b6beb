//! Numbers that must be the same on every platform. `cargo test` runs this file natively, `cargo xtask test` in wasm too.

use shared::{
    ConvergenceMap,
    formats::weights::manifest::sha256,
    latent::{latent, slerp},
    statistics::PowerSpectrumPlan,
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

// Printed by the native run. Published maps are named by their seeds: the first two never change.
const LATENT_VECTORS: &str = "3eb30f06662c3d1bbff80700d863cdc09997a4a4318988b7f7b74f9d15400f55";
const PLACES_BETWEEN: &str = "9f576e01680c16cbf09f0f284c787910ef5647a9b8d499895f9e635aa5040d21";
const POWER: [f64; 4] =
    [7.731_573_884_668_98e-8, 6.564_045_812_356_434e-8, 8.073_658_360_766_087e-8, 7.589_621_282_411_318e-8];
