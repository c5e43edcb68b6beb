//! Gravity in a periodic box: long range on a mesh, short range over pairs.

use super::{
    long_range::LongRange,
    particles::{Cells, Particles},
    power::PowerBin,
    short_range::{PairForce, ShortRange},
};

/// How gravity is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// Mesh nodes along a side.
    pub mesh: usize,
    /// Cells along a side that particles are sorted into: about as many as particles.
    pub cells: usize,
    /// Short-range force over pairs; without it forces are smoothed over about two nodes.
    pub pairs: Option<PairForce>,
}

/// Without pairs, forces are those of balls of this radius in nodes, about the smallest that does not excite the lattice that
/// particles start on.
const MESH_ALONE: f64 = 2.2;

/// The solver, with its mesh.
pub struct Gravity {
    cells: Cells,
    long: LongRange,
    short: Option<ShortRange>,
}

impl Gravity {
    /// Prepares the mesh.
    ///
    /// # Panics
    /// When the mesh is odd, or the cells are too few for the cutoff of the pairs.
    pub fn new(resolution: &Resolution) -> Self {
        let Resolution { mesh, cells, pairs } = *resolution;
        Self {
            cells: Cells::new(cells),
            long: LongRange::new(mesh, pairs.map_or(MESH_ALONE, |pairs| f64::from(pairs.cutoff))),
            short: pairs.map(|pairs| ShortRange::new(pairs, mesh, cells)),
        }
    }

    /// Adds `factor` times the acceleration `-grad phi` to the momenta, with `laplacian(phi) = delta` and lengths in box sides.
    /// Sorts the particles.
    pub fn kick(&mut self, particles: &mut Particles, factor: f64) {
        particles.sort(&mut self.cells);
        self.long.kick(particles, &self.cells, factor);
        if let Some(short) = &self.short {
            short.kick(particles, &self.cells, factor);
        }
    }

    /// Power spectrum of the particles in a box of `side` Mpc/h. Sorts them.
    pub fn power(&mut self, particles: &mut Particles, side: f64) -> Vec<PowerBin> {
        particles.sort(&mut self.cells);
        let (fft, density, spectrum) = self.long.cubes();
        super::power::measure(particles, &self.cells, side, fft, density, spectrum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::particles::{UNIT, position};
    use shared::random::{Random, Stream, stream};
    use std::f64::consts::PI;

    const PAIRS: PairForce = PairForce { cutoff: 4.2, softening: 0.2 };

    /// Acceleration of a unit-mean-density lattice of point masses at a distance, in box sides, by Ewald's sum: the periodic
    /// force of one mass `1/count`, less that of the uniform background.
    fn ewald(distance: [f64; 3], count: usize) -> [f64; 3] {
        let alpha = 2.0_f64;
        let mut force = [0.0; 3];
        for image in 0..11 * 11 * 11 {
            let n = [image / 121, image / 11 % 11, image % 11].map(|n| f64::from(n) - 5.0);
            let r: [f64; 3] = std::array::from_fn(|i| distance[i] - n[i]);
            let length = r.iter().map(|r| r * r).sum::<f64>().sqrt();
            let real = erfc(alpha * length) + 2.0 * alpha * length / PI.sqrt() * (-(alpha * length).powi(2)).exp();
            let square: f64 = n.iter().map(|n| n * n).sum();
            for axis in 0..3 {
                force[axis] -= r[axis] / length.powi(3) * real / (4.0 * PI);
                if square > 0.0 {
                    let phase = 2.0 * PI * (0..3).map(|i| n[i] * distance[i]).sum::<f64>();
                    let damping = (-PI * PI * square / (alpha * alpha)).exp();
                    force[axis] -= n[axis] / (2.0 * PI * square) * damping * phase.sin();
                }
            }
        }
        force.map(|force| force / count as f64)
    }

    /// Abramowitz & Stegun 7.1.26 is too coarse here: a series and a continued fraction.
    fn erfc(x: f64) -> f64 {
        if x < 2.5 {
            let (mut term, mut sum, mut n) = (x, x, 0.0);
            while term.abs() > 1e-16 {
                n += 1.0;
                term *= -x * x / n;
                sum += term / (2.0 * n + 1.0);
            }
            return 1.0 - 2.0 / PI.sqrt() * sum;
        }
        let fraction = (1..60).rev().fold(x, |rest, k| x + f64::from(k) / 2.0 / rest);
        (-x * x).exp() / PI.sqrt() / fraction
    }

    fn at_random(random: &mut Random, count: usize) -> Particles {
        let mut axis = || (0..count).map(|_| position(random.uniform())).collect::<Vec<_>>();
        Particles { positions: [axis(), axis(), axis()], momenta: [0, 1, 2].map(|_| vec![0.0; count]) }
    }

    /// Acceleration of the second of two particles, and what it should be.
    fn of_pair(gravity: &mut Gravity, random: &mut Random, distance: f64) -> ([f64; 3], [f64; 3]) {
        let mut particles = at_random(random, 1);
        let direction: [f64; 3] = std::array::from_fn(|_| random.normal());
        let norm = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
        for (positions, direction) in particles.positions.iter_mut().zip(direction) {
            let first = positions[0];
            positions.push(first.wrapping_add((direction / norm * distance / UNIT) as i64 as u32));
        }
        let (first, second) =
            ([0, 1, 2].map(|i| particles.positions[i][0]), [0, 1, 2].map(|i| particles.positions[i][1]));
        particles.momenta = [0, 1, 2].map(|_| vec![0.0; 2]);
        gravity.kick(&mut particles, 1.0);
        let at = (0..2).find(|&at| particles.positions[0][at] == second[0]).unwrap();
        let found = particles.momenta.each_ref().map(|axis| f64::from(axis[at]));
        let apart = std::array::from_fn(|i| f64::from(second[i].wrapping_sub(first[i]).cast_signed()) * UNIT);
        (found, ewald(apart, 2))
    }

    #[test]
    fn a_pair_attracts_with_the_force_of_all_its_images() {
        let mesh = 32;
        let resolution = Resolution { mesh, cells: 16, pairs: Some(PAIRS) };
        let mut gravity = Gravity::new(&resolution);
        let mut random = stream(1, Stream::Crops);
        for nodes in [0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 6.0, 10.0] {
            let (mut squares, mut worst) = (0.0, 0.0_f64);
            let draws = 200;
            for _ in 0..draws {
                let (found, expected) = of_pair(&mut gravity, &mut random, nodes / mesh as f64);
                let size = expected.iter().map(|e| e * e).sum::<f64>().sqrt();
                let error = (0..3).map(|i| (found[i] - expected[i]).powi(2)).sum::<f64>().sqrt() / size;
                squares += error * error;
                worst = worst.max(error);
            }
            let rms = (squares / f64::from(draws)).sqrt();
            println!("{nodes} nodes: rms {rms:.5}, worst {worst:.5}");
            assert!(rms < 0.01, "{nodes} nodes apart the force is off by {rms} (rms), {worst} (worst)");
        }
    }

    #[test]
    fn momentum_is_conserved() {
        let mut gravity = Gravity::new(&Resolution { mesh: 16, cells: 8, pairs: Some(PAIRS) });
        let mut particles = at_random(&mut stream(2, Stream::Crops), 4096);
        gravity.kick(&mut particles, 1.0);
        for axis in &particles.momenta {
            let sum: f64 = axis.iter().map(|&p| f64::from(p)).sum();
            let size: f64 = axis.iter().map(|&p| f64::from(p).abs()).sum();
            assert!(sum.abs() < 1e-5 * size, "{sum} of {size}");
        }
    }
}
