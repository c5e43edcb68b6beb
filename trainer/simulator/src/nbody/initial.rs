//! Initial conditions: a Gaussian field, and particles displaced from a lattice to second order.

use std::f64::consts::PI;

use rayon::prelude::*;
use rustfft::num_complex::Complex32;
use shared::random::{Stream, stream};

use super::{
    fourier::{Cube, CubeFft, frequency},
    particles::{Particles, UNIT, position},
};

/// A Gaussian random field of a periodic box.
///
/// A mode is drawn from the seed and its wave numbers alone: boxes of one side and seed share their large-scale modes whatever their
/// resolution, and no thread waits for another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InitialDensity {
    /// Seed of the modes.
    pub seed: u64,
    /// Box side in Mpc/h.
    pub side: f64,
    /// Every mode has the amplitude of the power spectrum, and only its phase is random (Angulo & Pontzen 2016): means over
    /// a few boxes are less noisy, the scatter among boxes is wrong.
    pub fixed_amplitude: bool,
    /// All phases are turned by half a turn: the partner of the box of the same seed without it.
    pub inverted: bool,
}

/// Growth at the start: how far displacements have grown, and the momenta that go with them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartingGrowth {
    /// Of first and second order: D1 and D2.
    pub growth: [f64; 2],
    /// `a^3 E dD/da` of each.
    pub momentum: [f64; 2],
}

impl InitialDensity {
    /// Fills `modes` with the density contrast, of the power spectrum `power(k)` in (Mpc/h)^3 with k in h/Mpc. The inverse
    /// transform of it is the density contrast without a further factor. The mean and the Nyquist modes are 0.
    pub fn modes(&self, power: &(impl Fn(f64) -> f64 + Sync), modes: &mut Cube) {
        let n = modes.n();
        let nyquist = n as i32 / 2;
        let sign = if self.inverted { -1.0 } else { 1.0 };
        // The square of a mode's whole wave numbers is a whole number, so all amplitudes fit a table.
        let wave_number = |square: i32| 2.0 * PI / self.side * f64::from(square).sqrt();
        let amplitude = |square| sign * (power(wave_number(square)) / self.side.powi(3)).sqrt();
        let amplitudes: Vec<f64> = (0..3 * nyquist * nyquist).into_par_iter().map(amplitude).collect();
        modes.mode_planes_mut().for_each(|(ky, plane)| {
            for (kx, row) in plane.chunks_exact_mut(n / 2 + 1).enumerate() {
                let kx = frequency(kx, n);
                row.fill(Complex32::default());
                if kx == -nyquist || ky == -nyquist {
                    continue;
                }
                let mut random = self.column(kx, ky);
                for (kz, mode) in row[..n / 2].iter_mut().enumerate() {
                    let (modulus, argument) = random.complex_normal();
                    let square = (kx * kx + ky * ky) as usize + kz * kz;
                    if square == 0 {
                        continue;
                    }
                    // In the plane kz = 0 a mode and its opposite are conjugates, so one of them follows from the other.
                    let follows = kz == 0 && (ky < 0 || ky == 0 && kx < 0);
                    let (modulus, argument) = if follows {
                        let (modulus, argument) = self.column(-kx, -ky).complex_normal();
                        (modulus, -argument)
                    } else {
                        (modulus, argument)
                    };
                    let modulus = if self.fixed_amplitude { 1.0 } else { modulus };
                    *mode = Complex32::from_polar((amplitudes[square] * modulus) as f32, argument as f32);
                }
            }
        });
    }

    fn column(&self, kx: i32, ky: i32) -> shared::random::Random {
        stream(self.seed, Stream::InitialDensity).at(u64::from(kx as u32) << 32 | u64::from(ky as u32))
    }

    /// `n^3` particles, displaced from a cubic lattice by Lagrangian perturbation theory to second order:
    /// `x = q - D1 grad phi1 + D2 grad phi2`, with `laplacian(phi1) = delta` and
    /// `laplacian(phi2) = sum_(i<j) (phi1,ii phi1,jj - phi1,ij^2)` (Bouchet et al. 1995, Eqs. 21 to 24). `power` is that of the density today.
    #[doc(alias = "lpt2")]
    #[doc(alias = "lpt")]
    #[doc(alias = "linear_field")]
    pub fn particles(&self, n: usize, power: &(impl Fn(f64) -> f64 + Sync), start: &StartingGrowth) -> Particles {
        let fft = CubeFft::new(n);
        let (mut spectrum, mut real) = (Cube::new(n), Cube::new(n));
        let lattice = |axis: usize| {
            let axis = move |at: usize| [at / (n * n), at / n % n, at % n][axis];
            (0..n * n * n).into_par_iter().map(move |at| position((axis(at) as f64 + 0.5) / n as f64)).collect()
        };
        let mut particles =
            Particles { positions: [0, 1, 2].map(lattice), momenta: [0, 1, 2].map(|_| vec![0.0; n * n * n]) };
        for axis in 0..3 {
            self.modes(power, &mut spectrum);
            to_gradient(&mut spectrum, axis, 1.0);
            fft.inverse(&mut spectrum, &mut real);
            displace(&mut particles, axis, &real, start.growth[0], start.momentum[0]);
        }
        let mut source = self.second_order_source(power, &fft, &mut spectrum, &mut real);
        let mut modes = Cube::new(n);
        fft.forward(&mut source, &mut modes);
        let norm = -1.0 / (n * n * n) as f64;
        for axis in 0..3 {
            spectrum.clone_from(&modes);
            to_gradient(&mut spectrum, axis, norm);
            fft.inverse(&mut spectrum, &mut real);
            displace(&mut particles, axis, &real, start.growth[1], start.momentum[1]);
        }
        particles
    }

    /// The Laplacian of phi2. With `laplacian(phi1) = delta` it is `(delta^2 - sum_ij phi1,ij^2) / 2`.
    fn second_order_source(
        &self,
        power: &(impl Fn(f64) -> f64 + Sync),
        fft: &CubeFft,
        spectrum: &mut Cube,
        real: &mut Cube,
    ) -> Cube {
        let mut source = Cube::new(real.n());
        let mut add_square = |weight: f32, tidal: Option<[usize; 2]>| {
            self.modes(power, spectrum);
            if let Some(axes) = tidal {
                to_tidal(spectrum, axes);
            }
            fft.inverse(spectrum, real);
            let values = real.reals().par_iter().with_min_len(1 << 14);
            source.reals_mut().par_iter_mut().zip(values).for_each(|(source, value)| *source += weight * value * value);
        };
        add_square(0.5, None);
        for axes in [[0, 0], [1, 1], [2, 2]] {
            add_square(-0.5, Some(axes));
        }
        for axes in [[0, 1], [1, 2], [0, 2]] {
            add_square(-1.0, Some(axes));
        }
        source
    }

    /// Bytes that [`Self::particles`] needs beside the particles.
    pub fn bytes(n: usize) -> u64 {
        4 * Cube::bytes(n)
    }
}

/// Adds a displacement, and the momentum that it grows with.
fn displace(particles: &mut Particles, axis: usize, displacement: &Cube, growth: f64, momentum: f64) {
    let n = displacement.n();
    let rows = displacement.reals().par_chunks(displacement.row_length());
    let positions = particles.positions[axis].par_chunks_mut(n);
    let momenta = particles.momenta[axis].par_chunks_mut(n);
    positions.zip(momenta).zip(rows).for_each(|((positions, momenta), row)| {
        for ((position, total), &value) in positions.iter_mut().zip(momenta).zip(row) {
            let value = f64::from(value);
            *position = position.wrapping_add((growth * value / UNIT) as i64 as u32);
            *total += (momentum * value) as f32;
        }
    });
}

/// Turns a density into `-factor` times the gradient of its potential, lengths in box sides: `i k / k^2`.
fn to_gradient(spectrum: &mut Cube, axis: usize, factor: f64) {
    multiply(spectrum, |k, square| Complex32::new(0.0, (factor * f64::from(k[axis]) / (2.0 * PI * square)) as f32));
}

/// Turns a density into second derivatives of its potential, `k_i k_j / k^2`.
fn to_tidal(spectrum: &mut Cube, axes: [usize; 2]) {
    multiply(spectrum, |k, square| Complex32::from((f64::from(k[axes[0]] * k[axes[1]]) / square) as f32));
}

/// Multiplies each mode by a function of its whole wave numbers and their squares' sum; the mean becomes 0.
fn multiply(spectrum: &mut Cube, factor: impl Fn([i32; 3], f64) -> Complex32 + Sync) {
    let n = spectrum.n();
    spectrum.mode_planes_mut().for_each(|(ky, plane)| {
        for (at, mode) in plane.iter_mut().enumerate() {
            let k = [frequency(at / (n / 2 + 1), n), ky, (at % (n / 2 + 1)) as i32];
            let square = f64::from(k[0] * k[0] + k[1] * k[1] + k[2] * k[2]);
            *mode *= if square > 0.0 { factor(k, square) } else { Complex32::default() };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn density(seed: u64) -> InitialDensity {
        InitialDensity { seed, side: 100.0, fixed_amplitude: false, inverted: false }
    }

    fn power(k: f64) -> f64 {
        1e3 / (1.0 + (k / 0.2).powi(2))
    }

    /// Sum over modes of power over what was asked for, and the number of modes.
    fn relative_power(modes: &Cube, density: &InitialDensity, power: impl Fn(f64) -> f64) -> (f64, f64) {
        let n = modes.n();
        let (mut sum, mut count) = (0.0, 0.0);
        for (at, mode) in modes.modes().iter().enumerate() {
            let width = n / 2 + 1;
            let k = [frequency(at / (width * n), n), frequency(at / width % n, n), (at % width) as i32];
            if k.contains(&0) || k.iter().any(|k| k.abs() == n as i32 / 2) {
                continue;
            }
            let length = f64::from(k.iter().map(|k| k * k).sum::<i32>()).sqrt() * 2.0 * PI / density.side;
            sum += f64::from(mode.norm_sqr()) * density.side.powi(3) / power(length);
            count += 1.0;
        }
        (sum, count)
    }

    #[test]
    fn the_power_of_a_field_is_what_was_asked_for() {
        let mut modes = Cube::new(32);
        density(1).modes(&power, &mut modes);
        let (sum, count) = relative_power(&modes, &density(1), power);
        // Each mode scatters by its own power.
        assert!((sum / count - 1.0).abs() < 4.0 / count.sqrt(), "{}", sum / count);
        let fixed = InitialDensity { fixed_amplitude: true, ..density(1) };
        fixed.modes(&power, &mut modes);
        let (sum, count) = relative_power(&modes, &fixed, power);
        assert!((sum / count - 1.0).abs() < 1e-5);
    }

    #[test]
    fn fields_are_real_and_follow_from_the_seed_alone() {
        let (n, fft) = (16, CubeFft::new(16));
        let (mut modes, mut real, mut again) = (Cube::new(n), Cube::new(n), Cube::new(n));
        density(1).modes(&power, &mut modes);
        let first = modes.clone();
        fft.inverse(&mut modes, &mut real);
        fft.forward(&mut real, &mut again);
        let scale = (n * n * n) as f32;
        for (found, expected) in again.modes().iter().zip(first.modes()) {
            // What is not Hermitian would be lost on the way through real values.
            assert!((found / scale - expected).norm() < 1e-6, "{found} {expected}");
        }
        density(1).modes(&power, &mut modes);
        assert!(modes.modes() == first.modes());
        density(2).modes(&power, &mut modes);
        assert!(modes.modes() != first.modes());
        InitialDensity { inverted: true, ..density(1) }.modes(&power, &mut modes);
        assert!(modes.modes().iter().zip(first.modes()).all(|(a, b)| (a + b).norm() < 1e-7));
    }

    #[test]
    fn a_finer_box_has_the_same_waves() {
        let (mut coarse, mut fine) = (Cube::new(16), Cube::new(32));
        density(5).modes(&power, &mut coarse);
        density(5).modes(&power, &mut fine);
        let at = |cube: &Cube, k: [i32; 3]| {
            let n = cube.n() as i32;
            let place = |k: i32| k.rem_euclid(n) as usize;
            cube.modes()[(place(k[0]) * n as usize + place(k[1])) * (n as usize / 2 + 1) + k[2] as usize]
        };
        for k in [[1, 2, 3], [-7, 0, 0], [0, 0, 5], [3, -6, 7], [-1, -1, 0]] {
            assert_eq!(at(&coarse, k), at(&fine, k), "{k:?}");
        }
    }

    #[test]
    fn second_order_displacements_of_crossed_waves() {
        // phi1 = a cos(x) + b cos(y): phi1,xx phi1,yy = a b cos(x) cos(y), so phi2 = -a b cos(x) cos(y) / (k^2 + k^2).
        // One wave along each of two axes, by hand, against the general code with a spectrum of these two alone.
        let n = 16;
        let fft = CubeFft::new(n);
        let (mut spectrum, mut real) = (Cube::new(n), Cube::new(n));
        let only = |k: f64| if k < 2.0 * PI / 100.0 * 1.01 { 1e3 } else { 0.0 };
        let field = InitialDensity { fixed_amplitude: true, ..density(9) };
        let source = field.second_order_source(&only, &fft, &mut spectrum, &mut real);
        field.modes(&only, &mut spectrum);
        let wave = |axis: usize| {
            let index = [[0, 1, 0], [1, 0, 0], [0, 0, 1]][axis];
            spectrum.modes()[(index[0] * n + index[1]) * (n / 2 + 1) + index[2]]
        };
        let waves = [0, 1, 2].map(wave);
        for place in [[0, 0, 0], [3, 5, 9], [15, 1, 7]] {
            // Second derivatives of phi1 along each axis are the waves of delta themselves.
            let delta: Vec<f64> = (0..3)
                .map(|axis| {
                    let phase = 2.0 * PI * place[axis] as f64 / n as f64;
                    2.0 * (f64::from(waves[axis].re) * phase.cos() - f64::from(waves[axis].im) * phase.sin())
                })
                .collect();
            let expected = delta[0] * delta[1] + delta[1] * delta[2] + delta[2] * delta[0];
            let found = source.reals()[place[0] * source.plane_length() + place[1] * source.row_length() + place[2]];
            let scale = waves.iter().map(|wave| f64::from(wave.norm_sqr())).sum::<f64>();
            assert!((f64::from(found) - expected).abs() < 1e-5 * scale, "{place:?}: {found} {expected}");
        }
    }
}
