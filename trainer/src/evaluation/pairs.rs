//! Closest pairs among many vectors, and nearest neighbours, by blocked matrix products (paper Section 3.2).
//!
//! `|a - b|^2 = |a|^2 + |b|^2 - 2 a.b`, with the products of whole blocks from libtorch on the CPU or on CUDA. Rounding in f32 may
//! put near pairs in the wrong order; so more candidates are kept than asked for, and their distances are computed again in
//! f64 from the vectors themselves. The result is exact as long as the last candidate is further away than rounding could
//! have moved it, which is checked.

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairSearch {
    /// Blocks of rows that are done.
    done: usize,
    /// Candidates, by distance as f32 found it.
    candidates: Vec<Pair>,
    /// A sample of distances of the first block, for their median.
    typical: Option<f64>,
    /// Largest squared norm of a vector so far.
    largest_norm: f64,
    /// Pairs so far that are the same by [`SAME`].
    equal_pairs: u64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosestPairs {
    /// Vectors searched.
    pub vectors: usize,
    /// The closest pairs, nearest first.
    pub closest: Vec<Pair>,
    /// Median distance of two vectors, over the first block.
    pub median_distance: f64,
    /// Pairs whose distance is below [`SAME`] of that median.
    pub equal_pairs: u64,
    /// Whether no pair outside the candidates can be closer than these, given the rounding of f32.
    pub exact: bool,
}

/// Two vectors are the same where their distance is below this share of the median distance of two vectors.
pub const SAME: f64 = 0.1;
/// Rounding of a product of two vectors in f32, as a share of the product of their norms: libtorch adds up products in blocks,
/// so that errors of 2^-24 a step do not pile up beyond this.
const ROUNDING: f64 = 1e-5;
/// Candidates kept for each pair asked for, and at least.
const SPARE: usize = 64;
/// Bytes of a block of vectors: two of them and their products stay far below 4 GB.
const BLOCK_BYTES: usize = 1 << 29;

impl Default for PairSearch {
    fn default() -> Self {
        Self { done: 0, candidates: Vec::new(), typical: None, largest_norm: 0.0, equal_pairs: 0 }
    }
}

impl PairSearch {
    /// Vectors in a block.
    pub fn block_size(vectors: &impl Vectors) -> usize {
        (BLOCK_BYTES / (4 * vectors.dimension().max(1))).clamp(16, 4096).min(vectors.count().max(1))
    }

    /// Goes on until all blocks are done. `progress` is called after each block of rows with the search so far and the share
    /// of pairs that are done; when it returns false, the search stops and can go on later.
    ///
    /// # Errors
    /// When a vector cannot be read, or the device fails.
    pub fn run(
        &mut self,
        vectors: &impl Vectors,
        wanted: usize,
        mut progress: impl FnMut(&Self, f64) -> Result<bool>,
    ) -> Result<Option<ClosestPairs>> {
        let (count, size) = (vectors.count(), Self::block_size(vectors));
        if count < 2 {
            bail!("closest pairs need at least two vectors, there are {count}");
        }
        let kept = wanted + SPARE;
        let blocks = count.div_ceil(size);
        while self.done < blocks {
            let rows = self.done * size..((self.done + 1) * size).min(count);
            let first = vectors.block(rows.clone())?;
            for column in self.done..blocks {
                let columns = column * size..((column + 1) * size).min(count);
                let same = column == self.done;
                let second = if same { first.shallow_clone() } else { vectors.block(columns.clone())? };
                no_grad(|| self.add_block([rows.start, columns.start], &first, &second, same, kept))?;
            }
            self.done += 1;
            let share = 1.0 - (1.0 - self.done as f64 / blocks as f64).powi(2);
            if !progress(self, share)? {
                return Ok(None);
            }
        }
        self.finish(vectors, wanted).map(Some)
    }

    fn add_block(&mut self, starts: [usize; 2], a: &Tensor, b: &Tensor, same: bool, kept: usize) -> Result<()> {
        let norm = |x: &Tensor| x.f_square()?.f_sum_dim_intlist(1, false, Kind::Double);
        let (norm_a, norm_b) = (norm(a)?, norm(b)?);
        self.largest_norm = self.largest_norm.max(f64::try_from(norm_a.f_max()?)?).max(f64::try_from(norm_b.f_max()?)?);
        let products = a.f_matmul(&b.f_tr()?)?.f_to_kind(Kind::Double)?;
        let squares = (norm_a.f_unsqueeze(1)?.f_add(&norm_b.f_unsqueeze(0)?)?).f_sub(&products.f_mul_scalar(2.0)?)?;
        let squares = squares.f_clamp_min(0.0)?;
        if self.typical.is_none() && a.size()[0] > 1 {
            // The diagonal holds zeros, which are few.
            self.typical = Some(f64::try_from(squares.f_median()?)?.sqrt());
        }
        // A vector and itself, and each pair's second mention, are no pairs.
        let beyond = f64::INFINITY;
        let squares = if same {
            let lower = Tensor::f_ones_like(&squares)?.f_tril(0)?.f_to_kind(Kind::Bool)?;
            squares.f_masked_fill(&lower, beyond)?
        } else {
            squares
        };
        let same_square = (SAME * self.typical.unwrap_or(0.0)).powi(2);
        self.equal_pairs += i64::try_from(squares.f_lt(same_square)?.f_sum(Kind::Int64)?)? as u64;
        let flat = squares.f_flatten(0, 1)?;
        let best = (kept as i64).min(flat.size()[0]);
        let (values, places) = flat.f_topk(best, 0, false, true)?;
        let (values, places) = (
            Vec::<f64>::try_from(values.f_to_device(tch::Device::Cpu)?)?,
            Vec::<i64>::try_from(places.f_to_device(tch::Device::Cpu)?)?,
        );
        let width = b.size()[0];
        for (square, place) in values.into_iter().zip(places) {
            if square.is_finite() {
                let (row, column) = ((place / width) as usize, (place % width) as usize);
                self.candidates.push(Pair {
                    first: starts[0] + row,
                    second: starts[1] + column,
                    distance: square.sqrt(),
                });
            }
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
        // |a|^2 + |b|^2 - 2 a.b is off by no more than this.
        let error = 2.0 * ROUNDING * self.largest_norm;
        let exact = all_kept || furthest * furthest + error <= left_out * left_out;
        Ok(ClosestPairs {
            vectors: vectors.count(),
            closest,
            median_distance: self.typical.unwrap_or(0.0),
            equal_pairs: self.equal_pairs,
            exact,
        })
    }
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
        let squares = no_grad(|| -> Result<Tensor> {
            let norm = |x: &Tensor| x.f_square()?.f_sum_dim_intlist(1, false, Kind::Double);
            let products = queries.f_matmul(&block.f_tr()?)?.f_to_kind(Kind::Double)?;
            let norms = norm(queries)?.f_unsqueeze(1)?.f_add(&norm(&block)?.f_unsqueeze(0)?)?;
            Ok(norms.f_sub(&products.f_mul_scalar(2.0)?)?.f_clamp_min(0.0)?)
        })?;
        let best = 8.min(range.len()) as i64;
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
            candidates[query].truncate(8);
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
        // 4 MB vectors make blocks of 128, so that several are needed.
        let noise = Noise { count: 100, dimension: 40 };
        let mut expected: Vec<Pair> = (0..100)
            .flat_map(|first| (first + 1..100).map(move |second| (first, second)))
            .map(|(first, second)| Pair { first, second, distance: between(&noise, first, second) })
            .collect();
        expected.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        let found = PairSearch::default().run(&noise, 5, |_, _| Ok(true)).unwrap().unwrap();
        assert!(found.exact);
        assert_eq!(found.equal_pairs, 1, "vector 70 nearly is vector 3");
        assert_eq!((found.closest[0].first, found.closest[0].second), (3, 70));
        for (found, expected) in found.closest.iter().zip(&expected) {
            assert_eq!((found.first, found.second), (expected.first, expected.second));
            assert!((found.distance - expected.distance).abs() < 1e-9);
        }
        let median = expected[expected.len() / 2].distance;
        assert!((found.median_distance / median - 1.0).abs() < 0.05);
        // By blocks of 16, stopped after each.
        let small = Small(noise);
        let mut search = PairSearch::default();
        let mut stops = 0;
        let again = loop {
            let saved = serde_json::to_string(&search).unwrap();
            search = serde_json::from_str(&saved).unwrap();
            match search.run(&small, 5, |_, share| Ok(share >= 1.0)).unwrap() {
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
