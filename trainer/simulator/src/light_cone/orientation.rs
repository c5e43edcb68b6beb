//! How a map sees the box in one shell.

use shared::random::Random;

use crate::nbody::particles::UNIT;

/// One of the 48 symmetries of the cube, and a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orientation {
    /// Axes of the box that are seen as rows, columns and depth.
    pub axes: [usize; 3],
    /// Which of them are seen backwards.
    pub backwards: [bool; 3],
    /// Place of the box that is seen at the middle of the field and the near side of the shell.
    pub origin: [u32; 3],
}

impl Orientation {
    /// One of 48 symmetries and any origin, all alike.
    pub fn draw(random: &mut Random) -> Self {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let axes = ORDERS[random.below(ORDERS.len())];
        let signs = random.below(8);
        let origin = [0; 3].map(|_: u32| (random.uniform() / UNIT) as u32);
        Self { axes, backwards: [0, 1, 2].map(|axis| signs >> axis & 1 == 1), origin }
    }

    /// Place in units of the box from the origin along an axis as it is seen: 0 rows, 1 columns, 2 depth.
    pub fn along(&self, seen: usize, position: u32) -> u32 {
        let offset = position.wrapping_sub(self.origin[seen]);
        if self.backwards[seen] { !offset } else { offset }
    }
}
