//! Multi-scale structural similarity of two maps (Wang, Simoncelli & Bovik 2003): 1 for equal maps, near 0 for unrelated
//! ones. Its mean over pairs of generated maps, beside that over pairs of simulated ones, is a measure of diversity.

/// Weights of the five scales (Wang et al. 2003, Section 3.2).
const SCALE_WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// Stabilising constants K1, K2 (Wang et al. 2004, Section III.C).
const CONSTANTS: [f64; 2] = [0.01, 0.03];
/// Width and standard deviation in pixels of the Gaussian window.
const WINDOW: usize = 11;
const WINDOW_SIGMA: f64 = 1.5;

/// Smallest side of a map: at the coarsest scale the window still has to fit.
pub const LEAST_PIXELS: usize = WINDOW << (SCALE_WEIGHTS.len() - 1);

/// MS-SSIM of two maps of `pixels` x `pixels` whose values span `range` (the L of the papers).
///
/// `l_5^w5 prod_j (c_j s_j)^wj` with means over all places where the window lies wholly inside the map; between scales, maps
/// are averaged over 2 x 2 pixels. Negative structure counts as 0. `None` where the maps differ in size, are smaller than
/// [`LEAST_PIXELS`], or the range is not positive.
pub fn multi_scale_similarity(a: &[f32], b: &[f32], pixels: usize, range: f64) -> Option<f64> {
    let count = pixels * pixels;
    if a.len() != count || b.len() != count || pixels < LEAST_PIXELS || range <= 0.0 {
        return None;
    }
    let constants = CONSTANTS.map(|k| (k * range).powi(2));
    let (mut a, mut b) = (Image::new(a, pixels), Image::new(b, pixels));
    let mut similarity = 1.0;
    for (scale, weight) in SCALE_WEIGHTS.into_iter().enumerate() {
        let (luminance, structure) = means(&a, &b, constants);
        let last = scale + 1 == SCALE_WEIGHTS.len();
        let factor = if last { luminance } else { structure };
        similarity *= factor.max(0.0).powf(weight);
        (a, b) = (a.halved(), b.halved());
    }
    Some(similarity)
}

#[derive(Debug, Clone)]
struct Image {
    pixels: usize,
    values: Vec<f64>,
}

impl Image {
    fn new(values: &[f32], pixels: usize) -> Self {
        Self { pixels, values: values.iter().map(|&value| f64::from(value)).collect() }
    }

    /// Means over 2 x 2 pixels; an odd last row or column is left out.
    fn halved(&self) -> Self {
        let (n, half) = (self.pixels, self.pixels / 2);
        let mean = |at: usize| {
            let corner = at / half * 2 * n + at % half * 2;
            let v = &self.values;
            0.25 * (v[corner] + v[corner + 1] + v[corner + n] + v[corner + n + 1])
        };
        Self { pixels: half, values: (0..half * half).map(mean).collect() }
    }

    fn times(&self, other: &Self) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a * b).collect();
        Self { pixels: self.pixels, values }
    }

    /// Weighted means under the window at each place where it fits, first along rows, then along columns.
    fn windowed(&self, window: &[f64; WINDOW]) -> Vec<f64> {
        let (n, fits) = (self.pixels, self.pixels + 1 - WINDOW);
        let mut along_rows = Vec::with_capacity(n * fits);
        for row in self.values.chunks_exact(n) {
            along_rows.extend(row.windows(WINDOW).map(|part| part.iter().zip(window).map(|(v, w)| v * w).sum::<f64>()));
        }
        let mut both = vec![0.0; fits * fits];
        for (row, sums) in both.chunks_exact_mut(fits).enumerate() {
            for (offset, weight) in window.iter().enumerate() {
                for (sum, value) in sums.iter_mut().zip(&along_rows[(row + offset) * fits..]) {
                    *sum += weight * value;
                }
            }
        }
        both
    }
}

/// Means over all places of SSIM, and of its contrast-structure part alone (Wang et al. 2004, Eq. 13).
fn means(a: &Image, b: &Image, [c1, c2]: [f64; 2]) -> (f64, f64) {
    let mut window: [f64; WINDOW] = std::array::from_fn(|i| {
        let distance = i as f64 - (WINDOW / 2) as f64;
        (-distance * distance / (2.0 * WINDOW_SIGMA * WINDOW_SIGMA)).exp()
    });
    let sum: f64 = window.iter().sum();
    for weight in &mut window {
        *weight /= sum;
    }
    let [mean_a, mean_b] = [a, b].map(|image| image.windowed(&window));
    let [aa, bb, ab] = [a.times(a), b.times(b), a.times(b)].map(|image| image.windowed(&window));
    let (mut ssim, mut structure) = (0.0, 0.0);
    for i in 0..mean_a.len() {
        let (x, y) = (mean_a[i], mean_b[i]);
        let (var_x, var_y, covariance) = (aa[i] - x * x, bb[i] - y * y, ab[i] - x * y);
        let cs = (2.0 * covariance + c2) / (var_x + var_y + c2);
        structure += cs;
        ssim += cs * (2.0 * x * y + c1) / (x * x + y * y + c1);
    }
    let places = mean_a.len() as f64;
    (ssim / places, structure / places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::latent;

    fn noise(seed: u64, pixels: usize) -> Vec<f32> {
        latent(seed, pixels * pixels)
    }

    #[test]
    fn one_for_equal_maps_near_zero_for_unrelated_ones_and_symmetric() {
        let n = LEAST_PIXELS;
        let (a, b) = (noise(1, n), noise(2, n));
        assert!((multi_scale_similarity(&a, &a, n, 6.0).unwrap() - 1.0).abs() < 1e-12);
        let unrelated = multi_scale_similarity(&a, &b, n, 6.0).unwrap();
        assert!(unrelated < 0.3, "{unrelated}");
        assert!((multi_scale_similarity(&b, &a, n, 6.0).unwrap() - unrelated).abs() < 1e-12);
        let nearly: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + 0.2 * b).collect();
        assert!(multi_scale_similarity(&a, &nearly, n, 6.0).unwrap() > 0.9);
        assert_eq!(multi_scale_similarity(&a, &b[1..], n, 6.0), None);
        assert_eq!(multi_scale_similarity(&a[..100], &b[..100], 10, 6.0), None);
        assert_eq!(multi_scale_similarity(&a, &b, n, 0.0), None);
    }

    #[test]
    fn one_scale_equals_the_definition() {
        let n = 14;
        let (a, b) = (Image::new(&noise(3, n), n), Image::new(&noise(4, n), n));
        let (ssim, structure) = means(&a, &b, [0.01, 0.02]);
        let weight = |i: usize, j: usize| {
            let square = |i: usize| (i as f64 - 5.0).powi(2);
            (-(square(i) + square(j)) / 4.5).exp()
        };
        let total: f64 = (0..121).map(|at| weight(at / 11, at % 11)).sum();
        let (mut expected, mut expected_structure) = (0.0, 0.0);
        for (row, column) in (0..16).map(|at| (at / 4, at % 4)) {
            let mean = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                let term = |at: usize| {
                    let (i, j) = (at / 11, at % 11);
                    let pixel = (row + i) * n + column + j;
                    weight(i, j) / total * of(a.values[pixel], b.values[pixel])
                };
                (0..121).map(term).sum()
            };
            let (x, y) = (mean(&|a, _| a), mean(&|_, b| b));
            let (xx, yy, xy) =
                (mean(&|a, _| (a - x).powi(2)), mean(&|_, b| (b - y).powi(2)), mean(&|a, b| (a - x) * (b - y)));
            let cs = (2.0 * xy + 0.02) / (xx + yy + 0.02);
            expected += cs * (2.0 * x * y + 0.01) / (x * x + y * y + 0.01) / 16.0;
            expected_structure += cs / 16.0;
        }
        assert!((ssim - expected).abs() < 1e-12 && (structure - expected_structure).abs() < 1e-12);
    }
}
