//! Tiles of feature maps: from inputs to values at the points, and from products back to outputs ([`super::winograd`]).

use super::{
    features::{Aligned, CHANNELS, Layout},
    gemm::PANEL,
    lanes::Lanes,
    winograd::{INPUT, N, OUT, OUTPUT, TAPS, times},
};

/// Pairs of points, one for the rows and one for the columns.
pub const PAIRS: usize = N * N;
/// Parities of row and column.
pub const PHASES: usize = 4;
/// Tiles of a block: kernels are read once for all of them.
pub const BLOCK: usize = 64;
/// Numbers between two planes of values or of products: strides that are powers of two would put all into the same few places of
/// a cache.
const GAP: usize = 16;

/// Room for a block of tiles: a plane of values for each pair of points, and planes of products.
#[derive(Debug, Default)]
pub struct Room {
    values: Aligned,
    products: Aligned,
    /// Numbers that there is room for.
    sizes: [usize; 2],
}

/// How values and products of a layer lie.
#[derive(Debug, Clone, Copy)]
pub struct Planes {
    /// From the values of a tile to those of the next.
    pub row: usize,
    /// From the values at a pair of points to those at the next.
    pub values: usize,
    /// From one plane of products to the next; a tile has PANEL of each.
    pub products: usize,
}

/// A bias with zeros up to whole panels.
pub fn padded(bias: &[f32], output: Layout) -> Vec<f32> {
    let mut padded = bias.to_vec();
    padded.resize(output.channels.next_multiple_of(PANEL), 0.0);
    padded
}

impl Planes {
    /// Those of `inputs` values a tile and pair of points.
    pub fn new(inputs: usize) -> Self {
        let row = inputs + CHANNELS;
        Self { row, values: BLOCK * row + GAP, products: BLOCK * PANEL + GAP }
    }
}

impl Room {
    /// Values, and `count` planes of products.
    pub fn of(&mut self, planes: Planes, count: usize) -> (&mut [f32], &mut [f32]) {
        let sizes = [PAIRS * planes.values, count * planes.products];
        if self.sizes[0] < sizes[0] {
            self.values = Aligned::zeros(sizes[0]);
        }
        if self.sizes[1] < sizes[1] {
            self.products = Aligned::zeros(sizes[1]);
        }
        self.sizes = [self.sizes[0].max(sizes[0]), self.sizes[1].max(sizes[1])];
        (self.values.get_mut(), self.products.get_mut())
    }
}

/// Values of `channels` channels of one tile at each pair of points. `steps` are from one input to the next, down and across;
/// `plane` from one pair to the next.
#[inline(always)]
pub fn transform_input<const LANES: usize>(
    input: &[f32],
    steps: [usize; 2],
    channels: usize,
    values: &mut [f32],
    plane: usize,
) {
    for channel in (0..channels).step_by(LANES) {
        let mut columns = [[Lanes::<LANES>::ZERO; N]; N];
        for (x, column) in columns.iter_mut().enumerate() {
            let down: [Lanes<LANES>; N] =
                std::array::from_fn(|y| Lanes::of(&input[y * steps[0] + x * steps[1] + channel..]));
            *column = times(&INPUT, down);
        }
        for y in 0..N {
            let across = times(&INPUT, std::array::from_fn(|x| columns[x][y]));
            for (x, value) in across.iter().enumerate() {
                value.store(&mut values[(y * N + x) * plane + channel..]);
            }
        }
    }
}

/// LANES channels of one tile of outputs, row by row. `plane` is from one pair of points to the next; pairs in the first ROWS rows
/// and COLUMNS columns of points have no products, which count as zero.
#[inline(always)]
pub fn transform_output<const LANES: usize, const ROWS: usize, const COLUMNS: usize>(
    products: &[f32],
    plane: usize,
) -> [[Lanes<LANES>; OUT]; OUT] {
    let mut columns = [[Lanes::<LANES>::ZERO; OUT]; N];
    for (x, column) in columns.iter_mut().enumerate().skip(COLUMNS) {
        let mut down = [Lanes::ZERO; N];
        for (y, product) in down.iter_mut().enumerate().skip(ROWS) {
            *product = Lanes::of(&products[(y * N + x) * plane..]);
        }
        *column = times(&OUTPUT, down);
    }
    std::array::from_fn(|y| times(&OUTPUT, std::array::from_fn(|x| columns[x][y])))
}

/// The taps of a kernel of 5 that a phase, even or odd, has on `x[j-1]`, `x[j]` and `x[j+1]`.
pub type PhaseTaps = [[Option<usize>; 3]; 2];

/// Values at each pair of points of the filter of 3 x 3 taps that a phase (row parity, column parity in its two bits) has of a kernel
/// `[5, 5]`.
pub fn transform_taps(kernel: &[f64; 25], taps: &PhaseTaps, phase: usize) -> [f64; PAIRS] {
    let tap = |y: usize, x: usize| match (taps[phase / 2][y], taps[phase % 2][x]) {
        (Some(row), Some(column)) => kernel[row * 5 + column],
        _ => 0.0,
    };
    let rows: [[f64; 3]; N] =
        std::array::from_fn(|j| std::array::from_fn(|x| (0..3).map(|y| TAPS[j][y] * tap(y, x)).sum()));
    std::array::from_fn(|pair| (0..3).map(|x| rows[pair / N][x] * TAPS[pair % N][x]).sum())
}
