//! The generator from latent vectors to kappa, layer by layer.

use std::{
    future::{Future, ready},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    dense::Dense,
    features::{Aligned, Layout},
    last::LastLayer,
    tiles::Room,
    transposed::TransposedConvolution,
    width::{Work, widest},
    winograd::OUT,
};
use crate::{
    formats::weights::{Weights, WeightsError},
    network::{
        NetworkDefinition, Operation,
        definition::parameters,
        folded::FoldedLayer,
        generator::{Backend, DrawError, InputBatch},
    },
    parallel,
};

/// Most maps that one core computes at once: each weight is then read once for all of them.
const MAPS_AT_ONCE: usize = 4;

/// A generator with its weights packed for this processor.
#[derive(Debug)]
pub struct CpuGenerator {
    latent_size: usize,
    map_pixels: usize,
    dense: Dense,
    stages: Vec<TransposedConvolution>,
    last: LastLayer,
    /// Of each feature map, and its channels without those that fill up.
    layouts: Vec<(Layout, usize)>,
    /// Workspaces of [`CpuGenerator::compute`] that nobody uses now.
    spare: Mutex<Vec<Workspace>>,
}

/// Feature maps and products of some maps, used again and again.
#[derive(Debug, Default)]
pub struct Workspace {
    features: Vec<Aligned>,
    /// What there is room for.
    layouts: Vec<(Layout, usize)>,
    maps: usize,
    room: Room,
}

impl CpuGenerator {
    /// Packs a generator's weights.
    ///
    /// # Errors
    /// When the sizes make no network, or the weights were read for another one.
    pub fn new(definition: &NetworkDefinition, weights: &Weights) -> Result<Self, WeightsError> {
        definition.validate()?;
        let layers = definition.generator();
        weights.check(&parameters(&layers))?;
        let layers = FoldedLayer::of(&layers, weights)?;
        let [first, convolutions @ ..] = &layers[..] else { return Err(WeightsError::Missing("fc".into())) };
        let sizes = |layer: &FoldedLayer<'_>| match layer.layer.operation {
            Operation::TransposedConvolution { inputs, outputs } => [inputs, outputs],
            _ => [0, 0],
        };
        // Each feature map lies as the layer that reads it wants it.
        let layouts: Vec<(Layout, usize)> = convolutions
            .iter()
            .enumerate()
            .map(|(number, layer)| {
                let (inputs, side) = (sizes(layer)[0], layer.layer.output[1] / 2);
                let tile = if number + 1 == convolutions.len() { 1 } else { OUT };
                (Layout::new(inputs, side, tile, 1), inputs)
            })
            .collect();
        let [.., (before_last, _)] = layouts[..] else { return Err(WeightsError::Missing("deconv1".into())) };
        let dense = Dense::new(
            layouts[0].0,
            definition.latent_size,
            weights.values(&first.name("weight"))?,
            &first.bias(weights)?,
            &first.normal,
        );
        let mut stages = Vec::new();
        for (layer, layouts) in convolutions.iter().zip(layouts.windows(2)) {
            let kernels = weights.values(&layer.name("weight"))?;
            let [inputs, outputs] = sizes(layer);
            let kernel = |i: usize, o: usize| -> [f64; 25] {
                let start = (i * outputs + o) * 25;
                std::array::from_fn(|tap| f64::from(kernels.get(start + tap)) * layer.normal[o].0)
            };
            let (from, to) = (layouts[0].0, layouts[1].0);
            stages.push(TransposedConvolution::new(from, to, [inputs, outputs], kernel, &layer.bias(weights)?));
        }
        let last = &convolutions[convolutions.len() - 1];
        let (kernel, bias) = (last.weight(weights)?, last.bias(weights)?);
        let last = LastLayer::new(before_last, &kernel, bias[0], definition.kappa_scale);
        Ok(Self {
            latent_size: definition.latent_size,
            map_pixels: definition.map_pixels(),
            dense,
            stages,
            last,
            layouts,
            spare: Mutex::default(),
        })
    }

    /// Kappa `[maps, side, side]` of latent vectors `[maps, latent_size]`, on one core.
    ///
    /// # Errors
    /// When the last latent vector is not whole.
    pub fn draw(&self, latents: &[f32], workspace: &mut Workspace) -> Result<Vec<f32>, DrawError> {
        let rest = latents.len() % self.latent_size;
        if rest > 0 {
            return Err(DrawError::Latent { found: rest, expected: self.latent_size });
        }
        let mut kappa = vec![0.0; latents.len() / self.latent_size * self.map_pixels];
        let latents = latents.chunks(MAPS_AT_ONCE * self.latent_size);
        for (latents, kappa) in latents.zip(kappa.chunks_mut(MAPS_AT_ONCE * self.map_pixels)) {
            workspace.make(&self.layouts, latents.len() / self.latent_size);
            widest(Forward { generator: self, latents, kappa, workspace });
        }
        Ok(kappa)
    }

    /// Maps of a batch that keep all cores at work.
    pub fn maps_at_once() -> usize {
        parallel::threads() * MAPS_AT_ONCE
    }

    /// Kappa of a batch, its maps shared out among all cores.
    ///
    /// # Errors
    /// When the last latent vector is not whole.
    pub fn compute(&self, batch: &InputBatch) -> Result<Vec<f32>, DrawError> {
        let at_once = batch.maps.div_ceil(parallel::threads()).clamp(1, MAPS_AT_ONCE);
        let pieces: Vec<&[f32]> = batch.latents.chunks(at_once * self.latent_size).collect();
        let maps = parallel::map_init(
            pieces.len(),
            || (),
            |(), piece| {
                let mut workspace = self.spares().pop().unwrap_or_default();
                let kappa = self.draw(pieces[piece], &mut workspace);
                self.spares().push(workspace);
                kappa
            },
        );
        Ok(maps.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn spares(&self) -> MutexGuard<'_, Vec<Workspace>> {
        // A workspace is whole whatever became of another thread.
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each layer makes of a latent vector, after batch normalisation and ReLU: `[channels, side, side]` each, and at last kappa.
    ///
    /// # Errors
    /// When the latent vector is of another network.
    pub fn activations(&self, latent: &[f32], workspace: &mut Workspace) -> Result<Vec<Vec<f32>>, DrawError> {
        if latent.len() != self.latent_size {
            return Err(DrawError::Latent { found: latent.len(), expected: self.latent_size });
        }
        let kappa = self.draw(latent, workspace)?;
        let features = workspace.features.iter().zip(&self.layouts);
        let mut all: Vec<Vec<f32>> =
            features.map(|(features, (layout, channels))| layout.planes(features.get(), *channels)).collect();
        all.push(kappa);
        Ok(all)
    }
}

impl Workspace {
    fn make(&mut self, layouts: &[(Layout, usize)], maps: usize) {
        if self.layouts != layouts || self.maps < maps {
            self.features = layouts.iter().map(|(layout, _)| Aligned::zeros(maps * layout.map())).collect();
            (self.layouts, self.maps) = (layouts.to_vec(), maps);
        }
    }
}

/// A pass of some maps through all layers.
struct Forward<'a> {
    generator: &'a CpuGenerator,
    latents: &'a [f32],
    kappa: &'a mut [f32],
    workspace: &'a mut Workspace,
}

impl Work for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize>(self) {
        let Self { generator, latents, kappa, workspace } = self;
        let maps = latents.len() / generator.latent_size;
        let Workspace { features, room, .. } = workspace;
        generator.dense.forward(latents, features[0].get_mut());
        for (number, stage) in generator.stages.iter().enumerate() {
            let (before, after) = features.split_at_mut(number + 1);
            stage.forward::<LANES>(maps, before[number].get(), after[0].get_mut(), room);
        }
        let last = features.len() - 1;
        let map = generator.layouts[last].0.map();
        for (number, kappa) in kappa.chunks_exact_mut(generator.map_pixels).enumerate() {
            generator.last.forward(&features[last].get()[number * map..], kappa);
        }
    }
}

impl Backend for CpuGenerator {
    type Error = DrawError;

    fn forward(&self, batch: InputBatch) -> impl Future<Output = Result<Vec<f32>, DrawError>> {
        ready(self.compute(&batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;

    use crate::{
        formats::weights::{Manifest, Precision},
        latent::latent,
        network::{Activation, cpu::naive, definition::parameters},
    };

    fn sizes(latent_size: usize, map_side: usize, base_channels: usize, stages: usize) -> NetworkDefinition {
        NetworkDefinition {
            latent_size,
            map_side,
            base_channels,
            stages,
            kappa_scale: 0.5,
            ..NetworkDefinition::paper()
        }
    }

    /// The largest difference from f64 over the largest value, of the maps of some seeds.
    fn error(definition: &NetworkDefinition, weights: &Weights, seeds: Range<u64>) -> f64 {
        let layers = definition.generator();
        let generator = CpuGenerator::new(definition, weights).unwrap();
        let latents: Vec<Vec<f32>> = seeds.map(|seed| latent(seed, definition.latent_size)).collect();
        let kappa = generator.draw(&latents.concat(), &mut Workspace::default()).unwrap();
        let (mut error, mut largest) = (0.0_f64, 0.0_f64);
        for (latent, kappa) in latents.iter().zip(kappa.chunks(definition.map_pixels())) {
            let input: Vec<f64> = latent.iter().copied().map(f64::from).collect();
            let exact = naive::forward(&layers, weights, &input).pop().unwrap();
            assert_eq!(exact.len(), kappa.len());
            for (exact, kappa) in exact.iter().zip(kappa) {
                let exact = exact * f64::from(definition.kappa_scale);
                error = error.max((exact - f64::from(*kappa)).abs());
                largest = largest.max(exact.abs());
            }
        }
        error / largest
    }

    #[test]
    fn every_size_of_network_draws_as_defined() {
        for stages in 1..=4 {
            for side in [1, 2, 3, 4, 5, 7, 8] {
                for (channels, latent_size) in [(1, 1), (2, 5), (3, 64), (17, 3)] {
                    if channels << (2 * stages) > 2000 {
                        continue;
                    }
                    let definition = sizes(latent_size, side << stages, channels, stages);
                    let precision = if side % 2 == 0 { Precision::F16 } else { Precision::F32 };
                    let weights = naive::trained(&definition.generator(), precision);
                    let error = error(&definition, &weights, 1..3);
                    assert!(error < 1e-5, "{definition:?}: {error:e}");
                }
            }
        }
    }

    /// Of the shipped weights, so that it is the error that anyone sees.
    #[test]
    fn shipped_weights_draw_within_five_millionths() {
        let manifest = Manifest::from_json(include_bytes!("../../../../public/weights/manifest.json")).unwrap();
        let file = manifest.file(Precision::F16).unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/weights");
        let layers = manifest.network.generator();
        let weights = Weights::read(std::fs::read(folder.join(&file.file)).unwrap(), &parameters(&layers)).unwrap();
        let error = error(&manifest.network, &weights, 1..2);
        assert!(error < 5e-6, "{error:e}");
    }

    #[test]
    fn a_map_is_the_same_alone_and_among_others_and_after_them() {
        let definition = sizes(7, 40, 5, 3);
        let weights = naive::trained(&definition.generator(), Precision::F16);
        let generator = CpuGenerator::new(&definition, &weights).unwrap();
        let mut workspace = Workspace::default();
        let latents: Vec<f32> = (0..11).flat_map(|seed| latent(seed, 7)).collect();
        let together = generator.draw(&latents, &mut workspace).unwrap();
        // A network of other sizes in the same workspace leaves nothing behind.
        let other = sizes(7, 24, 6, 3);
        let other = CpuGenerator::new(&other, &naive::trained(&other.generator(), Precision::F16)).unwrap();
        for (latent, kappa) in latents.chunks(7).zip(together.chunks(1600)) {
            assert_eq!(generator.draw(latent, &mut workspace).unwrap(), kappa);
            other.draw(latent, &mut workspace).unwrap();
        }
        let batch = InputBatch { maps: 11, latents, conditions: Vec::new() };
        assert_eq!((generator.compute(&batch), generator.compute(&batch)), (Ok(together.clone()), Ok(together)));
    }

    #[test]
    fn every_kind_of_processor_gives_the_same_bits() {
        let definition = sizes(6, 48, 9, 3);
        let weights = naive::trained(&definition.generator(), Precision::F16);
        let generator = CpuGenerator::new(&definition, &weights).unwrap();
        let latents: Vec<f32> = (0..2).flat_map(|seed| latent(seed, 6)).collect();
        let expected = generator.draw(&latents, &mut Workspace::default()).unwrap();
        let mut with = [vec![0.0; expected.len()], vec![0.0; expected.len()], vec![0.0; expected.len()]];
        for (lanes, kappa) in [4, 8, 16].into_iter().zip(&mut with) {
            let mut workspace = Workspace::default();
            workspace.make(&generator.layouts, 2);
            let forward = Forward { generator: &generator, latents: &latents, kappa, workspace: &mut workspace };
            match lanes {
                4 => forward.run::<4>(),
                8 => forward.run::<8>(),
                _ => forward.run::<16>(),
            }
        }
        assert!(with.iter().all(|kappa| *kappa == expected));
    }

    #[test]
    fn activations_are_those_of_the_layers() {
        let definition = sizes(5, 24, 3, 3);
        let layers = definition.generator();
        let weights = naive::trained(&layers, Precision::F32);
        let generator = CpuGenerator::new(&definition, &weights).unwrap();
        let latent = latent(3, 5);
        let activations = generator.activations(&latent, &mut Workspace::default()).unwrap();
        let input: Vec<f64> = latent.iter().copied().map(f64::from).collect();
        let exact = naive::forward(&layers, &weights, &input);
        let shown: Vec<&Vec<f64>> = layers
            .iter()
            .zip(&exact)
            .filter(|(layer, _)| layer.activation != Activation::None)
            .map(|(_, values)| values)
            .collect();
        assert_eq!(activations.len(), shown.len());
        let scale = |layer: usize| if layer + 1 == shown.len() { 0.5 } else { 1.0 };
        for (layer, (own, exact)) in activations.iter().zip(&shown).enumerate() {
            assert_eq!(own.len(), exact.len());
            let largest = exact.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            for (own, exact) in own.iter().zip(*exact) {
                assert!((f64::from(*own) - scale(layer) * exact).abs() < 5e-6 * largest, "{layer}: {own} {exact}");
            }
        }
    }

    #[test]
    fn what_is_of_another_network_is_refused() {
        let definition = sizes(5, 24, 3, 3);
        let weights = naive::trained(&definition.generator(), Precision::F32);
        let generator = CpuGenerator::new(&definition, &weights).unwrap();
        let mut workspace = Workspace::default();
        let refused = Err(DrawError::Latent { found: 2, expected: 5 });
        assert_eq!(generator.draw(&[0.0; 7], &mut workspace), refused);
        assert_eq!(generator.activations(&[0.0; 2], &mut workspace).map(|_| Vec::new()), refused);
        assert_eq!(generator.draw(&[], &mut workspace), Ok(Vec::new()));
        for other in [sizes(4, 24, 3, 3), sizes(5, 48, 3, 3), sizes(5, 24, 2, 3), sizes(5, 24, 3, 2)] {
            assert!(CpuGenerator::new(&other, &weights).is_err(), "{other:?}");
        }
    }
}
