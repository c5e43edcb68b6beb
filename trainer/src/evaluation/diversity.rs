//! How alike the maps of one set are: a generator that draws few different maps has maps that are more alike than simulated ones.

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use shared::statistics::similarity::{LEAST_PIXELS, multi_scale_similarity};
use simulator::assessment::estimate::Estimate;
use storage::maps::MapArchive;

/// Maps of a set, at most: pairs of them are disjoint.
pub const MAPS: usize = 128;

/// Mean MS-SSIM over disjoint pairs of maps of one set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Similarity {
    /// Pairs of maps.
    pub pairs: usize,
    /// Mean over pairs.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl Similarity {
    /// Of maps of `pixels` x `pixels` whose values span `range`; `None` for fewer than two pairs, or maps that are too small.
    pub fn of_maps(maps: &[Vec<f32>], pixels: usize, range: f64) -> Option<Self> {
        let similarity = |pair: &[Vec<f32>]| multi_scale_similarity(&pair[0], &pair[1], pixels, range);
        Self::of_pairs(&maps.par_chunks_exact(2).map(similarity).collect::<Option<Vec<_>>>()?)
    }

    fn of_pairs(values: &[f64]) -> Option<Self> {
        let Estimate { mean, standard_error } = Estimate::over(values);
        Some(Self { pairs: values.len(), mean: mean?, standard_error: standard_error? })
    }

    /// Of the first `count` maps of an archive, [`MAPS`] at most; a pair is in memory while it is measured. `None` for maps with pixels
    /// that are left out.
    ///
    /// # Errors
    /// When a map cannot be read.
    pub fn of_archive(archive: &MapArchive, count: usize, range: f64) -> Result<Option<Self>> {
        let pixels = archive.one_size()?;
        // Where pixels are left out, maps would be alike by their holes.
        if pixels < LEAST_PIXELS || archive.is_masked() {
            return Ok(None);
        }
        let similarity = |pair: usize| -> Result<Option<f64>> {
            let (a, b) = (archive.map(2 * pair)?, archive.map(2 * pair + 1)?);
            Ok(multi_scale_similarity(a.kappa(), b.kappa(), pixels, range))
        };
        let pairs = count.min(archive.maps()).min(MAPS) / 2;
        let values: Option<Vec<f64>> =
            (0..pairs).into_par_iter().map(similarity).collect::<Result<Vec<_>>>()?.into_iter().collect();
        Ok(values.and_then(|values| Self::of_pairs(&values)))
    }
}

/// The range of kappa by which similarities of sets are comparable: nearly all pixels of the first `count` maps of the reference.
///
/// # Errors
/// When a map cannot be read.
pub fn range_of(reference: &MapArchive, count: usize) -> Result<f64> {
    let [low, high] = super::reference::kappa_range(reference, count, [0.001, 0.999])?;
    Ok(f64::from(high - low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::latent::latent;

    #[test]
    fn equal_maps_are_more_alike_than_others() {
        let noise: Vec<Vec<f32>> = (0..8).map(|map| latent(map, 176 * 176)).collect();
        let equal: Vec<Vec<f32>> = noise.iter().flat_map(|map| [map.clone(), map.clone()]).take(8).collect();
        let of = |maps: &[Vec<f32>]| Similarity::of_maps(maps, 176, 6.0).unwrap();
        assert!((of(&equal).mean - 1.0).abs() < 1e-9 && of(&noise).mean < 0.2, "{:?}", of(&noise));
        assert_eq!(of(&noise).pairs, 4);
        assert_eq!(Similarity::of_maps(&noise[..3], 176, 6.0), None, "one pair has no error");
        assert_eq!(Similarity::of_maps(&[vec![0.0; 64], vec![0.0; 64]], 8, 1.0), None, "too small");
    }
}
