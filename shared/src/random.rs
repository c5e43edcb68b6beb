//! Seeded random numbers that are the same on every platform.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is for; streams of one seed are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Latent vectors shown to people: their bits must never change.
    Latent,
    /// Initial weights.
    InitialWeights,
    /// Latent vectors of a training step.
    TrainingLatent,
    /// Order of the training maps.
    Shuffle,
    /// Label flips.
    LabelFlip,
    /// Windows and symmetries of map crops.
    Crops,
    /// Windows and symmetries of the maps of a training step.
    TrainingCrops,
    /// Noise on what the discriminator sees in a training step.
    DiscriminatorNoise,
    /// Permutations and bootstraps of two-sample tests.
    Resampling,
    /// Modes of a simulation's initial density.
    InitialDensity,
    /// Places and symmetries of a simulation's box along a line of sight.
    LineOfSight,
    /// Seeds of the boxes of a campaign.
    Boxes,
    /// Shapes of the galaxies from which a map is made.
    ShapeNoise,
    /// Galaxies behind a map.
    Galaxies,
}

/// Random numbers from ChaCha12, keyed by seed and [`Stream`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random {
    words: ChaCha12Rng,
}

/// The random numbers of `seed` for one purpose.
pub fn stream(seed: u64, purpose: Stream) -> Random {
    let tag: &[u8; 16] = match purpose {
        Stream::Latent => b"cosmogan.latent.",
        Stream::InitialWeights => b"cosmogan.initial",
        Stream::TrainingLatent => b"cosmogan.trainz.",
        Stream::Shuffle => b"cosmogan.shuffle",
        Stream::LabelFlip => b"cosmogan.flip...",
        Stream::Crops => b"cosmogan.crops..",
        Stream::TrainingCrops => b"cosmogan.traincr",
        Stream::DiscriminatorNoise => b"cosmogan.disnois",
        Stream::Resampling => b"cosmogan.resampl",
        Stream::InitialDensity => b"cosmogan.density",
        Stream::LineOfSight => b"cosmogan.sight..",
        Stream::Boxes => b"cosmogan.boxes..",
        Stream::ShapeNoise => b"cosmogan.shapes.",
        Stream::Galaxies => b"cosmogan.galaxy.",
    };
    // The key is spelled out, since `seed_from_u64` may change between versions of rand_core.
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[16..].copy_from_slice(tag);
    Random { words: ChaCha12Rng::from_seed(key) }
}

impl Random {
    /// The same seed and purpose at another place: `index` gives independent numbers for a map, a step or an epoch, so that
    /// these can be drawn in any order.
    #[must_use]
    pub fn at(mut self, index: u64) -> Self {
        self.words.set_stream(index);
        self.words.set_word_pos(0);
        self
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.words.next_u64()
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..bound (0 for a bound of 0), without bias.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        let bound = bound as u64;
        // Rejection of the last, incomplete run of `bound` words.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let word = self.words.next_u64();
            if word < limit {
                return (word % bound) as usize;
            }
        }
    }

    /// Uniform in 0..bound (0 for a bound of 0) from a single word: a number's probability is off by 2^-32 at most, which is
    /// nothing for resampling and half the cost of [`Self::below`].
    pub fn below_word(&mut self, bound: u32) -> u32 {
        ((u64::from(self.words.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// N(0, 1), by Box-Muller; the sine branch is left out so that every draw is two words.
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    /// Modulus and argument of a complex Gaussian number of unit variance: the square of the modulus is exponential with mean 1.
    pub fn complex_normal(&mut self) -> (f64, f64) {
        (libm::sqrt(-libm::log(1.0 - self.uniform())), core::f64::consts::TAU * self.uniform())
    }

    /// N(0, 1) within two standard deviations, redrawn outside (TensorFlow's truncated normal).
    pub fn truncated_normal(&mut self) -> f64 {
        loop {
            let draw = self.normal();
            if draw.abs() < 2.0 {
                return draw;
            }
        }
    }

    /// A uniformly random order of 0..count (Fisher-Yates).
    pub fn permutation(&mut self, count: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count as u32).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_places_differ() {
        let draw = |purpose, index| stream(5, purpose).at(index).uniform();
        let draws = [draw(Stream::Latent, 0), draw(Stream::Crops, 0), draw(Stream::Crops, 1), draw(Stream::Shuffle, 1)];
        for (i, a) in draws.iter().enumerate() {
            assert!(draws[i + 1..].iter().all(|b| a != b), "{draws:?}");
        }
        assert_eq!(draw(Stream::Crops, 1).to_bits(), draw(Stream::Crops, 1).to_bits());
    }

    #[test]
    fn below_is_uniform() {
        let mut random = stream(1, Stream::Crops);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        assert!(counts.iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn permutation_holds_every_index_once() {
        let order = stream(1, Stream::Shuffle).permutation(1000);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..1000) && order != sorted);
    }

    #[test]
    fn truncated_normal_stays_inside() {
        let mut random = stream(1, Stream::InitialWeights);
        let draws: Vec<f64> = (0..100_000).map(|_| random.truncated_normal()).collect();
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / 1e5;
        assert!(draws.iter().all(|x| x.abs() < 2.0));
        // Variance of N(0, 1) truncated at 2: 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737.
        assert!((variance - 0.7737).abs() < 0.01, "{variance}");
    }
}
