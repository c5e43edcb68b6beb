//! Lines of sight through lens planes: straight ones (the Born projection), or rays that every plane deflects.

use std::ops::Range;

use anyhow::{Result, bail, ensure};
use shared::{
    cosmology::{Background, PlaneDistance},
    random::Random,
};
use storage::maps::crop::Crop;

use super::potentials::{LensPlane, LensPlanes};
use crate::ray_tracing::{multi_plane::MultiPlane, square::inner};

/// Planes whose distances differ by less than this share are cut from one snapshot.
const SAME_DISTANCE: f64 = 1e-6;

/// The planes in front of one source, in the universe that their files state, flat or curved.
pub struct LinesOfSight<'a> {
    planes: &'a LensPlanes,
    source: PlaneDistance,
    slices: Vec<Slice>,
}

/// Planes of one distance. LensTools cuts several planes from one snapshot, along other axes or at other places: they are
/// alternatives, of which each map takes one.
struct Slice {
    alternatives: Range<usize>,
    distance: PlaneDistance,
    /// Half the lensing efficiency.
    weight: f32,
}

impl<'a> LinesOfSight<'a> {
    /// Prepares the projection onto a source plane.
    ///
    /// # Errors
    /// When the planes' cosmology makes no universe, no plane lies in front of the source, the planes end well before it, or it lies
    /// behind the far pole of a closed universe.
    pub fn new(planes: &'a LensPlanes, source_redshift: f64) -> Result<Self> {
        if !(source_redshift > 0.0 && source_redshift <= 20.0) {
            bail!("the source redshift must be between 0 and 20, got {source_redshift}");
        }
        let background = Background::new(&planes.cosmology)?;
        let farthest = background.chi_of_redshift(source_redshift);
        ensure!(
            farthest < background.half_around(),
            "redshift {source_redshift} lies behind the far pole of the planes' closed universe: choose a nearer source"
        );
        let source = background.plane_distance(farthest);
        let mut slices = Vec::new();
        let mut start = 0;
        for alternatives in planes.planes.chunk_by(|a, b| b.distance - a.distance <= SAME_DISTANCE * b.distance) {
            let end = start + alternatives.len();
            if let Some(plane) = alternatives.first().filter(|plane| plane.distance < farthest) {
                let distance = background.plane_distance(plane.distance);
                let weight = 0.5 * distance.efficiency(&source) as f32;
                slices.push(Slice { alternatives: start..end, distance, weight });
            }
            start = end;
        }
        let (Some(first), Some(last)) = (planes.planes.first(), planes.planes.last()) else { bail!("no planes") };
        if slices.is_empty() {
            bail!(
                "no plane lies in front of a source at z = {source_redshift}: the nearest is at z = {}",
                first.redshift
            );
        }
        // Planes that end early would leave out mass without a word; three spacings of tolerance for the last ones.
        let spacing = (last.distance - first.distance) / slices.len().max(2) as f64;
        if last.distance + 3.0 * spacing < farthest {
            bail!(
                "the planes end at z = {:.3}, before the source at z = {source_redshift}: choose a nearer source or add planes",
                last.redshift
            );
        }
        Ok(Self { planes, source, slices })
    }

    /// Number of distances in front of the source at which there are planes.
    pub fn plane_count(&self) -> usize {
        self.slices.len()
    }

    /// The Born projection of `size` x `size` pixels, `kappa = 1/2 sum f_K(chi_s - chi_i)/f_K(chi_s) laplacian(psi_i)`, with an
    /// independent window and symmetry for each plane.
    #[doc(alias = "convergenceBorn")]
    #[doc(alias = "born")]
    pub fn draw(&self, random: &mut Random, size: usize) -> Vec<f32> {
        let mut kappa = vec![0.0; size * size];
        for slice in &self.slices {
            let (plane, crop) = self.window(random, &slice.alternatives, size);
            add(&mut kappa, &plane.laplacian, self.planes.pixels, size, crop, slice.weight);
        }
        kappa
    }

    /// Kappa of `size` x `size` rays that every plane deflects, with an independent window and symmetry for each plane, wider than
    /// the map by a margin for deflections where the plane has it.
    pub fn draw_deflected(&self, random: &mut Random, size: usize) -> Vec<f32> {
        let margin = (size / 16).min((self.planes.pixels - size) / 2);
        let wide = size + 2 * margin;
        let mut rays = MultiPlane::new(wide, self.planes.side_angle * wide as f64 / self.planes.pixels as f64);
        for slice in &self.slices {
            let (plane, crop) = self.window(random, &slice.alternatives, wide);
            let mut laplacian = vec![0.0; wide * wide];
            add(&mut laplacian, &plane.laplacian, self.planes.pixels, wide, crop, 1.0);
            rays.cross(&laplacian, &slice.distance);
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
        let source = Background::new(&Cosmology::PAPER).unwrap().chi_of_redshift(1.0);
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
    fn planes_of_a_curved_universe_weigh_what_its_geometry_says() {
        for omega_l in [0.0, 1.1] {
            let mut planes = planes(24, 4);
            planes.cosmology = Cosmology { omega_l, ..Cosmology::PAPER };
            let background = Background::new(&planes.cosmology).unwrap();
            let born = LinesOfSight::new(&planes, 0.8).unwrap();
            let source = background.chi_of_redshift(0.8);
            for (slice, plane) in born.slices.iter().zip(&planes.planes) {
                // f_K(chi_s - chi) / f_K(chi_s) by its definition; in a flat universe it would be 1 - chi / chi_s.
                let expected = background.transverse(source - plane.distance) / background.transverse(source);
                assert!((2.0 * f64::from(slice.weight) - expected).abs() < 1e-6, "{omega_l} {expected}");
            }
            let middle = &born.slices[9];
            let flat = 1.0 - planes.planes[9].distance / source;
            assert!((2.0 * f64::from(middle.weight) - flat).abs() > 5e-3, "{omega_l}: as in a flat universe");
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
            kappa.into_iter().fold(0.0, f32::max) > 5e5 * born.slices[4].weight
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
