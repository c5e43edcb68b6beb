//! Convolution of kernel 5, stride 2, padding 2, with bias and leaky ReLU.
//!
//! The inputs at even and odd places are four maps of the output's size, the phases, and an output is the sum of a filter of each:
//! even inputs e and odd inputs o give `w0 e[j-1] + w2 e[j] + w4 e[j+1] + w1 o[j-1] + w3 o[j]`, along rows and along columns. So it is
//! one filter of three taps over four times the channels.

use super::{
    features::Layout,
    gemm::{PANEL, PanelRow, ROWS, multiply},
    lanes::Lanes,
    tiles::{BLOCK, PAIRS, PHASES, PhaseTaps, Planes, Room, padded, transform_input, transform_output, transform_taps},
    winograd::OUT,
};
use crate::network::definition::LEAKINESS;

/// Taps on `x[j-1]`, `x[j]`, `x[j+1]` of even and of odd inputs.
const TAPS: PhaseTaps = [[Some(0), Some(2), Some(4)], [Some(1), Some(3), None]];

/// One layer.
#[derive(Debug, Clone)]
pub struct Convolution {
    input: Layout,
    output: Layout,
    /// `[channels out / PANEL][pairs][phase, channels in][PANEL]`.
    kernels: Vec<PanelRow>,
    bias: Vec<f32>,
}

impl Convolution {
    /// Pixels of input that a tile of outputs spans: the input's layout is in multiples of this.
    pub const TILE: usize = 2 * OUT;

    /// Packs the kernels of each pair of channels in and out, `[5, 5]`, and a bias, both with what batch normalisation makes of them.
    pub fn new(
        input: Layout,
        output: Layout,
        sizes: [usize; 2],
        kernel: impl Fn(usize, usize) -> [f64; 25],
        bias: &[f32],
    ) -> Self {
        let bias = padded(bias, output);
        let k = PHASES * input.channels;
        let mut kernels = vec![PanelRow([0.0; PANEL]); bias.len() / PANEL * PAIRS * k];
        for i in 0..sizes[0] {
            for o in 0..sizes[1] {
                let kernel = kernel(i, o);
                for phase in 0..PHASES {
                    let values = transform_taps(&kernel, &TAPS, phase);
                    for (pair, value) in values.into_iter().enumerate() {
                        let row = (o / PANEL * PAIRS + pair) * k + phase * input.channels + i;
                        kernels[row].0[o % PANEL] = value as f32;
                    }
                }
            }
        }
        Self { input, output, kernels, bias }
    }

    /// Computes one map, LANES numbers side by side.
    #[inline(always)]
    pub fn forward<const LANES: usize>(&self, input: &[f32], output: &mut [f32], room: &mut Room) {
        let (channels, across) = (self.input.channels, self.output.side.div_ceil(OUT));
        let (k, tiles) = (PHASES * channels, across * across);
        let planes = Planes::new(k);
        let (values, products) = room.of(planes, PAIRS);
        let steps = [2 * self.input.row(), 2 * self.input.pixel];
        for first in (0..tiles).step_by(BLOCK) {
            let count = BLOCK.min(tiles - first);
            for tile in 0..count {
                let (row, column) = ((first + tile) / across * Self::TILE, (first + tile) % across * Self::TILE);
                for phase in 0..PHASES {
                    // The first input of an even phase is two places before the tile, of an odd one a single place: the border is two wide.
                    let start = (row + phase / 2) * self.input.row() + (column + phase % 2) * self.input.pixel;
                    let values = &mut values[tile * planes.row + phase * channels..];
                    transform_input::<LANES>(&input[start..], steps, channels, values, planes.values);
                }
            }
            let mut kernels = self.kernels.chunks_exact(k);
            for group in (0..self.output.channels).step_by(PANEL) {
                for pair in 0..PAIRS {
                    let Some(panel) = kernels.next() else { return };
                    let values = &values[pair * planes.values..];
                    let product = &mut products[pair * planes.products..];
                    multiply::<LANES>(values, planes.row, count.next_multiple_of(ROWS), panel, product);
                }
                for tile in 0..count {
                    let (row, column) = ((first + tile) / across * OUT, (first + tile) % across * OUT);
                    for lane in (0..PANEL.min(self.output.channels - group)).step_by(LANES) {
                        let channel = group + lane;
                        let bias = Lanes::<LANES>::of(&self.bias[channel..]);
                        let outputs =
                            transform_output::<LANES, 0, 0>(&products[tile * PANEL + lane..], planes.products);
                        for (y, outputs) in outputs.iter().enumerate().take(self.output.side - row) {
                            for (x, value) in outputs.iter().enumerate().take(self.output.side - column) {
                                let place = self.output.place(row + y, column + x) + channel;
                                (*value + bias).leaky_relu(LEAKINESS as f32).store(&mut output[place..]);
                            }
                        }
                    }
                }
            }
        }
    }
}
