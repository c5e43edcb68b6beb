//! tanh, the same bits everywhere: the platforms' own differ.

/// Beyond this tanh is 1 to the last bit.
const LARGEST: f32 = 10.0;
/// ln 2 in two parts: products of the first with small integers are exact.
const LN_2: [f32; 2] = [0.693_359_375, -2.121_944_4e-4];
/// Adding it and taking it away rounds a small number to an integer, ties to even.
const ROUNDING: f32 = 12_582_912.0;
/// Of (e^r - 1 - r) / r^2, from the highest power of r down, for |r| <= ln(2) / 2.
const POLYNOMIAL: [f32; 6] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];

/// tanh(x) = (1 - e^(-2|x|)) / (1 + e^(-2|x|)), with the sign of x; within 3e-7.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    // A value that is no number stays none.
    let exponent = if size > LARGEST { LARGEST } else { size } * -2.0;
    // e^exponent - 1 = 2^n e^r - 1, with |r| <= ln(2) / 2.
    let rounded = exponent * std::f32::consts::LOG2_E + ROUNDING;
    let n = rounded - ROUNDING;
    let r = exponent - n * LN_2[0] - n * LN_2[1];
    let mut polynomial = POLYNOMIAL[0];
    for coefficient in &POLYNOMIAL[1..] {
        polynomial = polynomial * r + coefficient;
    }
    let less_one = r + r * r * polynomial;
    // 2^n from its bits: the last bits of the rounded number are n.
    let power = f32::from_bits(rounded.to_bits().wrapping_sub(ROUNDING.to_bits()).wrapping_add(127) << 23);
    let less_one = power * less_one + (power - 1.0);
    ((0.0 - less_one) / (less_one + 2.0)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_tanh_within_a_few_roundings() {
        for step in -120_000..=120_000 {
            let x = step as f32 * 1e-4;
            let exact = f64::from(x).tanh();
            assert!((f64::from(tanh(x)) - exact).abs() < 3e-7, "{x}");
            // Small ones keep their digits, as kappa does.
            assert!((f64::from(tanh(x)) - exact).abs() < 3e-6 * exact.abs() + 1e-30, "{x}");
        }
        assert_eq!((tanh(0.0), tanh(1e30), tanh(f32::NEG_INFINITY)), (0.0, 1.0, -1.0));
        assert!(tanh(-0.0).is_sign_negative());
    }
}
