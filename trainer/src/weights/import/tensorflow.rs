//! Checkpoints of the authors' own program (github.com/MustafaMustafa/cosmoGAN, TensorFlow 1).
//!
//! Theirs are the same networks. A strided convolution with SAME padding is the mirror image of one with padding 2 (and output
//! padding 1), so that kernels, the feature maps of the dense layers and the drawn map are turned by half a turn: a map drawn
//! here is theirs, with rows and columns counted from the other end.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use shared::{
    formats::{
        checkpoints::{Tensor, tensorflow::Bundle},
        source::Source,
    },
    network::definition::KERNEL,
};

use super::{Imported, MOST_STAGES, Tensors, archive::CheckpointFiles, sizes, some_names, take};

/// Order of the axes of feature maps, which decides the order of the numbers of dense layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DataFormat {
    /// Channels last, as the authors' published weights.
    #[value(name = "NHWC")]
    ChannelsLast,
    /// Channels first.
    #[value(name = "NCHW")]
    ChannelsFirst,
}

/// A checkpoint and its files of data.
struct Checkpoint {
    bundle: Bundle,
    data: Vec<Vec<u8>>,
}

impl Checkpoint {
    fn tensor(&self, name: &str) -> Result<Tensor> {
        let data: Vec<&dyn Source> = self.data.iter().map(|bytes| bytes as &dyn Source).collect();
        Ok(self.bundle.tensor(name, &data)?)
    }

    fn has(&self, name: &str) -> bool {
        self.bundle.shape(name).is_some()
    }

    /// Layers 1, 2, ... of this name that are there.
    fn count(&self, first: usize, name: impl Fn(usize) -> String) -> usize {
        (first..MOST_STAGES).take_while(|&at| self.has(&name(at))).count()
    }
}

/// Reads a checkpoint's generator and discriminator. Without a data format it is the one of the graph beside it, or else NHWC.
///
/// # Errors
/// When files are missing or damaged, or it is a checkpoint of another network.
pub fn read(files: &CheckpointFiles, data_format: Option<DataFormat>) -> Result<Imported> {
    let bundle = Bundle::read(&files.index()?)?;
    let shards = bundle.shards();
    let data = (0..shards).map(|shard| files.data(shard, shards)).collect::<Result<_>>()?;
    let checkpoint = Checkpoint { bundle, data };
    let stages = checkpoint.count(1, |stage| format!("generator/h{stage}_conv2d_T/w"));
    if stages == 0 || !checkpoint.has("generator/h0_lin/w") {
        bail!(
            "it has no generator/h0_lin/w and generator/h1_conv2d_T/w, so it is no checkpoint of the authors' program; it has {}",
            some_names(checkpoint.bundle.tensors().map(|(name, _)| name))
        );
    }
    let mut notes = Vec::new();
    let stated = files.graph().and_then(|graph| format_of(&graph));
    if let (Some(given), Some(stated)) = (data_format, stated)
        && given != stated
    {
        notes.push("the graph beside it has the other data format; --data-format wins".to_owned());
    }
    let order = data_format.or(stated).unwrap_or_else(|| {
        notes.push(
            "no graph (.meta) that can be read lies beside it: taken for NHWC, which --data-format changes".to_owned(),
        );
        DataFormat::ChannelsLast
    });

    let [weight, bias] = [checkpoint.tensor("generator/h0_lin/w")?, checkpoint.tensor("generator/h0_lin/b")?];
    let first = checkpoint.tensor("generator/h1_conv2d_T/w")?;
    let (&[left, right], &[rows], &[.., channels]) = (&weight.shape[..], &bias.shape[..], &first.shape[..]) else {
        bail!("its dense layer is no matrix: this is another network");
    };
    let network = sizes(if right == rows { left } else { right }, rows, channels, stages)?;
    let place = Places { channels, side: network.map_side >> stages, order };
    let mut generator = Tensors::new();
    generator.insert("fc.weight".into(), place.rows_of(&weight, right == rows)?);
    generator.insert("fc.bias".into(), place.rows_of(&bias, true)?);
    for stage in 0..=stages {
        if stage > 0 {
            let kernel = checkpoint.tensor(&format!("generator/h{stage}_conv2d_T/w"))?;
            let bias = checkpoint.tensor(&format!("generator/h{stage}_conv2d_T/biases"))?;
            generator.insert(format!("deconv{stage}.weight"), turned(&kernel)?);
            generator.insert(format!("deconv{stage}.bias"), bias);
        }
        if stage < stages {
            batch_norm(&checkpoint, &format!("generator/bn{stage}"), &format!("bn{stage}"), &mut generator)?;
        }
    }
    let generator = take(&network.generator(), generator)?;

    let mut judging = None;
    if checkpoint.has("discriminator/h0_conv/w") {
        let found = discriminator(&checkpoint, order).and_then(|tensors| take(&network.discriminator(), tensors));
        match found {
            Ok(tensors) => judging = Some((true, tensors)),
            Err(error) => notes.push(format!("its discriminator is left out: {error:#}")),
        }
    }
    Ok(Imported {
        network,
        generator,
        discriminator: judging,
        source: format!("the checkpoint {} of the authors' program", files.name()),
        sha256: files.sha256(shards)?,
        notes,
    })
}

/// The data format that a graph's convolutions have: an attribute of each of its nodes. Definitions of operations, which a graph
/// holds too, name both formats in another form.
fn format_of(graph: &[u8]) -> Option<DataFormat> {
    let has = |text: &[u8]| graph.windows(text.len()).any(|window| window == text);
    match (has(b"data_format\x12\x06\x12\x04NCHW"), has(b"data_format\x12\x06\x12\x04NHWC")) {
        (true, _) => Some(DataFormat::ChannelsFirst),
        (false, true) => Some(DataFormat::ChannelsLast),
        (false, false) => None,
    }
}

fn discriminator(checkpoint: &Checkpoint, order: DataFormat) -> Result<Tensors> {
    let stages = checkpoint.count(0, |stage| format!("discriminator/h{stage}_conv/w"));
    let mut tensors = Tensors::new();
    let mut channels = 0;
    for stage in 0..stages {
        let kernel = checkpoint.tensor(&format!("discriminator/h{stage}_conv/w"))?;
        let bias = checkpoint.tensor(&format!("discriminator/h{stage}_conv/biases"))?;
        channels = bias.values.len();
        tensors.insert(format!("conv{}.weight", stage + 1), turned(&kernel)?);
        tensors.insert(format!("conv{}.bias", stage + 1), bias);
        if stage > 0 {
            let (theirs, ours) = (format!("discriminator/bn{stage}"), format!("bn{}", stage + 1));
            batch_norm(checkpoint, &theirs, &ours, &mut tensors)?;
        }
    }
    let weight = checkpoint.tensor(&format!("discriminator/h{stages}_lin/w"))?;
    let pixels = weight.values.len().checked_div(channels).context("it has no convolutions")?;
    let place = Places { channels, side: pixels.isqrt(), order };
    let inputs = weight.values.len();
    let weight = place.rows_of(&Tensor { shape: vec![inputs], values: weight.values }, true)?;
    tensors.insert("fc.weight".into(), Tensor { shape: vec![1, inputs], ..weight });
    tensors.insert("fc.bias".into(), checkpoint.tensor(&format!("discriminator/h{stages}_lin/b"))?);
    Ok(tensors)
}

fn batch_norm(checkpoint: &Checkpoint, theirs: &str, ours: &str, tensors: &mut Tensors) -> Result<()> {
    let names =
        [("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean"), ("moving_variance", "running_var")];
    for (of_theirs, of_ours) in names {
        tensors.insert(format!("{ours}.{of_ours}"), checkpoint.tensor(&format!("{theirs}/{of_theirs}"))?);
    }
    Ok(())
}

/// Kernels, from `[5, 5, a, b]` to `[b, a, 5, 5]`, turned by half a turn: of a transposed convolution `[in, out]`, of another one
/// `[out, in]`.
fn turned(kernel: &Tensor) -> Result<Tensor> {
    let &[KERNEL, KERNEL, a, b] = &kernel.shape[..] else {
        bail!("a kernel has shape {:?}, not {KERNEL} x {KERNEL}: this is another network", kernel.shape);
    };
    let taps = KERNEL * KERNEL;
    let mut values = Vec::with_capacity(kernel.values.len());
    for last in 0..b {
        for first in 0..a {
            values.extend((0..taps).map(|tap| kernel.values[((taps - 1 - tap) * a + first) * b + last]));
        }
    }
    Ok(Tensor { shape: vec![b, a, KERNEL, KERNEL], values })
}

/// Where the numbers between a dense layer and feature maps lie.
#[derive(Clone, Copy)]
struct Places {
    channels: usize,
    side: usize,
    order: DataFormat,
}

impl Places {
    /// Of the number at `[channel, row, column]` here, the place there, half a turn away.
    fn of_theirs(self, at: usize) -> usize {
        let pixels = self.side * self.side;
        let (channel, turned) = (at / pixels, pixels - 1 - at % pixels);
        match self.order {
            DataFormat::ChannelsLast => turned * self.channels + channel,
            DataFormat::ChannelsFirst => channel * pixels + turned,
        }
    }

    /// A vector `[rows]`, or a matrix, whose last axis (else its first) counts rows, as `[rows, columns]`, rows in our order.
    fn rows_of(self, theirs: &Tensor, last: bool) -> Result<Tensor> {
        let rows = self.channels * self.side * self.side;
        let columns = theirs.values.len().checked_div(rows).unwrap_or(0);
        if rows * columns != theirs.values.len() {
            bail!("a dense layer of shape {:?} makes no {rows} numbers: this is another network", theirs.shape);
        }
        let value = |row: usize, column: usize| {
            let row = self.of_theirs(row);
            theirs.values[if last { column * rows + row } else { row * columns + column }]
        };
        let values = (0..rows).flat_map(|row| (0..columns).map(move |column| value(row, column))).collect();
        Ok(Tensor { shape: if theirs.shape.len() == 1 { vec![rows] } else { vec![rows, columns] }, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_where_they_lay_half_a_turn_away() {
        // Two channels of 2 x 2 pixels: theirs [row, column, channel], numbered.
        let theirs = Tensor { shape: vec![8], values: (0_u8..8).map(f32::from).collect() };
        let last = Places { channels: 2, side: 2, order: DataFormat::ChannelsLast };
        assert_eq!(last.rows_of(&theirs, true).unwrap().values, [6.0, 4.0, 2.0, 0.0, 7.0, 5.0, 3.0, 1.0]);
        let first = Places { order: DataFormat::ChannelsFirst, ..last };
        assert_eq!(first.rows_of(&theirs, true).unwrap().values, [3.0, 2.0, 1.0, 0.0, 7.0, 6.0, 5.0, 4.0]);
        // Of a matrix of two columns, either way round.
        let across = Tensor { shape: vec![2, 8], values: (0_u8..16).map(f32::from).collect() };
        let down: Vec<f32> = (0_u8..16).map(|at| f32::from(at / 2 + 8 * (at % 2))).collect();
        let down = Tensor { shape: vec![8, 2], values: down };
        let [one, other] = [first.rows_of(&across, true).unwrap(), first.rows_of(&down, false).unwrap()];
        assert_eq!(one, other);
        assert_eq!((one.shape, &one.values[..4]), (vec![8, 2], &[3.0, 11.0, 2.0, 10.0][..]));
    }

    #[test]
    fn kernels_are_turned() {
        let kernel = Tensor { shape: vec![5, 5, 2, 1], values: (0_u8..50).map(f32::from).collect() };
        let turned = turned(&kernel).unwrap();
        assert_eq!(turned.shape, [1, 2, 5, 5]);
        assert_eq!((turned.values[0], turned.values[24], turned.values[25], turned.values[49]), (48.0, 0.0, 49.0, 1.0));
    }
}
