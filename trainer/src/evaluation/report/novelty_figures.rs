//! Figures of Section 3.2: nearest training maps (Fig. 7), interpolation (Fig. 8), closest pairs.

use anyhow::Result;
use shared::{
    ConvergenceMap,
    statistics::{
        PowerSpectrumPlan,
        power_spectrum::{modes_below_nyquist, paper_edges},
    },
};

use storage::maps::MapArchive;

use super::figures::{Figure, rows_of_maps, spectra_of_pairs};
use crate::{
    drawing::Generator,
    evaluation::{
        novelty::{Birthday, FRAMES, NearestTrainingMaps},
        pairs::Pair,
    },
};

/// Closest pairs that are drawn.
const DRAWN_PAIRS: usize = 4;

/// Figure 7: generated maps above the training maps nearest to them, and the spectra of both.
///
/// # Errors
/// When a map cannot be read or drawn.
pub fn nearest(generator: &Generator, archive: &MapArchive, nearest: &NearestTrainingMaps) -> Result<Vec<Figure>> {
    let own = generator.draw_seeds(nearest.seeds.iter().copied())?;
    let theirs = |pairs: &[Pair]| -> Result<Vec<Vec<f32>>> {
        pairs.iter().map(|pair| Ok(archive.map(pair.second)?.into_kappa())).collect()
    };
    let figure = |pairs: &[Pair], file, by: &str| -> Result<Figure> {
        Ok(Figure {
            file,
            title: format!("Figure 7, by {by}"),
            caption: format!(
                "Generated maps (top) and the nearest of {} training maps in Euclidean distance of {by} (bottom). Distances: {}.",
                nearest.training_maps,
                pairs.iter().map(|pair| format!("{:.3}", pair.distance)).collect::<Vec<_>>().join(", ")
            ),
            content: rows_of_maps(&[&own[..], &theirs(pairs)?].concat(), generator.pixels(), own.len())?,
        })
    };
    let mut plan = PowerSpectrumPlan::new(generator.pixels(), generator.side_angle(), &paper_edges())?;
    let mut spectrum = |kappa: &[f32]| -> Result<Vec<Option<f64>>> {
        Ok(plan.measure(&ConvergenceMap::new(generator.side_angle(), generator.pixels(), kappa.to_vec())?)?)
    };
    let mut spectra = Vec::with_capacity(own.len());
    for (own, theirs) in own.iter().zip(theirs(&nearest.by_spectrum)?) {
        spectra.push([spectrum(own)?, spectrum(&theirs)?]);
    }
    // As far as spectra are compared.
    let compared = modes_below_nyquist(plan.ell(), generator.pixels(), generator.side_angle());
    Ok(vec![
        figure(&nearest.by_spectrum, "figure-7-nearest-by-spectrum.png", "ln P(l)")?,
        Figure {
            file: "figure-7-spectra.svg",
            title: "Figure 7, spectra".into(),
            caption: "Power spectra of the generated maps and of the training maps nearest to them in ln P(l).".into(),
            content: spectra_of_pairs(&plan.ell()[..compared], &spectra)?,
        },
        figure(&nearest.by_pixels, "figure-7-nearest-by-pixels.png", "pixels")?,
    ])
}

/// Figure 8: rows of maps along great circles.
///
/// # Errors
/// When the picture cannot be made.
pub fn interpolation(generator: &Generator, frames: &[Vec<f32>]) -> Result<Figure> {
    Ok(Figure {
        file: "figure-8-interpolation.png",
        title: "Figure 8".into(),
        caption: "Each row: maps of latent vectors on the great circle between two random ones, left to right.".into(),
        content: rows_of_maps(frames, generator.pixels(), FRAMES)?,
    })
}

/// The closest pairs in pixels, one map above the other.
///
/// # Errors
/// When a map cannot be drawn.
pub fn closest_pairs(generator: &Generator, birthday: &Birthday) -> Result<Option<Figure>> {
    let Some(space) = birthday.spaces.first() else { return Ok(None) };
    let pairs = &space.found.closest[..DRAWN_PAIRS.min(space.found.closest.len())];
    let seed = |map: usize| birthday.first_seed + map as u64;
    let seeds: Vec<u64> =
        pairs.iter().map(|pair| seed(pair.first)).chain(pairs.iter().map(|pair| seed(pair.second))).collect();
    let maps = generator.draw_seeds(seeds)?;
    let median = space.found.median_distance.max(f64::MIN_POSITIVE);
    let share = |pair: &Pair| format!("{:.3}", pair.distance / median);
    Ok(Some(Figure {
        file: "closest-pairs.png",
        title: "Closest pairs".into(),
        caption: format!(
            "The closest pairs of {} generated maps in pixels, one above the other. Distances over the median: {}.",
            space.found.vectors,
            pairs.iter().map(share).collect::<Vec<_>>().join(", ")
        ),
        content: rows_of_maps(&maps, generator.pixels(), pairs.len())?,
    }))
}
