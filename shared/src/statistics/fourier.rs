//! Two-dimensional FFT of a real map.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner, num_complex::Complex64};

/// Transforms n x n real maps to the half plane of n rows and n/2 + 1 columns, unnormalised (as `numpy.fft.rfft2`).
pub struct MapTransform {
    pixels: usize,
    rows: Arc<dyn RealToComplex<f64>>,
    columns: Arc<dyn Fft<f64>>,
    row: Vec<f64>,
    half_plane: Vec<Complex64>,
    transposed: Vec<Complex64>,
    row_scratch: Vec<Complex64>,
    column_scratch: Vec<Complex64>,
}

impl MapTransform {
    /// Plans the transform of maps of `pixels` x `pixels`.
    pub fn new(pixels: usize) -> Self {
        let rows = RealFftPlanner::new().plan_fft_forward(pixels);
        let columns = FftPlanner::new().plan_fft_forward(pixels);
        let half = pixels / 2 + 1;
        Self {
            row: rows.make_input_vec(),
            row_scratch: rows.make_scratch_vec(),
            column_scratch: vec![Complex64::default(); columns.get_inplace_scratch_len()],
            half_plane: vec![Complex64::default(); pixels * half],
            transposed: vec![Complex64::default(); pixels * half],
            pixels,
            rows,
            columns,
        }
    }

    /// The transform of a row-major map, **transposed**: element `j * pixels + i` belongs to column frequency `j` in
    /// 0..=n/2 and row frequency `i` in 0..n. `None` where the map is not of the planned size.
    pub fn transform<T: Copy + Into<f64>>(&mut self, kappa: &[T]) -> Option<&[Complex64]> {
        let (n, half) = (self.pixels, self.pixels / 2 + 1);
        if kappa.len() != n * n {
            return None;
        }
        for (values, frequencies) in kappa.chunks_exact(n).zip(self.half_plane.chunks_exact_mut(half)) {
            for (to, &from) in self.row.iter_mut().zip(values) {
                *to = from.into();
            }
            // Lengths are those that the plan itself made.
            self.rows.process_with_scratch(&mut self.row, frequencies, &mut self.row_scratch).ok()?;
        }
        for (i, frequencies) in self.half_plane.chunks_exact(half).enumerate() {
            for (j, &value) in frequencies.iter().enumerate() {
                self.transposed[j * n + i] = value;
            }
        }
        self.columns.process_with_scratch(&mut self.transposed, &mut self.column_scratch);
        Some(&self.transposed)
    }
}

/// The way back: from the transposed half plane of [`MapTransform::transform`] to a real map, divided by n^2 so that the two
/// undo each other (as `numpy.fft.irfft2`).
pub struct InverseTransform {
    pixels: usize,
    rows: Arc<dyn ComplexToReal<f64>>,
    columns: Arc<dyn Fft<f64>>,
    transposed: Vec<Complex64>,
    half_plane: Vec<Complex64>,
    map: Vec<f64>,
    row_scratch: Vec<Complex64>,
    column_scratch: Vec<Complex64>,
}

impl InverseTransform {
    /// Plans the way back to maps of `pixels` x `pixels`.
    pub fn new(pixels: usize) -> Self {
        let rows = RealFftPlanner::new().plan_fft_inverse(pixels);
        let columns = FftPlanner::new().plan_fft_inverse(pixels);
        let half = pixels / 2 + 1;
        Self {
            row_scratch: rows.make_scratch_vec(),
            column_scratch: vec![Complex64::default(); columns.get_inplace_scratch_len()],
            transposed: vec![Complex64::default(); pixels * half],
            half_plane: vec![Complex64::default(); pixels * half],
            map: vec![0.0; pixels * pixels],
            pixels,
            rows,
            columns,
        }
    }

    /// The map, row-major, of frequencies that are asked for in the order of [`MapTransform::transform`].
    pub fn transform(&mut self, frequency: impl Fn(usize) -> Complex64) -> &[f64] {
        let (n, half) = (self.pixels, self.pixels / 2 + 1);
        for (at, value) in self.transposed.iter_mut().enumerate() {
            *value = frequency(at);
        }
        self.columns.process_with_scratch(&mut self.transposed, &mut self.column_scratch);
        for (i, frequencies) in self.half_plane.chunks_exact_mut(half).enumerate() {
            for (j, value) in frequencies.iter_mut().enumerate() {
                *value = self.transposed[j * n + i];
            }
        }
        for (row, frequencies) in self.map.chunks_exact_mut(n).zip(self.half_plane.chunks_exact_mut(half)) {
            // What rounding leaves of these imaginary parts would be refused.
            frequencies[0].im = 0.0;
            if n % 2 == 0 {
                frequencies[half - 1].im = 0.0;
            }
            // Lengths are those that the plan itself made.
            let _ = self.rows.process_with_scratch(frequencies, row, &mut self.row_scratch);
        }
        let scale = 1.0 / (n * n) as f64;
        for value in &mut self.map {
            *value *= scale;
        }
        &self.map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::TAU;

    #[test]
    fn equals_the_definition() {
        for n in [1, 2, 5, 8] {
            let map: Vec<f32> = (0..n * n).map(|i| ((i * i * 31 + 7 * i) % 17) as f32 / 17.0 - 0.3).collect();
            let mut transform = MapTransform::new(n);
            let fast = transform.transform(&map).unwrap().to_vec();
            for j in 0..=n / 2 {
                for i in 0..n {
                    let mut sum = Complex64::default();
                    for (place, &value) in map.iter().enumerate() {
                        let phase = -TAU * ((place / n * i) as f64 + (place % n * j) as f64) / n as f64;
                        sum += f64::from(value) * Complex64::from_polar(1.0, phase);
                    }
                    assert!((fast[j * n + i] - sum).norm() < 1e-12, "n {n}, i {i}, j {j}");
                }
            }
        }
    }

    #[test]
    fn the_way_back_leads_to_the_map() {
        for n in [1, 2, 5, 8] {
            let map: Vec<f64> = (0..n * n).map(|i| ((i * i * 31 + 7 * i) % 17) as f64 / 17.0 - 0.3).collect();
            let mut transform = MapTransform::new(n);
            let frequencies = transform.transform(&map).unwrap();
            let mut inverse = InverseTransform::new(n);
            let back = inverse.transform(|at| frequencies[at]);
            assert!(map.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-14), "n {n}");
        }
    }

    #[test]
    fn refuses_another_size() {
        assert!(MapTransform::new(4).transform(&[0.0_f32; 15]).is_none());
    }
}
