//! Maps smoothed with a Gaussian, so that maps of different pixels can be compared.

use std::f64::consts::PI;

use shared::{
    ConvergenceMap,
    statistics::fourier::{InverseTransform, MapTransform},
};

use super::moments::PooledMoments;

/// Standard deviation of the Gaussian in arcminutes.
pub const SMOOTHING: f64 = 1.0;
/// Pixels nearer to a border than this many standard deviations are left out: beyond it lie 0.13 % of the Gaussian, so that what a
/// map is continued with does not matter.
const BORDER: f64 = 3.0;

/// Smooths maps of one geometry.
pub struct Smoothing {
    pixels: usize,
    border: usize,
    /// The Gaussian's transform along one axis.
    gaussian: Vec<f64>,
    forward: MapTransform,
    inverse: InverseTransform,
}

impl Smoothing {
    /// Plans for maps of `pixels` x `pixels` and `side_angle` degrees; `None` where the smoothing says nothing of such maps:
    /// their pixels are wider than [`SMOOTHING`], or borders are half of them.
    pub fn new(pixels: usize, side_angle: f64) -> Option<Self> {
        let pixel = side_angle * 60.0 / pixels as f64;
        let border = (BORDER * SMOOTHING / pixel).ceil() as usize;
        if pixel > SMOOTHING || 4 * border > pixels {
            return None;
        }
        let wave = |i: usize| 2.0 * PI * i.min(pixels - i) as f64 / (side_angle * 60.0);
        let gaussian = (0..pixels).map(|i| (-0.5 * (wave(i) * SMOOTHING).powi(2)).exp()).collect();
        let (forward, inverse) = (MapTransform::new(pixels), InverseTransform::new(pixels));
        Some(Self { pixels, border, gaussian, forward, inverse })
    }

    /// Moments of a smoothed map's pixels. The map is taken to be periodic, and its borders are left out afterwards. `None`
    /// for a map of another size than planned.
    pub fn moments(&mut self, map: &ConvergenceMap) -> Option<PooledMoments> {
        let (pixels, border) = (self.pixels, self.border);
        let smooth = self.smooth(map.kappa())?;
        let rows = smooth.chunks_exact(pixels).skip(border).take(pixels - 2 * border);
        Some(PooledMoments::of(&rows.filter_map(|row| row.get(border..pixels - border))))
    }

    fn smooth(&mut self, kappa: &[f32]) -> Option<&[f64]> {
        let (n, gaussian) = (self.pixels, &self.gaussian);
        let modes = self.forward.transform(kappa)?;
        // As many modes are asked for as the transform has.
        Some(self.inverse.transform(|at| modes[at] * gaussian[at % n] * gaussian[at / n]))
    }
}

/// Standard deviation that a Gaussian of sigma [`SMOOTHING`] leaves of kappa with the power `C_l` in steradian, from waves
/// shorter than those of the multipole `least`: `sigma^2 = int l dl / (2 pi) C_l exp(-l^2 s^2)`.
pub fn smoothed_sigma(power: impl Fn(f64) -> f64, least: f64) -> f64 {
    const STEPS: usize = 400;
    let smoothing = (SMOOTHING / 60.0).to_radians();
    // The trapezoidal rule in ln l, to where the Gaussian leaves 1e-11.
    let step = (5.0 / smoothing / least).ln() / STEPS as f64;
    let at = |i: usize| {
        let ell = least * (step * i as f64).exp();
        let weight = if i == 0 || i == STEPS { 0.5 } else { 1.0 };
        weight * ell * ell * power(ell) * (-(ell * smoothing).powi(2)).exp()
    };
    ((0..=STEPS).map(at).sum::<f64>() * step / (2.0 * PI)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::{angular_power::tests::gaussian_map, moments::Moment};

    #[test]
    fn a_point_becomes_the_gaussian() {
        // 64 pixels of 0.5 arcminutes.
        let (n, pixel) = (64, 0.5);
        let mut kappa = vec![0.0; n * n];
        kappa[20 * n + 30] = 1.0;
        let mut smoothing = Smoothing::new(n, n as f64 * pixel / 60.0).unwrap();
        assert_eq!(smoothing.border, 6);
        let smooth = smoothing.smooth(&kappa).unwrap();
        for (at, value) in smooth.iter().enumerate() {
            let square = pixel * pixel * ((at / n).abs_diff(20).pow(2) + (at % n).abs_diff(30).pow(2)) as f64;
            let expected = pixel * pixel / (2.0 * PI) * (-0.5 * square).exp();
            assert!((value - expected).abs() < 1e-7, "{at}: {value} {expected}");
        }
    }

    #[test]
    fn sigma_of_white_noise() {
        // Variance C / (4 pi s^2) for white noise of power C smoothed with a Gaussian of s, and no shape.
        let (n, side_angle, power) = (256, 2.0, 1e-9);
        let mut pool = PooledMoments::default();
        let mut smoothing = Smoothing::new(n, side_angle).unwrap();
        for seed in 0..4 {
            let map = ConvergenceMap::new(side_angle, n, gaussian_map(seed, n, side_angle, |_| power)).unwrap();
            pool.merge(&smoothing.moments(&map).unwrap());
        }
        let expected = (power / (4.0 * PI)).sqrt() / (1.0_f64 / 60.0).to_radians();
        let found = Moment::ALL.map(|moment| pool.moment(moment).unwrap());
        assert!((found[0] / expected - 1.0).abs() < 0.03, "{} {expected}", found[0]);
        assert!(found[1].abs() < 0.1 && found[2].abs() < 0.2, "{found:?}");
    }

    #[test]
    fn what_lies_beyond_the_border_does_not_matter() {
        // A bright opposite edge reaches pixels next to the border alone.
        let (n, side_angle) = (64, 0.8);
        let mut kappa = gaussian_map(3, n, side_angle, |_| 1e-9);
        let mut smoothing = Smoothing::new(n, side_angle).unwrap();
        let mut sigma = |kappa: &[f32]| {
            let map = ConvergenceMap::new(side_angle, n, kappa.to_vec()).unwrap();
            smoothing.moments(&map).unwrap().moment(Moment::Sigma).unwrap()
        };
        let before = sigma(&kappa);
        for value in &mut kappa[..n] {
            *value += 0.1;
        }
        assert!((sigma(&kappa) / before - 1.0).abs() < 0.02, "{} {before}", sigma(&kappa));
    }

    #[test]
    fn maps_that_are_too_coarse_or_too_narrow() {
        assert!(Smoothing::new(64, 2.0).is_none());
        assert!(Smoothing::new(64, 0.19).is_none());
        assert!(Smoothing::new(64, 0.21).is_some());
        assert!(Smoothing::new(0, 1.0).is_none());
    }

    #[test]
    fn sigma_of_white_noise_in_closed_form() {
        // int_least^inf l dl / (2 pi) exp(-l^2 s^2) = exp(-least^2 s^2) / (4 pi s^2).
        let s = (SMOOTHING / 60.0_f64).to_radians();
        let expected = ((-(100.0 * s).powi(2)).exp() / (4.0 * PI * s * s)).sqrt();
        assert!((smoothed_sigma(|_| 1.0, 100.0) / expected - 1.0).abs() < 1e-3);
    }
}
