//! The simulator's parts: transforms of cubes, and a step of gravity with and without the force over pairs.
//!
//! tests/python/compare_simulator.py sets the transforms beside SciPy's, in one run and with equal threads (RAYON_NUM_THREADS).

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use simulator::{
    evolution::{Setting, State},
    nbody::{
        fourier::{Cube, CubeFft},
        gravity::Gravity,
        initial::InitialDensity,
    },
    parameters::Parameters,
};

fn cubes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cube");
    group.sample_size(10);
    for n in [256, 512] {
        let (fft, mut cube, mut spectrum) = (CubeFft::new(n), Cube::new(n), Cube::new(n));
        group.throughput(Throughput::Elements((n * n * n) as u64));
        group.bench_function(BenchmarkId::new("forward", n), |bencher| {
            bencher.iter(|| fft.forward(black_box(&mut cube), black_box(&mut spectrum)));
        });
        group.bench_function(BenchmarkId::new("inverse", n), |bencher| {
            bencher.iter(|| fft.inverse(black_box(&mut spectrum), black_box(&mut cube)));
        });
    }
    group.finish();
}

/// A box of 64^3 particles at z = 0, as clustered as one of the same resolution.
fn evolved(parameters: &Parameters) -> State {
    let setting = Setting::new(parameters.clone()).expect("the parameters make a simulation");
    let density = InitialDensity { seed: 1, side: parameters.box_side, fixed_amplitude: true, inverted: false };
    let mut state = setting.begin(&density);
    let mut gravity = Gravity::new(&parameters.resolution());
    while state.step < parameters.steps {
        setting.advance(&mut state, &mut gravity, density.seed, None).expect("nothing is written");
    }
    state
}

fn gravity(criterion: &mut Criterion) {
    let pairs = Parameters {
        particles: 64,
        box_side: 40.0,
        steps: 40,
        maps: 1,
        pixels: 64,
        side_angle: 0.5,
        ..Parameters::laptop()
    };
    let mut particles = evolved(&pairs).particles;
    let mut group = criterion.benchmark_group("gravity of 64^3 particles at z = 0");
    group.sample_size(10).throughput(Throughput::Elements(particles.len() as u64));
    for (name, parameters) in [("P3M", pairs.clone()), ("mesh alone", Parameters { pair_cutoff: None, ..pairs })] {
        let mut gravity = Gravity::new(&parameters.resolution());
        group.bench_function(name, |bencher| bencher.iter(|| gravity.kick(black_box(&mut particles), 0.0)));
    }
    group.finish();
}

criterion_group!(benches, cubes, gravity);
criterion_main!(benches);
