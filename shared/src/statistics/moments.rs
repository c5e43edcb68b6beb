//! The nine moments of LensTools (Petri et al. 2013, Eq. 7): of kappa, its gradient and its Laplacian.

use super::halo::Halo;

/// Names of the moments, in the order of [`moments`].
pub const NAMES: [&str; 9] = ["sigma0", "sigma1", "S0", "S1", "S2", "K0", "K1", "K2", "K3"];

/// Which moments are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MomentOptions {
    /// Take the Gaussian part out of the quartic moments.
    pub connected: bool,
    /// Divide by the powers of sigma0 and sigma1 that make them dimensionless; sigma0 and sigma1 themselves become 1.
    pub dimensionless: bool,
}

/// The moments of a map whose standard deviation (ddof 0) is `sigma`:
///
/// ```text
/// sigma0 = sqrt <(k - <k>)^2>    sigma1 = sqrt <|grad k|^2>
/// S0 = <k^3>                     S1 = <k^2 lap k>              S2 = <|grad k|^2 lap k>
/// K0 = <k^4>                     K1 = <k^3 lap k>              K2 = <k |grad k|^2 lap k>     K3 = <|grad k|^4>
/// ```
///
/// As in LensTools the mean is taken out of sigma0 alone, derivatives are in pixel units, and the quartic moments hold their
/// Gaussian parts unless `connected`. A moment that would be divided by zero is `None`.
pub fn moments(halo: &Halo, sigma: f64, options: MomentOptions) -> [Option<f64>; 9] {
    let pixels = halo.pixels() * halo.pixels();
    moments_where(halo, pixels, sigma, options, |_| true)
}

/// The same of the pixels that are marked alone; none where no pixel is.
pub fn moments_marked(halo: &Halo, marked: &[bool], sigma: f64, options: MomentOptions) -> [Option<f64>; 9] {
    match marked.iter().filter(|marked| **marked).count() {
        0 => [None; 9],
        pixels => moments_where(halo, pixels, sigma, options, |place| marked.get(place) == Some(&true)),
    }
}

#[inline]
fn moments_where(
    halo: &Halo,
    pixels: usize,
    sigma: f64,
    options: MomentOptions,
    is_counted: impl Fn(usize) -> bool,
) -> [Option<f64>; 9] {
    // The sums of a row each, then of the rows: rounding stays far below 1e-12.
    let mut sums = [0.0; 8];
    for (place, rows) in halo.rows().enumerate() {
        let mut row = [0.0; 8];
        rows.for_each(|column, k, d| {
            if !is_counted(place * halo.pixels() + column) {
                return;
            }
            let (square, laplacian) = (d.x * d.x + d.y * d.y, d.xx + d.yy);
            let squared = k * k;
            let terms = [
                square,
                squared * k,
                squared * laplacian,
                square * laplacian,
                squared * squared,
                squared * k * laplacian,
                k * square * laplacian,
                square * square,
            ];
            for (sum, term) in row.iter_mut().zip(terms) {
                *sum += term;
            }
        });
        for (sum, row) in sums.iter_mut().zip(row) {
            *sum += row;
        }
    }
    let pixels = pixels as f64;
    let [gradient, s0, s1, s2, mut k0, mut k1, mut k2, mut k3] = sums.map(|sum| sum / pixels);
    let (sigma1, sigma0_2) = (gradient.sqrt(), sigma * sigma);
    if options.connected {
        k0 -= 3.0 * sigma0_2 * sigma0_2;
        k1 += 3.0 * sigma0_2 * gradient;
        k2 += gradient * gradient;
        k3 -= 2.0 * gradient * gradient;
    }
    let values = [sigma, sigma1, s0, s1, s2, k0, k1, k2, k3];
    if !options.dimensionless {
        return values.map(Some);
    }
    let scales = [
        sigma,
        sigma1,
        sigma * sigma0_2,
        sigma * gradient,
        gradient * gradient / sigma,
        sigma0_2 * sigma0_2,
        sigma0_2 * gradient,
        gradient * gradient,
        gradient * gradient,
    ];
    std::array::from_fn(|i| (sigma > 0.0 && scales[i] > 0.0).then(|| values[i] / scales[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_plane_wave() {
        // k = cos(2 pi x / n): differences of spacing 2 give sin(2 pi / n) for the gradient's amplitude.
        let n = 16;
        let wave: Vec<f32> =
            (0..n * n).map(|i| (core::f64::consts::TAU * (i % n) as f64 / n as f64).cos() as f32).collect();
        let mut halo = Halo::new(n);
        halo.fill(&wave);
        let sigma = 0.5_f64.sqrt();
        let found = moments(&halo, sigma, MomentOptions::default()).map(Option::unwrap);
        let g = (core::f64::consts::TAU / n as f64).sin();
        let expected = [sigma, g * sigma, 0.0, 0.0, 0.0, 0.375, -0.375 * g * g, -0.125 * g.powi(4), 0.375 * g.powi(4)];
        for (name, (found, expected)) in NAMES.iter().zip(found.iter().zip(expected)) {
            assert!((found - expected).abs() < 1e-7, "{name}: {found} and {expected}");
        }
        let options = MomentOptions { connected: true, dimensionless: true };
        let shape = moments(&halo, sigma, options).map(Option::unwrap);
        assert!((shape[5] - (0.375 / 0.25 - 3.0)).abs() < 1e-6 && (shape[0] - 1.0).abs() < 1e-12, "{shape:?}");
    }

    #[test]
    fn a_constant_map_has_no_dimensionless_moments() {
        let mut halo = Halo::new(4);
        halo.fill(&[0.5; 16]);
        let options = MomentOptions { dimensionless: true, ..MomentOptions::default() };
        assert!(moments(&halo, 0.0, options).iter().all(Option::is_none));
        assert_eq!(moments(&halo, 0.0, MomentOptions::default())[2], Some(0.125));
    }
}
