//! Both networks in f64 as they are defined, layer by layer and product by product: what the fast paths are held against.

use crate::{
    formats::weights::{Precision, Weights, encode},
    network::{
        Activation, Layer, Operation, ParameterDefinition,
        definition::{EPSILON, KERNEL, LEAKINESS, PADDING, STRIDE, parameters},
    },
    random::{Stream, stream},
};

/// What each layer makes of an input, row-major.
pub fn forward(layers: &[Layer], weights: &Weights, input: &[f64]) -> Vec<Vec<f64>> {
    let mut all: Vec<Vec<f64>> = Vec::new();
    for layer in layers {
        let input = all.last().map_or(input, Vec::as_slice);
        let tensor = |suffix: &str| -> Vec<f64> {
            let values = weights.tensor(&format!("{}.{suffix}", layer.name)).unwrap();
            values.into_iter().map(f64::from).collect()
        };
        let (weight, bias) = (tensor("weight"), tensor("bias"));
        let [channels, side, _] = layer.output;
        let mut output = match layer.operation {
            Operation::Dense { inputs, .. } => {
                let row = |(row, bias): (&[f64], &f64)| row.iter().zip(input).map(|(w, x)| w * x).sum::<f64>() + bias;
                weight.chunks(inputs).zip(&bias).map(row).collect::<Vec<f64>>()
            }
            Operation::BatchNorm { .. } => {
                let (mean, variance) = (tensor("running_mean"), tensor("running_var"));
                let value = |(place, x): (usize, &f64)| {
                    let c = place / (side * side);
                    (x - mean[c]) / (variance[c] + EPSILON).sqrt() * weight[c] + bias[c]
                };
                input.iter().enumerate().map(value).collect()
            }
            Operation::TransposedConvolution { inputs, outputs } => {
                let half = side / STRIDE;
                let mut output: Vec<f64> =
                    (0..channels * side * side).map(|place| bias[place / (side * side)]).collect();
                for (place, x) in input.iter().enumerate() {
                    let (i, row, column) = (place / (half * half), place / half % half, place % half);
                    for tap in 0..outputs * KERNEL * KERNEL {
                        let (o, ky, kx) = (tap / (KERNEL * KERNEL), tap / KERNEL % KERNEL, tap % KERNEL);
                        let (y, x_) =
                            ((STRIDE * row + ky).wrapping_sub(PADDING), (STRIDE * column + kx).wrapping_sub(PADDING));
                        if y < side && x_ < side {
                            output[(o * side + y) * side + x_] += x * weight[i * outputs * KERNEL * KERNEL + tap];
                        }
                    }
                }
                assert_eq!(input.len(), inputs * half * half);
                output
            }
            Operation::Convolution { inputs, .. } => {
                let twice = STRIDE * side;
                let value = |place: usize| {
                    let (o, row, column) = (place / (side * side), place / side % side, place % side);
                    let mut sum = bias[o];
                    for tap in 0..inputs * KERNEL * KERNEL {
                        let (i, ky, kx) = (tap / (KERNEL * KERNEL), tap / KERNEL % KERNEL, tap % KERNEL);
                        let (y, x) =
                            ((STRIDE * row + ky).wrapping_sub(PADDING), (STRIDE * column + kx).wrapping_sub(PADDING));
                        if y < twice && x < twice {
                            sum += input[(i * twice + y) * twice + x] * weight[o * inputs * KERNEL * KERNEL + tap];
                        }
                    }
                    sum
                };
                (0..channels * side * side).map(value).collect()
            }
        };
        for x in &mut output {
            *x = match layer.activation {
                Activation::None => *x,
                Activation::Relu => x.max(0.0),
                Activation::LeakyRelu => x.max(LEAKINESS * *x),
                Activation::Tanh => x.tanh(),
            };
        }
        all.push(output);
    }
    all
}

/// Weights of some layers as after training: batch statistics, scales and shifts that are not 0 and 1.
pub fn trained(layers: &[Layer], precision: Precision) -> Weights {
    let parameters = parameters(layers);
    let values = |parameter: &ParameterDefinition| {
        let number = parameter.name.bytes().map(u64::from).sum::<u64>();
        let mut random = stream(5, Stream::TrainingLatent).at(number);
        let inputs: usize = parameter.shape.iter().skip(1).product::<usize>().max(1);
        // Transposed convolutions have their inputs first, and a pixel sees a quarter of a kernel.
        let inputs = if parameter.name.starts_with("deconv") { parameter.shape[0] * 6 } else { inputs };
        let draw = |_| match parameter.name.rsplit('.').next() {
            Some("running_var") => 0.5 + random.uniform(),
            // The last layer's outputs stay where tanh bends them.
            Some("weight") if parameter.shape.get(1) == Some(&1) => 0.1 * random.normal() / (inputs as f64).sqrt(),
            Some("weight") if parameter.shape.len() > 1 => random.normal() * (2.0 / inputs as f64).sqrt(),
            Some("weight") => 1.0 + 0.3 * random.normal(),
            _ => 0.2 * random.normal(),
        };
        (0..parameter.shape.iter().product::<usize>()).map(draw).map(|x| x as f32).collect()
    };
    Weights::read(encode(&parameters, precision, values).unwrap(), &parameters).unwrap()
}
