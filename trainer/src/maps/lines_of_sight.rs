//! Lines of sight through lens planes: straight ones (the Born projection), or rays that every plane deflects.

use std::ops::Range;

use anyhow::{Result, bail};
use shared::random::Random;

use super::{
    crop::Crop,
    planes::{LensPlane, LensPlanes},
};
use crate::ray_tracing::{distance::PlaneDistance, multi_plane::MultiPlane, square::inner};

/// Planes whose distances differ by less than this share are cut from one snapshot.
const SAME_DISTANCE: f64 = 1e-6;

/// The planes in front of one source, in a flat universe.
pub struct LinesOfSight<'a> {
    planes: &'a LensPlanes,
    source: PlaneDistance,
    /// Planes of one distance, and half their lensing efficiency. LensTools cuts several planes from one snapshot, along
    /// other axes or at other places: they are alternatives, of which each map takes one.
    weights: Vec<(Range<usize>, f32)>,
}

impl<'a> LinesOfSight<'a> {
    /// Prepares the projection onto a source plane.
    ///
    /// # Errors
    /// When no plane lies in front of the source, or the planes end well before it.
    pub fn new(planes: &'a LensPlanes, source_redshift: f64) -> Result<Self> {
        if !(source_redshift > 0.0 && source_redshift <= 20.0) {
            bail!("the source redshift must be between 0 and 20, got {source_redshift}");
        }
        let source = PlaneDistance::flat(planes.cosmology.comoving_distance(source_redshift));
        let mut weights = Vec::new();
        let mut start = 0;
        for alternatives in planes.planes.chunk_by(|a, b| b.distance - a.distance <= SAME_DISTANCE * b.distance) {
            let end = start + alternatives.len();
            if let Some(plane) = alternatives.first().filter(|plane| plane.distance < source.transverse) {
                weights.push((start..end, 0.5 * PlaneDistance::flat(plane.distance).efficiency(&source) as f32));
            }
            start = end;
        }
        let (Some(first), Some(last)) = (planes.planes.first(), planes.planes.last()) else { bail!("no planes") };
        if weights.is_empty() {
            bail!(
                "no plane lies in front of a source at z = {source_redshift}: the nearest is at z = {}",
                first.redshift
            );
        }
        // Planes that end early would leave out mass without a word; three spacings of tolerance for the last ones.
        let spacing = (last.distance - first.distance) / weights.len().max(2) as f64;
        if last.distance + 3.0 * spacing < source.transverse {
            bail!(
                "the planes end at z = {:.3}, before the source at z = {source_redshift}: choose a nearer source or add planes",
                last.redshift
            );
        }
        Ok(Self { planes, source, weights })
    }

    /// Number of distances in front of the source at which there are planes.
    pub fn plane_count(&self) -> usize {
        self.weights.len()
    }

    /// The Born projection of `size` x `size` pixels, `kappa = 1/2 sum (1 - chi_i/chi_s) laplacian(psi_i)`, with an independent
    /// window and symmetry for each plane.
    pub fn draw(&self, random: &mut Random, size: usize) -> Vec<f32> {
        let mut kappa = vec![0.0; size * size];
        for (alternatives, weight) in &self.weights {
            let (plane, crop) = self.window(random, alternatives, size);
            add(&mut kappa, &plane.laplacian, self.planes.pixels, size, crop, *weight);
        }
        kappa
    }

    /// Kappa of `size` x `size` rays that every plane deflects, with an independent window and symmetry for each plane, wider than
    /// the map by a margin for deflections where the plane has it.
    pub fn draw_deflected(&self, random: &mut Random, size: usize) -> Vec<f32> {
        let margin = (size / 16).min((self.planes.pixels - size) / 2);
        let wide = size + 2 * margin;
        let mut rays = MultiPlane::new(wide, self.planes.side_angle * wide as f64 / self.planes.pixels as f64);
        for (alternatives, _) in &self.weights {
            let (plane, crop) = self.window(random, alternatives, wide);
            let mut laplacian = vec![0.0; wide * wide];
            add(&mut laplacian, &plane.laplacian, self.planes.pixels, wide, crop, 1.0);
            rays.cross(&laplacian, &PlaneDistance::flat(plane.distance));
        }
        inner(&rays.convergence(&self.source), size, margin).collect()
    }

    /// One of the planes of a distance, and a window of it.
    fn window(&self, random: &mut Random, alternatives: &Range<usize>, size: usize) -> (&LensPlane, Crop) {
        let count = alternatives.len();
        let plane = alternatives.start + if count > 1 { random.below(count) } else { 0 };
        (&self.planes.planes[plane], Crop::draw(random, self.planes.pixels, size))
    }
}

/// Adds a weighted crop of a square of `side` pixels.
fn add(kappa: &mut [f32], square: &[f32], side: usize, size: usize, crop: Crop, weight: f32) {
    for (row, line) in kappa.chunks_exact_mut(size).enumerate() {
        // A row of the crop is a straight line through the square: its first pixel and the step to the next.
        let (first_row, first_column) = crop.source(size, row, 0);
        let (next_row, next_column) = crop.source(size, row, 1.min(size - 1));
        let first = first_row * side + first_column;
        let step = (next_row * side + next_column) as isize - first as isize;
        for (column, value) in line.iter_mut().enumerate() {
            *value += weight * square[first.wrapping_add_signed(step * column as isize)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{
        Cosmology,
        random::{Stream, stream},
    };

    fn planes(count: usize, pixels: usize) -> LensPlanes {
        let plane = |i: usize| LensPlane {
            distance: 100.0 * (i + 1) as f64,
            redshift: 0.035 * (i + 1) as f64,
            laplacian: (0..pixels * pixels).map(|at| (at * (i + 1)) as f32).collect(),
        };
        let planes = (0..count).map(plane).collect();
        LensPlanes { planes, pixels, side_angle: 3.5, cosmology: Cosmology::PAPER }
    }

    #[test]
    fn a_line_of_sight_is_the_weighted_sum_of_its_crops() {
        let planes = planes(24, 8);
        let born = LinesOfSight::new(&planes, 1.0).unwrap();
        let source = Cosmology::PAPER.comoving_distance(1.0);
        assert_eq!(born.plane_count(), 23);
        let kappa = born.draw(&mut stream(3, Stream::Crops), 5);
        let mut random = stream(3, Stream::Crops);
        let mut expected = [0.0; 25];
        for plane in planes.planes.iter().take(23) {
            let crop = Crop::draw(&mut random, 8, 5);
            for (at, value) in expected.iter_mut().enumerate() {
                let (row, column) = crop.source(5, at / 5, at % 5);
                *value += 0.5 * (1.0 - plane.distance / source) * f64::from(plane.laplacian[row * 8 + column]);
            }
        }
        for (found, expected) in kappa.iter().zip(expected) {
            assert!((f64::from(*found) / expected - 1.0).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn faint_planes_deflect_nothing() {
        let mut planes = planes(24, 32);
        for plane in &mut planes.planes {
            // Waves of the plane alone: what a periodic plane holds besides its mean, of which rays see nothing.
            let value = |at: usize| 1e-6 * (std::f32::consts::TAU * (at % 32) as f32 / 16.0).cos();
            plane.laplacian = (0..32 * 32).map(value).collect();
        }
        let lines = LinesOfSight::new(&planes, 1.0).unwrap();
        let (born, deflected) =
            (lines.draw(&mut stream(1, Stream::Crops), 32), lines.draw_deflected(&mut stream(1, Stream::Crops), 32));
        assert!(born.iter().zip(&deflected).all(|(a, b)| (a - b).abs() < 1e-9) && born.iter().any(|k| k.abs() > 1e-6));
        assert_eq!(lines.draw_deflected(&mut stream(2, Stream::Crops), 17).len(), 17 * 17);
    }

    #[test]
    fn planes_of_one_distance_are_alternatives() {
        let mut planes = planes(24, 4);
        let other = LensPlane { laplacian: vec![1e6; 16], ..planes.planes[4] };
        planes.planes.insert(4, other);
        let born = LinesOfSight::new(&planes, 1.0).unwrap();
        assert_eq!(born.plane_count(), 23);
        let largest = |map: u64| {
            let kappa = born.draw(&mut stream(map, Stream::Crops), 4);
            kappa.into_iter().fold(0.0, f32::max) > 5e5 * born.weights[4].1
        };
        let taken = (0..200).filter(|&map| largest(map)).count();
        assert!((60..140).contains(&taken), "{taken} of 200 maps took the second of two alternatives");
    }

    #[test]
    fn a_source_without_planes_in_front_or_beyond_the_last_is_refused() {
        let planes = planes(3, 4);
        assert!(LinesOfSight::new(&planes, 0.01).is_err());
        assert!(LinesOfSight::new(&planes, 1.0).err().unwrap().to_string().contains("planes end"));
        assert!(LinesOfSight::new(&planes, f64::NAN).is_err());
    }
}
