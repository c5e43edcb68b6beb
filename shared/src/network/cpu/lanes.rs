//! Numbers computed side by side, which the compiler puts into whatever vector registers the processor has.
//!
//! Every lane does the same sums in the same order on every processor, and nothing fuses a product with a sum: so results are equal
//! to the bit whatever the width.

use std::ops::{Add, Mul};

/// N numbers side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lanes<const N: usize>(pub [f32; N]);

impl<const N: usize> Lanes<N> {
    /// All zero.
    pub const ZERO: Self = Self([0.0; N]);

    /// The first N of some numbers; zero for those that are missing.
    #[inline(always)]
    pub fn of(values: &[f32]) -> Self {
        values.first_chunk().map_or(Self::ZERO, |values| Self(*values))
    }

    /// Puts the numbers at the start of others; too short a slice is left alone.
    #[inline(always)]
    pub fn store(self, to: &mut [f32]) {
        if let Some(to) = to.first_chunk_mut() {
            *to = self.0;
        }
    }

    /// Each, or zero where it is negative. What is no number stays none.
    #[inline(always)]
    pub fn relu(self) -> Self {
        Self(self.0.map(|x| if x < 0.0 { 0.0 } else { x }))
    }

    /// Each, or `slope` times it where it is negative.
    #[inline(always)]
    pub fn leaky_relu(self, slope: f32) -> Self {
        Self(self.0.map(|x| if x > 0.0 { x } else { slope * x }))
    }

    /// `self + factor x other`, rounded twice.
    #[inline(always)]
    pub fn plus_product(self, factor: f32, other: Self) -> Self {
        let mut sum = self.0;
        for (sum, x) in sum.iter_mut().zip(other.0) {
            *sum += factor * x;
        }
        Self(sum)
    }
}

impl<const N: usize> Add for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut sum = self.0;
        for (sum, x) in sum.iter_mut().zip(other.0) {
            *sum += x;
        }
        Self(sum)
    }
}

impl<const N: usize> Mul<f32> for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        Self(self.0.map(|x| x * factor))
    }
}
