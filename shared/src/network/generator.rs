//! The one way from seeds or latent vectors to maps, whatever computes them.
//!
//! A [`MapGenerator`] cuts what is asked for into batches, has its [`Backend`] compute them, and hands the maps out one by one. Backends
//! are the own inference ([`super::cpu`]), libtorch in the trainer and burn on the page ([`super::burn`]); a new one is one implementation of [`Backend`], and a new condition,
//! such as a cosmological parameter, has its place in [`DrawInput`].

use std::{
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::NetworkDefinition;
use crate::latent::{latent, slerp};

/// What one map is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawInput {
    /// The latent vector z, `latent_size` numbers.
    pub latent: Vec<f32>,
    /// Values of [`NetworkDefinition::conditions`], in their order; none for a network without conditions.
    pub conditions: Vec<f32>,
}

impl DrawInput {
    /// The map of a seed, for a network without conditions.
    pub fn of_seed(seed: u64, definition: &NetworkDefinition) -> Self {
        Self::of_latent(latent(seed, definition.latent_size))
    }

    /// A place from 0 to 1 on the arc between the latent vectors of two seeds, for a network without conditions; at 0 exactly that
    /// of the first.
    pub fn between(seeds: [u64; 2], place: f64, definition: &NetworkDefinition) -> Self {
        let [from, to] = seeds.map(|seed| latent(seed, definition.latent_size));
        Self::of_latent(if place <= 0.0 { from } else { slerp(&from, &to, place.min(1.0)) })
    }

    /// A point of the patch between four seeds, for a network without conditions: `place` along the upper and the lower arc, `height`
    /// from 0 on the upper to 1 on the lower one.
    pub fn on_patch([upper, lower]: [[u64; 2]; 2], place: f64, height: f64, definition: &NetworkDefinition) -> Self {
        let [above, below] = [upper, lower].map(|seeds| Self::between(seeds, place, definition).latent);
        Self::of_latent(if height <= 0.0 { above } else { slerp(&above, &below, height.min(1.0)) })
    }

    /// A latent vector, for a network without conditions.
    pub fn of_latent(latent: Vec<f32>) -> Self {
        Self { latent, conditions: Vec::new() }
    }
}

/// Inputs of some maps, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct InputBatch {
    /// Number of maps.
    pub maps: usize,
    /// `[maps, latent_size]`, row by row.
    pub latents: Vec<f32>,
    /// `[maps, conditions]`, row by row.
    pub conditions: Vec<f32>,
}

/// What computes a generator's maps.
pub trait Backend {
    /// Why it cannot.
    type Error: From<DrawError>;

    /// Kappa of a batch, `[maps, side, side]`, row by row. Native backends are ready at once; those of a page wait for their device.
    fn forward(&self, batch: InputBatch) -> impl Future<Output = Result<Vec<f32>, Self::Error>>;
}

impl<B: Backend> Backend for &B {
    type Error = B::Error;

    fn forward(&self, batch: InputBatch) -> impl Future<Output = Result<Vec<f32>, Self::Error>> {
        (**self).forward(batch)
    }
}

impl<B: Backend> Backend for Rc<B> {
    type Error = B::Error;

    fn forward(&self, batch: InputBatch) -> impl Future<Output = Result<Vec<f32>, Self::Error>> {
        (**self).forward(batch)
    }
}

/// Why maps cannot be drawn, whatever computes them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DrawError {
    /// A latent vector of another network.
    #[error("this network draws from {expected} random numbers, {found} were given")]
    Latent {
        /// Its length.
        found: usize,
        /// The network's.
        expected: usize,
    },
    /// Conditions of another network.
    #[error("this network has {expected} conditions, {found} were given")]
    Conditions {
        /// How many there are.
        found: usize,
        /// How many the network has.
        expected: usize,
    },
    /// The backend gave something else than maps.
    #[error("{maps} maps have {expected} pixels, the device gave {found}")]
    Pixels {
        /// Maps asked for.
        maps: usize,
        /// Pixels that came.
        found: usize,
        /// Pixels that these maps have.
        expected: usize,
    },
    /// Weights that draw no numbers.
    #[error(
        "a map holds values that are not finite: the weights are damaged, or of another kind than their manifest says"
    )]
    NotFinite,
    /// A backend that has to wait was asked to answer at once.
    #[error("this device cannot draw while others wait for it")]
    Pending,
}

/// Draws maps of one network.
///
/// # Examples
/// A backend that draws nothing but the mean density:
/// ```
/// use shared::network::{DrawInput, MapGenerator, NetworkDefinition};
/// use shared::network::generator::{Backend, DrawError, InputBatch};
///
/// struct Empty;
///
/// impl Backend for Empty {
///     type Error = DrawError;
///
///     async fn forward(&self, batch: InputBatch) -> Result<Vec<f32>, DrawError> {
///         Ok(vec![0.0; batch.maps * 256 * 256])
///     }
/// }
///
/// let generator = MapGenerator::new(NetworkDefinition::paper(), 0.865, 16, Empty);
/// let maps = generator.draw_seeds(0..20)?;
/// assert_eq!((maps.len(), maps[0].len()), (20, 256 * 256));
/// # Ok::<(), DrawError>(())
/// ```
#[derive(Debug)]
pub struct MapGenerator<B> {
    definition: NetworkDefinition,
    side_angle: f64,
    batch: usize,
    backend: B,
}

impl<B: Backend> MapGenerator<B> {
    /// A generator of maps of `side_angle` degrees that computes `batch` maps at once, at least one.
    pub fn new(definition: NetworkDefinition, side_angle: f64, batch: usize, backend: B) -> Self {
        Self { definition, side_angle, batch: batch.max(1), backend }
    }

    /// Sizes of the network.
    pub fn definition(&self) -> &NetworkDefinition {
        &self.definition
    }

    /// Pixels along the side of a map.
    pub fn pixels(&self) -> usize {
        self.definition.map_side
    }

    /// Side of a map in degrees.
    pub fn side_angle(&self) -> f64 {
        self.side_angle
    }

    /// Maps that are computed at once.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// What computes.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Kappa of a map for each input, row by row.
    ///
    /// # Errors
    /// When an input is of another network, or the backend fails.
    pub async fn draw(&self, inputs: &[DrawInput]) -> Result<Vec<Vec<f32>>, B::Error> {
        let mut maps = Vec::with_capacity(inputs.len());
        for inputs in inputs.chunks(self.batch) {
            let (count, pixels) = (inputs.len(), self.definition.map_pixels());
            let kappa = self.backend.forward(self.input_batch(inputs)?).await?;
            if kappa.len() != count * pixels {
                return Err(DrawError::Pixels { maps: count, found: kappa.len(), expected: count * pixels }.into());
            }
            if !kappa.iter().all(|kappa| kappa.is_finite()) {
                return Err(DrawError::NotFinite.into());
            }
            maps.extend(kappa.chunks(pixels).map(<[f32]>::to_vec));
        }
        Ok(maps)
    }

    /// As [`Self::draw`], for backends that answer at once.
    ///
    /// # Errors
    /// When an input is of another network, or the backend fails or has to wait.
    pub fn draw_now(&self, inputs: &[DrawInput]) -> Result<Vec<Vec<f32>>, B::Error> {
        match pin!(self.draw(inputs)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(maps) => maps,
            Poll::Pending => Err(DrawError::Pending.into()),
        }
    }

    /// Kappa of the maps of some seeds, for backends that answer at once.
    ///
    /// # Errors
    /// As [`Self::draw_now`].
    pub fn draw_seeds(&self, seeds: impl IntoIterator<Item = u64>) -> Result<Vec<Vec<f32>>, B::Error> {
        let inputs: Vec<DrawInput> = seeds.into_iter().map(|seed| DrawInput::of_seed(seed, &self.definition)).collect();
        self.draw_now(&inputs)
    }

    fn input_batch(&self, inputs: &[DrawInput]) -> Result<InputBatch, DrawError> {
        let (latent_size, conditions) = (self.definition.latent_size, self.definition.conditions.len());
        for input in inputs {
            if input.latent.len() != latent_size {
                return Err(DrawError::Latent { found: input.latent.len(), expected: latent_size });
            }
            if input.conditions.len() != conditions {
                return Err(DrawError::Conditions { found: input.conditions.len(), expected: conditions });
            }
        }
        Ok(InputBatch {
            maps: inputs.len(),
            latents: inputs.iter().flat_map(|input| &input.latent).copied().collect(),
            conditions: inputs.iter().flat_map(|input| &input.conditions).copied().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Maps whose pixels are the first number of their latent vector; remembers the batches.
    #[derive(Default)]
    struct FirstNumber(RefCell<Vec<usize>>);

    impl Backend for FirstNumber {
        type Error = DrawError;

        async fn forward(&self, batch: InputBatch) -> Result<Vec<f32>, DrawError> {
            self.0.borrow_mut().push(batch.maps);
            Ok(batch.latents.chunks(3).flat_map(|latent| [latent[0]; 16]).collect())
        }
    }

    fn small() -> NetworkDefinition {
        NetworkDefinition { latent_size: 3, map_side: 4, base_channels: 1, stages: 1, ..NetworkDefinition::paper() }
    }

    #[test]
    fn maps_come_in_the_order_of_their_seeds_whatever_the_batch() {
        for (batch, batches) in [(1, vec![1; 5]), (2, vec![2, 2, 1]), (5, vec![5]), (64, vec![5])] {
            let generator = MapGenerator::new(small(), 1.0, batch, FirstNumber::default());
            let maps = generator.draw_seeds(10..15).unwrap();
            for (seed, map) in (10..15).zip(maps) {
                assert_eq!(map, [latent(seed, 3)[0]; 16]);
            }
            assert_eq!(*generator.backend().0.borrow(), batches);
        }
    }

    #[test]
    fn places_between_seeds_meet_their_ends() {
        let [start, middle, end] = [0.0, 0.5, 1.0].map(|place| DrawInput::between([1, 2], place, &small()));
        assert_eq!(start, DrawInput::of_seed(1, &small()));
        let expected = DrawInput::of_seed(2, &small());
        assert!(end.latent.iter().zip(&expected.latent).all(|(a, b)| (a - b).abs() < 1e-6));
        assert!(middle != start && middle != end);
    }

    #[test]
    fn inputs_of_another_network_are_refused() {
        let generator = MapGenerator::new(small(), 1.0, 2, FirstNumber::default());
        let refused = |input: DrawInput| generator.draw_now(&[input]).unwrap_err();
        assert_eq!(refused(DrawInput::of_latent(vec![0.0; 4])), DrawError::Latent { found: 4, expected: 3 });
        let conditioned = DrawInput { latent: vec![0.0; 3], conditions: vec![0.3] };
        assert_eq!(refused(conditioned), DrawError::Conditions { found: 1, expected: 0 });
    }

    /// A device that never answers.
    struct Busy;

    impl Backend for Busy {
        type Error = DrawError;

        fn forward(&self, _: InputBatch) -> impl Future<Output = Result<Vec<f32>, DrawError>> {
            std::future::pending()
        }
    }

    #[test]
    fn a_backend_that_waits_is_not_asked_twice() {
        let generator = MapGenerator::new(small(), 1.0, 2, Busy);
        assert_eq!(generator.draw_seeds([1]), Err(DrawError::Pending));
    }
}
