//! Every number of an evaluation: the content of `report.json`.

use serde::Serialize;
use shared::statistics::{Statistic, two_sample::joint::Test};

use crate::evaluation::{
    comparison::{Comparison, PValueSummary},
    diversity::Similarity,
    novelty::{Birthday, Interpolations, NearestTrainingMaps},
};

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    /// Version of the program.
    pub version: String,
    /// Whether this is the short version, whose numbers are rough.
    pub quick: bool,
    /// SHA-256 of what the numbers depend on: weights, validation maps, bins.
    pub inputs: String,
    /// What makes the sets no fair judges: maps that they share with each other or with the training data.
    pub warnings: Vec<String>,
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

/// How alike two maps of each set are; `null` for maps that are too small or too few.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Diversity {
    /// Simulated maps.
    pub simulated: Option<Similarity>,
    /// Generated maps.
    pub generated: Option<Similarity>,
}

/// Which weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightsSummary {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Training steps, where they are known.
    pub steps: Option<u64>,
    /// Maps in a training batch.
    pub batch_size: Option<usize>,
    /// What the network was trained on.
    pub data: String,
    /// Side of the maps in degrees and pixels.
    pub side_angle: f64,
    /// Pixels along a side.
    pub pixels: usize,
    /// Statistics of the data that training pulled maps toward.
    pub trained_toward: Vec<String>,
}

impl WeightsSummary {
    /// How long they were trained.
    pub fn words(&self) -> String {
        match (self.steps, self.batch_size) {
            (Some(steps), Some(batch)) => format!("Weights of {steps} training steps at batches of {batch}"),
            _ => "Weights from another program".into(),
        }
    }
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
    /// How many are above each of [`LEVELS`](crate::evaluation::comparison::LEVELS).
    pub above: [usize; 5],
    /// Tests that tell the sets apart at 5 %.
    pub told_apart: usize,
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
    sum
}

/// The three functionals.
pub const MINKOWSKI: [Statistic; 3] = [Statistic::V0, Statistic::V1, Statistic::V2];
/// Groups of statistics that are summed up, with their names.
const GROUPS: [(&str, &[Statistic]); 4] = [
    ("power spectrum", &[Statistic::PowerSpectrum]),
    ("Minkowski functionals", &MINKOWSKI),
    ("peaks and minima", &[Statistic::Peaks, Statistic::Minima]),
    ("xi(theta) and bispectrum", &[Statistic::TwoPoint, Statistic::Bispectrum]),
];

/// Counts of every group by both tests, generated maps first and the control below: group, test, whose, counts.
pub fn counted_rows(results: &Results) -> Vec<(&'static str, &'static str, &'static str, Counted)> {
    let mut rows = Vec::new();
    for (group, statistics) in GROUPS {
        for (label, test) in [("KS", Test::KolmogorovSmirnov), ("AD", Test::AndersonDarling)] {
            rows.push((group, label, "generated", count(&results.comparison, statistics, test)));
            rows.extend(results.control.as_ref().map(|of| (group, label, "control", count(of, statistics, test))));
        }
    }
    rows
}

/// A p-value from this many permutations, in words: the smallest possible one is an upper bound.
pub fn p_text(p: Option<f64>, resamples: u32) -> String {
    match p {
        None => "nothing to test".into(),
        Some(p) if p <= 1.0 / f64::from(resamples + 1) => format!("p \u{2264} {p:.4}"),
        Some(p) => format!("p = {p:.4}"),
    }
}

/// What the comparison comes to, in a sentence a statistic.
pub fn verdicts(results: &Results) -> Vec<String> {
    let of = |comparison: &Comparison, place: usize| -> String {
        let summary = &comparison.statistics[place].ad;
        let p = p_text(summary.together, comparison.options.resamples);
        format!("{p}, {} of {} bins told apart", summary.told_apart, summary.tests)
    };
    let sentence = |(place, statistic): (usize, &crate::evaluation::comparison::StatisticComparison)| {
        let control = results.control.as_ref().map(|control| format!("; control: {}", of(control, place)));
        format!("{}: {}{}", statistic.statistic.label(), of(&results.comparison, place), control.unwrap_or_default())
    };
    results.comparison.statistics.iter().enumerate().map(sentence).collect()
}

/// What a reader has to know before believing the numbers.
pub fn cautions(results: &Results) -> Vec<String> {
    let mut cautions = results.warnings.clone();
    if !results.weights.trained_toward.is_empty() {
        cautions.push(format!(
            "Training pulled these maps toward statistics of its data: {}. For them, this comparison is no blind test.",
            results.weights.trained_toward.join("; ")
        ));
    }
    if results.quick {
        cautions.push("Quick version: few maps and few resamples. Numbers to quote need a run without --quick.".into());
    }
    match &results.control {
        None => cautions.push(
            "No control: without a second set of simulated maps (--control) there is nothing to judge p-values by."
                .into(),
        ),
        Some(control) if control.maps[0] < results.comparison.maps[0] => cautions.push(format!(
            "The control has {} maps, fewer than the {} generated ones: its tests see less than theirs.",
            control.maps[0], results.comparison.maps[0]
        )),
        Some(_) => {}
    }
    let source = |role: &str| results.sets.iter().find(|set| set.role == role).map(|set| &set.source);
    if source("control").is_some() && source("control") == source("validation") {
        cautions.push(
            "Control and validation maps have one description: if both are random windows of the same simulation, the control \
             shows what the choice of windows does, not what another simulation would."
                .into(),
        );
    }
    let constant = [
        ("generated", results.comparison.constant_maps[0]),
        ("validation", results.comparison.constant_maps[1]),
        ("control", results.control.as_ref().map_or(0, |control| control.constant_maps[0])),
    ];
    for (whose, count) in constant.into_iter().filter(|(_, count)| *count > 0) {
        cautions.push(format!(
            "{count} {whose} maps are constant: they have no thresholds in sigma and are left out of those tests."
        ));
    }
    if results.comparison.correlation.matrix.iter().flatten().all(Option::is_none) {
        cautions
            .push("Correlation matrices cannot be compared: the modes of one set do not vary from map to map.".into());
    }
    let [generated, validation] = results.comparison.pixels.outside;
    if generated.max(validation) > 1e-3 {
        cautions.push(format!(
            "{:.1} % of generated and {:.1} % of validation pixels lie outside the bins of the pixel density.",
            100.0 * generated,
            100.0 * validation
        ));
    }
    let rounded = results.birthday.spaces.iter().filter(|space| !(space.found.exact && space.simulated.exact));
    for space in rounded {
        cautions.push(format!(
            "Pairs in {}: rounding may have hidden a pair as close as the last of those shown, or one that is the same.",
            space.space
        ));
    }
    cautions
}
