//! The Anderson-Darling statistic of two samples (Scholz & Stephens 1987), as `scipy.stats.anderson_ksamp` has it.

/// The midrank statistic A^2_akN (Eq. 7) of counts per value: how often in the first sample, how often in both. Values that
/// do not occur are left out. Terms of the two samples differ by their sizes alone, which are put before the sum here.
pub(super) fn rank_statistic(counts: impl Iterator<Item = [u32; 2]>, [n, m]: [usize; 2]) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let total = n + m;
    let (mut first, mut both, mut sum) = (0.0, 0.0, 0.0);
    for [in_first, in_both] in counts {
        let (in_first, in_both) = (f64::from(in_first), f64::from(in_both));
        // Midranks: half of the ties count as below.
        let (of_first, below) = (first + 0.5 * in_first, both + 0.5 * in_both);
        let deviation = total * of_first - below * n;
        let weight = below * (total - below) - 0.25 * total * in_both;
        // A value that makes up everything has no weight, and one that does not occur no deviation.
        if in_both > 0.0 && weight > 0.0 {
            sum += in_both * deviation * deviation / weight;
        }
        first += in_first;
        both += in_both;
    }
    sum / total * (1.0 / n + 1.0 / m) * (total - 1.0) / total
}

/// The statistic less its mean, over its standard deviation (Eqs. 4 and 6); `None` for fewer than four values together.
pub(super) fn normalised(rank_statistic: f64, [n, m]: [usize; 2]) -> Option<f64> {
    let total = n + m;
    if total < 4 {
        return None;
    }
    let size = total as f64;
    // H, h and g of the paper.
    let of_sizes = 1.0 / n as f64 + 1.0 / m as f64;
    let (mut harmonic, mut double) = (0.0, 0.0);
    for i in (2..total).rev() {
        harmonic += 1.0 / i as f64;
        // The partial sum over 1/(N - 1) ... 1/i has N - i terms.
        double += harmonic / (total + 1 - i) as f64;
    }
    let (h, g, k) = (harmonic + 1.0, double, 2.0);
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * of_sizes;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * of_sizes - 8.0 * h + 4.0 * g - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k + (4.0 * h - 4.0 * g + 6.0) * k + (2.0 * h - 6.0) * of_sizes + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    let variance = (((a * size + b) * size + c) * size + d) / ((size - 1.0) * (size - 2.0) * (size - 3.0));
    (variance > 0.0).then(|| (rank_statistic - (k - 1.0)) / variance.sqrt())
}

/// Significance levels of the table.
const LEVELS: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];

/// The p-value that SciPy gives for a normalised statistic of two samples: from a parabola through the logarithms of the
/// tabulated levels (Scholz & Stephens 1987, Table 2), clipped to [0.001, 0.25]. A permutation has no such limits.
pub fn tabulated_p(statistic: f64) -> f64 {
    let b0 = [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085];
    let b1 = [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615];
    let b2 = [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154];
    // Two samples: m = k - 1 = 1.
    let critical: [f64; 7] = std::array::from_fn(|i| b0[i] + b1[i] + b2[i]);
    if statistic < critical[0] {
        return LEVELS[0];
    }
    if statistic > critical[6] {
        return LEVELS[6];
    }
    let [c0, c1, c2] = parabola(&critical, &LEVELS.map(f64::ln));
    (c0 + statistic * (c1 + statistic * c2)).exp()
}

/// Least-squares coefficients of `c0 + c1 x + c2 x^2`.
fn parabola(x: &[f64; 7], y: &[f64; 7]) -> [f64; 3] {
    let moment = |power: i32| x.iter().map(|x| x.powi(power)).sum::<f64>();
    let product = |power: i32| x.iter().zip(y).map(|(x, y)| x.powi(power) * y).sum::<f64>();
    let mut rows: [[f64; 4]; 3] =
        std::array::from_fn(|i| [moment(i as i32), moment(i as i32 + 1), moment(i as i32 + 2), product(i as i32)]);
    for pivot in 0..3 {
        for row in 0..3 {
            if row != pivot {
                let (factor, from) = (rows[row][pivot] / rows[pivot][pivot], rows[pivot]);
                for (value, from) in rows[row].iter_mut().zip(from) {
                    *value -= factor * from;
                }
            }
        }
    }
    std::array::from_fn(|i| rows[i][3] / rows[i][i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_formula_term_by_term() {
        let (a, b) = ([1.0, 4.0, 4.0, 7.0, 9.5], [2.0, 4.0, 6.0, 8.0, 8.0, 8.0, 11.0_f64]);
        let pool: Vec<f64> = a.iter().chain(&b).copied().collect();
        let mut distinct = pool.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let total = pool.len() as f64;
        let mut expected = 0.0;
        for sample in [&a[..], &b] {
            for &z in &distinct {
                let ties = |s: &[f64]| s.iter().filter(|&&x| x == z).count() as f64;
                let below = |s: &[f64]| s.iter().filter(|&&x| x < z).count() as f64 + 0.5 * ties(s);
                let (l, rank) = (ties(&pool), below(&pool));
                let deviation = total * below(sample) - rank * sample.len() as f64;
                expected +=
                    l / total * deviation.powi(2) / (rank * (total - rank) - total * l / 4.0) / sample.len() as f64;
            }
        }
        expected *= (total - 1.0) / total;
        let counts = distinct.iter().map(|&z| {
            let count = |s: &[f64]| s.iter().filter(|&&x| x == z).count() as u32;
            [count(&a), count(&a) + count(&b)]
        });
        assert!((rank_statistic(counts, [5, 7]) / expected - 1.0).abs() < 1e-13);
    }

    #[test]
    fn tabulated_levels_are_met_within_the_fit_and_clipped() {
        assert_eq!((tabulated_p(-1.0), tabulated_p(50.0)), (0.25, 0.001));
        assert!((tabulated_p(0.675 - 0.245 - 0.105) / 0.25 - 1.0).abs() < 0.05);
        assert!((tabulated_p(1.645 + 0.678 - 0.362) / 0.05 - 1.0).abs() < 0.05);
    }
}
