//! The distribution of the Kolmogorov-Smirnov statistic, for two samples and for one.

/// The exact probability that two samples of one continuous distribution have a statistic of at least
/// `difference / (n m)` (two-sided).
///
/// In the order of the values, the labels of the two samples are a lattice path from (0, 0) to (n, m), all paths equally
/// likely. For samples of one size the paths that leave the band are counted by reflection (Gnedenko & Korolyuk 1951); for
/// others the probability that flows out of the band is added up point by point (Hodges 1958). All terms are positive, so that
/// small p-values are as exact as large ones.
pub fn two_sample_exact([n, m]: [usize; 2], difference: u64) -> f64 {
    if difference == 0 {
        return 1.0;
    }
    if n == m { equal_sizes(n, difference / n as u64) } else { unequal_sizes(n as u64, m as u64, difference) }
}

/// 2 (C(2n, n-h) - C(2n, n-2h) + C(2n, n-3h) - ...) / C(2n, n), nested so that no term overflows.
fn equal_sizes(n: usize, h: u64) -> f64 {
    let (n, h) = (n as u64, h.max(1));
    let mut probability = 0.0;
    for k in (0..=n / h).rev() {
        let factor = |j: u64| n.saturating_sub(k * h + j) as f64 / (n + k * h + j + 1) as f64;
        let ratio: f64 = (0..h).map(factor).product();
        probability = ratio * (1.0 - probability);
    }
    (2.0 * probability).clamp(0.0, 1.0)
}

fn unequal_sizes(n: u64, m: u64, difference: u64) -> f64 {
    let outside = |i: u64, j: u64| (i * m).abs_diff(j * n) >= difference;
    let inverse: Vec<f64> = (0..=n + m).map(|left| 1.0 / left.max(1) as f64).collect();
    // A step from a point with `left` labels to come, `of_one` of which are the one sample's.
    let step = |of_one: u64, left: u64| of_one as f64 * inverse[left as usize];
    // Probability of the points (i, j) of the row i - 1, from its first point in the band on.
    let (mut low, mut row): (u64, Vec<f64>) = (0, vec![]);
    let mut left_band = 0.0;
    for i in 0..=n {
        // The band of this row: |i m - j n| < difference.
        let first = (i * m).saturating_sub(difference - 1).div_ceil(n);
        let last = ((i * m + difference - 1) / n).min(m);
        let from_above = |j: u64| -> f64 {
            let mass = j.checked_sub(low).and_then(|at| row.get(at as usize)).copied().unwrap_or(0.0);
            if mass == 0.0 { 0.0 } else { mass * step(n - (i - 1), n + m - (i - 1) - j) }
        };
        if i > 0 {
            let band_above = low..low + row.len() as u64;
            left_band += band_above.filter(|&j| j < first || j > last).map(from_above).sum::<f64>();
        }
        let mut next = Vec::with_capacity((last + 1).saturating_sub(first) as usize);
        let mut before = 0.0;
        for j in first..=last {
            let from_left = if j > first { before * step(m - (j - 1), n + m - i - (j - 1)) } else { 0.0 };
            before = match (i, j) {
                (0, 0) => 1.0,
                (0, _) => from_left,
                _ => from_above(j) + from_left,
            };
            next.push(before);
        }
        if last < m && outside(i, last + 1) {
            left_band += before * step(m - last, n + m - i - last);
        }
        (low, row) = (first, next);
    }
    left_band.clamp(0.0, 1.0)
}

/// Probability that `n` values have a one-sample two-sided statistic above `d` (`scipy.stats.kstwo.sf`).
///
/// Simard & L'Ecuyer 2011 say which formula is good where: Marsaglia, Tsang & Wang's matrix for small n d^(3/2), twice the
/// one-sided probability in the upper tail, and the expansion of Pelz & Good elsewhere.
pub fn survival(n: usize, d: f64) -> f64 {
    let size = n as f64;
    if d <= 0.5 / size {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let square = size * d * d;
    let upper_tail = d >= 0.5 || square >= if n <= 140 { 4.0 } else { 2.2 };
    let probability = if upper_tail {
        2.0 * one_sided_survival(n, d)
    } else if n <= 140 || (n <= 100_000 && size * d.powf(1.5) <= 1.4) {
        1.0 - by_matrix(n, d)
    } else {
        1.0 - by_expansion(size, d)
    };
    probability.clamp(0.0, 1.0)
}

/// The statistic of values in [0, 1] against the uniform distribution, and its p-value; `None` without values.
pub fn against_uniform(values: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let deviations =
        sorted.iter().enumerate().map(|(i, &value)| (value - i as f64 / n).max((i + 1) as f64 / n - value));
    let d = deviations.reduce(f64::max)?;
    Some((d, survival(sorted.len(), d)))
}

/// Probability of a one-sided statistic of at least `d` (Birnbaum & Tingey 1951):
/// `d sum_j C(n, j) (1 - d - j/n)^(n-j) (d + j/n)^(j-1)` over `j <= n (1 - d)`.
fn one_sided_survival(n: usize, d: f64) -> f64 {
    let size = n as f64;
    let last = (size * (1.0 - d)).floor() as usize;
    let mut log_binomial = 0.0;
    let mut sum = 0.0;
    for j in 0..=last.min(n) {
        let place = j as f64;
        if j > 0 {
            log_binomial += ((size - place + 1.0) / place).ln();
        }
        let (rest, share) = (1.0 - d - place / size, d + place / size);
        if rest > 0.0 {
            sum += (log_binomial + (size - place) * rest.ln() + (place - 1.0) * share.ln()).exp();
        }
    }
    d * sum
}

/// P(D < d) by the n-th power of a matrix (Marsaglia, Tsang & Wang 2003).
fn by_matrix(n: usize, d: f64) -> f64 {
    let size = n as f64;
    let k = (size * d) as usize + 1;
    let m = 2 * k - 1;
    let h = k as f64 - size * d;
    let mut matrix = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..m.min(i + 2) {
            matrix[i * m + j] = 1.0;
        }
    }
    for i in 0..m {
        let (left, bottom) = (h.powi(i as i32 + 1), h.powi((m - i) as i32));
        matrix[i * m] -= left;
        matrix[(m - 1) * m + i] -= bottom;
    }
    if 2.0 * h > 1.0 {
        matrix[(m - 1) * m] += (2.0 * h - 1.0).powi(m as i32);
    }
    for i in 0..m {
        for j in 0..m {
            for divisor in 1..=(i + 1).saturating_sub(j) {
                matrix[i * m + j] /= divisor as f64;
            }
        }
    }
    // Powers by squaring; a power of two is split off before numbers grow too large.
    let product = |a: &[f64], b: &[f64]| {
        let mut c = vec![0.0; m * m];
        for i in 0..m {
            for l in 0..m {
                for j in 0..m {
                    c[i * m + j] += a[i * m + l] * b[l * m + j];
                }
            }
        }
        c
    };
    let centre = (k - 1) * m + k - 1;
    let reduce = |values: &mut Vec<f64>, exponent: &mut i32| {
        if values[centre] > 1e140 {
            for value in values.iter_mut() {
                *value *= 1e-140;
            }
            *exponent += 140;
        }
    };
    let (mut power, mut power_exponent, mut square, mut square_exponent) = (None::<Vec<f64>>, 0, matrix, 0);
    let mut rest = n;
    loop {
        if rest % 2 == 1 {
            let mut next = power.as_ref().map_or_else(|| square.clone(), |power| product(power, &square));
            power_exponent += square_exponent;
            reduce(&mut next, &mut power_exponent);
            power = Some(next);
        }
        rest /= 2;
        if rest == 0 {
            break;
        }
        square = product(&square, &square);
        square_exponent *= 2;
        reduce(&mut square, &mut square_exponent);
    }
    let mut probability = power.map_or(0.0, |power| power[centre]);
    for i in 1..=n {
        probability *= i as f64 / size;
        if probability < 1e-140 {
            probability *= 1e140;
            power_exponent -= 140;
        }
    }
    probability * 10.0_f64.powi(power_exponent)
}

/// P(D < d) by the expansion in 1/sqrt(n) of Pelz & Good 1976, in the form that converges fast for small sqrt(n) d
/// (Simard & L'Ecuyer 2011, Eqs. 6-9).
fn by_expansion(n: f64, d: f64) -> f64 {
    use core::f64::consts::PI;
    let z = n.sqrt() * d;
    let (z2, pi2) = (z * z, PI * PI);
    let (z4, z6, pi4, pi6) = (z2 * z2, z2 * z2 * z2, pi2 * pi2, pi2 * pi2 * pi2);
    let root = (core::f64::consts::TAU).sqrt();
    let (mut k0, mut k1, mut k2, mut k3) = (0.0, 0.0, 0.0, 0.0);
    // Both sums have terms of exp(-pi^2 k^2 / 2 z^2) or smaller; 20 are enough for every z that is asked for.
    for k in 0..20 {
        let half = f64::from(k) + 0.5;
        let (h2, weight) = (half * half, (-pi2 * half * half / (2.0 * z2)).exp());
        let (h4, h6) = (h2 * h2, h2 * h2 * h2);
        k0 += weight;
        k1 += (pi2 * h2 - z2) * weight;
        k2 += (6.0 * z6 + 2.0 * z4 + pi2 * (2.0 * z4 - 5.0 * z2) * h2 + pi4 * (1.0 - 2.0 * z2) * h4) * weight;
        k3 += (-30.0 * z6 - 90.0 * z4 * z4
            + pi2 * (135.0 * z4 - 96.0 * z6) * h2
            + pi4 * (212.0 * z4 - 60.0 * z2) * h4
            + pi6 * (5.0 - 30.0 * z2) * h6)
            * weight;
    }
    let (mut k2_rest, mut k3_rest) = (0.0, 0.0);
    for k in 1..20 {
        let whole = f64::from(k);
        let (w2, weight) = (whole * whole, (-pi2 * whole * whole / (2.0 * z2)).exp());
        k2_rest += w2 * weight;
        k3_rest += (3.0 * z2 - pi2 * w2) * w2 * weight;
    }
    let terms = [
        root / z * k0,
        root / (6.0 * z4) * k1,
        root / (72.0 * z6 * z) * k2 - root * pi2 / (36.0 * z2 * z) * k2_rest,
        root / (6480.0 * z6 * z4) * k3 + root * pi2 / (216.0 * z6) * k3_rest,
    ];
    terms[0] + terms[1] / n.sqrt() + terms[2] / n + terms[3] / (n * n.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability by listing every order of the labels.
    fn by_listing(n: usize, m: usize, difference: u64) -> f64 {
        let (mut all, mut beyond) = (0_u32, 0_u32);
        for labels in 0_u32..1 << (n + m) {
            if labels.count_ones() as usize != n {
                continue;
            }
            let (mut i, mut j, mut largest) = (0_i64, 0_i64, 0);
            for at in 0..n + m {
                if labels >> at & 1 == 1 {
                    i += 1;
                } else {
                    j += 1;
                }
                largest = largest.max((i * m as i64 - j * n as i64).abs());
            }
            all += 1;
            beyond += u32::from(largest as u64 >= difference);
        }
        f64::from(beyond) / f64::from(all)
    }

    #[test]
    fn exact_probabilities_equal_a_listing_of_all_orders() {
        for (n, m) in [(1, 1), (3, 3), (6, 6), (1, 5), (4, 6), (7, 3), (8, 5)] {
            for difference in 1..=(n * m) as u64 {
                // Samples of one size have differences of whole steps only.
                let difference = if n == m { difference / n as u64 * n as u64 } else { difference };
                let (found, expected) = (two_sample_exact([n, m], difference), by_listing(n, m, difference));
                assert!((found - expected).abs() < 1e-13, "{n}, {m}, {difference}: {found} and {expected}");
            }
        }
    }

    #[test]
    fn the_two_exact_ways_agree_for_large_samples() {
        for (n, h) in [(300, 10), (300, 40), (64, 9), (1000, 2)] {
            let (by_reflection, by_band) = (equal_sizes(n, h), unequal_sizes(n as u64, n as u64, h * n as u64));
            assert!((by_band / by_reflection - 1.0).abs() < 1e-10, "{n}, {h}: {by_reflection} and {by_band}");
        }
    }

    #[test]
    fn the_formulas_for_one_sample_meet_where_they_change_over() {
        // Of n = 1, D > d means that the value is further than d from both ends' complements.
        assert!((survival(1, 0.7) - 0.6).abs() < 1e-12 && survival(1, 0.5) == 1.0 && survival(3, 1.0) == 0.0);
        for (n, d) in [(100, 0.1), (141, 0.05), (500, 0.03), (2000, 0.01), (2000, 0.03)] {
            assert!((by_matrix(n, d) - by_expansion(n as f64, d)).abs() < 5e-6, "{n}, {d}");
        }
        for (n, d) in [(140, 0.17), (300, 0.09), (1000, 0.05)] {
            assert!((2.0 * one_sided_survival(n, d) / (1.0 - by_matrix(n, d)) - 1.0).abs() < 1e-3, "{n}, {d}");
        }
    }

    #[test]
    fn uniform_values_are_uniform_and_crowded_ones_are_not() {
        let even: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
        let (d, p) = against_uniform(&even).unwrap();
        assert!((d - 0.005).abs() < 1e-12 && p > 0.999);
        let crowded: Vec<f64> = even.iter().map(|p| 0.9 + 0.1 * p).collect();
        assert!(against_uniform(&crowded).unwrap().1 < 1e-50);
        assert_eq!(against_uniform(&[]), None);
    }
}
