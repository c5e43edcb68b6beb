//! Time steps: kicks and drifts that follow linear growth exactly, however long they are.

use super::{gravity::Gravity, particles::Particles};
use crate::cosmology::Growth;

/// Scale factors at which forces are computed; particles drift between them.
///
/// Kicks and drifts are those of FastPM (Feng et al. 2016, Section 2.2, Eqs. 19 and 20): displacements that grow as D1 do so in
/// any number of steps. The kick at a step goes from the middle of the step before to the middle of the one after.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    edges: Vec<f64>,
}

impl Schedule {
    /// `steps` steps of equal length in the `exponent`-th power of the scale factor: 1 follows the growth of structure, which
    /// is all that a mesh resolves; towards 0, orbits in halos are resolved as well early as late.
    pub fn new(start: f64, end: f64, steps: usize, exponent: f64) -> Self {
        let (first, last) = (start.powf(exponent), end.powf(exponent));
        let edge = |step: usize| (first + (last - first) * step as f64 / steps as f64).powf(1.0 / exponent);
        let mut edges: Vec<f64> = (0..=steps).map(edge).collect();
        // The end is what was asked for, not what its power rounds to: what happens at the very end must happen.
        if let Some(last) = edges.last_mut() {
            *last = end;
        }
        Self { edges }
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// Scale factor at the beginning of a step; that of `steps()` is the end.
    pub fn edge(&self, step: usize) -> f64 {
        self.edges[step]
    }

    /// Scale factor in the middle of a step, to which momenta belong while particles drift.
    pub fn middle(&self, step: usize) -> f64 {
        f64::midpoint(self.edges[step], self.edges[step + 1])
    }
}

/// Kicks particles at the beginning of a step, from the middle of the step before (or the start) to that of this one.
pub fn kick(particles: &mut Particles, gravity: &mut Gravity, growth: &Growth, schedule: &Schedule, step: usize) {
    let from = if step == 0 { schedule.edge(0) } else { schedule.middle(step - 1) };
    let change = growth.momentum_1(schedule.middle(step)) - growth.momentum_1(from);
    // In linear theory the acceleration is D1 times the displacement's, and the momentum is momentum_1 times it.
    gravity.kick(particles, change / growth.d1(schedule.edge(step)));
}

/// Drifts particles from one scale factor to another within a step.
pub fn drift(particles: &mut Particles, growth: &Growth, middle: f64, from: f64, to: f64) {
    particles.drift((growth.d1(to) - growth.d1(from)) / growth.momentum_1(middle));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::{
        gravity::Resolution,
        initial::{InitialDensity, StartingGrowth},
        particles::{UNIT, position},
        short_range::PairForce,
    };
    use shared::Cosmology;
    use std::f64::consts::PI;

    fn growth() -> Growth {
        Growth::new(&Cosmology { omega_b: Some(0.042), ..Cosmology::PAPER }).unwrap()
    }

    fn evolve(particles: &mut Particles, gravity: &mut Gravity, growth: &Growth, schedule: &Schedule) {
        for step in 0..schedule.steps() {
            kick(particles, gravity, growth, schedule, step);
            drift(particles, growth, schedule.middle(step), schedule.edge(step), schedule.edge(step + 1));
        }
    }

    #[test]
    fn every_schedule_ends_where_it_should() {
        for steps in 1..=400 {
            for exponent in [0.25, 0.5, 1.0] {
                let schedule = Schedule::new(0.05, 1.0, steps, exponent);
                assert_eq!((schedule.steps(), schedule.edge(steps)), (steps, 1.0));
                assert!((schedule.edge(0) / 0.05 - 1.0).abs() < 1e-12);
                assert!((0..steps).all(|step| schedule.edge(step) < schedule.edge(step + 1)), "{steps} {exponent}");
            }
        }
    }

    #[test]
    fn a_plane_wave_follows_zeldovich() {
        // Exact until orbits cross: x = q + D(a) A sin(2 pi q) along one axis, in box sides. Crossing is at D A 2 pi = 1.
        let (n, growth) = (32, growth());
        let amplitude = 0.8 / (2.0 * PI);
        let displaced = |a: f64, q: f64| q + growth.d1(a) * amplitude * (2.0 * PI * q).sin();
        for pairs in [None, Some(PairForce { cutoff: 4.2, softening: 0.3 })] {
            let schedule = Schedule::new(0.1, 1.0, 20, 1.0);
            let lattice = |at: usize, axis: usize| ([at / (n * n), at / n % n, at % n][axis] as f64 + 0.5) / n as f64;
            let along = |axis: usize| (0..n * n * n).map(|at| position(lattice(at, axis))).collect::<Vec<_>>();
            let wave = (0..n * n * n).map(|at| position(displaced(0.1, lattice(at, 0)))).collect();
            // Every particle's place in the lattice travels along as its momentum's third component, which stays zero.
            let momenta = (0..n * n * n)
                .map(|at| (growth.momentum_1(0.1) * amplitude * (2.0 * PI * lattice(at, 0)).sin()) as f32)
                .collect();
            let zero = vec![0.0; n * n * n];
            let mut particles =
                Particles { positions: [wave, along(1), along(2)], momenta: [momenta, zero.clone(), zero] };
            let mut gravity = Gravity::new(&Resolution { mesh: 2 * n, cells: n, pairs });
            evolve(&mut particles, &mut gravity, &growth, &schedule);
            let mut found: Vec<f64> = particles.positions[0].iter().map(|&x| f64::from(x) * UNIT).collect();
            let mut expected: Vec<f64> =
                (0..n * n * n).map(|at| displaced(1.0, lattice(at, 0)).rem_euclid(1.0)).collect();
            found.sort_by(f64::total_cmp);
            expected.sort_by(f64::total_cmp);
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            println!("{pairs:?}: off by {:.4} of the amplitude at most", worst / amplitude);
            assert!(worst < 0.02 * amplitude, "{pairs:?}: {worst}");
        }
    }

    /// Power spectrum today of a box whose three longest waves alone have power, by linear theory this much today.
    fn evolved_power(growth: &Growth, power: f64, steps: usize) -> Vec<f64> {
        let density = InitialDensity { seed: 3, side: 1.0, fixed_amplitude: true, inverted: false };
        let start = StartingGrowth {
            growth: [growth.d1(0.1), growth.d2(0.1)],
            momentum: [growth.momentum_1(0.1), growth.momentum_2(0.1)],
        };
        // What a lattice of particles does to waves near its own is another matter.
        let spectrum = |k: f64| if k < 2.0 * PI * 1.8 { power } else { 0.0 };
        let mut particles = density.particles(32, &spectrum, &start);
        let pairs = Some(PairForce { cutoff: 4.2, softening: 0.3 });
        let mut gravity = Gravity::new(&Resolution { mesh: 64, cells: 32, pairs });
        evolve(&mut particles, &mut gravity, growth, &Schedule::new(0.1, 1.0, steps, 1.0));
        // Shot noise is subtracted, which a lattice does not have.
        let noise = 1.0 / f64::from(32_u32.pow(3));
        gravity.power(&mut particles, 1.0).iter().map(|bin| bin.power + noise).collect()
    }

    #[test]
    fn small_fluctuations_grow_as_linear_theory_says() {
        let growth = growth();
        for steps in [5, 20] {
            let ratio = evolved_power(&growth, 1e-6, steps)[0] / 1e-6;
            println!("{steps} steps: power {ratio:.4} of linear theory's");
            // Growth within 1 %.
            assert!((ratio - 1.0).abs() < 0.02, "{steps} steps: {ratio}");
        }
    }

    #[test]
    fn twice_as_many_steps_have_a_quarter_of_the_error() {
        let growth = growth();
        let power = [10, 20, 40].map(|steps| evolved_power(&growth, 2e-3, steps));
        for bins in [0..4, 4..8] {
            let change = |i: usize| bins.clone().map(|bin| (power[i + 1][bin] / power[i][bin]).ln().abs()).sum::<f64>();
            println!("bins {bins:?}: {:.5}, then {:.5}", change(0), change(1));
            assert!((3.0..5.5).contains(&(change(0) / change(1))), "{} {}", change(0), change(1));
        }
    }
}
