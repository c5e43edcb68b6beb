//! `trainer evaluate`: every figure and number of the paper's evaluation, beside a control.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::{
    latent::latent,
    statistics::{PowerSpectrumPlan, StatisticsEdges, power_spectrum::paper_edges},
};
use tch::Device;

use super::generate::{LoadedWeights, load_weights};
use crate::{
    evaluation::{
        comparison::{LEVELS, TestOptions, compare},
        measured::{Generator, MeasuredMaps},
        novelty::{
            BirthdayOptions, FRAMES, NearestTrainingMaps, birthday, discriminator_of, diversity, interpolations,
            nearest_training_maps,
        },
        parts::Parts,
        reference,
        report::{
            figures::{Content, Figure, Sets, of_statistics, rows_of_maps, spectra_of_pairs},
            page,
            results::{GenerationSpeed, Results, SetSummary, WeightsSummary},
            summary,
        },
    },
    maps::{archive::MapArchive, output::side_angle_of},
    networks::TorchNetwork,
    torch::device::{DeviceChoice, describe},
    training::checkpoint::write_atomically,
};

/// Seed of the first generated map: far from the small numbers that people type.
const FIRST_SEED: u64 = 1 << 32;
/// Generated maps whose nearest training maps are shown.
const QUERIES: usize = 4;
/// Interpolations that are shown.
const INTERPOLATIONS: usize = 4;
/// Maps of each set for the mean similarity.
const SIMILARITY_MAPS: usize = 128;

/// Reproduce the paper's evaluation: every figure and number of its Section 3, beside a control.
///
/// Generates 6400 maps (100 batches of 64), measures them, validation maps and control maps, runs all tests, looks for the nearest
/// training maps and for near pairs among 32768 generated maps, and writes OUT/report.html (one file, no network), the figures as
/// SVG and PNG, and OUT/report.json with every number. An interrupted evaluation, begun again with the same options, goes on
/// from its finished parts. On a CPU the near pairs take most of the time: --pair-maps makes them fewer.
///
/// Examples:
///   trainer evaluate --weights public/weights --data validation.npy --control auxiliary.npy --training maps.npy --out report
///   trainer evaluate --weights public/weights --data validation.npy --out report --quick
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct EvaluateArguments {
    /// Folder with manifest.json and the weights it names
    #[arg(long, value_name = "DIR")]
    weights: PathBuf,
    /// Validation maps: of the simulation that the network was trained on, not trained on themselves
    #[arg(long, value_name = "VALID")]
    data: PathBuf,
    /// Independent simulated maps (the paper's auxiliary set), put through the same tests
    #[arg(long, value_name = "AUX")]
    control: Option<PathBuf>,
    /// The training maps, for the nearest of them
    #[arg(long, value_name = "TRAIN")]
    training: Option<PathBuf>,
    /// Checkpoint whose discriminator's features are the third space of near pairs
    #[arg(long, value_name = "CHECKPOINT")]
    discriminator: Option<PathBuf>,
    /// Folder for the report
    #[arg(long, value_name = "REPORT")]
    out: PathBuf,
    /// Folder for what the page knows of simulated maps, such as public/reference
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
    /// A version of about a minute, with rough numbers
    #[arg(long)]
    quick: bool,
    /// Generated maps, and most maps of each other set [default: 6400; 256 with --quick]
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Generated maps among which near pairs are looked for [default: 32768; 512 with --quick]
    #[arg(long, value_name = "N")]
    pair_maps: Option<usize>,
    /// Permutations, and bootstraps, of each test [default: 1000; 200 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(9..=1_000_000))]
    resamples: Option<u32>,
    /// Seed of both
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Side of the maps in degrees, where the files do not state it
    #[arg(long, value_name = "DEGREES", value_parser = side_angle_of)]
    side_angle: Option<f64>,
    /// Device that computes: auto, cpu, cuda or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
}

/// Everything that is opened before anything is computed.
struct Inputs {
    weights: LoadedWeights,
    network: TorchNetwork,
    discriminator: Option<TorchNetwork>,
    validation: MapArchive,
    control: Option<MapArchive>,
    training: Option<MapArchive>,
    device: Device,
    count: usize,
    pair_maps: usize,
    options: TestOptions,
    edges: StatisticsEdges,
    /// What a part of the evaluation depends on, besides its own settings.
    depends_on: String,
}

/// Runs the command.
///
/// # Errors
/// When an input is not usable, the sets cannot be compared, or the report cannot be written.
pub fn run(arguments: &EvaluateArguments) -> Result<()> {
    let start = Instant::now();
    let inputs = open(arguments)?;
    let manifest = &inputs.weights.manifest;
    println!("device: {}, weights: {} ({} steps)", describe(inputs.device), inputs.weights.file.file, manifest.training.total_steps());
    let parts = Parts::open(&arguments.out.join("parts"))?;
    let generator = Generator {
        network: &inputs.network,
        latent_size: manifest.network.latent_size,
        pixels: manifest.network.map_side,
        side_angle: manifest.side_angle,
        device: inputs.device,
    };

    let key = |what: &str| format!("{what}, {} maps\n{}", inputs.count, inputs.depends_on);
    let measure = |archive: &MapArchive, name: &str| {
        parts.get_or(name, &key(&archive.fingerprint()?), || {
            MeasuredMaps::of_archive(archive, inputs.count, &inputs.edges, name)
        })
    };
    let validation = measure(&inputs.validation, "validation")?;
    let control = inputs.control.as_ref().map(|archive| measure(archive, "control")).transpose()?;
    let (generated, seconds): (MeasuredMaps, f64) = parts.get_or("generated", &key("generated"), || {
        MeasuredMaps::of_generator(&generator, FIRST_SEED, inputs.count, &inputs.edges)
    })?;
    // The first batch of 64 is not timed.
    let timed = inputs.count.saturating_sub(64);
    let maps_per_second = (seconds > 0.0).then(|| timed as f64 / seconds);

    let tests = |name: &str, set: &MeasuredMaps| {
        let key = key(&format!("{name} {:?}", inputs.options));
        parts.get_or(name, &key, || compare(set, &validation, [name, "validation"], inputs.options))
    };
    let comparison = tests("generated-tests", &generated)?;
    let of_control = control.as_ref().map(|control| tests("control-tests", control)).transpose()?;

    let query_seeds: Vec<u64> = (0..QUERIES as u64).map(|query| FIRST_SEED + query).collect();
    let nearest = inputs.training.as_ref().map(|archive| nearest_of(arguments, &inputs, &generator, &parts, archive, &query_seeds));
    let nearest = nearest.transpose()?;
    let first_pair_seed = FIRST_SEED + inputs.count as u64;
    let near_pairs = birthday(
        &generator,
        &parts,
        &BirthdayOptions {
            maps: inputs.pair_maps,
            first_seed: first_pair_seed,
            discriminator: inputs.discriminator.as_ref(),
            simulated: (&inputs.validation, inputs.count),
            depends_on: &inputs.depends_on,
        },
    )?;

    let samples = SIMILARITY_MAPS.min(validation.maps.len()).min(inputs.count);
    let simulated_samples = (0..samples).map(|map| Ok(inputs.validation.map(map)?.into_kappa())).collect::<Result<Vec<_>>>()?;
    let generated_samples = draw(&generator, FIRST_SEED, samples)?;
    let [low, high] = reference::kappa_range(&inputs.validation, inputs.count, [0.001, 0.999])?;
    let likeness = diversity(&simulated_samples, &generated_samples, generator.pixels, f64::from(high - low));
    let ends: Vec<[u64; 2]> =
        (0..INTERPOLATIONS as u64).map(|row| [FIRST_SEED + 2 * row, FIRST_SEED + 2 * row + 1]).collect();
    let (interpolations, frames) = interpolations(&generator, &ends)?;

    let results = Results {
        version: env!("CARGO_PKG_VERSION").into(),
        quick: arguments.quick,
        weights: WeightsSummary {
            sha256: inputs.weights.file.sha256.clone(),
            steps: manifest.training.total_steps(),
            batch_size: manifest.training.batch_size,
            data: manifest.training.data.clone(),
            side_angle: manifest.side_angle,
            pixels: manifest.network.map_side,
        },
        sets: set_summaries(&inputs, &validation, control.as_ref(), nearest.as_ref()),
        levels: LEVELS,
        comparison,
        control: of_control,
        generation: GenerationSpeed { maps_per_second, device: describe(inputs.device) },
        nearest,
        interpolations,
        birthday: near_pairs,
        diversity: likeness,
        seconds: start.elapsed().as_secs_f64(),
    };

    let sets = Sets { validation: &validation, generated: &generated, control: control.as_ref() };
    let mut figures = vec![Figure {
        file: "figure-1-samples.png",
        title: "Figure 1".into(),
        caption: "Validation maps (top two rows) and generated maps (bottom two rows), one colour scale.".into(),
        content: rows_of_maps(&[&simulated_samples[..samples.min(8)], &generated_samples[..samples.min(8)]].concat(), generator.pixels, 4)?,
    }];
    figures.extend(of_statistics(&sets, &results)?);
    figures.extend(novelty_figures(&inputs, &generator, &results, frames)?);
    write(&arguments.out, &results, &figures)?;
    if let Some(folder) = &arguments.reference {
        reference::write(folder, &validation, &inputs.validation)?;
        println!("{}: statistics of {} maps", folder.display(), validation.maps.len());
    }
    print!("{}", summary::screen(&results));
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}

/// Opens and checks every input.
fn open(arguments: &EvaluateArguments) -> Result<Inputs> {
    let weights = load_weights(&arguments.weights, None)?;
    let manifest = &weights.manifest;
    let archive = |path: &PathBuf| -> Result<MapArchive> {
        let archive = MapArchive::open(path, arguments.side_angle)?;
        let (pixels, side_angle) = (archive.one_size()?, archive.pixel_angle() * archive.one_size()? as f64);
        if pixels != manifest.network.map_side || (side_angle / manifest.side_angle - 1.0).abs() > 1e-6 {
            bail!(
                "{} has maps of {pixels} pixels and {side_angle} degrees, the weights draw {} pixels and {} degrees: they cannot be \
                 compared; cut maps with `trainer maps --size {}`",
                path.display(),
                manifest.network.map_side,
                manifest.side_angle,
                manifest.network.map_side
            );
        }
        Ok(archive)
    };
    let validation = archive(&arguments.data)?;
    if validation.maps() < 2 {
        bail!("{} holds a single map: an evaluation needs at least two", arguments.data.display());
    }
    let control = arguments.control.as_ref().map(archive).transpose()?;
    if control.as_ref().is_some_and(|control| control.maps() < 2) {
        bail!("the control holds a single map: tests need at least two");
    }
    let training = arguments.training.as_ref().map(archive).transpose()?;
    let device = arguments.device.open()?;
    let network = TorchNetwork::generator_from(&manifest.network, &weights.generator, device)?;
    let judge = |path: &PathBuf| discriminator_of(path, &manifest.network, device);
    let discriminator = arguments.discriminator.as_ref().map(judge).transpose()?;
    let defaults = if arguments.quick { (256, 512, 200) } else { (6400, 32_768, 1000) };
    let (count, pair_maps) = (arguments.count.unwrap_or(defaults.0), arguments.pair_maps.unwrap_or(defaults.1));
    if count < 2 || pair_maps < 2 {
        bail!("--count and --pair-maps must be at least 2");
    }
    let mut edges = StatisticsEdges::default();
    if manifest.network.kappa_scale != 1.0 {
        // Not the paper's maps: the same number of bins over the range that these have.
        let [low, high] = reference::kappa_range(&validation, count, [0.0, 1.0])?;
        if high > low {
            let (low, high) = (f64::from(low), f64::from(high));
            edges.kappa = (0..=250).map(|bin| low + (high - low) * f64::from(bin) / 250.0).collect();
        }
    }
    let mut depends_on = format!("{} {}\n{}", env!("CARGO_PKG_VERSION"), weights.file.sha256, validation.fingerprint()?);
    if let Some(path) = &arguments.discriminator {
        depends_on += &format!("\n{} {:?}", path.display(), path.metadata()?.modified()?);
    }
    let options = TestOptions { resamples: arguments.resamples.unwrap_or(defaults.2), seed: arguments.seed };
    Ok(Inputs {
        weights,
        network,
        discriminator,
        validation,
        control,
        training,
        device,
        count,
        pair_maps,
        options,
        edges,
        depends_on,
    })
}

fn nearest_of(
    arguments: &EvaluateArguments,
    inputs: &Inputs,
    generator: &Generator<'_>,
    parts: &Parts,
    archive: &MapArchive,
    seeds: &[u64],
) -> Result<NearestTrainingMaps> {
    let most = if arguments.quick { 2048 } else { usize::MAX };
    let key = format!("{most} of {}\n{}", archive.fingerprint()?, inputs.depends_on);
    parts.get_or("nearest", &key, || nearest_training_maps(generator, archive, most, seeds))
}

fn set_summaries(
    inputs: &Inputs,
    validation: &MeasuredMaps,
    control: Option<&MeasuredMaps>,
    nearest: Option<&NearestTrainingMaps>,
) -> Vec<SetSummary> {
    let set = |role: &str, maps: usize, source: String| SetSummary { role: role.into(), maps, source };
    let mut sets = vec![
        set("generated", inputs.count, format!("seeds {FIRST_SEED} to {}", FIRST_SEED + inputs.count as u64 - 1)),
        set("validation", validation.maps.len(), validation.source.clone()),
    ];
    sets.extend(control.map(|control| set("control", control.maps.len(), control.source.clone())));
    if let (Some(archive), Some(nearest)) = (&inputs.training, nearest) {
        let source = archive.origin().source.clone().unwrap_or_else(|| "not described".into());
        sets.push(set("training", nearest.training_maps, source));
    }
    sets
}

/// Maps of consecutive seeds, in batches.
fn draw(generator: &Generator<'_>, first_seed: u64, count: usize) -> Result<Vec<Vec<f32>>> {
    let mut maps = Vec::with_capacity(count);
    for first in (0..count).step_by(32) {
        let seeds: Vec<u64> = (first..(first + 32).min(count)).map(|map| first_seed + map as u64).collect();
        maps.extend(generator.draw(&seeds)?.chunks(generator.pixels * generator.pixels).map(<[f32]>::to_vec));
    }
    Ok(maps)
}

/// Figures 7 and 8 and the closest pairs.
fn novelty_figures(
    inputs: &Inputs,
    generator: &Generator<'_>,
    results: &Results,
    frames: Vec<Vec<f32>>,
) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if let (Some(archive), Some(nearest)) = (&inputs.training, &results.nearest) {
        let own = draw(generator, FIRST_SEED, QUERIES)?;
        for (pairs, file, by) in [
            (&nearest.by_spectrum, "figure-7-nearest-by-spectrum.png", "ln P(l)"),
            (&nearest.by_pixels, "figure-7-nearest-by-pixels.png", "pixels"),
        ] {
            let theirs = pairs.iter().map(|pair| Ok(archive.map(pair.second)?.into_kappa())).collect::<Result<Vec<_>>>()?;
            if by == "ln P(l)" {
                let mut plan = PowerSpectrumPlan::new(generator.pixels, generator.side_angle, &paper_edges())?;
                let mut spectrum = |kappa: &Vec<f32>| -> Result<Vec<Option<f64>>> {
                    let map = shared::ConvergenceMap::new(generator.side_angle, generator.pixels, kappa.clone())?;
                    Ok(plan.measure(&map)?)
                };
                let spectra: Vec<_> =
                    own.iter().zip(&theirs).map(|(own, theirs)| Ok([spectrum(own)?, spectrum(theirs)?])).collect::<Result<_>>()?;
                let ell = PowerSpectrumPlan::new(generator.pixels, generator.side_angle, &paper_edges())?.ell().to_vec();
                figures.push(Figure {
                    file: "figure-7-spectra.svg",
                    title: "Figure 7, spectra".into(),
                    caption: "Power spectra of the generated maps and of the training maps nearest to them in ln P(l).".into(),
                    content: spectra_of_pairs(&ell, &spectra)?,
                });
            }
            figures.push(Figure {
                file,
                title: format!("Figure 7, by {by}"),
                caption: format!(
                    "Generated maps (top) and the nearest of {} training maps in Euclidean distance of {by} (bottom). Distances: {}.",
                    nearest.training_maps,
                    pairs.iter().map(|pair| format!("{:.3}", pair.distance)).collect::<Vec<_>>().join(", ")
                ),
                content: rows_of_maps(&[&own[..], &theirs[..]].concat(), generator.pixels, QUERIES)?,
            });
        }
    }
    figures.push(Figure {
        file: "figure-8-interpolation.png",
        title: "Figure 8".into(),
        caption: "Each row: maps of latent vectors on the great circle between two random ones, left to right.".into(),
        content: rows_of_maps(&frames, generator.pixels, FRAMES)?,
    });
    let birthday = &results.birthday;
    if let Some(space) = birthday.spaces.first() {
        let size = inputs.weights.manifest.network.latent_size;
        let side = |second: bool| {
            let seeds = space.found.closest.iter().take(4).map(|pair| birthday.first_seed + if second { pair.second } else { pair.first } as u64);
            seeds.map(|seed| latent(seed, size)).collect::<Vec<_>>()
        };
        let latents = [side(false), side(true)].concat();
        let kappa = generator.draw_latents(&latents)?;
        let maps: Vec<Vec<f32>> = kappa.chunks(generator.pixels * generator.pixels).map(<[f32]>::to_vec).collect();
        figures.push(Figure {
            file: "closest-pairs.png",
            title: "Closest pairs".into(),
            caption: format!(
                "The closest pairs of {} generated maps in pixels, one above the other. Distances over the median: {}.",
                space.found.vectors,
                space.found.closest.iter().take(4).map(|pair| format!("{:.3}", pair.distance / space.found.median_distance)).collect::<Vec<_>>().join(", ")
            ),
            content: rows_of_maps(&maps, generator.pixels, latents.len() / 2)?,
        });
    }
    Ok(figures)
}

fn write(folder: &Path, results: &Results, figures: &[Figure]) -> Result<()> {
    let of_figures = folder.join("figures");
    std::fs::create_dir_all(&of_figures).with_context(|| format!("cannot create {}", of_figures.display()))?;
    for figure in figures {
        let bytes = match &figure.content {
            Content::Svg(text) => text.as_bytes(),
            Content::Png(bytes) => bytes,
        };
        write_atomically(&of_figures.join(figure.file), bytes)?;
    }
    write_atomically(&folder.join("report.json"), &serde_json::to_vec_pretty(results)?)?;
    write_atomically(&folder.join("report.html"), page::html(results, figures).as_bytes())?;
    Ok(())
}
