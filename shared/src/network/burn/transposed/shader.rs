//! The kernel's text.
//!
//! A workgroup computes the outputs of one tile of the input for one group of output channels, [`LANES`] at once. It holds the
//! tile, with a border of one pixel, of [`CHANNELS`] input channels at a time in its shared memory. An invocation owns 2 x 2
//! pixels of the input, so 4 x 4 of the output; each of a kernel's 25 taps is read once and reaches the four outputs of its
//! phase (rows and columns of one parity) without a branch. Sizes are constants of the text.

use std::fmt::Write;

use crate::network::{
    definition::{Activation, KERNEL, LEAKINESS, Operation, PADDING, STRIDE},
    folded::FoldedLayer,
};

/// Invocations of a workgroup, in x and y.
pub const INVOCATIONS: [usize; 2] = [8, 4];
/// Pixels of the input that an invocation owns in each direction.
const OWN: usize = 2;
/// Pixels around a tile that its outputs reach to.
const BORDER: usize = 1;
/// Input channels in shared memory at once: 11.5 kB of the 16 kB that every device has.
const CHANNELS: usize = 16;
/// Output channels of an invocation.
const LANES: usize = 4;

/// What the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shader {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    activation: Activation,
}

impl Shader {
    /// The kernel of a transposed convolution.
    ///
    /// # Panics
    /// When the layer is another one.
    pub fn new(layer: &FoldedLayer) -> Self {
        let Operation::TransposedConvolution { inputs, outputs } = layer.layer.operation else {
            panic!("{} is no transposed convolution", layer.layer.name)
        };
        let [_, height, width] = layer.layer.output;
        Self { inputs, outputs, height: height / STRIDE, width: width / STRIDE, activation: layer.activation }
    }

    /// Output channels that are computed at once: a last layer has a single one.
    pub fn lanes(&self) -> usize {
        if self.outputs == 1 { 1 } else { LANES }
    }

    /// Groups of output channels.
    pub fn groups(&self) -> usize {
        self.outputs.div_ceil(self.lanes())
    }

    /// Tiles of the input, in x and y.
    pub fn tiles(&self) -> [usize; 2] {
        [self.width.div_ceil(INVOCATIONS[0] * OWN), self.height.div_ceil(INVOCATIONS[1] * OWN)]
    }

    /// Kernels `[inputs, outputs, 5, 5]` as the shader reads them, `[groups, inputs, 5, 5, lanes]`; lanes without a channel are 0.
    pub fn pack(&self, weight: &[f32]) -> Vec<f32> {
        let (taps, lanes) = (KERNEL * KERNEL, self.lanes());
        let mut packed = vec![0.0; self.groups() * self.inputs * taps * lanes];
        for (place, &value) in weight.iter().enumerate() {
            let (input, output, tap) = (place / taps / self.outputs, place / taps % self.outputs, place % taps);
            let (group, lane) = (output / lanes, output % lanes);
            packed[((group * self.inputs + input) * taps + tap) * lanes + lane] = value;
        }
        packed
    }

    /// The text in WGSL, its entry point `main`. Bindings: features, kernels, bias, output. Workgroups: tiles in x and y, groups
    /// times maps in z.
    pub fn text(&self) -> String {
        let Self { inputs, outputs, height, width, activation } = *self;
        let [across, down] = INVOCATIONS;
        let [tile_width, tile_height] = INVOCATIONS.map(|count| count * OWN + 2 * BORDER);
        let (plane, taps, groups, side) = (tile_width * tile_height, KERNEL * KERNEL, self.groups(), OWN * STRIDE);
        let number = if self.lanes() == 1 { "f32".to_owned() } else { format!("vec{LANES}<f32>") };
        let sums = each(0..side, |row, column| format!("    var sum_{row}_{column} = {number}();\n"));
        let own = each(0..OWN + 2 * BORDER, |row, column| {
            format!("            let x_{row}_{column} = tile[corner + {}u];\n", row * tile_width + column)
        });
        let products: String = (0..taps).map(products).collect();
        let results = each(0..side, |row, column| {
            format!("    store(map, group, top + {row}u, left + {column}u, sum_{row}_{column} + bias[group]);\n")
        });
        let lanes: String = (0..self.lanes())
            .map(|lane| {
                let value = if self.lanes() == 1 { "sum".to_owned() } else { format!("sum[{lane}]") };
                let channel = format!("(group * {}u + {lane}u)", self.lanes());
                let guard = if outputs.is_multiple_of(self.lanes()) {
                    "true".to_owned()
                } else {
                    format!("{channel} < {outputs}u")
                };
                let place = format!(
                    "((map * {outputs}u + {channel}) * {}u + row) * {}u + column",
                    STRIDE * height,
                    STRIDE * width
                );
                format!("    if ({guard}) {{ output[{place}] = activation({value}); }}\n")
            })
            .collect();
        let activation = activation_text(activation);
        format!(
            "
@group(0) @binding(0) var<storage, read_write> features: array<f32>;
@group(0) @binding(1) var<storage, read_write> kernels: array<{number}>;
@group(0) @binding(2) var<storage, read_write> bias: array<{number}>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
var<workgroup> tile: array<f32, {tile_size}>;

fn activation(x: f32) -> f32 {{ return {activation}; }}

fn feature(map: u32, channel: u32, row: i32, column: i32) -> f32 {{
    if (channel >= {inputs}u || row < 0 || row >= {height} || column < 0 || column >= {width}) {{ return 0.0; }}
    return features[(map * {inputs}u + channel) * {size}u + u32(row) * {width}u + u32(column)];
}}

fn store(map: u32, group: u32, row: u32, column: u32, sum: {number}) {{
    if (row >= {out_height}u || column >= {out_width}u) {{ return; }}
{lanes}}}

@compute @workgroup_size({across}, {down})
fn main(
    @builtin(local_invocation_id) own: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(workgroup_id) workgroup: vec3<u32>,
) {{
    let map = workgroup.z / {groups}u;
    let group = workgroup.z % {groups}u;
    let first_column = workgroup.x * {tile_columns}u;
    let first_row = workgroup.y * {tile_rows}u;
    let corner_in_tile = own.y * {row_step}u + own.x * {OWN}u;
{sums}    for (var first = 0u; first < {inputs}u; first += {CHANNELS}u) {{
        workgroupBarrier();
        for (var place = index; place < {tile_size}u; place += {invocations}u) {{
            let in_plane = place % {plane}u;
            let row = i32(first_row + in_plane / {tile_width}u) - {BORDER};
            let column = i32(first_column + in_plane % {tile_width}u) - {BORDER};
            tile[place] = feature(map, first + place / {plane}u, row, column);
        }}
        workgroupBarrier();
        for (var channel = 0u; channel < min({CHANNELS}u, {inputs}u - first); channel++) {{
            let corner = channel * {plane}u + corner_in_tile;
            let kernel = (group * {inputs}u + first + channel) * {taps}u;
{own}{products}        }}
    }}
    let top = (first_row + own.y * {OWN}u) * {STRIDE}u;
    let left = (first_column + own.x * {OWN}u) * {STRIDE}u;
{results}}}
",
            tile_size = CHANNELS * plane,
            size = height * width,
            out_height = STRIDE * height,
            out_width = STRIDE * width,
            tile_columns = across * OWN,
            tile_rows = down * OWN,
            row_step = OWN * tile_width,
            invocations = across * down,
        )
    }
}

/// What one tap of the kernel adds to an invocation's sums.
fn products(tap: usize) -> String {
    let mut text = format!("            {{ let k = kernels[kernel + {tap}u];");
    for (row, from_row) in reached(tap / KERNEL) {
        for (column, from_column) in reached(tap % KERNEL) {
            let _ = write!(text, " sum_{row}_{column} += k * x_{from_row}_{from_column};");
        }
    }
    text.push_str(" }\n");
    text
}

/// Rows of an invocation's outputs that a row of the kernel reaches, each with the row of the input it comes from (the border is 0).
/// Output `o` takes input `i` at row `k = o + PADDING - STRIDE i` of the kernel.
fn reached(kernel_row: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..OWN * STRIDE).filter_map(move |output| {
        let from = (output + PADDING + STRIDE * BORDER).checked_sub(kernel_row)?;
        (from.is_multiple_of(STRIDE) && from / STRIDE < OWN + 2 * BORDER).then_some((output, from / STRIDE))
    })
}

/// Lines of text for each row and column of a square.
fn each(range: std::ops::Range<usize>, line: impl Fn(usize, usize) -> String) -> String {
    range
        .clone()
        .flat_map(|row| range.clone().map(move |column| (row, column)))
        .map(|(row, column)| line(row, column))
        .collect()
}

/// A layer's activation of `x`.
fn activation_text(activation: Activation) -> String {
    match activation {
        Activation::None => "x".to_owned(),
        Activation::Relu => "max(x, 0.0)".to_owned(),
        Activation::LeakyRelu => format!("select({LEAKINESS} * x, x, x >= 0.0)"),
        // Devices' own loses the digits of small numbers, and is a quotient of infinities at large ones.
        Activation::Tanh => {
            let series = "x * (1.0 + x * x * (-1.0 / 3.0 + x * x * (2.0 / 15.0 + x * x * (-17.0 / 315.0 + x * x * (62.0 / 2835.0)))))";
            format!("select(tanh(clamp(x, -15.0, 15.0)), {series}, abs(x) < 0.3)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every output takes exactly the taps of the definition, sum over `k` with `o + PADDING - k` a multiple of the stride.
    #[test]
    fn each_output_is_reached_by_all_of_its_taps() {
        let mut pairs: Vec<_> =
            (0..KERNEL).flat_map(|k| reached(k).map(move |(output, from)| (output, from, k))).collect();
        pairs.sort_unstable();
        let mut expected = Vec::new();
        for output in 0..OWN * STRIDE {
            for from in 0..OWN + 2 * BORDER {
                let k = output as isize + PADDING as isize - STRIDE as isize * (from as isize - BORDER as isize);
                if (0..KERNEL as isize).contains(&k) {
                    expected.push((output, from, k as usize));
                }
            }
        }
        assert_eq!(pairs, expected);
        assert_eq!(pairs.len(), 2 * KERNEL, "five taps for each two outputs");
    }

    fn shader(inputs: usize, outputs: usize, height: usize, width: usize) -> Shader {
        Shader { inputs, outputs, height, width, activation: Activation::Relu }
    }

    #[test]
    fn each_weight_is_packed_once_and_the_rest_is_zero() {
        for (inputs, outputs) in [(3, 1), (2, 4), (3, 5), (1, 7)] {
            let shader = shader(inputs, outputs, 8, 8);
            let weight: Vec<f32> = (1..=inputs * outputs * KERNEL * KERNEL).map(|value| value as f32).collect();
            let mut packed = shader.pack(&weight);
            let of = |group: usize, input: usize, tap: usize, lane: usize| {
                packed[((group * inputs + input) * KERNEL * KERNEL + tap) * shader.lanes() + lane]
            };
            // Input 0, output `outputs - 1`, tap 7.
            let (group, lane) = ((outputs - 1) / shader.lanes(), (outputs - 1) % shader.lanes());
            assert_eq!(of(group, 0, 7, lane), weight[(outputs - 1) * KERNEL * KERNEL + 7]);
            packed.retain(|value| *value > 0.0);
            packed.sort_by(f32::total_cmp);
            assert_eq!(packed, weight);
        }
    }

    #[test]
    fn every_device_has_room_for_a_tile_and_tiles_cover_the_input() {
        for side in 1..70 {
            let shader = shader(5, 3, side, side);
            let [across, down] = shader.tiles();
            assert!(across * INVOCATIONS[0] * OWN >= side && down * INVOCATIONS[1] * OWN >= side);
            let text = shader.text();
            let tile = text.split("array<f32, ").nth(1).and_then(|rest| rest.split('>').next()).unwrap();
            assert!(tile.parse::<usize>().unwrap() * size_of::<f32>() <= 16_384, "WebGPU promises 16 kB");
            assert_eq!(text.matches('{').count(), text.matches('}').count());
        }
    }
}
