//! The scale on which matter becomes nonlinear, where halofit looks at the linear spectrum.

use std::f64::consts::PI;

use super::linear_spectrum::LinearSpectrum;

/// Variance in Gaussian spheres, from the spectrum sampled once.
pub(super) struct Smoothed {
    /// Squared wave number and `k^3 P / (2 pi^2)` times the step in ln k.
    samples: Vec<(f64, f64)>,
}

impl Smoothed {
    /// Ends of the integral over k, in h/Mpc.
    const RANGE: [f64; 2] = [1e-5, 1e5];
    /// Step in ln k: a wiggle has 20 at k = 0.3 h/Mpc, beyond which there are hardly any.
    const STEP: f64 = 0.01;
    /// Radii in Mpc/h among which the nonlinear scale is sought; a Gaussian of the smallest has ended within the range.
    const RADII: [f64; 2] = [1e-4, 1e3];

    /// Samples a spectrum at a scale factor.
    pub fn new(linear: &dyn LinearSpectrum, a: f64) -> Self {
        let [first, last] = Self::RANGE;
        let count = ((last / first).ln() / Self::STEP) as usize;
        let sample = |i: usize| {
            let k = first * (Self::STEP * i as f64).exp();
            (k * k, Self::STEP * k.powi(3) * linear.power(k, a) / (2.0 * PI * PI))
        };
        Self { samples: (0..=count).map(sample).collect() }
    }

    /// Variance at a radius, and the first and second derivative of its logarithm with respect to ln R.
    fn variance(&self, radius: f64) -> [f64; 3] {
        let (mut zeroth, mut first, mut second) = (0.0, 0.0, 0.0);
        for (square, power) in &self.samples {
            let x = square * radius * radius;
            if x > 60.0 {
                break;
            }
            let weight = power * (-x).exp();
            zeroth += weight;
            first -= 2.0 * x * weight;
            second += 4.0 * x * (x - 1.0) * weight;
        }
        let slope = first / zeroth;
        [zeroth, slope, second / zeroth - slope * slope]
    }

    /// Radius in Mpc/h where the variance is 1, effective slope and curvature there (Takahashi et al. 2012, Eqs. A4 and
    /// A5); `None` if it is 1 nowhere among [`Self::RADII`].
    pub fn nonlinear_scale(&self) -> Option<(f64, f64, f64)> {
        let [mut small, mut large] = Self::RADII.map(f64::ln);
        if !(self.variance(small.exp())[0] > 1.0 && self.variance(large.exp())[0] < 1.0) {
            return None;
        }
        // Newton's method on ln sigma^2 over ln R, which falls ever steeper; bisection where that leaves the bracket.
        let mut place = f64::midpoint(small, large);
        for _ in 0..100 {
            let [variance, slope, bend] = self.variance(place.exp());
            if variance > 1.0 {
                small = place;
            } else {
                large = place;
            }
            let next = place - variance.ln() / slope;
            if (next - place).abs() < 1e-10 {
                return Some((place.exp(), -3.0 - slope, -bend));
            }
            place = if next > small && next < large { next } else { f64::midpoint(small, large) };
        }
        None
    }
}
