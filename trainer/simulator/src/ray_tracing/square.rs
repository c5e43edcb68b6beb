//! Fourier transforms of periodic squares of a plane.

use std::{f64::consts::TAU, sync::Arc};

use rustfft::{Fft, FftPlanner, num_complex::Complex64};

/// Plans for squares of one size and angle.
pub struct Square {
    pixels: usize,
    /// The smallest wave number in inverse radians.
    fundamental: f64,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

/// Fourier modes of a square, columns first.
pub struct Modes(Vec<Complex64>);

impl Square {
    /// Squares of `pixels` x `pixels`, `side_angle` degrees wide.
    pub fn new(pixels: usize, side_angle: f64) -> Self {
        let mut planner = FftPlanner::new();
        Self {
            pixels,
            fundamental: TAU / side_angle.to_radians(),
            forward: planner.plan_fft_forward(pixels),
            inverse: planner.plan_fft_inverse(pixels),
        }
    }

    /// Modes of values, row by row.
    pub fn modes(&self, values: impl Iterator<Item = f64>) -> Modes {
        let mut modes: Vec<Complex64> = values.map(|value| Complex64::new(value, 0.0)).collect();
        self.forward.process(&mut modes);
        let mut modes = self.transposed(&modes);
        self.forward.process(&mut modes);
        Modes(modes)
    }

    /// Values of modes that are multiplied by `factor(l_row, l_column)`, wave numbers along rows' and columns' index in inverse
    /// radians.
    pub fn values(&self, modes: &Modes, factor: impl Fn(f64, f64) -> Complex64) -> Vec<f64> {
        let pixels = self.pixels;
        let norm = 1.0 / (pixels * pixels) as f64;
        let signed = |at: usize| if at <= pixels / 2 { at as f64 } else { at as f64 - pixels as f64 };
        let wave_number = |at: usize| signed(at) * self.fundamental;
        let multiply = |(at, mode): (usize, &Complex64)| {
            // Modes lie columns first.
            mode * factor(wave_number(at % pixels), wave_number(at / pixels)) * norm
        };
        let mut values: Vec<Complex64> = modes.0.iter().enumerate().map(multiply).collect();
        self.inverse.process(&mut values);
        let mut values = self.transposed(&values);
        self.inverse.process(&mut values);
        values.into_iter().map(|value| value.re).collect()
    }

    fn transposed(&self, values: &[Complex64]) -> Vec<Complex64> {
        let pixels = self.pixels;
        (0..pixels * pixels).map(|at| values[at % pixels * pixels + at / pixels]).collect()
    }
}

/// The `pixels` x `pixels` in the middle of a square that is wider by `margin` on every side, row by row.
pub fn inner(plane: &[f32], pixels: usize, margin: usize) -> impl Iterator<Item = f32> + Clone {
    let rows = plane.chunks_exact(pixels + 2 * margin).skip(margin).take(pixels);
    rows.flat_map(move |row| row[margin..margin + pixels].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_of_a_wave() {
        let (pixels, side_angle) = (16, 2.0_f64);
        let phase = |at: usize| TAU * (2.0 * (at / pixels) as f64 + 3.0 * (at % pixels) as f64) / pixels as f64;
        let fundamental = TAU / side_angle.to_radians();
        let square = Square::new(pixels, side_angle);
        let modes = square.modes((0..pixels * pixels).map(|at| phase(at).cos()));
        let laplacian = square.values(&modes, |row, column| Complex64::from(-(row * row + column * column)));
        let along_columns = square.values(&modes, |_, column| Complex64::new(0.0, column));
        for at in 0..pixels * pixels {
            let expected = -13.0 * fundamental * fundamental * phase(at).cos();
            assert!((laplacian[at] - expected).abs() < 1e-6 * fundamental * fundamental, "{at}");
            let expected = -3.0 * fundamental * phase(at).sin();
            assert!((along_columns[at] - expected).abs() < 1e-9 * fundamental, "{at}");
        }
    }
}
