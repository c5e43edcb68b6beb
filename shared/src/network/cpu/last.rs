//! The last layer: from the last feature map to kappa, through one kernel a channel and tanh.
//!
//! As in [`super::transposed`] the outputs are four phases; with a single channel out, 25 products a pixel are few enough to be
//! summed as they are.

use super::{
    features::{CHANNELS, Layout},
    lanes::Lanes,
    tanh::tanh,
};

/// Sums that run side by side over the channels, and are added at the end: the same on every processor.
const SUMS: usize = 8;
/// For rows and for columns: the tap of an even and of an odd output on `x[j-1]`, `x[j]` and `x[j+1]`.
const TAPS: [[Option<usize>; 2]; 3] = [[Some(4), None], [Some(2), Some(3)], [Some(0), Some(1)]];

/// The layer.
#[derive(Debug, Clone)]
pub struct LastLayer {
    input: Layout,
    /// For each of the nine neighbours, channels of the phases that see it: `[channels / SUMS][phases][SUMS]`.
    kernels: [Vec<[f32; SUMS]>; 9],
    bias: f32,
    kappa_scale: f32,
}

/// Phases that see a neighbour, by its place.
const fn phases(neighbour: usize) -> usize {
    (if neighbour / 3 == 0 { 1 } else { 2 }) * (if neighbour.is_multiple_of(3) { 1 } else { 2 })
}

impl LastLayer {
    /// Packs a kernel `[channels, 1, 5, 5]`.
    pub fn new(input: Layout, kernel: &[f32], bias: f32, kappa_scale: f32) -> Self {
        let tap = |channel: usize, row: usize, column: usize| {
            kernel.get(channel * 25 + row * 5 + column).copied().unwrap_or(0.0)
        };
        let kernels = std::array::from_fn(|neighbour| {
            let mut packed = Vec::new();
            for channel in (0..input.channels).step_by(SUMS) {
                for row in TAPS[neighbour / 3].into_iter().flatten() {
                    for column in TAPS[neighbour % 3].into_iter().flatten() {
                        packed.push(std::array::from_fn(|lane| tap(channel + lane, row, column)));
                    }
                }
            }
            packed
        });
        debug_assert!(input.channels.is_multiple_of(CHANNELS));
        Self { input, kernels, bias, kappa_scale }
    }

    /// Kappa `[2 x side, 2 x side]` of one map.
    #[inline(always)]
    pub fn forward(&self, input: &[f32], kappa: &mut [f32]) {
        let side = self.input.side;
        for (row, pair) in kappa.chunks_exact_mut(4 * side).enumerate() {
            let (top, bottom) = pair.split_at_mut(2 * side);
            for column in 0..side {
                let sums = self.sums(&input[row * self.input.row() + column * self.input.pixel..]);
                top[2 * column..2 * column + 2].copy_from_slice(&sums[..2]);
                bottom[2 * column..2 * column + 2].copy_from_slice(&sums[2..]);
            }
            for value in pair {
                *value = self.kappa_scale * tanh(*value + self.bias);
            }
        }
    }

    /// The four phases at the pixel whose neighbours begin here.
    #[inline(always)]
    fn sums(&self, input: &[f32]) -> [f32; 4] {
        let mut sums = [Lanes::<SUMS>::ZERO; 4];
        self.add::<0, 1>(input, &mut sums, [0]);
        self.add::<1, 2>(input, &mut sums, [0, 1]);
        self.add::<2, 2>(input, &mut sums, [0, 1]);
        self.add::<3, 2>(input, &mut sums, [0, 2]);
        self.add::<4, 4>(input, &mut sums, [0, 1, 2, 3]);
        self.add::<5, 4>(input, &mut sums, [0, 1, 2, 3]);
        self.add::<6, 2>(input, &mut sums, [0, 2]);
        self.add::<7, 4>(input, &mut sums, [0, 1, 2, 3]);
        self.add::<8, 4>(input, &mut sums, [0, 1, 2, 3]);
        sums.map(|sums| {
            let [a, b, c, d, e, f, g, h] = sums.0;
            ((a + e) + (c + g)) + ((b + f) + (d + h))
        })
    }

    #[inline(always)]
    fn add<const NEIGHBOUR: usize, const PHASES: usize>(
        &self,
        input: &[f32],
        sums: &mut [Lanes<SUMS>; 4],
        seen_by: [usize; PHASES],
    ) {
        const { assert!(phases(NEIGHBOUR) == PHASES) };
        let start = NEIGHBOUR / 3 * self.input.row() + NEIGHBOUR % 3 * self.input.pixel;
        let values = input[start..start + self.input.channels].as_chunks::<SUMS>().0;
        for (values, kernels) in values.iter().zip(self.kernels[NEIGHBOUR].as_chunks::<PHASES>().0) {
            for (phase, kernel) in seen_by.iter().zip(kernels) {
                let sum = &mut sums[*phase].0;
                for ((sum, value), tap) in sum.iter_mut().zip(values).zip(kernel) {
                    *sum += value * tap;
                }
            }
        }
    }
}
