//! Transposed convolution of kernel 5, stride 2, padding 2, output padding 1, with bias and ReLU.
//!
//! The outputs at even and odd places are four maps of the input's size, the phases, each a filter of the input of its own: an even
//! output j is `w4 x[j-1] + w2 x[j] + w0 x[j+1]`, an odd one `w3 x[j] + w1 x[j+1]`, along rows and along columns. All four take the
//! same tile of the input, so a tile is transformed once; a phase of two taps has no products at the point 0.
//!
//! ```text
//! a block of tiles of the input -> values [N x N][tile][channels in]
//! for each PANEL channels out   -> products [N x N][phase][tile][PANEL] -> tiles of the output
//! ```
//!
//! So kernels are read in the order in which they lie, and products stay where the core has them at hand.

use super::{
    features::Layout,
    gemm::{PANEL, PanelRow, ROWS, multiply},
    lanes::Lanes,
    tiles::{BLOCK, PAIRS, PHASES, PhaseTaps, Planes, Room, padded, transform_input, transform_output, transform_taps},
    winograd::{N, OUT},
};

/// Taps on `x[j-1]`, `x[j]`, `x[j+1]` of even and of odd outputs.
const TAPS: PhaseTaps = [[Some(4), Some(2), Some(0)], [None, Some(3), Some(1)]];

/// One layer.
#[derive(Debug, Clone)]
pub struct TransposedConvolution {
    input: Layout,
    output: Layout,
    /// `[channels out / PANEL][pairs][phases][channels in][PANEL]`, without the phases that have no products at a pair of points.
    kernels: Vec<PanelRow>,
    bias: Vec<f32>,
}

/// Whether a phase (row parity, column parity in its two bits) has products at a pair of points.
#[inline(always)]
const fn has_products(pair: usize, phase: usize) -> bool {
    let (row, column) = (pair / N, pair % N);
    !(row == 0 && phase / 2 == 1 || column == 0 && phase % 2 == 1)
}

impl TransposedConvolution {
    /// Packs the kernels of each pair of channels in and out, `[5, 5]`, and a bias, both with what batch normalisation makes of them.
    pub fn new(
        input: Layout,
        output: Layout,
        sizes: [usize; 2],
        kernel: impl Fn(usize, usize) -> [f64; 25],
        bias: &[f32],
    ) -> Self {
        let bias = padded(bias, output);
        let (inputs, groups) = (input.channels, bias.len() / PANEL);
        // Where the panels of a pair of points and a phase begin, within a group.
        let mut starts = [[None; PHASES]; PAIRS];
        let mut size = 0;
        for (pair, starts) in starts.iter_mut().enumerate() {
            for (phase, start) in starts.iter_mut().enumerate() {
                if has_products(pair, phase) {
                    *start = Some(size);
                    size += inputs;
                }
            }
        }
        let mut kernels = vec![PanelRow([0.0; PANEL]); groups * size];
        for i in 0..sizes[0] {
            for o in 0..sizes[1] {
                let group = &mut kernels[o / PANEL * size..][..size];
                let kernel = kernel(i, o);
                for phase in 0..PHASES {
                    let values = transform_taps(&kernel, &TAPS, phase);
                    for (starts, value) in starts.iter().zip(values) {
                        if let Some(start) = starts[phase] {
                            group[start + i].0[o % PANEL] = value as f32;
                        }
                    }
                }
            }
        }
        Self { input, output, kernels, bias }
    }

    /// Computes `maps` maps, one after the other in `input` and `output`, LANES numbers side by side.
    #[inline(always)]
    pub fn forward<const LANES: usize>(&self, maps: usize, input: &[f32], output: &mut [f32], room: &mut Room) {
        let (k, across) = (self.input.channels, self.input.side.div_ceil(OUT));
        let tiles = maps * across * across;
        // Map, row and column of a tile.
        let place = |tile: usize| [tile / (across * across), tile / across % across, tile % across];
        let planes = Planes::new(k);
        let (values, products) = room.of(planes, PAIRS * PHASES);
        for first in (0..tiles).step_by(BLOCK) {
            let count = BLOCK.min(tiles - first);
            for tile in 0..count {
                let [map, row, column] = place(first + tile);
                let start = map * self.input.map() + row * OUT * self.input.row() + column * OUT * self.input.pixel;
                let steps = [self.input.row(), self.input.pixel];
                let values = &mut values[tile * planes.row..];
                transform_input::<LANES>(&input[start..], steps, k, values, planes.values);
            }
            let mut kernels = self.kernels.chunks_exact(k);
            for group in (0..self.output.channels).step_by(PANEL) {
                for pair in 0..PAIRS {
                    for phase in (0..PHASES).filter(|phase| has_products(pair, *phase)) {
                        let Some(panel) = kernels.next() else { return };
                        let product = &mut products[(pair * PHASES + phase) * planes.products..];
                        let values = &values[pair * planes.values..];
                        multiply::<LANES>(values, planes.row, count.next_multiple_of(ROWS), panel, product);
                    }
                }
                for tile in 0..count {
                    let products = &products[tile * PANEL..];
                    for lane in (0..PANEL.min(self.output.channels - group)).step_by(LANES) {
                        let (products, place) = (&products[lane..], place(first + tile));
                        let (channel, plane) = (group + lane, planes.products);
                        self.put::<LANES, 0, 0>(products, plane, channel, place, output);
                        self.put::<LANES, 0, 1>(&products[plane..], plane, channel, place, output);
                        self.put::<LANES, 1, 0>(&products[2 * plane..], plane, channel, place, output);
                        self.put::<LANES, 1, 1>(&products[3 * plane..], plane, channel, place, output);
                    }
                }
            }
        }
    }

    /// Puts LANES channels of the phase (PY, PX) of a tile, from `channel` on, into the output.
    #[inline(always)]
    fn put<const LANES: usize, const PY: usize, const PX: usize>(
        &self,
        products: &[f32],
        plane: usize,
        channel: usize,
        [map, row, column]: [usize; 3],
        output: &mut [f32],
    ) {
        let bias = Lanes::<LANES>::of(&self.bias[channel..]);
        let tile = transform_output::<LANES, PY, PX>(products, PHASES * plane);
        let corner = map * self.output.map() + self.output.place(2 * row * OUT + PY, 2 * column * OUT + PX) + channel;
        // Of a tile at the lower or right edge, what lies within the map.
        let (rows, columns) = (self.input.side - row * OUT, self.input.side - column * OUT);
        for (y, values) in tile.iter().enumerate().take(rows) {
            let output = &mut output[corner + 2 * y * self.output.row()..];
            for (x, value) in values.iter().enumerate().take(columns) {
                (*value + bias).relu().store(&mut output[2 * x * self.output.pixel..]);
            }
        }
    }
}
