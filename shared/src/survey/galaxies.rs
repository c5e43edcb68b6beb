//! Galaxies far behind a map, as they would be seen without it and through it: a picture for the eye, not a measurement.

use core::f64::consts::PI;

use super::Deflection;
use crate::random::{Stream, stream};

/// Galaxies of a picture.
const GALAXIES: usize = 700;
/// Half the length of a galaxy's axis as a share of the picture's side: the smallest, and the spread above it.
const SMALLEST: f64 = 0.0035;
const SPREAD: f64 = 0.0075;
/// How far its light is followed, in units of its axis.
const EXTENT: f64 = 3.0;
/// Red, green and blue of old and of young stars.
const OLD: [f64; 3] = [1.0, 0.72, 0.45];
const YOUNG: [f64; 3] = [0.6, 0.78, 1.0];
/// What the sky adds.
const SKY: [f64; 3] = [0.015, 0.02, 0.045];

/// A picture of galaxies, periodic as the maps' deflections are.
#[derive(Debug, Clone)]
pub struct GalaxyField {
    pixels: usize,
    /// Red, green, blue of each pixel, from 0.
    light: Vec<[f32; 3]>,
}

impl GalaxyField {
    /// Galaxies at random, in a picture of `pixels` x `pixels`.
    pub fn new(seed: u64, pixels: usize) -> Self {
        let mut random = stream(seed, Stream::Galaxies);
        let mut light = vec![SKY.map(|sky| sky as f32); pixels * pixels];
        for _ in 0..GALAXIES {
            let centre = [random.uniform(), random.uniform()];
            let major = SMALLEST + SPREAD * random.uniform().powi(3);
            let minor = major * (0.35 + 0.65 * random.uniform());
            let (sin, cos) = libm::sincos(PI * random.uniform());
            let (age, brightness) = (random.uniform(), 0.5 + random.uniform());
            let colour: [f64; 3] =
                std::array::from_fn(|band| brightness * (age * OLD[band] + (1.0 - age) * YOUNG[band]));
            let reach = (EXTENT * major * pixels as f64).ceil() as i64;
            let middle = centre.map(|share| (share * pixels as f64) as i64);
            for down in -reach..=reach {
                for right in -reach..=reach {
                    let [x, y] = [(right, 0), (down, 1)]
                        .map(|(step, axis)| ((middle[axis] + step) as f64 + 0.5) / pixels as f64 - centre[axis]);
                    let (along, across) = ((x * cos + y * sin) / major, (y * cos - x * sin) / minor);
                    let radius = (along * along + across * across).sqrt();
                    if radius > EXTENT {
                        continue;
                    }
                    // An exponential disc.
                    let shine = libm::exp(-1.7 * radius);
                    let [column, row] =
                        [right + middle[0], down + middle[1]].map(|at| at.rem_euclid(pixels as i64) as usize);
                    let pixel = &mut light[row * pixels + column];
                    for (pixel, colour) in pixel.iter_mut().zip(colour) {
                        *pixel += (shine * colour) as f32;
                    }
                }
            }
        }
        Self { pixels, light }
    }

    /// Pixels along the picture's side.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// The picture through a deflection of a map of `map_pixels` x `map_pixels`, `strength` times as strong as it is: RGBA, row by row.
    /// Surface brightness stays what it is at its source (Etherington 1933).
    pub fn lensed(&self, deflection: &Deflection, map_pixels: usize, strength: f32) -> Vec<u8> {
        let (n, m) = (self.pixels, map_pixels);
        let mut picture = Vec::with_capacity(4 * n * n);
        for row in 0..n {
            for column in 0..n {
                let [x, y] = [column, row].map(|at| (at as f32 + 0.5) / n as f32);
                let place = Bilinear::new([x, y], m);
                let shift = [&deflection.right, &deflection.down]
                    .map(|shifts| strength * place.of(|at| shifts.get(at).copied().unwrap_or(0.0)));
                let source = Bilinear::new([x - shift[0], y - shift[1]], n);
                for band in 0..3 {
                    let light = source.of(|at| self.light[at][band]);
                    // Bright centres do not burn out.
                    picture.push((255.0 * (1.0 - (-1.6 * light).exp())) as u8);
                }
                picture.push(255);
            }
        }
        picture
    }
}

/// A place between four pixels of a periodic picture.
struct Bilinear {
    corners: [usize; 4],
    shares: [f32; 4],
}

impl Bilinear {
    /// The place as shares of the side.
    fn new([x, y]: [f32; 2], pixels: usize) -> Self {
        let split = |share: f32| {
            let at = share.rem_euclid(1.0) * pixels as f32 - 0.5;
            let low = at.floor();
            let first = (low as i64).rem_euclid(pixels as i64) as usize;
            (first, (first + 1) % pixels, at - low)
        };
        let ((left, right, x), (top, bottom, y)) = (split(x), split(y));
        let at = |row: usize, column: usize| row * pixels + column;
        Self {
            corners: [at(top, left), at(top, right), at(bottom, left), at(bottom, right)],
            shares: [(1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y],
        }
    }

    fn of(&self, value: impl Fn(usize) -> f32) -> f32 {
        self.corners.iter().zip(self.shares).map(|(&corner, share)| share * value(corner)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvergenceMap, survey::DeflectionPlan};

    #[test]
    fn without_strength_the_picture_is_that_of_the_sources() {
        let field = GalaxyField::new(1, 64);
        let none = Deflection { right: vec![0.3; 16], down: vec![-0.2; 16] };
        let picture = field.lensed(&none, 4, 0.0);
        assert_eq!(picture.len(), 4 * 64 * 64);
        for (pixel, light) in picture.chunks(4).zip(&field.light) {
            assert!((f32::from(pixel[0]) - 255.0 * (1.0 - (-1.6 * light[0]).exp())).abs() <= 1.0);
        }
        assert!(picture.iter().any(|byte| *byte > 150 && *byte < 255), "there are galaxies");
        // A shift that is the same everywhere moves the picture, around its border too.
        let whole = Deflection { right: vec![0.25; 16], down: vec![0.0; 16] };
        let moved = field.lensed(&whole, 4, 1.0);
        for row in 0..64 {
            let at = |picture: &[u8], column: usize| picture[4 * (row * 64 + column % 64)];
            assert!((0..64).all(|column| at(&moved, column + 16).abs_diff(at(&picture, column)) <= 1));
        }
    }

    /// Behind a disc of matter, what is seen is stretched about its middle: light comes from nearer to it than it is seen.
    #[test]
    fn matter_magnifies_what_is_behind_it() {
        let n = 64;
        let inside = |i: usize| {
            let (x, y) = ((i % n) as f64 - 31.5, (i / n) as f64 - 31.5);
            x * x + y * y < 100.0
        };
        let kappa = (0..n * n).map(|i| if inside(i) { 0.2 } else { 0.0 }).collect();
        let map = ConvergenceMap::new(1.0, n, kappa).unwrap();
        let deflection = DeflectionPlan::new(n).deflection(&map).unwrap();
        // Within the disc alpha = kappa (less its mean) times the distance from the middle.
        let at = |column: usize| f64::from(deflection.right[32 * n + column]) * n as f64;
        let slope = (at(36) - at(28)) / 8.0;
        assert!((slope - 0.2 * (1.0 - 0.0767)).abs() < 0.02, "{slope}");
    }
}
