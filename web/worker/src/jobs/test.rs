//! Two sets of power spectra against each other, as the paper compares them (Section 3.1).

use protocol::{Event, Tests};
use shared::statistics::{
    TwoSample,
    correlation::{CorrelationDifference, correlation_matrix},
    two_sample::joint::permute_together,
};

use super::Step;

/// Permutations of whole maps, and most maps of a set among which they are drawn: a fifth of a second in all.
const PERMUTATIONS: u32 = 199;
const MOST_PERMUTED: usize = 512;

/// Spectra map by map, an empty mode without a value.
fn spectra(numbers: &[f32], modes: usize) -> Vec<Vec<Option<f64>>> {
    let power = |power: &f32| power.is_finite().then(|| f64::from(*power));
    numbers.chunks_exact(modes.max(1)).map(|map| map.iter().map(power).collect()).collect()
}

/// Tests them, mode by mode and all together.
pub fn step(sets: [Vec<f32>; 2], modes: usize) -> Step {
    let [generated, simulated] = sets.map(|set| spectra(&set, modes));
    let column = |set: &[Vec<Option<f64>>], mode: usize| -> Vec<f64> {
        set.iter().filter_map(|map| map.get(mode).copied().flatten()).collect()
    };
    let p_value = |mode: usize| {
        TwoSample::new(&column(&generated, mode), &column(&simulated, mode)).map(|pair| pair.kolmogorov_smirnov_p())
    };
    let rows = |set: &[Vec<Option<f64>>]| set.len().min(MOST_PERMUTED);
    let first: Vec<&[Option<f64>]> = generated[..rows(&generated)].iter().map(Vec::as_slice).collect();
    let second: Vec<&[Option<f64>]> = simulated[..rows(&simulated)].iter().map(Vec::as_slice).collect();
    let [by_distribution, _] = permute_together(&first, &second, PERMUTATIONS, 1);
    let matrices = [&generated, &simulated].map(|set| correlation_matrix(set));
    let correlation_rms = CorrelationDifference::of(&matrices[0], &matrices[1]).rms;
    let numbers = matrices.map(|matrix| matrix.concat().into_iter().map(|value| value.unwrap_or(0.0) as f32).collect());
    let tests = Tests {
        maps: [generated.len(), simulated.len()],
        p_values: (0..modes).map(p_value).collect(),
        together: by_distribution.together,
        correlation_rms,
    };
    (Event::Tested(tests), numbers.into())
}
