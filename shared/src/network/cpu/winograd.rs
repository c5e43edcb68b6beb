//! Minimal filtering (Winograd; Toom and Cook): four values of a filter of three taps from six products instead of twelve.
//!
//! With six points p, of which the last is infinity, and the polynomials M_j(x), the product of (x - p_q) over all finite points but
//! p_j:
//!
//! ```text
//! taps    g -> (g_0 + g_1 p_j + g_2 p_j^2) / M_j(p_j);   at infinity g_2
//! input   d -> sum over i of (coefficient i of M_j) d_i; at infinity those of the product over all finite points
//! output  m -> y_i = sum over j of p_j^i m_j;            infinity only adds to the last
//! ```
//!
//! A filter of two taps is one of three whose first (or last) tap is zero; its value at the point 0 (or at infinity) is zero too, so
//! that it needs one product less. All three matrices are made from the points when this is compiled.

use super::lanes::Lanes;

/// Outputs of a tile along a side.
pub const OUT: usize = 4;
/// Inputs of a tile along a side, and points.
pub const N: usize = OUT + 2;
/// The first is 0 and the last infinity. Of the points that were tried these round least.
const POINTS: [f64; N] = [0.0, 1.0, -1.0, 0.5, -2.0, f64::INFINITY];

/// From N inputs to N values.
pub const INPUT: [[f32; N]; N] = input_matrix();
/// From N products to OUT outputs.
pub const OUTPUT: [[f32; N]; OUT] = output_matrix();
/// From three taps to N values.
pub const TAPS: [[f64; 3]; N] = tap_matrix();

/// Coefficients of the product of (x - p) over the finite points, without one of them.
const fn product(without: usize) -> [f64; N] {
    let mut coefficients = [0.0; N];
    coefficients[0] = 1.0;
    let mut point = 0;
    while point < N - 1 {
        if point != without {
            // Times x, minus p times itself; from the highest power down.
            let mut power = N - 1;
            while power > 0 {
                coefficients[power] = coefficients[power - 1] - POINTS[point] * coefficients[power];
                power -= 1;
            }
            coefficients[0] *= -POINTS[point];
        }
        point += 1;
    }
    coefficients
}

const fn input_matrix() -> [[f32; N]; N] {
    let mut matrix = [[0.0; N]; N];
    let mut row = 0;
    while row < N {
        // Without the last, which is no finite point: the product over all of them.
        let coefficients = product(row);
        let mut column = 0;
        while column < N {
            matrix[row][column] = coefficients[column] as f32;
            column += 1;
        }
        row += 1;
    }
    matrix
}

const fn output_matrix() -> [[f32; N]; OUT] {
    let mut matrix = [[0.0; N]; OUT];
    let mut column = 0;
    while column < N - 1 {
        let (mut power, mut row) = (1.0, 0);
        while row < OUT {
            matrix[row][column] = power as f32;
            power *= POINTS[column];
            row += 1;
        }
        column += 1;
    }
    matrix[OUT - 1][N - 1] = 1.0;
    matrix
}

const fn tap_matrix() -> [[f64; 3]; N] {
    let mut matrix = [[0.0; 3]; N];
    let mut row = 0;
    while row < N - 1 {
        let point = POINTS[row];
        let mut norm = 1.0;
        let mut other = 0;
        while other < N - 1 {
            if other != row {
                norm *= point - POINTS[other];
            }
            other += 1;
        }
        matrix[row] = [1.0 / norm, point / norm, point * point / norm];
        row += 1;
    }
    matrix[N - 1] = [0.0, 0.0, 1.0];
    matrix
}

/// A matrix of constants times lanes; zeros and ones cost nothing.
#[inline(always)]
pub fn times<const ROWS: usize, const L: usize>(matrix: &[[f32; N]; ROWS], values: [Lanes<L>; N]) -> [Lanes<L>; ROWS] {
    let mut products = [Lanes::ZERO; ROWS];
    for (product, row) in products.iter_mut().zip(matrix) {
        let mut first = true;
        for (&factor, &value) in row.iter().zip(&values) {
            if factor != 0.0 {
                *product = match (first, factor == 1.0) {
                    (true, true) => value,
                    (true, false) => value * factor,
                    (false, true) => *product + value,
                    (false, false) => product.plus_product(factor, value),
                };
                first = false;
            }
        }
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_as_defined() {
        let input: [f64; N] = std::array::from_fn(|i| ((7 * i + 3) % 11) as f64 - 5.0);
        for taps in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [3.0, -2.0, 5.0]] {
            let values = times(&INPUT, input.map(|x| Lanes([x as f32; 4])));
            let products: [Lanes<4>; N] = std::array::from_fn(|j| {
                let tap: f64 = (0..3).map(|t| TAPS[j][t] * taps[t]).sum();
                values[j] * tap as f32
            });
            for (i, output) in times(&OUTPUT, products).iter().enumerate() {
                let expected: f64 = (0..3).map(|t| taps[t] * input[i + t]).sum();
                assert!(output.0.iter().all(|&y| (f64::from(y) - expected).abs() < 1e-4), "{output:?} {expected}");
            }
        }
        // What lets two taps do without the point 0, and without infinity from the other side.
        assert_eq!((TAPS[0][1], TAPS[0][2], TAPS[N - 1][0], TAPS[N - 1][1]), (0.0, 0.0, 0.0, 0.0));
    }
}
