//! Closest pairs among many vectors, and nearest neighbours, by blocked matrix products (paper Section 3.2).
//!
//! `|a - b|^2 = |a|^2 + |b|^2 - 2 a.b`, with the products of whole blocks from libtorch on the CPU or on CUDA. Rounding in f32 may
//! put near pairs in the wrong order; so more candidates are kept than asked for, and their distances are computed again in
//! f64 from the vectors themselves. Whether rounding could have hidden a nearer pair is part of the result: products are added
//! up in f32 over `DEPTH` numbers at most, whose error is bounded by `DEPTH 2^-24 |a| |b|`, and in f64 beyond.

use std::ops::Range;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};

/// Vectors of one length, handed out in blocks.
pub trait Vectors {
    /// Number of vectors.
    fn count(&self) -> usize;
    /// Numbers in a vector.
    fn dimension(&self) -> usize;
    /// These vectors as `[n, dimension]` in f32, where the products are to be computed.
    ///
    /// # Errors
    /// When a vector cannot be read or computed.
    fn block(&self, range: Range<usize>) -> Result<Tensor>;
}

/// Two vectors and their Euclidean distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Number of the one vector.
    pub first: usize,
    /// Number of the other one.
    pub second: usize,
    /// Euclidean distance.
    pub distance: f64,
}

/// Closest pairs of a search that may be interrupted and go on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PairSearch {
    /// Blocks of rows that are done.
    done: usize,
    /// Candidates, by distance as f32 found it.
    candidates: Vec<Pair>,
    /// Largest squared norm of a vector so far.
    largest_norm: f64,
    /// Pairs so far that are the same.
    equal_pairs: u64,
    /// Pairs so far of which rounding does not let one tell.
    uncertain_pairs: u64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosestPairs {
    /// Vectors searched.
    pub vectors: usize,
    /// The closest pairs, nearest first.
    pub closest: Vec<Pair>,
    /// Median distance of two vectors, over the first [`TYPICAL_VECTORS`].
    pub median_distance: f64,
    /// Pairs that are the same: no further apart than the distance that was asked for.
    pub equal_pairs: u64,
    /// Whether, given the rounding of f32, no pair outside the candidates can be closer than these, and no pair that is not
    /// counted as the same can be.
    pub exact: bool,
}

impl ClosestPairs {
    /// Distance of the closest pair over the median; `None` where the median is 0, as for vectors that are all equal.
    pub fn closest_share(&self) -> Option<f64> {
        let nearest = self.closest.first()?.distance;
        (self.median_distance > 0.0).then(|| nearest / self.median_distance)
    }
}

/// Numbers that are multiplied and added up in f32 at most.
const DEPTH: usize = 4096;
/// Candidates kept beyond those asked for.
const SPARE: usize = 248;
/// Bytes of a block of vectors: two of them with their products in f64 stay below 2 GB.
const BLOCK_BYTES: usize = 1 << 29;
/// Vectors whose distances give the median.
pub const TYPICAL_VECTORS: usize = 256;

impl PairSearch {
    /// Vectors in a block.
    pub fn block_size(vectors: &impl Vectors) -> usize {
        (BLOCK_BYTES / (4 * vectors.dimension().max(1))).clamp(16, 4096).min(vectors.count().max(1))
    }

    /// Goes on until all blocks are done. Pairs no further apart than `same` are counted. `progress` is called after each
    /// block of rows with the search so far and the share of pairs that are done; when it returns false, the search stops and
    /// can go on later.
    ///
    /// # Errors
    /// When a vector cannot be read, or the device fails.
    pub fn run(
        &mut self,
        vectors: &impl Vectors,
        wanted: usize,
        same: f64,
        mut progress: impl FnMut(&Self, f64) -> Result<bool>,
    ) -> Result<Option<ClosestPairs>> {
        let (count, size) = (vectors.count(), Self::block_size(vectors));
        if count < 2 {
            bail!("closest pairs need at least two vectors, there are {count}");
        }
        let blocks = count.div_ceil(size);
        while self.done < blocks {
            let rows = self.done * size..((self.done + 1) * size).min(count);
            let first = vectors.block(rows.clone())?;
            for column in self.done..blocks {
                let columns = column * size..((column + 1) * size).min(count);
                let diagonal = column == self.done;
                let second = if diagonal { first.shallow_clone() } else { vectors.block(columns.clone())? };
                let squares = no_grad(|| self.squares(&first, &second, diagonal))?;
                no_grad(|| {
                    self.keep([rows.start, columns.start], &squares, wanted + SPARE, same, vectors.dimension())
                })?;
            }
            self.done += 1;
            let share = 1.0 - (1.0 - self.done as f64 / blocks as f64).powi(2);
            if !progress(self, share)? {
                return Ok(None);
            }
        }
        self.finish(vectors, wanted).map(Some)
    }

    /// Squared distances between two blocks; infinite for a vector and itself and for the second mention of a pair.
    fn squares(&mut self, a: &Tensor, b: &Tensor, diagonal: bool) -> Result<Tensor> {
        let (squares, largest_norm) = squared_distances(a, b)?;
        self.largest_norm = self.largest_norm.max(largest_norm);
        if !diagonal {
            return Ok(squares);
        }
        let lower = Tensor::f_ones_like(&squares)?.f_tril(0)?.f_to_kind(Kind::Bool)?;
        Ok(squares.f_masked_fill(&lower, f64::INFINITY)?)
    }

    fn keep(&mut self, starts: [usize; 2], squares: &Tensor, kept: usize, same: f64, dimension: usize) -> Result<()> {
        let within =
            |square: f64| Ok::<u64, anyhow::Error>(i64::try_from(squares.f_le(square)?.f_sum(Kind::Int64)?)? as u64);
        let (square, error) = (same * same, rounding(dimension) * self.largest_norm);
        self.equal_pairs += within(square)?;
        self.uncertain_pairs += within(square + error)? - within(square - error)?;
        let (width, flat) = (squares.size()[1], squares.f_flatten(0, 1)?);
        let best = (kept as i64).min(flat.size()[0]);
        let (values, places) = flat.f_topk(best, 0, false, true)?;
        let values = Vec::<f64>::try_from(values.f_to_device(tch::Device::Cpu)?)?;
        let places = Vec::<i64>::try_from(places.f_to_device(tch::Device::Cpu)?)?;
        for (square, place) in values.into_iter().zip(places).filter(|(square, _)| square.is_finite()) {
            let (row, column) = ((place / width) as usize, (place % width) as usize);
            self.candidates.push(Pair { first: starts[0] + row, second: starts[1] + column, distance: square.sqrt() });
        }
        self.candidates.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        self.candidates.truncate(kept);
        Ok(())
    }

    fn finish(&self, vectors: &impl Vectors, wanted: usize) -> Result<ClosestPairs> {
        let mut closest = Vec::with_capacity(self.candidates.len());
        for &pair in &self.candidates {
            let (a, b) = (vectors.block(pair.first..pair.first + 1)?, vectors.block(pair.second..pair.second + 1)?);
            closest.push(Pair { distance: distance(&a, &b)?, ..pair });
        }
        closest.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        // What is not among the candidates was found to be at least this far.
        let left_out = self.candidates.last().map_or(f64::INFINITY, |pair| pair.distance);
        let all_kept = self.candidates.len() == vectors.count() * (vectors.count() - 1) / 2;
        closest.truncate(wanted);
        let furthest = closest.last().map_or(0.0, |pair| pair.distance);
        let error = rounding(vectors.dimension()) * self.largest_norm;
        let nearest_known = all_kept || furthest * furthest + error <= left_out * left_out;
        let exact = nearest_known && self.uncertain_pairs == 0;
        let (equal_pairs, median_distance) = (self.equal_pairs, typical_distance(vectors)?);
        Ok(ClosestPairs { vectors: vectors.count(), closest, median_distance, equal_pairs, exact })
    }
}

/// Bound on the error of a squared distance, as a share of the largest squared norm: that of the product, twice, and of the
/// norms themselves.
fn rounding(dimension: usize) -> f64 {
    2.0 * (dimension.min(DEPTH) + 2) as f64 * 2.0_f64.powi(-24)
}

/// Squared distances in f64 between all vectors of two blocks, and the largest squared norm among them.
fn squared_distances(a: &Tensor, b: &Tensor) -> Result<(Tensor, f64)> {
    let (rows, columns, dimension) = (a.size()[0], b.size()[0], a.size()[1]);
    let options = (Kind::Double, a.device());
    let mut products = Tensor::f_zeros([rows, columns], options)?;
    let (mut norm_a, mut norm_b) = (Tensor::f_zeros([rows], options)?, Tensor::f_zeros([columns], options)?);
    for start in (0..dimension).step_by(DEPTH) {
        let part = |x: &Tensor| x.f_narrow(1, start, (dimension - start).min(DEPTH as i64));
        let (part_a, part_b) = (part(a)?, part(b)?);
        let norm = |x: &Tensor| x.f_to_kind(Kind::Double)?.f_square()?.f_sum_dim_intlist(1, false, Kind::Double);
        norm_a = norm_a.f_add(&norm(&part_a)?)?;
        norm_b = norm_b.f_add(&norm(&part_b)?)?;
        products = products.f_add(&part_a.f_matmul(&part_b.f_tr()?)?.f_to_kind(Kind::Double)?)?;
    }
    let largest = f64::try_from(norm_a.f_max()?)?.max(f64::try_from(norm_b.f_max()?)?);
    let sums = norm_a.f_unsqueeze(1)?.f_add(&norm_b.f_unsqueeze(0)?)?;
    Ok((sums.f_sub(&products.f_mul_scalar(2.0)?)?.f_clamp_min(0.0)?, largest))
}

/// Median distance of two different vectors, over the first [`TYPICAL_VECTORS`].
///
/// # Errors
/// When a vector cannot be read, or the device fails.
pub fn typical_distance(vectors: &impl Vectors) -> Result<f64> {
    let count = vectors.count().min(TYPICAL_VECTORS);
    let block = vectors.block(0..count)?;
    let squares = no_grad(|| squared_distances(&block, &block))?.0.f_to_device(tch::Device::Cpu)?;
    let squares = Vec::<f64>::try_from(squares.f_flatten(0, 1)?)?;
    let mut beside: Vec<f64> = (0..count).flat_map(|i| squares[i * count + i + 1..(i + 1) * count].to_vec()).collect();
    let middle = beside.len() / 2;
    let median = (!beside.is_empty()).then(|| beside.select_nth_unstable_by(middle, f64::total_cmp).1.sqrt());
    Ok(median.unwrap_or(0.0))
}

/// Euclidean distance of two vectors, in f64.
fn distance(a: &Tensor, b: &Tensor) -> Result<f64> {
    let difference = no_grad(|| a.f_to_kind(Kind::Double)?.f_sub(&b.f_to_kind(Kind::Double)?))?;
    Ok(f64::try_from(no_grad(|| difference.f_square()?.f_sum(Kind::Double))?)?.sqrt())
}

/// For each query, the nearest of the vectors: its number and distance (in f64). `progress` is called with the number of
/// vectors that are done.
///
/// # Errors
/// When a vector cannot be read, or the device fails.
pub fn nearest(queries: &Tensor, vectors: &impl Vectors, mut progress: impl FnMut(usize)) -> Result<Vec<Pair>> {
    let (count, size) = (vectors.count(), PairSearch::block_size(vectors));
    let asked = queries.size()[0] as usize;
    // A few candidates for each query, against rounding.
    let mut candidates: Vec<Vec<Pair>> = vec![Vec::new(); asked];
    for start in (0..count).step_by(size) {
        let range = start..(start + size).min(count);
        let block = vectors.block(range.clone())?;
        let squares = no_grad(|| squared_distances(queries, &block))?.0;
        let best = SPARE.min(range.len()) as i64;
        let (values, places) = squares.f_topk(best, 1, false, true)?;
        let values: Vec<Vec<f64>> = Vec::try_from(values.f_to_device(tch::Device::Cpu)?)?;
        let places: Vec<Vec<i64>> = Vec::try_from(places.f_to_device(tch::Device::Cpu)?)?;
        for (query, (values, places)) in values.into_iter().zip(places).enumerate() {
            let pairs = values.into_iter().zip(places);
            candidates[query].extend(pairs.map(|(square, place)| Pair {
                first: query,
                second: range.start + place as usize,
                distance: square.sqrt(),
            }));
            candidates[query].sort_by(|a, b| a.distance.total_cmp(&b.distance));
            candidates[query].truncate(SPARE);
        }
        progress(range.end);
    }
    let refine = |(query, candidates): (usize, Vec<Pair>)| -> Result<Pair> {
        let own = queries.f_narrow(0, query as i64, 1)?;
        let mut best: Option<Pair> = None;
        for pair in candidates {
            let exact = Pair { distance: distance(&own, &vectors.block(pair.second..pair.second + 1)?)?, ..pair };
            if best.is_none_or(|best| exact.distance < best.distance) {
                best = Some(exact);
            }
        }
        best.ok_or_else(|| anyhow::anyhow!("there are no vectors to be near to"))
    };
    candidates.into_iter().enumerate().map(refine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::latent::latent;
    use tch::Device;

    struct Noise {
        count: usize,
        dimension: usize,
    }

    impl Noise {
        fn vector(&self, index: usize) -> Vec<f32> {
            // Vector 70 nearly is vector 3.
            let mut vector = latent(if index == 70 { 3 } else { index as u64 }, self.dimension);
            vector[0] += if index == 70 { 1e-3 } else { 0.0 };
            vector
        }
    }

    impl Vectors for Noise {
        fn count(&self) -> usize {
            self.count
        }

        fn dimension(&self) -> usize {
            self.dimension
        }

        fn block(&self, range: Range<usize>) -> Result<Tensor> {
            let rows = range.len() as i64;
            let values: Vec<f32> = range.flat_map(|index| self.vector(index)).collect();
            Ok(Tensor::f_from_slice(&values)?.f_view([rows, self.dimension as i64])?.f_to_device(Device::Cpu)?)
        }
    }

    fn between(noise: &Noise, a: usize, b: usize) -> f64 {
        let terms = noise.vector(a).into_iter().zip(noise.vector(b));
        terms.map(|(a, b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn closest_pairs_equal_a_search_through_all_also_when_interrupted() {
        let noise = Noise { count: 100, dimension: 40 };
        let mut expected: Vec<Pair> = (0..100)
            .flat_map(|first| (first + 1..100).map(move |second| (first, second)))
            .map(|(first, second)| Pair { first, second, distance: between(&noise, first, second) })
            .collect();
        expected.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        let same = 0.1 * typical_distance(&noise).unwrap();
        let found = PairSearch::default().run(&noise, 5, same, |_, _| Ok(true)).unwrap().unwrap();
        assert!(found.exact);
        assert_eq!(found.equal_pairs, 1, "vector 70 nearly is vector 3");
        assert_eq!((found.closest[0].first, found.closest[0].second), (3, 70));
        for (found, expected) in found.closest.iter().zip(&expected) {
            assert_eq!((found.first, found.second), (expected.first, expected.second));
            assert!((found.distance - expected.distance).abs() < 1e-9);
        }
        let median = expected[expected.len() / 2].distance;
        assert!((found.median_distance / median - 1.0).abs() < 1e-3);
        // By blocks of 16, stopped after each.
        let small = Small(noise);
        let mut search = PairSearch::default();
        let mut stops = 0;
        let again = loop {
            let saved = serde_json::to_string(&search).unwrap();
            search = serde_json::from_str(&saved).unwrap();
            match search.run(&small, 5, same, |_, share| Ok(share >= 1.0)).unwrap() {
                Some(found) => break found,
                None => stops += 1,
            }
        };
        assert_eq!((again.closest, stops), (found.closest, 6));
    }

    /// The same vectors, said to be longer, so that fewer make a block.
    struct Small(Noise);

    impl Vectors for Small {
        fn count(&self) -> usize {
            self.0.count
        }

        fn dimension(&self) -> usize {
            BLOCK_BYTES
        }

        fn block(&self, range: Range<usize>) -> Result<Tensor> {
            self.0.block(range)
        }
    }

    #[test]
    fn equal_vectors_are_all_the_same() {
        let ones = super::super::vectors::Matrix::centred(&vec![vec![3.0; 8]; 20], Device::Cpu).unwrap();
        let found = PairSearch::default().run(&ones, 3, 0.0, |_, _| Ok(true)).unwrap().unwrap();
        assert_eq!((found.equal_pairs, found.median_distance), (190, 0.0));
    }

    #[test]
    fn nearest_neighbours_are_found_and_equal_vectors_have_no_distance() {
        let noise = Noise { count: 60, dimension: 30 };
        let queries = Noise { count: 75, dimension: 30 }.block(68..72).unwrap();
        let found = nearest(&queries, &noise, |_| ()).unwrap();
        assert_eq!(found[2].second, 3);
        assert!((found[2].distance - 1e-3).abs() < 1e-6, "{}", found[2].distance);
        let expected = (0..60).min_by(|&a, &b| between(&noise, a, 68).total_cmp(&between(&noise, b, 68)));
        assert_eq!(Some(found[0].second), expected);
    }
}
