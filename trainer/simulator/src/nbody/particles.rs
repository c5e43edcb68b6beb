//! Particles of a periodic box, in the order of the cells that they lie in.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

/// Positions and momenta of equal particles in a periodic box.
///
/// A position is a whole number of 2^-32 box sides: the box closes by itself, all places are equally precise, and
/// differences are the shortest way round. A momentum is `a^3 E dx/da` in box sides (H0 = 1).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Particles {
    /// x, y and z.
    pub positions: [Vec<u32>; 3],
    /// Along x, y and z.
    pub momenta: [Vec<f32>; 3],
}

/// Box sides in a unit of position.
pub const UNIT: f64 = 1.0 / 4_294_967_296.0;

/// Pieces of work that a pass over all particles is cut into, whatever the number of threads, so that it changes nothing.
const PIECES: usize = 64;

/// A position from box sides, wrapped into the box.
pub fn position(sides: f64) -> u32 {
    ((sides - sides.floor()) / UNIT).round() as u64 as u32
}

impl Particles {
    /// Number of particles.
    pub fn len(&self) -> usize {
        self.positions[0].len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves every particle by `factor` times its momentum.
    pub fn drift(&mut self, factor: f64) {
        let factor = (factor / UNIT) as f32;
        for (positions, momenta) in self.positions.iter_mut().zip(&self.momenta) {
            positions.par_iter_mut().zip(momenta).with_min_len(1 << 14).for_each(|(position, momentum)| {
                // Through i64, since a step may be longer than half a box in a test, and saturates beyond.
                *position = position.wrapping_add((momentum * factor) as i64 as u32);
            });
        }
    }

    /// Puts the particles in the order of their cells.
    pub fn sort(&mut self, cells: &mut Cells) {
        cells.find_order(self);
        let mut words = vec![0_u32; self.len()];
        for positions in &mut self.positions {
            reorder(positions, &mut words, &cells.order);
        }
        // One scratch for both: the bits of a momentum travel as a word.
        let mut scratch: Vec<f32> = bytemuck::cast_vec(words);
        for momenta in &mut self.momenta {
            reorder(momenta, &mut scratch, &cells.order);
        }
    }
}

fn reorder<T: Copy + Send + Sync>(values: &mut Vec<T>, scratch: &mut Vec<T>, order: &[u32]) {
    scratch.par_iter_mut().zip(order).with_min_len(1 << 14).for_each(|(slot, &from)| *slot = values[from as usize]);
    std::mem::swap(values, scratch);
}

/// Cubic cells of a box, and which of the sorted particles lie in each.
pub struct Cells {
    /// Cells along a side.
    side: usize,
    /// First particle of each cell `[x][y][z]`, and the number of all at the end.
    starts: Vec<u32>,
    /// Place of each particle before the last sort.
    order: Vec<u32>,
}

impl Cells {
    /// `side^3` cells, all empty.
    pub fn new(side: usize) -> Self {
        Self { side, starts: vec![0; side * side * side + 1], order: Vec::new() }
    }

    /// Cells along a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Index of the first particle at or after the cell of this number, `x * side^2 + y * side + z`.
    pub fn start(&self, cell: usize) -> usize {
        self.starts[cell] as usize
    }

    /// Number of the cell along one axis.
    pub fn along(&self, position: u32) -> usize {
        along(position, self.side)
    }

    /// Finds which particle comes where: first by planes of x over pieces of the particles, then within each plane. Particles of a cell
    /// keep their order.
    fn find_order(&mut self, particles: &Particles) {
        let (side, count) = (self.side, particles.len());
        let [xs, ys, zs] = &particles.positions;
        let piece = count.div_ceil(PIECES).max(1);
        let mut counts: Vec<Vec<u32>> = xs
            .par_chunks(piece)
            .map(|xs| {
                let mut counts = vec![0; side];
                for &x in xs {
                    counts[along(x, side)] += 1;
                }
                counts
            })
            .collect();
        // From counts to first places.
        let mut plane_starts = Vec::with_capacity(side + 1);
        let mut first = 0;
        for plane in 0..side {
            plane_starts.push(first as usize);
            for counts in &mut counts {
                first += std::mem::replace(&mut counts[plane], first);
            }
        }
        plane_starts.push(count);
        self.order.resize(count, 0);
        let by_plane: Vec<AtomicU32> = (0..count).into_par_iter().map(|_| AtomicU32::new(0)).collect();
        xs.par_chunks(piece).zip(&mut counts).enumerate().for_each(|(at, (xs, places))| {
            for (index, &x) in (at * piece..).zip(xs) {
                let place = &mut places[along(x, side)];
                by_plane[*place as usize].store(index as u32, Ordering::Relaxed);
                *place += 1;
            }
        });
        let planes = split_at_all(&mut self.order, &plane_starts);
        let (starts, last) = self.starts.split_at_mut(side * side * side);
        last[0] = count as u32;
        planes.into_par_iter().zip(starts.par_chunks_mut(side * side)).enumerate().for_each(
            |(plane, (order, starts))| {
                let members = &by_plane[plane_starts[plane]..plane_starts[plane + 1]];
                let members = members.iter().map(|member| member.load(Ordering::Relaxed) as usize);
                let cell = |member: usize| along(ys[member], side) * side + along(zs[member], side);
                starts.fill(0);
                for member in members.clone() {
                    starts[cell(member)] += 1;
                }
                let mut first = 0;
                for start in starts.iter_mut() {
                    first += std::mem::replace(start, first);
                }
                for member in members {
                    let place = &mut starts[cell(member)];
                    order[*place as usize] = member as u32;
                    *place += 1;
                }
                // Each start has moved to the end of its cell, which is the next one's start.
                starts.rotate_right(1);
                starts[0] = 0;
                for start in starts {
                    *start += plane_starts[plane] as u32;
                }
            },
        );
    }
}

fn along(position: u32, side: usize) -> usize {
    ((u64::from(position) * side as u64) >> 32) as usize
}

/// Cuts a slice at these places, of which the first is 0 and the last its length.
pub fn split_at_all<'a, T>(mut values: &'a mut [T], places: &[usize]) -> Vec<&'a mut [T]> {
    let mut parts = Vec::with_capacity(places.len().saturating_sub(1));
    for pair in places.windows(2) {
        let (part, rest) = values.split_at_mut(pair[1] - pair[0]);
        parts.push(part);
        values = rest;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::random::{Stream, stream};

    fn scattered(count: usize) -> Particles {
        let mut random = stream(1, Stream::Crops);
        let mut axis = || (0..count).map(|_| position(random.uniform().powi(3))).collect::<Vec<_>>();
        let positions = [axis(), axis(), axis()];
        let number: Vec<f32> = (0..count).map(|i| i as f32).collect();
        Particles { positions, momenta: [number.clone(), number.clone(), number] }
    }

    #[test]
    fn sorted_particles_lie_in_their_cells_and_none_is_lost() {
        let before = scattered(10_000);
        let (mut after, mut cells) = (before.clone(), Cells::new(6));
        after.sort(&mut cells);
        assert_eq!((cells.start(0), cells.start(216)), (0, 10_000));
        let mut seen = vec![false; 10_000];
        for cell in 0..216 {
            let members = cells.start(cell)..cells.start(cell + 1);
            let mut last = None;
            for member in members {
                let place = after.positions.each_ref().map(|axis| cells.along(axis[member]));
                assert_eq!(place[0] * 36 + place[1] * 6 + place[2], cell);
                let name = after.momenta[1][member] as usize;
                assert_eq!(after.positions[2][member], before.positions[2][name]);
                assert!(last.is_none_or(|last| last < name) && !std::mem::replace(&mut seen[name], true));
                last = Some(name);
            }
        }
        assert!(seen.into_iter().all(|seen| seen));
    }

    #[test]
    fn particles_leave_the_box_on_one_side_and_enter_on_the_other() {
        let mut particles =
            Particles { positions: [vec![position(0.9)], vec![0], vec![position(0.25)]], ..Particles::default() };
        particles.momenta = [vec![0.2], vec![-0.25], vec![0.0]];
        particles.drift(1.0);
        let found = particles.positions.each_ref().map(|axis| f64::from(axis[0]) * UNIT);
        assert!((found[0] - 0.1).abs() < 1e-6 && (found[1] - 0.75).abs() < 1e-9 && found[2] == 0.25, "{found:?}");
        assert_eq!((position(1.0), position(-0.5)), (0, 1 << 31));
    }
}
