//! Maps smoothed by a Gaussian, and what lies between two such.

use anyhow::Result;
use tch::{Device, Tensor};

/// A Gaussian, cut at three standard deviations; maps are mirrored at their edges.
pub struct Gaussian {
    radius: i64,
    kernel: Tensor,
}

impl Gaussian {
    /// Of a standard deviation in pixels.
    ///
    /// # Errors
    /// When the device fails.
    pub fn new(pixels: f64, device: Device) -> Result<Self> {
        let radius = Self::reach(pixels);
        let taps: Vec<f64> = (-radius..=radius).map(|at| (-0.5 * (at as f64 / pixels).powi(2)).exp()).collect();
        let sum: f64 = taps.iter().sum();
        let taps: Vec<f32> = taps.into_iter().map(|tap| (tap / sum) as f32).collect();
        Ok(Self { radius, kernel: Tensor::f_from_slice(&taps)?.f_to_device(device)? })
    }

    /// Pixels on each side that it takes in; maps must be wider.
    pub fn reach(pixels: f64) -> i64 {
        (3.0 * pixels).round() as i64
    }

    /// `[n, 1, side, side]`, smoothed.
    ///
    /// # Errors
    /// When the maps are not wider than the Gaussian's reach, or the device fails.
    pub fn smooth(&self, maps: &Tensor) -> Result<Tensor> {
        let (r, taps) = (self.radius, 2 * self.radius + 1);
        let along = |maps: &Tensor, padding: [i64; 4], shape: [i64; 4]| -> Result<Tensor> {
            let kernel = self.kernel.f_view(shape)?;
            let padded = maps.f_reflection_pad2d(padding.as_slice())?;
            let [one, none] = [[1_i64, 1], [0, 0]];
            Ok(padded.f_conv2d(&kernel, None::<Tensor>, one.as_slice(), none.as_slice(), one.as_slice(), 1)?)
        };
        along(&along(maps, [r, r, 0, 0], [1, 1, 1, taps])?, [0, 0, r, r], [1, 1, taps, 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_vec;
    use tch::Kind;

    #[test]
    fn a_constant_stays_and_a_point_becomes_the_gaussian() {
        let gaussian = Gaussian::new(2.0, Device::Cpu).unwrap();
        let constant = gaussian.smooth(&Tensor::ones([2, 1, 9, 9], (Kind::Float, Device::Cpu))).unwrap();
        assert!(to_vec(&constant).unwrap().iter().all(|value| (value - 1.0).abs() < 1e-6));
        let mut point = vec![0.0_f32; 21 * 21];
        point[10 * 21 + 10] = 1.0;
        let smoothed = to_vec(&gaussian.smooth(&Tensor::from_slice(&point).view([1, 1, 21, 21])).unwrap()).unwrap();
        let ratio = smoothed[12 * 21 + 11] / smoothed[10 * 21 + 10];
        assert!((f64::from(ratio) - (-5.0_f64 / 8.0).exp()).abs() < 1e-5);
    }
}
