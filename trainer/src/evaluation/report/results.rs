//! Every number of an evaluation: the content of `report.json`.

use serde::Serialize;
use shared::statistics::Statistic;

use crate::evaluation::{
    comparison::{Comparison, LEVELS, PValueSummary},
    novelty::{Birthday, Diversity, Interpolations, NearestTrainingMaps},
};

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    /// Version of the program.
    pub version: String,
    /// Whether this is the short version, whose numbers are rough.
    pub quick: bool,
    /// The weights.
    pub weights: WeightsSummary,
    /// The sets of maps.
    pub sets: Vec<SetSummary>,
    /// p-values that are counted.
    pub levels: [f64; 5],
    /// Generated maps against validation maps.
    pub comparison: Comparison,
    /// Independent simulated maps against validation maps.
    pub control: Option<Comparison>,
    /// Speed of the generator.
    pub generation: GenerationSpeed,
    /// Training maps nearest to generated ones; `null` where no training maps were given.
    pub nearest: Option<NearestTrainingMaps>,
    /// Interpolation between latent vectors.
    pub interpolations: Interpolations,
    /// Near pairs of generated maps.
    pub birthday: Birthday,
    /// Likeness of maps within each set.
    pub diversity: Diversity,
    /// Seconds that the evaluation took, finished parts of earlier ones not counted.
    pub seconds: f64,
}

/// Which weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightsSummary {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Training steps.
    pub steps: u64,
    /// Maps in a training batch.
    pub batch_size: usize,
    /// What the network was trained on.
    pub data: String,
    /// Side of the maps in degrees and pixels.
    pub side_angle: f64,
    /// Pixels along a side.
    pub pixels: usize,
}

/// One set of maps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetSummary {
    /// What the set is here for.
    pub role: String,
    /// Number of maps used.
    pub maps: usize,
    /// Where they come from.
    pub source: String,
}

/// How fast maps are drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenerationSpeed {
    /// Maps a second: latent vectors, network, and the way back from the device; `null` for a single batch.
    pub maps_per_second: Option<f64>,
    /// The device in words.
    pub device: String,
}

/// p-values of several statistics together, as the paper counts the Minkowski functionals' 57 thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Number of tests.
    pub tests: usize,
    /// How many are above each of [`LEVELS`].
    pub above: [usize; 5],
    /// Tests that tell the sets apart at 5 %.
    pub told_apart: usize,
}

/// Which of the two tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Kolmogorov-Smirnov.
    KolmogorovSmirnov,
    /// Anderson-Darling.
    AndersonDarling,
}

/// Sums over statistics.
pub fn count(comparison: &Comparison, statistics: &[Statistic], test: Test) -> Counted {
    let mut sum = Counted::default();
    for of in comparison.statistics.iter().filter(|of| statistics.contains(&of.statistic)) {
        let summary: &PValueSummary = match test {
            Test::KolmogorovSmirnov => &of.ks,
            Test::AndersonDarling => &of.ad,
        };
        sum.tests += summary.tests;
        sum.told_apart += summary.told_apart;
        for (sum, count) in sum.above.iter_mut().zip(&summary.above) {
            *sum += count;
        }
    }
    debug_assert_eq!(sum.above.len(), LEVELS.len());
    sum
}

/// The three functionals.
pub const MINKOWSKI: [Statistic; 3] = [Statistic::V0, Statistic::V1, Statistic::V2];
/// Groups of statistics that are summed up, with their names.
pub const GROUPS: [(&str, &[Statistic]); 3] = [
    ("power spectrum", &[Statistic::PowerSpectrum]),
    ("Minkowski functionals", &MINKOWSKI),
    ("peaks and minima", &[Statistic::Peaks, Statistic::Minima]),
];

/// What the comparison comes to, in a sentence a statistic.
pub fn verdicts(results: &Results) -> Vec<String> {
    let sentence = |&(name, statistics): &(&str, &[Statistic])| {
        let ours = count(&results.comparison, statistics, Test::AndersonDarling);
        let expected = ours.tests as f64 * 0.05;
        let control = results.control.as_ref().map(|control| {
            let theirs = count(control, statistics, Test::AndersonDarling);
            format!(", and {} of {} tell two sets of simulated maps apart", theirs.told_apart, theirs.tests)
        });
        format!(
            "{name}: {} of {} tests tell generated from simulated maps at the 5 % level (about {expected:.0} would by chance){}",
            ours.told_apart,
            ours.tests,
            control.unwrap_or_default()
        )
    };
    GROUPS.iter().map(sentence).collect()
}
