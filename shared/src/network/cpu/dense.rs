//! The first layer: from the latent vector to the first feature map, with its batch normalisation and ReLU.
//!
//! Its weights are two thirds of the network, and each is used once a map; so they stay in half precision where the file has them in
//! it, and what counts is how many bytes are read.

use super::features::{CHANNELS, Layout};
use crate::formats::weights::Values;

/// Outputs that are computed side by side: channels of one pixel.
type Row<T> = [T; CHANNELS];

/// The layer.
#[derive(Debug, Clone)]
pub struct Dense {
    output: Layout,
    inputs: usize,
    weights: Weights,
    /// Of batch normalisation, per channel: after the sum, so that weights stay what the file holds.
    scale: Vec<f32>,
    /// Per output, in the order of the weights.
    bias: Vec<f32>,
}

/// `[outputs / CHANNELS][inputs][CHANNELS]`, outputs in the order row, column, channel.
#[derive(Debug, Clone)]
enum Weights {
    /// Bits of half precision, none infinite.
    Half(Vec<Row<u16>>),
    Single(Vec<Row<f32>>),
}

/// 2^112: half precision has an exponent that is so much smaller than single precision's.
const HALF_UNIT: f32 = f32::from_bits((112 + 127) << 23);

/// A number's bits in half precision as single precision, divided by [`HALF_UNIT`].
#[inline(always)]
fn widen(bits: u16) -> f32 {
    // The sign goes up to its place, and leaves three copies of itself behind.
    f32::from_bits(((i32::from(bits.cast_signed()) << 13) & 0x8fff_ffff_u32.cast_signed()).cast_unsigned())
}

/// Outputs in the order in which they are computed.
struct Outputs {
    layout: Layout,
    /// Channels without those that fill up.
    channels: usize,
}

impl Outputs {
    fn rows(&self) -> usize {
        self.layout.side * self.layout.side * self.layout.channels / CHANNELS
    }

    /// Place in the file of an output; none of one that fills up.
    fn source(&self, row: usize, lane: usize) -> Option<usize> {
        let (blocks, pixels) = (self.layout.channels / CHANNELS, self.layout.side * self.layout.side);
        let (pixel, channel) = (row / blocks, row % blocks * CHANNELS + lane);
        (channel < self.channels).then_some(channel * pixels + pixel)
    }

    fn pack<const BYTES: usize, T: Copy + Default>(
        &self,
        values: &[[u8; BYTES]],
        inputs: usize,
        read: fn([u8; BYTES]) -> T,
    ) -> Vec<Row<T>> {
        let mut packed = vec![[T::default(); CHANNELS]; self.rows() * inputs];
        for (row, packed) in packed.chunks_exact_mut(inputs).enumerate() {
            for lane in 0..CHANNELS {
                let Some(index) = self.source(row, lane) else { continue };
                for (to, from) in packed.iter_mut().zip(&values[index * inputs..]) {
                    to[lane] = read(*from);
                }
            }
        }
        packed
    }
}

impl Dense {
    /// Packs weights `[channels x side x side, inputs]` as they are, a bias with what batch normalisation makes of it, and
    /// its scale and shift per channel.
    pub fn new(output: Layout, inputs: usize, weights: Values<'_>, bias: &[f32], normal: &[(f64, f64)]) -> Self {
        let outputs = Outputs { layout: output, channels: normal.len() };
        let mut scale = vec![0.0; output.channels];
        for (scale, normal) in scale.iter_mut().zip(normal) {
            *scale = normal.0 as f32;
        }
        let mut packed_bias = vec![0.0; outputs.rows() * CHANNELS];
        for (place, packed) in packed_bias.iter_mut().enumerate() {
            if let Some(index) = outputs.source(place / CHANNELS, place % CHANNELS) {
                *packed = bias[index];
            }
        }
        let weights = match weights {
            Values::Half(values) => Weights::Half(outputs.pack(values, inputs, u16::from_le_bytes)),
            Values::Single(values) => Weights::Single(outputs.pack(values, inputs, f32::from_le_bytes)),
        };
        Self { output, inputs, weights, scale, bias: packed_bias }
    }

    /// The first feature map of each of some latent vectors, one after the other.
    #[inline(always)]
    pub fn forward(&self, latents: &[f32], output: &mut [f32]) {
        match &self.weights {
            Weights::Half(weights) => {
                let larger: Vec<f32> = latents.iter().map(|z| z * HALF_UNIT).collect();
                self.through(weights, widen, &larger, output);
            }
            Weights::Single(weights) => self.through(weights, |x| x, latents, output),
        }
    }

    #[inline(always)]
    fn through<T: Copy>(&self, weights: &[Row<T>], widen: impl Fn(T) -> f32, latents: &[f32], output: &mut [f32]) {
        let blocks = self.output.channels / CHANNELS;
        let mut panel = vec![[0.0; CHANNELS]; self.inputs];
        for (row, (weights, bias)) in
            weights.chunks_exact(self.inputs).zip(self.bias.as_chunks::<CHANNELS>().0).enumerate()
        {
            for (to, from) in panel.iter_mut().zip(weights) {
                *to = from.map(&widen);
            }
            let (pixel, channel) = (row / blocks, row % blocks * CHANNELS);
            let place = self.output.place(pixel / self.output.side, pixel % self.output.side) + channel;
            let scale = &self.scale[channel..][..CHANNELS];
            for (map, latent) in latents.chunks_exact(self.inputs).enumerate() {
                let mut sums = [0.0; CHANNELS];
                for (weights, z) in panel.iter().zip(latent) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += weight * z;
                    }
                }
                let to = &mut output[map * self.output.map() + place..][..CHANNELS];
                for (((to, sum), scale), bias) in to.iter_mut().zip(sums).zip(scale).zip(bias) {
                    let value = sum * scale + bias;
                    *to = if value < 0.0 { 0.0 } else { value };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_widens_exactly() {
        for bits in 0..=u16::MAX {
            let exact = half::f16::from_bits(bits).to_f32();
            if exact.is_finite() {
                assert_eq!((widen(bits) * HALF_UNIT).to_bits(), exact.to_bits(), "{bits:x}");
            }
        }
    }
}
