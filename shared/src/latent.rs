//! The latent prior z ~ N(0, 1) (paper Section 2.3) and spherical interpolation in it (Section 3.2, White 2016).
//!
//! The same seed gives the same bits on every platform: the words come from ChaCha, and the logarithm and the cosine of
//! the Box-Muller transform from `libm` in Rust, never from the platform.

use crate::random::{Stream, stream};

/// The latent vector of a seed: `size` independent draws from N(0, 1).
///
/// A vector of a smaller size is a prefix of a larger one.
///
/// # Examples
/// ```
/// use shared::latent::latent;
///
/// assert_eq!(latent(7, 64), latent(7, 64));
/// assert_eq!(latent(7, 64)[..3], latent(7, 3));
/// ```
pub fn latent(seed: u64, size: usize) -> Vec<f32> {
    let mut random = stream(seed, Stream::Latent);
    (0..size).map(|_| random.normal() as f32).collect()
}

/// Spherical interpolation between two latent vectors of one length: `from` at `t` = 0, `to` at `t` = 1.
///
/// `slerp = sin((1-t) w)/sin w from + sin(t w)/sin w to`, where w is the angle between them. It keeps the norm typical of
/// the prior, which the straight line does not. Where the two are (nearly) parallel or one is zero, it is the line.
/// Extra values of the longer vector are left out.
///
/// # Examples
/// ```
/// use shared::latent::{latent, slerp};
///
/// let (from, to) = (latent(1, 64), latent(2, 64));
/// let middle = slerp(&from, &to, 0.5);
/// let norm = |z: &[f32]| z.iter().map(|x| x * x).sum::<f32>().sqrt();
/// assert!((norm(&middle) / norm(&from) - 1.0).abs() < 0.3, "it stays on the prior's shell");
/// ```
pub fn slerp(from: &[f32], to: &[f32], t: f64) -> Vec<f32> {
    let (mut dot, mut norm_from, mut norm_to) = (0.0, 0.0, 0.0);
    for (&a, &b) in from.iter().zip(to) {
        let (a, b) = (f64::from(a), f64::from(b));
        dot += a * b;
        norm_from += a * a;
        norm_to += b * b;
    }
    let cosine = (dot / libm::sqrt(norm_from * norm_to)).clamp(-1.0, 1.0);
    let angle = libm::acos(cosine);
    let sine = libm::sin(angle);
    let (weight_from, weight_to) =
        if sine > 1e-6 { (libm::sin((1.0 - t) * angle) / sine, libm::sin(t * angle) / sine) } else { (1.0 - t, t) };
    from.iter().zip(to).map(|(&a, &b)| (weight_from * f64::from(a) + weight_to * f64::from(b)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(vector: &[f32]) -> f64 {
        vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
    }

    #[test]
    fn bits_never_change() {
        // Published maps are named by their seeds: if this fails, every link to a map has changed its meaning.
        let bits: Vec<u32> = latent(7, 4).iter().map(|x| x.to_bits()).collect();
        assert_eq!(bits, PINNED_BITS_OF_SEED_7);
    }

    const PINNED_BITS_OF_SEED_7: [u32; 4] = [1_050_676_696, 3_170_060_945, 3_204_994_597, 1_055_924_945];

    #[test]
    fn is_standard_normal() {
        let draws = latent(1, 200_000);
        let mean = draws.iter().map(|&x| f64::from(x)).sum::<f64>() / 2e5;
        let moment = |power: i32| draws.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / 2e5;
        assert!(mean.abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02, "mean {mean}, variance {}", moment(2));
        assert!(moment(3).abs() < 0.04 && (moment(4) - 3.0).abs() < 0.1, "{} {}", moment(3), moment(4));
        assert_ne!(latent(1, 4), latent(2, 4));
        assert_eq!(latent(1, 3), latent(1, 64)[..3]);
    }

    #[test]
    fn slerp_meets_its_ends_and_keeps_the_norm() {
        let (a, b) = (latent(1, 64), latent(2, 64));
        let close = |x: &[f32], y: &[f32]| x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-6);
        assert!(close(&slerp(&a, &b, 0.0), &a) && close(&slerp(&a, &b, 1.0), &b));
        let (low, high) = (norm(&a).min(norm(&b)), norm(&a).max(norm(&b)));
        let middle = norm(&slerp(&a, &b, 0.5));
        assert!(middle > 0.9 * low && middle < 1.1 * high, "{low} {middle} {high}");
        let line: Vec<f32> = a.iter().zip(&b).map(|(a, b)| (a + b) / 2.0).collect();
        assert!(norm(&line) < 0.85 * low, "the straight line leaves the prior's shell, slerp does not");
    }

    #[test]
    fn slerp_of_parallel_or_zero_vectors_is_finite() {
        let a = latent(3, 8);
        let opposite: Vec<f32> = a.iter().map(|x| -x).collect();
        for pair in [(&a, &a), (&a, &opposite), (&a, &vec![0.0; 8])] {
            assert!(slerp(pair.0, pair.1, 0.3).iter().all(|x| x.is_finite()));
        }
    }
}
