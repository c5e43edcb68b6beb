//! Maps smoothed by a Gaussian, and what lies between two such.

use anyhow::Result;
use tch::{Device, Tensor};

/// A Gaussian, cut at three standard deviations; maps are mirrored at their edges.
pub struct Gaussian {
    /// Weight of every pixel of a row in every pixel of the smoothed row, `[side, side]`: a product of matrices is faster than a
    /// convolution with one channel.
    rows: Tensor,
}

impl Gaussian {
    /// Of a standard deviation in pixels, for maps of `side` pixels, which must be more than [`Self::reach`].
    ///
    /// # Errors
    /// When the device fails.
    pub fn new(pixels: f64, side: i64, device: Device) -> Result<Self> {
        let reach = Self::reach(pixels);
        let tap = |at: i64| (-0.5 * (at as f64 / pixels).powi(2)).exp();
        let sum: f64 = (-reach..=reach).map(tap).sum();
        let mut rows = vec![0.0_f32; (side * side) as usize];
        for row in 0..side {
            for at in -reach..=reach {
                let mut column = (row + at).abs();
                if column >= side {
                    column = 2 * (side - 1) - column;
                }
                rows[(row * side + column) as usize] += (tap(at) / sum) as f32;
            }
        }
        Ok(Self { rows: Tensor::f_from_slice(&rows)?.f_view([side, side])?.f_to_device(device)? })
    }

    /// Pixels on each side that it takes in; maps must be wider.
    pub fn reach(pixels: f64) -> i64 {
        (3.0 * pixels).round() as i64
    }

    /// `[n, 1, side, side]`, smoothed.
    ///
    /// # Errors
    /// When the maps have another side, or the device fails.
    pub fn smooth(&self, maps: &Tensor) -> Result<Tensor> {
        Ok(self.rows.f_matmul(maps)?.f_matmul(&self.rows.f_transpose(0, 1)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_vec;
    use tch::Kind;

    #[test]
    fn a_constant_stays_and_a_point_becomes_the_gaussian() {
        let gaussian = Gaussian::new(2.0, 9, Device::Cpu).unwrap();
        let constant = gaussian.smooth(&Tensor::ones([2, 1, 9, 9], (Kind::Float, Device::Cpu))).unwrap();
        assert!(to_vec(&constant).unwrap().iter().all(|value| (value - 1.0).abs() < 1e-6));
        let mut point = vec![0.0_f32; 21 * 21];
        point[10 * 21 + 10] = 1.0;
        let gaussian = Gaussian::new(2.0, 21, Device::Cpu).unwrap();
        let smoothed = to_vec(&gaussian.smooth(&Tensor::from_slice(&point).view([1, 1, 21, 21])).unwrap()).unwrap();
        let ratio = smoothed[12 * 21 + 11] / smoothed[10 * 21 + 10];
        assert!((f64::from(ratio) - (-5.0_f64 / 8.0).exp()).abs() < 1e-5);
        // At an edge the mirrored half comes back: pixel 0 beside pixel 1, which counts from both sides.
        let mut edge = vec![0.0_f32; 21 * 21];
        edge[1] = 1.0;
        let smoothed = to_vec(&gaussian.smooth(&Tensor::from_slice(&edge).view([1, 1, 21, 21])).unwrap()).unwrap();
        let expected = 2.0 * (-1.0_f64 / 8.0).exp() / ((-9.0_f64 / 8.0).exp() + (-25.0_f64 / 8.0).exp());
        assert!((f64::from(smoothed[0] / smoothed[4]) / expected - 1.0).abs() < 1e-4);
    }
}
