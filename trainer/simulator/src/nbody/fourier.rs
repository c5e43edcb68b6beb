//! The real Fourier transform of a periodic cube, on all threads.
//!
//! A cube of `n^3` reals is transformed row by row with realfft and rustfft, in blocks of columns that fit the cache. The
//! spectrum lies in a second cube, with its first two axes exchanged: that exchange is the only pass over the whole memory,
//! and it lets each thread own whole planes on both sides.

use std::sync::Arc;

use rayon::prelude::*;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner, num_complex::Complex32};

/// Columns of a plane that are transformed together: a cache line of complex numbers, twice.
const BLOCK: usize = 16;

/// A periodic cube of `n^3` reals, or half of its spectrum.
///
/// As reals: `[x][y][z]`, each row of `n` values padded to `n + 2`. As a spectrum: `[ky][kx][kz]`, `kz` from 0 to `n/2`.
#[derive(Debug, Clone)]
pub struct Cube {
    n: usize,
    values: Vec<Complex32>,
}

impl Cube {
    /// A cube of zeros; `n` is even.
    pub fn new(n: usize) -> Self {
        Self { n, values: vec![Complex32::default(); n * n * (n / 2 + 1)] }
    }

    /// Points along a side.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Reals of a plane of constant x, padding included.
    pub fn plane_length(&self) -> usize {
        self.n * self.row_length()
    }

    /// Reals of a row along z, padding included.
    pub fn row_length(&self) -> usize {
        self.n + 2
    }

    /// The reals, padding included.
    pub fn reals(&self) -> &[f32] {
        bytemuck::cast_slice(&self.values)
    }

    /// The reals, padding included.
    pub fn reals_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.values)
    }

    /// The spectrum.
    pub fn modes(&self) -> &[Complex32] {
        &self.values
    }

    /// Planes of constant ky of the spectrum, `[kx][kz]`, with the whole number of ky, for all threads.
    pub fn mode_planes_mut(&mut self) -> impl IndexedParallelIterator<Item = (i32, &mut [Complex32])> {
        let n = self.n;
        let length = n * (n / 2 + 1);
        self.values.par_chunks_mut(length).enumerate().map(move |(at, plane)| (frequency(at, n), plane))
    }

    /// Bytes of a cube of this size.
    pub fn bytes(n: usize) -> u64 {
        (n * n * (n / 2 + 1) * size_of::<Complex32>()) as u64
    }
}

/// Whole number of the mode at index `at` along an axis of `n` points; the Nyquist mode counts as negative.
pub fn frequency(at: usize, n: usize) -> i32 {
    if at < n / 2 { at as i32 } else { at as i32 - n as i32 }
}

/// Plans for cubes of one size.
pub struct CubeFft {
    n: usize,
    forward_row: Arc<dyn RealToComplex<f32>>,
    inverse_row: Arc<dyn ComplexToReal<f32>>,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

/// What a thread needs beside its planes.
struct Buffers {
    row: Vec<f32>,
    row_scratch: Vec<Complex32>,
    block: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl CubeFft {
    /// Plans for `n^3` points, `n` even; products of small primes are fast.
    pub fn new(n: usize) -> Self {
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        Self {
            n,
            forward_row: real.plan_fft_forward(n),
            inverse_row: real.plan_fft_inverse(n),
            forward: complex.plan_fft_forward(n),
            inverse: complex.plan_fft_inverse(n),
        }
    }

    /// Spectrum of the reals in `cube`, without a factor; `cube` holds nothing of use afterwards.
    ///
    /// # Panics
    /// When a cube is of another size than the plan.
    pub fn forward(&self, cube: &mut Cube, spectrum: &mut Cube) {
        assert!(cube.n == self.n && spectrum.n == self.n, "cubes of another size than the plan");
        let (n, width) = (self.n, self.n / 2 + 1);
        cube.values.par_chunks_mut(n * width).for_each_init(
            || self.buffers(),
            |buffers, plane| {
                for row in plane.chunks_exact_mut(width) {
                    buffers.row.copy_from_slice(&bytemuck::cast_slice(row)[..n]);
                    self.forward_row
                        .process_with_scratch(&mut buffers.row, row, &mut buffers.row_scratch)
                        .expect("rows have the planned length");
                }
                transform_columns(plane, width, self.forward.as_ref(), buffers);
            },
        );
        let source = &cube.values;
        spectrum.values.par_chunks_mut(n * width).enumerate().for_each_init(
            || self.buffers(),
            |buffers, (y, plane)| {
                exchange(source, y, plane, n, width);
                transform_columns(plane, width, self.forward.as_ref(), buffers);
            },
        );
    }

    /// Reals of a spectrum, `n^3` times those of which [`Self::forward`] made it; `spectrum` holds nothing of use afterwards.
    ///
    /// # Panics
    /// When a cube is of another size than the plan.
    pub fn inverse(&self, spectrum: &mut Cube, cube: &mut Cube) {
        assert!(cube.n == self.n && spectrum.n == self.n, "cubes of another size than the plan");
        let (n, width) = (self.n, self.n / 2 + 1);
        spectrum.values.par_chunks_mut(n * width).for_each_init(
            || self.buffers(),
            |buffers, plane| transform_columns(plane, width, self.inverse.as_ref(), buffers),
        );
        let source = &spectrum.values;
        cube.values.par_chunks_mut(n * width).enumerate().for_each_init(
            || self.buffers(),
            |buffers, (x, plane)| {
                exchange(source, x, plane, n, width);
                transform_columns(plane, width, self.inverse.as_ref(), buffers);
                for row in plane.chunks_exact_mut(width) {
                    // What rounding left there is no part of a real row's spectrum.
                    row[0].im = 0.0;
                    row[width - 1].im = 0.0;
                    self.inverse_row
                        .process_with_scratch(row, &mut buffers.row, &mut buffers.row_scratch)
                        .expect("rows have the planned length");
                    bytemuck::cast_slice_mut(row)[..n].copy_from_slice(&buffers.row);
                }
            },
        );
    }

    fn buffers(&self) -> Buffers {
        let row_scratch = self.forward_row.get_scratch_len().max(self.inverse_row.get_scratch_len());
        let scratch = self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len());
        Buffers {
            row: vec![0.0; self.n],
            row_scratch: vec![Complex32::default(); row_scratch],
            block: vec![Complex32::default(); BLOCK * self.n],
            scratch: vec![Complex32::default(); scratch],
        }
    }
}

/// Copies into `plane` the rows that stand at place `at` of every plane of `source`.
fn exchange(source: &[Complex32], at: usize, plane: &mut [Complex32], n: usize, width: usize) {
    for (row, from) in plane.chunks_exact_mut(width).zip(source.chunks_exact(n * width)) {
        row.copy_from_slice(&from[at * width..(at + 1) * width]);
    }
}

/// Transforms a plane `[n][width]` along its first axis.
fn transform_columns(plane: &mut [Complex32], width: usize, fft: &dyn Fft<f32>, buffers: &mut Buffers) {
    let n = plane.len() / width;
    for first in (0..width).step_by(BLOCK) {
        let columns = BLOCK.min(width - first);
        let block = &mut buffers.block[..columns * n];
        for (y, row) in plane.chunks_exact(width).enumerate() {
            for (column, value) in row[first..first + columns].iter().enumerate() {
                block[column * n + y] = *value;
            }
        }
        fft.process_with_scratch(block, &mut buffers.scratch);
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            for (column, value) in row[first..first + columns].iter_mut().enumerate() {
                *value = block[column * n + y];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustfft::num_complex::Complex64;

    fn filled(n: usize) -> Cube {
        let mut cube = Cube::new(n);
        let (row, mut state) = (cube.row_length(), 1_u32);
        for line in cube.reals_mut().chunks_exact_mut(row) {
            for value in &mut line[..n] {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *value = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
            }
        }
        cube
    }

    #[test]
    fn agrees_with_the_definition() {
        let n = 6;
        let cube = filled(n);
        let (mut work, mut spectrum) = (cube.clone(), Cube::new(n));
        CubeFft::new(n).forward(&mut work, &mut spectrum);
        for (at, found) in spectrum.modes().iter().enumerate() {
            let (ky, kx, kz) = (at / (n * 4), at / 4 % n, at % 4);
            let mut expected = Complex32::default();
            for (place, value) in cube.reals().iter().enumerate() {
                let (x, y, z) = (place / (n * 8), place / 8 % n, place % 8);
                if z < n {
                    let turns = (kx * x + ky * y + kz * z) as f32 / n as f32;
                    expected += value * Complex32::cis(-std::f32::consts::TAU * turns);
                }
            }
            assert!((found - expected).norm() < 1e-5 * (n * n * n) as f32, "{at}: {found} {expected}");
        }
    }

    /// The transform along one axis after the other by its definition, in f64: `[kx][ky][kz]`.
    fn naive(cube: &Cube) -> Vec<Complex64> {
        let n = cube.n();
        let turn: Vec<Complex64> =
            (0..n).map(|at| Complex64::cis(-std::f64::consts::TAU * at as f64 / n as f64)).collect();
        let rows = cube.reals().chunks_exact(cube.row_length());
        let mut values: Vec<Complex64> =
            rows.flat_map(|row| row[..n].iter().map(|&value| Complex64::from(f64::from(value)))).collect();
        for stride in [1, n, n * n] {
            let mut transformed = vec![Complex64::default(); values.len()];
            for (at, value) in transformed.iter_mut().enumerate() {
                let k = at / stride % n;
                let first = at - k * stride;
                *value = (0..n).map(|j| values[first + j * stride] * turn[j * k % n]).sum();
            }
            values = transformed;
        }
        values
    }

    #[test]
    fn every_even_cube_agrees_with_the_naive_transform_and_returns() {
        for n in (2..=64).step_by(2) {
            let cube = filled(n);
            let (mut work, mut spectrum, fft) = (cube.clone(), Cube::new(n), CubeFft::new(n));
            fft.forward(&mut work, &mut spectrum);
            let expected = naive(&cube);
            let (width, tolerance) = (n / 2 + 1, 1e-6 * (n as f64).powf(1.5));
            for (at, found) in spectrum.modes().iter().enumerate() {
                let (ky, kx, kz) = (at / (n * width), at / width % n, at % width);
                let expected = expected[(kx * n + ky) * n + kz];
                let difference = (f64::from(found.re) - expected.re).hypot(f64::from(found.im) - expected.im);
                assert!(difference < tolerance, "{n}: [{kx}, {ky}, {kz}] is {found}, {expected} by definition");
            }
            fft.inverse(&mut spectrum, &mut work);
            for (found, expected) in work.reals().chunks_exact(n + 2).zip(cube.reals().chunks_exact(n + 2)) {
                for (found, expected) in found[..n].iter().zip(expected) {
                    assert!((found / (n * n * n) as f32 - expected).abs() < 1e-6, "{n}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn the_inverse_returns() {
        for n in [96, 108] {
            let cube = filled(n);
            let (mut work, mut spectrum, fft) = (cube.clone(), Cube::new(n), CubeFft::new(n));
            fft.forward(&mut work, &mut spectrum);
            fft.inverse(&mut spectrum, &mut work);
            for (found, expected) in work.reals().chunks_exact(n + 2).zip(cube.reals().chunks_exact(n + 2)) {
                for (found, expected) in found[..n].iter().zip(expected) {
                    assert!((found / (n * n * n) as f32 - expected).abs() < 1e-6, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn frequencies_are_signed() {
        assert_eq!((0..6).map(|at| frequency(at, 6)).collect::<Vec<_>>(), [0, 1, 2, -3, -2, -1]);
    }
}
