//! Is the generator creating novel maps? (paper Section 3.2): nearest training maps, interpolation, closest pairs.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use shared::{
    network::DrawInput,
    statistics::{
        Statistic,
        birthday::{DistinctMaps, distinct_maps},
    },
};
use storage::{
    maps::MapArchive,
    runs::{Interrupted, Interruption, Parts},
};
use tch::Tensor;

use super::{
    comparison::tested_rows,
    measured::MeasuredMaps,
    pairs::{ClosestPairs, Pair, PairSearch, Vectors, nearest, typical_distance},
    vectors::{ArchiveMaps, DrawnMaps, Features, Matrix, log_spectra, logarithms, mean_of},
};
use crate::{drawing::Generator, progress::Bar, torch::TorchNetwork};

/// Closest pairs that are kept and shown.
pub const SHOWN_PAIRS: usize = 8;
/// Frames of an interpolation, its ends included (paper Fig. 8).
pub const FRAMES: usize = 8;

/// Training maps nearest to generated ones (paper Fig. 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearestTrainingMaps {
    /// Training maps searched.
    pub training_maps: usize,
    /// Seeds of the generated maps.
    pub seeds: Vec<u64>,
    /// By Euclidean distance of pixels: `first` counts `seeds`, `second` is the number of the training map.
    pub by_pixels: Vec<Pair>,
    /// By Euclidean distance of ln P(l).
    pub by_spectrum: Vec<Pair>,
}

/// Looks through the first `count` training maps for those nearest to the maps of `seeds`.
///
/// # Errors
/// When a map cannot be read, or the device fails.
pub fn nearest_training_maps(
    generator: &Generator,
    archive: &MapArchive,
    count: usize,
    seeds: &[u64],
) -> Result<NearestTrainingMaps> {
    let device = generator.backend().torch_device();
    let maps = ArchiveMaps::new(archive, count, device)?;
    let own = generator.draw_seeds(seeds.iter().copied())?;
    let shape = [own.len() as i64, generator.definition().map_pixels() as i64];
    let queries = Tensor::f_from_slice(&own.concat())?.f_view(shape)?.f_to_device(device)?;
    let bar = Bar::new(maps.count(), "maps").with_message("nearest by pixels");
    let by_pixels = nearest(&queries, &maps, |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    let spectra = maps.spectra(generator.side_angle())?;
    let own = log_spectra(own.len(), generator.pixels(), generator.side_angle(), |at| Ok(own[at].clone()))?;
    // One origin for both.
    let mean = mean_of(&spectra);
    let spectra = Matrix::less(&spectra, &mean, device)?;
    let by_spectrum = nearest(Matrix::less(&own, &mean, device)?.tensor(), &spectra, |_| ())?;
    Ok(NearestTrainingMaps { training_maps: maps.count(), seeds: seeds.to_vec(), by_pixels, by_spectrum })
}

/// Two maps are the same where their distance is at most this share of the median distance of two simulated maps.
pub const SAME: f64 = 0.1;

/// One space in which near pairs were looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairsInSpace {
    /// Name of the space.
    pub space: String,
    /// What was found among generated maps.
    pub found: ClosestPairs,
    /// What was found among simulated maps, fewer as a rule.
    pub simulated: ClosestPairs,
    /// How many distinct maps there are, by the birthday paradox.
    pub distinct: Option<DistinctMaps>,
}

/// Near pairs among many generated maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Birthday {
    /// Seed of the first of the maps; pairs count from it.
    pub first_seed: u64,
    /// Per space.
    pub spaces: Vec<PairsInSpace>,
}

/// What the birthday test needs.
pub struct BirthdayOptions<'a> {
    /// Generated maps to compare with each other.
    pub maps: usize,
    /// Seed of the first of them.
    pub first_seed: u64,
    /// Judge whose features are one of the spaces.
    pub discriminator: Option<&'a TorchNetwork>,
    /// Simulated maps to compare with each other: the first of these, as many as are measured.
    pub simulated: &'a MapArchive,
    /// Their statistics.
    pub measured: &'a MeasuredMaps,
    /// What the results depend on, but for the discriminator.
    pub depends_on: &'a str,
    /// What the discriminator is, as text.
    pub judged_by: &'a str,
    /// Whether to stop early.
    pub interruption: &'a Interruption,
}

/// Draws maps and looks for the closest pairs among them, in pixels, ln P(l) and the discriminator's features.
///
/// # Errors
/// When the disk is full or the device fails; finished parts are kept.
pub fn birthday(generator: &Generator, parts: &Parts, options: &BirthdayOptions<'_>) -> Result<Birthday> {
    let count = options.maps;
    let scratch = parts.folder().join("pair-maps.f32");
    let key = format!("{} maps {} on\n{}", count, options.first_seed, options.depends_on);
    let key_of_all = format!("{key}\n{}", options.judged_by);
    if let Some(done) = parts.get::<Birthday>("birthday", &key_of_all) {
        return Ok(done);
    }
    // Maps of other weights must not be taken for these.
    if parts.get::<u64>("pair-maps", options.depends_on) != Some(options.first_seed) {
        let _ = std::fs::remove_file(&scratch);
        parts.put("pair-maps", options.depends_on, &options.first_seed)?;
    }
    let maps = DrawnMaps::draw(&scratch, generator, options.first_seed, count, options.interruption)?;
    let device = generator.backend().torch_device();
    let simulated = ArchiveMaps::new(options.simulated, options.measured.maps.len(), device)?;
    let simulated_spectra: Vec<Vec<f64>> =
        tested_rows(options.measured, Statistic::PowerSpectrum).into_iter().map(logarithms).collect();
    let simulated_spectra = Matrix::centred(&simulated_spectra, device)?;
    let mut spaces = vec![
        in_space("pixels", &maps, &simulated, parts, &key, options.interruption)?,
        in_space("ln P(l)", &maps.spectra()?, &simulated_spectra, parts, &key, options.interruption)?,
    ];
    if let Some(discriminator) = options.discriminator {
        let of_simulated = Features::new(&simulated, discriminator)?;
        spaces.push(in_space(
            "discriminator features",
            &Features::new(&maps, discriminator)?,
            &of_simulated,
            parts,
            &key_of_all,
            options.interruption,
        )?);
    }
    let found = Birthday { first_seed: options.first_seed, spaces };
    parts.put("birthday", &key_of_all, &found)?;
    // Not needed again: gigabytes.
    let _ = std::fs::remove_file(&scratch);
    Ok(found)
}

fn in_space(
    space: &str,
    generated: &impl Vectors,
    simulated: &impl Vectors,
    parts: &Parts,
    key: &str,
    interruption: &Interruption,
) -> Result<PairsInSpace> {
    let same = SAME * typical_distance(simulated)?;
    let found = search(&format!("generated {space}"), generated, same, parts, key, interruption)?;
    let simulated = search(&format!("simulated {space}"), simulated, same, parts, key, interruption)?;
    let distinct = distinct_maps(found.vectors as u64, found.equal_pairs);
    Ok(PairsInSpace { space: space.into(), found, simulated, distinct })
}

/// A search that goes on where an earlier one was interrupted.
fn search(
    name: &str,
    vectors: &impl Vectors,
    same: f64,
    parts: &Parts,
    key: &str,
    interruption: &Interruption,
) -> Result<ClosestPairs> {
    let part = format!("pairs-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let mut search: PairSearch = parts.get(&part, key).unwrap_or_default();
    let bar = Bar::new(100, "percent").with_message(format!("pairs: {name}"));
    let found = search.run(vectors, SHOWN_PAIRS, same, |search, share| {
        bar.set_position((share * 100.0) as u64);
        parts.put(&part, key, search)?;
        Ok(!interruption.is_asked())
    })?;
    bar.finish_and_clear();
    Ok(found.ok_or(Interrupted)?)
}

/// Interpolations between pairs of latent vectors (paper Fig. 8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interpolations {
    /// Seeds of the ends.
    pub seeds: Vec<[u64; 2]>,
    /// Per row: the largest distance between two maps next to each other, over the distance between the ends. A smooth
    /// generator has small steps; one that jumps has a step of about 1.
    pub largest_step: Vec<f64>,
}

/// Draws [`FRAMES`] maps along the great circle between each pair of seeds; the maps come row by row.
///
/// # Errors
/// When the device fails.
pub fn interpolations(generator: &Generator, seeds: &[[u64; 2]]) -> Result<(Interpolations, Vec<Vec<f32>>)> {
    let (mut maps, mut largest_step) = (Vec::new(), Vec::new());
    for &ends in seeds {
        let place = |frame: usize| frame as f64 / (FRAMES - 1) as f64;
        let frames = (0..FRAMES).map(|frame| DrawInput::between(ends, place(frame), generator.definition()));
        let row = generator.draw_now(&frames.collect::<Vec<_>>())?;
        let distance =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
        let steps = row.windows(2).map(|pair| distance(&pair[0], &pair[1]));
        let ends = distance(&row[0], &row[FRAMES - 1]);
        largest_step.push(if ends > 0.0 { steps.fold(0.0, f64::max) / ends } else { 0.0 });
        maps.extend(row);
    }
    Ok((Interpolations { seeds: seeds.to_vec(), largest_step }, maps))
}
