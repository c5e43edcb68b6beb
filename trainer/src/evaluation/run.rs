//! The evaluation from opened inputs to a written report, part by part.

use std::{path::Path, time::Instant};

use anyhow::Result;
use sha2::{Digest, Sha256};
use shared::{
    formats::weights::{Manifest, Origin, WeightsFile, manifest::hexadecimal},
    statistics::StatisticsEdges,
};
use storage::{
    files::create_folder,
    maps::MapArchive,
    runs::{FolderLock, Interruption, Parts, write_atomically},
};
use tch::Device;

use super::{
    comparison::{Comparison, LEVELS, compare},
    diversity::{self, Similarity},
    measured::MeasuredMaps,
    novelty::{Birthday, BirthdayOptions, NearestTrainingMaps, birthday, interpolations, nearest_training_maps},
    options::TestOptions,
    reference,
    report::{
        figures::{Content, Figure, Sets, of_statistics, rows_of_maps},
        novelty_figures, page,
        results::{Diversity, GenerationSpeed, Results, SetSummary, WeightsSummary},
    },
};
use crate::{drawing::Generator, torch::TorchNetwork};

/// Seed of the first generated map: far from the small numbers that people type.
pub const FIRST_SEED: u64 = 1 << 32;
/// Generated maps whose nearest training maps are shown.
pub const QUERIES: usize = 4;
/// Interpolations that are shown.
const INTERPOLATIONS: u64 = 4;
/// Maps that are drawn at once, the paper's batch.
pub const BATCH: usize = 64;
/// Training maps that a short evaluation looks through.
const QUICK_TRAINING_MAPS: usize = 2048;

/// An evaluation whose inputs are opened and fit together.
pub struct Evaluation {
    /// What the weights are.
    pub manifest: Manifest,
    /// Their file.
    pub file: WeightsFile,
    /// The generator.
    pub generator: Generator,
    /// A discriminator, for the space of its features.
    pub discriminator: Option<TorchNetwork>,
    /// Simulated maps that the network was not trained on.
    pub validation: MapArchive,
    /// Independent simulated maps.
    pub control: Option<MapArchive>,
    /// The training maps.
    pub training: Option<MapArchive>,
    /// Where networks compute.
    pub device: Device,
    /// Generated maps, and most maps of each other set.
    pub count: usize,
    /// Generated maps among which near pairs are looked for.
    pub pair_maps: usize,
    /// How p-values are found.
    pub options: TestOptions,
    /// Bins of the statistics.
    pub edges: StatisticsEdges,
    /// Whether this is the short version.
    pub quick: bool,
    /// Maps that sets share with each other or with the training data, in words.
    pub warnings: Vec<String>,
    /// What every part depends on, besides its own settings: version, weights, their maps' size and angle, validation maps, bins.
    pub depends_on: String,
    /// What the discriminator is, as text.
    pub judged_by: String,
}

/// Statistics of every set.
struct Measured {
    validation: MeasuredMaps,
    control: Option<MeasuredMaps>,
    generated: MeasuredMaps,
    maps_per_second: Option<f64>,
}

impl Evaluation {
    /// Does what is not done yet, and writes the report into one folder, what the page knows of simulated maps into another.
    ///
    /// # Errors
    /// When a map is not usable, the device fails, another program evaluates in that folder, or one cannot be written; or
    /// [`Interrupted`](storage::runs::Interrupted). Finished parts are kept.
    pub fn run(&self, out: &Path, reference: &Path, interruption: &Interruption) -> Result<Results> {
        let start = Instant::now();
        let _lock = FolderLock::of_folder(out, "evaluates")?;
        let parts = Parts::open(&out.join("parts"))?;
        let generator = &self.generator;
        let measured = self.measure(&parts, generator)?;
        interruption.check()?;
        let (comparison, control) = self.test(&parts, &measured)?;
        interruption.check()?;
        let nearest = self.nearest(&parts, generator)?;
        interruption.check()?;
        let near_pairs = self.near_pairs(&parts, generator, &measured.validation, interruption)?;

        let samples = diversity::MAPS.min(measured.validation.maps.len()).min(self.count);
        let simulated: Vec<Vec<f32>> =
            (0..samples).map(|map| Ok(self.validation.map(map)?.into_kappa())).collect::<Result<_>>()?;
        let generated = generator.draw_seeds((FIRST_SEED..).take(samples))?;
        let range = diversity::range_of(&self.validation, self.count)?;
        let alike = |maps: &[Vec<f32>]| Similarity::of_maps(maps, generator.pixels(), range);
        let diversity = Diversity { simulated: alike(&simulated), generated: alike(&generated) };
        let ends: Vec<[u64; 2]> =
            (0..INTERPOLATIONS).map(|row| [FIRST_SEED + 2 * row, FIRST_SEED + 2 * row + 1]).collect();
        let (interpolations, frames) = interpolations(generator, &ends)?;

        let results = Results {
            version: env!("CARGO_PKG_VERSION").into(),
            quick: self.quick,
            inputs: self.inputs(),
            warnings: self.warnings.clone(),
            weights: self.weights_summary(),
            sets: self.set_summaries(&measured, nearest.as_ref()),
            levels: LEVELS,
            comparison,
            control,
            generation: GenerationSpeed {
                maps_per_second: measured.maps_per_second,
                device: generator.backend().describe(),
            },
            nearest,
            interpolations,
            birthday: near_pairs,
            diversity,
            seconds: start.elapsed().as_secs_f64(),
        };
        let sets = Sets {
            validation: &measured.validation,
            generated: &measured.generated,
            control: measured.control.as_ref(),
        };
        // Whole rows of each kind, so that none holds both.
        let (shown, columns) = if samples < 4 { (samples, samples) } else { (samples.min(8) / 4 * 4, 4) };
        let mut figures = vec![Figure {
            file: "figure-1-samples.png",
            title: "Figure 1".into(),
            caption: "Validation maps (top) and generated maps (bottom), one colour scale.".into(),
            content: rows_of_maps(&[&simulated[..shown], &generated[..shown]].concat(), generator.pixels(), columns)?,
        }];
        figures.extend(of_statistics(&sets, &results)?);
        if let (Some(archive), Some(nearest)) = (&self.training, &results.nearest) {
            figures.extend(novelty_figures::nearest(generator, archive, nearest)?);
        }
        figures.push(novelty_figures::interpolation(generator, &frames)?);
        figures.extend(novelty_figures::closest_pairs(generator, &results.birthday)?);
        write(out, &results, &figures)?;
        reference::write(reference, &measured.validation, &self.validation)?;
        Ok(results)
    }

    /// SHA-256 of what every part depends on.
    pub fn inputs(&self) -> String {
        hexadecimal(&Sha256::digest(&self.depends_on))
    }

    fn key(&self, what: &str) -> String {
        format!("{what}, {} maps\n{}", self.count, self.depends_on)
    }

    /// As [`Self::key`], for what the generator computes: devices differ by rounding, and in speed.
    fn key_on_device(&self, what: &str) -> String {
        self.key(&format!("{what} on {}", self.generator.backend().describe()))
    }

    fn measured_archive(&self, parts: &Parts, archive: &MapArchive, name: &str) -> Result<MeasuredMaps> {
        parts.get_or(name, &self.key(&archive.fingerprint()?), || {
            MeasuredMaps::of_archive(archive, self.count, &self.edges, name)
        })
    }

    fn measure(&self, parts: &Parts, generator: &Generator) -> Result<Measured> {
        let validation = self.measured_archive(parts, &self.validation, "validation")?;
        let control =
            self.control.as_ref().map(|archive| self.measured_archive(parts, archive, "control")).transpose()?;
        let (generated, maps_per_second) = parts.get_or("generated", &self.key_on_device("generated"), || {
            MeasuredMaps::of_generator(generator, FIRST_SEED, self.count, &self.edges)
        })?;
        Ok(Measured { validation, control, generated, maps_per_second })
    }

    fn test(&self, parts: &Parts, measured: &Measured) -> Result<(Comparison, Option<Comparison>)> {
        let tests = |name: &str, set: &MeasuredMaps, of: &str| {
            let key = self.key_on_device(&format!("{name} {of} {:?}", self.options));
            parts.get_or(name, &key, || compare(set, &measured.validation, [name, "validation"], self.options))
        };
        let comparison = tests("generated-tests", &measured.generated, "")?;
        let control = match (&measured.control, &self.control) {
            (Some(set), Some(archive)) => Some(tests("control-tests", set, &archive.fingerprint()?)?),
            _ => None,
        };
        Ok((comparison, control))
    }

    fn nearest(&self, parts: &Parts, generator: &Generator) -> Result<Option<NearestTrainingMaps>> {
        let Some(archive) = &self.training else { return Ok(None) };
        let most = if self.quick { QUICK_TRAINING_MAPS } else { usize::MAX };
        let key = self.key_on_device(&format!("{most} of {}", archive.fingerprint()?));
        let seeds: Vec<u64> = (0..QUERIES as u64).map(|query| FIRST_SEED + query).collect();
        parts.get_or("nearest", &key, || nearest_training_maps(generator, archive, most, &seeds)).map(Some)
    }

    fn near_pairs(
        &self,
        parts: &Parts,
        generator: &Generator,
        validation: &MeasuredMaps,
        interruption: &Interruption,
    ) -> Result<Birthday> {
        let options = BirthdayOptions {
            maps: self.pair_maps,
            first_seed: FIRST_SEED + self.count as u64,
            discriminator: self.discriminator.as_ref(),
            simulated: &self.validation,
            measured: validation,
            depends_on: &self.key_on_device("pairs"),
            judged_by: &self.judged_by,
            interruption,
        };
        birthday(generator, parts, &options)
    }

    fn weights_summary(&self) -> WeightsSummary {
        let trained = match &self.manifest.origin {
            Origin::Trained(training) => Some(training),
            Origin::Imported(_) => None,
        };
        WeightsSummary {
            sha256: self.file.sha256.clone(),
            steps: self.manifest.origin.total_steps(),
            batch_size: trained.map(|training| training.batch_size),
            data: self.manifest.origin.data().to_owned(),
            side_angle: self.manifest.side_angle,
            pixels: self.manifest.network.map_side,
            trained_toward: trained.map_or_else(Vec::new, |training| training.trained_toward.clone()),
        }
    }

    fn set_summaries(&self, measured: &Measured, nearest: Option<&NearestTrainingMaps>) -> Vec<SetSummary> {
        let set = |role: &str, maps: usize, source: &str| SetSummary { role: role.into(), maps, source: source.into() };
        let seeds = format!("seeds {FIRST_SEED} to {}", FIRST_SEED + self.count as u64 - 1);
        let mut sets = vec![
            set("generated", self.count, &seeds),
            set("validation", measured.validation.maps.len(), &measured.validation.source),
        ];
        sets.extend(measured.control.as_ref().map(|control| set("control", control.maps.len(), &control.source)));
        if let (Some(archive), Some(nearest)) = (&self.training, nearest) {
            let source = archive.origin().source.as_deref().unwrap_or("not described");
            sets.push(set("training", nearest.training_maps, source));
        }
        sets
    }
}

fn write(folder: &Path, results: &Results, figures: &[Figure]) -> Result<()> {
    let of_figures = folder.join("figures");
    create_folder(&of_figures)?;
    for figure in figures {
        let bytes = match &figure.content {
            Content::Svg(text) => text.as_bytes(),
            Content::Png(bytes) => bytes,
        };
        write_atomically(&of_figures.join(figure.file), bytes)?;
    }
    write_atomically(&folder.join("report.json"), &serde_json::to_vec(results)?)?;
    write_atomically(&folder.join("report.html"), page::html(results, figures).as_bytes())?;
    Ok(())
}
