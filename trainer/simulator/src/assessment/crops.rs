//! Crops that the generator's tanh could not draw: those with a pixel outside [-1, 1].

use std::ops::AddAssign;

/// Pixels along a side of a crop, the paper's maps (Section 2.1).
pub const CROP_PIXELS: usize = 256;

/// How many crops there are, and how many have a pixel outside [-1, 1].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CropCount {
    /// Crops.
    pub crops: usize,
    /// Those with such a pixel.
    pub outside: usize,
}

impl CropCount {
    /// Counts the crops of a row-major map of `pixels` x `pixels`: tiles from its first corner on, which do not overlap. What
    /// remains at the other borders is left out.
    pub fn of(kappa: &[f32], pixels: usize) -> Self {
        Self::of_tiles(kappa, pixels, CROP_PIXELS)
    }

    fn of_tiles(kappa: &[f32], pixels: usize, side: usize) -> Self {
        let along = pixels / side;
        let mut count = Self { crops: along * along, outside: 0 };
        for rows in kappa.chunks_exact((pixels * side).max(1)) {
            let mut outside = vec![false; along];
            for row in rows.chunks_exact(pixels) {
                for (outside, tile) in outside.iter_mut().zip(row.chunks_exact(side)) {
                    *outside |= tile.iter().any(|kappa| kappa.abs() > 1.0);
                }
            }
            count.outside += outside.into_iter().filter(|&outside| outside).count();
        }
        count
    }

    /// Share of crops with such a pixel; `None` where maps are smaller than a crop.
    pub fn share(self) -> Option<f64> {
        (self.crops > 0).then(|| self.outside as f64 / self.crops as f64)
    }
}

impl AddAssign for CropCount {
    fn add_assign(&mut self, other: Self) {
        self.crops += other.crops;
        self.outside += other.outside;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_pixels_are_found() {
        let mut kappa = vec![0.0; 600 * 600];
        assert_eq!(CropCount::of(&kappa, 600), CropCount { crops: 4, outside: 0 });
        // Exactly 1 is inside; the last rows and columns belong to no crop.
        kappa[0] = 1.0;
        kappa[512] = 1.5;
        kappa[599 * 600] = 1.5;
        assert_eq!(CropCount::of(&kappa, 600).outside, 0);
        // Two in the second tile, one of them below -1, and one in the last pixel of the last tile.
        kappa[300] = 1.5;
        kappa[255 * 600 + 511] = -1.5;
        kappa[511 * 600 + 511] = 1.5;
        let mut count = CropCount::of(&kappa, 600);
        assert_eq!((count, count.share()), (CropCount { crops: 4, outside: 2 }, Some(0.5)));
        count += CropCount { crops: 4, outside: 0 };
        assert_eq!(count.share(), Some(0.25));
    }

    #[test]
    fn each_tile_as_by_a_plain_loop() {
        let (pixels, side) = (11, 3);
        for planted in 0..pixels * pixels {
            let mut kappa = vec![0.0; pixels * pixels];
            kappa[planted] = -1.01;
            let inside = planted / pixels < 9 && planted % pixels < 9;
            let count = CropCount::of_tiles(&kappa, pixels, side);
            assert_eq!(count, CropCount { crops: 9, outside: usize::from(inside) }, "{planted}");
        }
    }

    #[test]
    fn small_maps_have_no_crops() {
        assert_eq!(CropCount::of(&[2.0; 100], 10).share(), None);
        assert_eq!(CropCount::of(&[], 0).share(), None);
    }
}
