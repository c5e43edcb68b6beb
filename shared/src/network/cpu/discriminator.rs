//! The discriminator from kappa to its logit, layer by layer.

use super::{
    convolution::Convolution,
    features::{Aligned, Layout},
    tiles::Room,
    width::{Work, widest},
};
use crate::{
    formats::weights::{Weights, WeightsError},
    network::{
        DiscriminatorForm, NetworkDefinition, Operation, definition::parameters, folded::FoldedLayer,
        generator::DrawError,
    },
};

/// Sums that run side by side over the last features: the same on every processor.
const SUMS: usize = 16;

/// A discriminator with its weights packed for this processor.
#[derive(Debug, Clone)]
pub struct CpuDiscriminator {
    form: DiscriminatorForm,
    convolutions: Vec<Convolution>,
    /// Of the map and of each feature map, and its channels without those that fill up.
    layouts: Vec<(Layout, usize)>,
    /// Weights of the logit, in the order in which the last feature map lies, without its border.
    weights: Vec<f32>,
    bias: f32,
}

/// What a discriminator makes of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The probability of being data is its sigmoid.
    pub logit: f32,
    /// What each convolution makes of the map, after batch normalisation and leaky ReLU: `[channels, side, side]`.
    pub activations: Vec<Vec<f32>>,
}

impl CpuDiscriminator {
    /// Packs the weights of a network's discriminator of this form.
    ///
    /// # Errors
    /// When the weights were read for other layers.
    pub fn new(
        definition: &NetworkDefinition,
        form: DiscriminatorForm,
        weights: &Weights,
    ) -> Result<Self, WeightsError> {
        let layers = form.layers(definition);
        weights.check(&parameters(&layers))?;
        let mut convolutions = Vec::new();
        let mut layouts: Vec<(Layout, usize)> = Vec::new();
        let mut logit = (Vec::new(), 0.0);
        for layer in FoldedLayer::of(&layers, weights)? {
            let side = layer.layer.output[1];
            match (layer.layer.operation, layouts.last().copied()) {
                (Operation::Convolution { inputs, outputs }, before) => {
                    let from =
                        before.map_or_else(|| Layout::new(inputs, 2 * side, Convolution::TILE, 2), |(from, _)| from);
                    if before.is_none() {
                        layouts.push((from, inputs));
                    }
                    let to = Layout::new(outputs, side, Convolution::TILE, 2);
                    let kernels = weights.values(&layer.name("weight"))?;
                    let kernel = |i: usize, o: usize| -> [f64; 25] {
                        let start = (o * inputs + i) * 25;
                        std::array::from_fn(|tap| f64::from(kernels.get(start + tap)) * layer.normal[o].0)
                    };
                    convolutions.push(Convolution::new(from, to, [inputs, outputs], kernel, &layer.bias(weights)?));
                    layouts.push((to, outputs));
                }
                (Operation::Dense { .. }, Some((layout, channels))) => {
                    let pixels = layout.side * layout.side;
                    let values = layer.weight(weights)?;
                    let mut packed = vec![0.0; pixels * layout.channels];
                    for (place, packed) in packed.chunks_exact_mut(layout.channels).enumerate() {
                        for (channel, packed) in packed.iter_mut().enumerate().take(channels) {
                            *packed = values[channel * pixels + place];
                        }
                    }
                    logit = (packed, layer.bias(weights)?[0]);
                }
                _ => {}
            }
        }
        Ok(Self { form, convolutions, layouts, weights: logit.0, bias: logit.1 })
    }

    /// Judges one map, `[side, side]` of kappa, on one core.
    ///
    /// # Errors
    /// When the map is of another size.
    pub fn judge(&self, kappa: &[f32]) -> Result<Judgement, DrawError> {
        let expected = self.layouts.first().map_or(0, |(map, _)| map.side * map.side);
        if kappa.len() != expected {
            return Err(DrawError::Pixels { maps: 1, found: kappa.len(), expected });
        }
        let mut features: Vec<Aligned> = self.layouts.iter().map(|(layout, _)| Aligned::zeros(layout.map())).collect();
        let logit = widest(Forward { discriminator: self, kappa, features: &mut features, room: &mut Room::default() });
        let of_convolutions = features.iter().zip(&self.layouts).skip(1);
        let activations =
            of_convolutions.map(|(features, (layout, channels))| layout.planes(features.get(), *channels)).collect();
        Ok(Judgement { logit, activations })
    }
}

/// A pass of a map through all layers.
struct Forward<'a> {
    discriminator: &'a CpuDiscriminator,
    kappa: &'a [f32],
    features: &'a mut [Aligned],
    room: &'a mut Room,
}

impl Work for Forward<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<const LANES: usize>(self) -> f32 {
        let Self { discriminator, kappa, features, room } = self;
        let first = discriminator.layouts[0].0;
        let map = features[0].get_mut();
        let DiscriminatorForm { input_unit, asinh, .. } = discriminator.form;
        for (place, kappa) in kappa.iter().enumerate() {
            let input = kappa / input_unit as f32;
            map[first.place(place / first.side, place % first.side)] = if asinh { libm::asinhf(input) } else { input };
        }
        for (number, convolution) in discriminator.convolutions.iter().enumerate() {
            let (before, after) = features.split_at_mut(number + 1);
            convolution.forward::<LANES>(before[number].get(), after[0].get_mut(), room);
        }
        let number = discriminator.layouts.len() - 1;
        let (last, features) = (discriminator.layouts[number].0, features[number].get());
        let mut sums = [0.0; SUMS];
        for (place, weights) in discriminator.weights.chunks_exact(last.channels).enumerate() {
            let start = last.place(place / last.side, place % last.side);
            let features = features[start..start + last.channels].as_chunks::<SUMS>().0;
            for (features, weights) in features.iter().zip(weights.as_chunks::<SUMS>().0) {
                for ((sum, feature), weight) in sums.iter_mut().zip(features).zip(weights) {
                    *sum += feature * weight;
                }
            }
        }
        sums.iter().sum::<f32>() + discriminator.bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        formats::weights::Precision,
        latent::latent,
        network::{Activation, NetworkDefinition, cpu::naive},
    };

    #[test]
    fn every_size_of_discriminator_judges_as_defined() {
        for stages in 1..=4 {
            for side in [1, 2, 3, 5, 8] {
                for (base_channels, batch_norm) in [(1, true), (3, false), (17, true)] {
                    if base_channels << (2 * stages) > 3000 {
                        continue;
                    }
                    let definition = NetworkDefinition {
                        map_side: side << stages,
                        base_channels,
                        stages,
                        ..NetworkDefinition::paper()
                    };
                    let form = DiscriminatorForm { batch_norm, input_unit: 0.5, asinh: base_channels == 3 };
                    let layers = form.layers(&definition);
                    let weights = naive::trained(&layers, Precision::F32);
                    let kappa = latent(3, definition.map_pixels());
                    let own = CpuDiscriminator::new(&definition, form, &weights).unwrap().judge(&kappa).unwrap();
                    let seen = |kappa: &f32| f64::from(*kappa) / 0.5;
                    let input: Vec<f64> =
                        kappa.iter().map(seen).map(|x| if form.asinh { x.asinh() } else { x }).collect();
                    let exact = naive::forward(&layers, &weights, &input);
                    let logit = exact[exact.len() - 1][0];
                    let scale = exact[exact.len() - 2].iter().fold(1.0_f64, |most, x| most.max(x.abs()));
                    assert!(
                        (f64::from(own.logit) - logit).abs() < 1e-5 * scale,
                        "{definition:?}: {} {logit}",
                        own.logit
                    );
                    let of_convolutions =
                        layers.iter().zip(&exact).filter(|(layer, _)| layer.activation != Activation::None);
                    assert_eq!(own.activations.len(), stages);
                    for (own, (layer, exact)) in own.activations.iter().zip(of_convolutions) {
                        assert_eq!(own.len(), exact.len());
                        let largest = exact.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
                        let error =
                            own.iter().zip(exact).fold(0.0_f64, |most, (a, b)| most.max((f64::from(*a) - b).abs()));
                        assert!(error < 1e-5 * largest, "{} of {definition:?}: {error:e} of {largest}", layer.name);
                    }
                }
            }
        }
    }
}
