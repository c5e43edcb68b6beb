//! Transposed convolution of kernel 5, stride 2, padding 2, output padding 1, with bias and ReLU.
//!
//! The outputs at even and odd places are four maps of the input's size, the phases, each a filter of the input of its own: an even
//! output j is `w4 x[j-1] + w2 x[j] + w0 x[j+1]`, an odd one `w3 x[j] + w1 x[j+1]`, along rows and along columns. All four take the
//! same tile of the input, so a tile is transformed once ([`super::winograd`]); a phase of two taps has no products at the point 0.
//!
//! ```text
//! a block of tiles of the input -> values [N x N][tile][channels in]
//! for each PANEL channels out   -> products [N x N][phase][tile][PANEL] -> tiles of the output
//! ```
//!
//! So kernels are read in the order in which they lie, and products stay where the core has them at hand.

use super::{
    features::{Aligned, CHANNELS, Layout},
    gemm::{PANEL, PanelRow, ROWS, multiply},
    lanes::Lanes,
    winograd::{INPUT, N, OUT, OUTPUT, TAPS as TAP_VALUES, times},
};

/// Taps on `x[j-1]`, `x[j]`, `x[j+1]` of even and of odd outputs.
const TAPS: [[Option<usize>; 3]; 2] = [[Some(4), Some(2), Some(0)], [None, Some(3), Some(1)]];
/// Tiles of a block: kernels are read once for all of them.
const BLOCK: usize = 64;
/// Numbers between two planes of values or of products: strides that are powers of two would put all into the same few places of
/// a cache.
const GAP: usize = 16;

/// One layer.
#[derive(Debug, Clone)]
pub struct TransposedConvolution {
    input: Layout,
    output: Layout,
    /// `[channels out / PANEL][N x N][phases][channels in][PANEL]`, without the phases that have no products at a pair of points.
    kernels: Vec<PanelRow>,
    bias: Vec<f32>,
}

/// Whether a phase (row parity, column parity in its two bits) has products at a pair of points.
#[inline(always)]
const fn has_products(pair: usize, phase: usize) -> bool {
    let (row, column) = (pair / N, pair % N);
    !(row == 0 && phase / 2 == 1 || column == 0 && phase % 2 == 1)
}

/// Room for a block of tiles.
#[derive(Debug, Default)]
pub struct Room {
    values: Aligned,
    products: Aligned,
    /// Numbers that there is room for.
    sizes: [usize; 2],
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
        let mut bias = bias.to_vec();
        bias.resize(output.channels.next_multiple_of(PANEL), 0.0);
        let (inputs, groups) = (input.channels, bias.len() / PANEL);
        // Where the panels of a pair of points and a phase begin, within a group.
        let mut starts = vec![[None; 4]; N * N];
        let mut size = 0;
        for (pair, starts) in starts.iter_mut().enumerate() {
            for (_, start) in starts.iter_mut().enumerate().filter(|(phase, _)| has_products(pair, *phase)) {
                *start = Some(size);
                size += inputs;
            }
        }
        let mut kernels = vec![PanelRow([0.0; PANEL]); groups * size];
        for i in 0..sizes[0] {
            for o in 0..sizes[1] {
                let group = &mut kernels[o / PANEL * size..][..size];
                values_of_taps(&kernel(i, o), |pair, phase, value| {
                    if let Some(start) = starts[pair][phase] {
                        group[start + i].0[o % PANEL] = value as f32;
                    }
                });
            }
        }
        Self { input, output, kernels, bias }
    }

    /// Tiles of one map.
    fn tiles(&self) -> usize {
        self.input.side.div_ceil(OUT).pow(2)
    }

    /// Computes `maps` maps, one after the other in `input` and `output`, LANES numbers side by side.
    #[inline(always)]
    pub fn forward<const LANES: usize>(&self, maps: usize, input: &[f32], output: &mut [f32], room: &mut Room) {
        let (k, tiles) = (self.input.channels, maps * self.tiles());
        let (row, value_plane, product_plane) = (k + CHANNELS, BLOCK * (k + CHANNELS) + GAP, BLOCK * PANEL + GAP);
        room.make([N * N * value_plane, N * N * 4 * product_plane]);
        let (values, products) = (room.values.get_mut(), room.products.get_mut());
        for first in (0..tiles).step_by(BLOCK) {
            let count = BLOCK.min(tiles - first);
            for tile in 0..count {
                self.transform_input::<LANES>(
                    &input[self.start(first + tile)..],
                    &mut values[tile * row..],
                    value_plane,
                );
            }
            let mut kernels = self.kernels.chunks_exact(k);
            for group in (0..self.output.channels).step_by(PANEL) {
                for pair in 0..N * N {
                    for phase in (0..4).filter(|phase| has_products(pair, *phase)) {
                        let Some(panel) = kernels.next() else { return };
                        let product = &mut products[(pair * 4 + phase) * product_plane..];
                        multiply::<LANES>(
                            &values[pair * value_plane..],
                            row,
                            count.next_multiple_of(ROWS),
                            panel,
                            product,
                        );
                    }
                }
                for tile in 0..count {
                    self.transform_output::<LANES>(
                        &products[tile * PANEL..],
                        product_plane,
                        group,
                        first + tile,
                        output,
                    );
                }
            }
        }
    }

    /// Map, row and column of a tile.
    fn place(&self, tile: usize) -> [usize; 3] {
        let across = self.input.side.div_ceil(OUT);
        [tile / self.tiles(), tile % self.tiles() / across, tile % across]
    }

    /// Where the numbers that a tile reads begin.
    fn start(&self, tile: usize) -> usize {
        let [map, row, column] = self.place(tile);
        map * self.input.map() + row * OUT * self.input.row() + column * OUT * self.input.pixel
    }

    #[inline(always)]
    fn transform_input<const LANES: usize>(&self, input: &[f32], values: &mut [f32], plane: usize) {
        let (row, pixel) = (self.input.row(), self.input.pixel);
        for channel in (0..self.input.channels).step_by(LANES) {
            let mut columns = [[Lanes::<LANES>::ZERO; N]; N];
            for (x, column) in columns.iter_mut().enumerate() {
                let along: [Lanes<LANES>; N] =
                    std::array::from_fn(|y| Lanes::of(&input[y * row + x * pixel + channel..]));
                *column = times(&INPUT, along);
            }
            for y in 0..N {
                let across = times(&INPUT, std::array::from_fn(|x| columns[x][y]));
                for (x, value) in across.iter().enumerate() {
                    value.store(&mut values[(y * N + x) * plane + channel..]);
                }
            }
        }
    }

    /// Puts PANEL channels of a tile, from `group` on, into the output.
    #[inline(always)]
    fn transform_output<const LANES: usize>(
        &self,
        products: &[f32],
        plane: usize,
        group: usize,
        tile: usize,
        output: &mut [f32],
    ) {
        for lane in (0..PANEL.min(self.output.channels - group)).step_by(LANES) {
            let (products, channel) = (&products[lane..], group + lane);
            self.transform_phase::<LANES, 0, 0>(products, plane, channel, tile, output);
            self.transform_phase::<LANES, 0, 1>(&products[plane..], plane, channel, tile, output);
            self.transform_phase::<LANES, 1, 0>(&products[2 * plane..], plane, channel, tile, output);
            self.transform_phase::<LANES, 1, 1>(&products[3 * plane..], plane, channel, tile, output);
        }
    }

    /// Puts LANES channels of one phase of a tile, from `channel` on, into the output.
    #[inline(always)]
    fn transform_phase<const LANES: usize, const PY: usize, const PX: usize>(
        &self,
        products: &[f32],
        plane: usize,
        channel: usize,
        tile: usize,
        output: &mut [f32],
    ) {
        let [map, row, column] = self.place(tile);
        let (rows, columns) = ((self.input.side - row * OUT).min(OUT), (self.input.side - column * OUT).min(OUT));
        let bias = Lanes::<LANES>::of(&self.bias[channel..]);
        // Where a phase has no products there are zeros.
        let mut along = [[Lanes::<LANES>::ZERO; OUT]; N];
        for (x, to) in along.iter_mut().enumerate().skip(PX) {
            let mut down = [Lanes::ZERO; N];
            for (y, value) in down.iter_mut().enumerate().skip(PY) {
                *value = Lanes::of(&products[(y * N + x) * 4 * plane..]);
            }
            *to = times(&OUTPUT, down);
        }
        let corner = map * self.output.map() + self.output.place(2 * row * OUT + PY, 2 * column * OUT + PX) + channel;
        for y in 0..rows {
            let across: [Lanes<LANES>; OUT] = times(&OUTPUT, std::array::from_fn(|x| along[x][y]));
            let output = &mut output[corner + 2 * y * self.output.row()..];
            for (x, value) in across.iter().enumerate().take(columns) {
                (*value + bias).relu().store(&mut output[2 * x * self.output.pixel..]);
            }
        }
    }
}

/// Values of one kernel's taps at every pair of points, for each phase: `put(pair, phase, value)`.
fn values_of_taps(kernel: &[f64; 25], mut put: impl FnMut(usize, usize, f64)) {
    for phase in 0..4 {
        let taps = |y: usize, x: usize| match (TAPS[phase / 2][y], TAPS[phase % 2][x]) {
            (Some(row), Some(column)) => kernel[row * 5 + column],
            _ => 0.0,
        };
        let rows: [[f64; 3]; N] =
            std::array::from_fn(|j| std::array::from_fn(|x| (0..3).map(|y| TAP_VALUES[j][y] * taps(y, x)).sum()));
        for (j, row) in rows.iter().enumerate() {
            for (i, along) in TAP_VALUES.iter().enumerate() {
                put(j * N + i, phase, row.iter().zip(along).map(|(tap, factor)| tap * factor).sum());
            }
        }
    }
}

impl Room {
    /// Makes room for values and products.
    fn make(&mut self, sizes: [usize; 2]) {
        if self.sizes[0] < sizes[0] {
            self.values = Aligned::zeros(sizes[0]);
        }
        if self.sizes[1] < sizes[1] {
            self.products = Aligned::zeros(sizes[1]);
        }
        self.sizes = [self.sizes[0].max(sizes[0]), self.sizes[1].max(sizes[1])];
    }
}
