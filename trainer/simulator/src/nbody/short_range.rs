//! The short-range part of gravity: what the mesh smooths away, summed over pairs of particles.
//!
//! A pair's force is that of a point mass less that of a ball of radius `cutoff` and density `(1 - r^2/cutoff^2)^3`, which
//! [`super::long_range`] supplies; it is zero beyond `cutoff`. Point masses are softened within `softening`.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::particles::{Cells, Particles, UNIT, split_at_all};

/// Sources are padded to whole registers of the widest kind.
const LANES: usize = 16;
/// Targets that share a list of sources, at most.
const GROUP: usize = 64;
/// Targets from which on it pays to leave out sources that are in reach of none of them.
const MANY: usize = 16;
/// Cells in a row that are treated together, at most, where there are few particles.
const LONGEST: usize = 8;
/// Where padding lies: farther than any cutoff, so that it has no force.
const FAR: f32 = 1e6;

/// The short-range force of particles in sorted cells.
pub struct ShortRange {
    pair: PairForce,
    /// Nodes of the mesh along a box side: the unit of length here.
    nodes: usize,
    /// Cells along a side.
    side: usize,
    /// Cells in reach of a cell: steps along x and y, and how many cells to both sides along z.
    reach: Vec<(isize, isize, usize)>,
    /// Cells in a row that are treated together, at most: with those in reach on both sides, not more than there are.
    longest: usize,
    arch: Arch,
}

/// Shape of the force of a pair, lengths in nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairForce {
    /// Distance from which the force is zero.
    pub cutoff: f32,
    /// Distance within which the attracting mass is spread out, with a density of `(1 - r^2/softening^2)^2` (Dehnen 2001,
    /// Table 1): Newtonian outside; the same depth as a Plummer sphere of 0.46 times this.
    pub softening: f32,
}

impl ShortRange {
    /// Forces between particles in `side^3` cells, on top of a mesh of `nodes^3`.
    ///
    /// # Panics
    /// When there are so few cells that one would be in reach of itself on two sides.
    pub fn new(pair: PairForce, nodes: usize, side: usize) -> Self {
        let cutoff = f64::from(pair.cutoff) * side as f64 / nodes as f64;
        let most = cutoff.ceil() as isize;
        assert!(2 * most < side as isize, "{side} cells along a side are too few for a cutoff of {cutoff} cells");
        // Distance between the nearest faces of two cells.
        let gap = |step: isize| (step.abs() - 1).max(0) as f64;
        let mut reach = Vec::new();
        for x in -most..=most {
            for y in -most..=most {
                let left = cutoff * cutoff - gap(x).powi(2) - gap(y).powi(2);
                if left > 0.0 {
                    reach.push((x, y, (left.sqrt() + 1.0).ceil() as usize - 1));
                }
            }
        }
        Self { pair, nodes, side, reach, longest: LONGEST.min(side - 2 * most as usize), arch: Arch::new() }
    }

    /// Adds `factor` times the acceleration to the momenta, with `laplacian(phi) = delta`, lengths in box sides. The particles
    /// are sorted into `cells`.
    #[doc(alias = "pp_forces")]
    pub fn kick(&self, particles: &mut Particles, cells: &Cells, factor: f64) {
        let nodes = self.nodes as f64;
        let strength = factor * nodes * nodes / (4.0 * std::f64::consts::PI * particles.len() as f64);
        let row_starts: Vec<usize> = (0..=self.side * self.side).map(|row| cells.start(row * self.side)).collect();
        let Particles { positions, momenta: [px, py, pz] } = particles;
        let [px, py, pz] = [px, py, pz].map(|momenta| split_at_all(momenta, &row_starts));
        let rows = px.into_par_iter().zip(py).zip(pz).enumerate();
        rows.for_each_init(Workspace::default, |workspace, (row, ((px, py), pz))| {
            let mut start = 0;
            while start < self.side {
                let block = start..self.block_end(cells, row, start);
                start = block.end;
                let members = cells.start(row * self.side + block.start)..cells.start(row * self.side + block.end);
                if members.is_empty() {
                    continue;
                }
                self.gather_sources(positions, cells, row, block, workspace);
                self.gather_targets(positions, members.clone(), workspace);
                self.accelerate(workspace);
                let first = members.start - row_starts[row];
                for (&target, force) in workspace.order.iter().zip(&workspace.force) {
                    let at = first + target as usize;
                    px[at] += strength as f32 * force[0];
                    py[at] += strength as f32 * force[1];
                    pz[at] += strength as f32 * force[2];
                }
            }
        });
    }

    /// The end of a block of cells along z: one cell, or more of them while their particles are few.
    fn block_end(&self, cells: &Cells, row: usize, start: usize) -> usize {
        let first = cells.start(row * self.side + start);
        let mut end = start + 1;
        while end < self.side && end - start < self.longest && cells.start(row * self.side + end + 1) - first <= MANY {
            end += 1;
        }
        end
    }

    /// Collects the particles of all cells in reach, as distances from the middle of the block.
    fn gather_sources(
        &self,
        positions: &[Vec<u32>; 3],
        cells: &Cells,
        row: usize,
        block: Range<usize>,
        workspace: &mut Workspace,
    ) {
        let side = self.side;
        let (x, y) = (row / side, row % side);
        let middle = [self.middle(x..x + 1), self.middle(y..y + 1), self.middle(block.clone())];
        workspace.sources.iter_mut().for_each(Vec::clear);
        for &(dx, dy, dz) in &self.reach {
            let row = wrapped(x, dx, side) * side + wrapped(y, dy, side);
            for run in runs(block.clone(), dz, side) {
                let run = cells.start(row * side + run.start)..cells.start(row * side + run.end);
                for ((sources, positions), middle) in workspace.sources.iter_mut().zip(positions).zip(middle) {
                    sources.extend(positions[run.clone()].iter().map(|&position| self.distance(position, middle)));
                }
            }
        }
        pad(&mut workspace.sources);
        workspace.middle = middle;
    }

    /// Collects the particles of the block itself, neighbours together where there are many.
    fn gather_targets(&self, positions: &[Vec<u32>; 3], members: Range<usize>, workspace: &mut Workspace) {
        let Workspace { targets, order, keys, middle, .. } = workspace;
        order.clear();
        order.extend(0..members.len() as u32);
        if members.len() > GROUP {
            keys.clear();
            let width = (1_u64 << 32) / self.side as u64;
            keys.extend(members.clone().map(|at| {
                let part = |axis: usize| {
                    let offset = positions[axis][at].wrapping_sub(middle[axis]).wrapping_add((width / 2) as u32);
                    spread((u64::from(offset) * 32 / width).min(31) as u32)
                };
                part(0) << 2 | part(1) << 1 | part(2)
            }));
            order.sort_unstable_by_key(|&at| (keys[at as usize], at));
        }
        targets.clear();
        targets.extend(order.iter().map(|&at| {
            let at = members.start + at as usize;
            std::array::from_fn(|axis| self.distance(positions[axis][at], middle[axis]))
        }));
    }

    /// Sums the force on each target.
    fn accelerate(&self, workspace: &mut Workspace) {
        let Workspace { sources, near, targets, force, .. } = workspace;
        force.clear();
        if targets.len() < MANY {
            self.arch.dispatch(PairSum { pair: self.pair, sources, targets, force });
            return;
        }
        for targets in targets.chunks(GROUP) {
            self.select_near(targets, sources, near);
            self.arch.dispatch(PairSum { pair: self.pair, sources: near, targets, force });
        }
    }

    /// Collects those sources that are within the cutoff of the box around these targets.
    fn select_near(&self, targets: &[[f32; 3]], sources: &[Vec<f32>; 3], near: &mut [Vec<f32>; 3]) {
        let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
        for target in targets {
            for axis in 0..3 {
                low[axis] = low[axis].min(target[axis]);
                high[axis] = high[axis].max(target[axis]);
            }
        }
        let limit = self.pair.cutoff * self.pair.cutoff;
        let [sx, sy, sz] = sources;
        let [nx, ny, nz] = near;
        for list in [&mut *nx, ny, nz] {
            list.resize(sx.len() + LANES, 0.0);
        }
        let centre: [f32; 3] = std::array::from_fn(|axis| 0.5 * (low[axis] + high[axis]));
        let half: [f32; 3] = std::array::from_fn(|axis| 0.5 * (high[axis] - low[axis]));
        let outside = |value: f32, axis: usize| {
            let outside = (value - centre[axis]).abs() - half[axis];
            // One instruction, which `max` is not.
            if outside > 0.0 { outside } else { 0.0 }
        };
        let mut count = 0;
        for ((&x, &y), &z) in sx.iter().zip(sy).zip(sz) {
            let [dx, dy, dz] = [outside(x, 0), outside(y, 1), outside(z, 2)];
            // Written in any case and kept or not: a branch here would be mispredicted every other time.
            (nx[count], ny[count], nz[count]) = (x, y, z);
            count += usize::from(dx * dx + dy * dy + dz * dz < limit);
        }
        for list in [&mut *nx, ny, nz] {
            list.truncate(count);
        }
        pad(near);
    }

    fn middle(&self, cells: Range<usize>) -> u32 {
        ((cells.start as u64 + cells.end as u64) * (1 << 31) / self.side as u64) as u32
    }

    fn distance(&self, position: u32, middle: u32) -> f32 {
        position.wrapping_sub(middle).cast_signed() as f32 * (UNIT * self.nodes as f64) as f32
    }
}

/// Buffers of a thread.
#[derive(Default)]
struct Workspace {
    sources: [Vec<f32>; 3],
    near: [Vec<f32>; 3],
    targets: Vec<[f32; 3]>,
    force: Vec<[f32; 3]>,
    order: Vec<u32>,
    keys: Vec<u32>,
    middle: [u32; 3],
}

fn pad(sources: &mut [Vec<f32>; 3]) {
    for axis in sources {
        axis.resize(axis.len().next_multiple_of(LANES), FAR);
    }
}

fn wrapped(at: usize, step: isize, side: usize) -> usize {
    (at as isize + step).rem_euclid(side as isize) as usize
}

/// Cells from `reach` before to `reach` after a block on a periodic axis, as one or two ranges.
fn runs(block: Range<usize>, reach: usize, side: usize) -> impl Iterator<Item = Range<usize>> {
    let (low, high) = (block.start as isize - reach as isize, (block.end + reach) as isize);
    let side = side as isize;
    let (first, second) = if low < 0 {
        (low + side..side, 0..high)
    } else if high > side {
        (low..side, 0..high - side)
    } else {
        (low..high, 0..0)
    };
    [first, second].into_iter().map(|run| run.start as usize..run.end as usize)
}

/// Spreads five bits to every third place.
fn spread(bits: u32) -> u32 {
    (0..5).map(|bit| (bits >> bit & 1) << (3 * bit)).sum()
}

/// Sums a pair's force over all sources, for each target.
struct PairSum<'a> {
    pair: PairForce,
    sources: &'a [Vec<f32>; 3],
    targets: &'a [[f32; 3]],
    force: &'a mut Vec<[f32; 3]>,
}

impl WithSimd for PairSum<'_> {
    type Output = ();

    #[allow(clippy::inline_always, reason = "it takes on the processor features of where it is put")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [sx, sy, sz] = self.sources.each_ref().map(|axis| S::as_simd_f32s(axis).0);
        let splat = |value: f32| simd.splat_f32s(value);
        let PairForce { cutoff, softening } = self.pair;
        let (cutoff_squared, softening_squared) = (splat(cutoff * cutoff), splat(softening * softening));
        // (35 - 42 x^2 + 15 x^4) / 8 / softening^3, as a polynomial of r^2.
        let inner = [35.0, -42.0, 15.0].map(|term| term / 8.0);
        let inner: [_; 3] = std::array::from_fn(|i| splat(inner[i] / softening.powi(3 + 2 * i as i32)));
        // (105 - 189 x^2 + 135 x^4 - 35 x^6) / 16 / cutoff^3, likewise.
        let ball = [105.0, -189.0, 135.0, -35.0].map(|term| term / 16.0);
        let ball: [_; 4] = std::array::from_fn(|i| splat(ball[i] / cutoff.powi(3 + 2 * i as i32)));
        let (zero, one, tiny) = (splat(0.0), splat(1.0), splat(1e-12));
        for target in self.targets {
            let [tx, ty, tz] = target.map(splat);
            let (mut fx, mut fy, mut fz) = (zero, zero, zero);
            for ((&x, &y), &z) in sx.iter().zip(sy).zip(sz) {
                let (dx, dy, dz) = (simd.sub_f32s(x, tx), simd.sub_f32s(y, ty), simd.sub_f32s(z, tz));
                let square =
                    simd.mul_add_e_f32s(dz, dz, simd.mul_add_e_f32s(dy, dy, simd.mul_add_e_f32s(dx, dx, tiny)));
                let distance = simd.sqrt_f32s(square);
                let inverse = simd.div_f32s(one, simd.mul_f32s(distance, square));
                let upper = simd.mul_add_e_f32s(square, ball[3], ball[2]);
                let upper = simd.mul_add_e_f32s(square, upper, ball[1]);
                let smooth = simd.mul_add_e_f32s(square, upper, ball[0]);
                let inside = simd.mul_add_e_f32s(square, simd.mul_add_e_f32s(square, inner[2], inner[1]), inner[0]);
                let point = simd.select_f32s(simd.less_than_f32s(square, softening_squared), inside, inverse);
                let pull = simd.sub_f32s(point, smooth);
                let pull = simd.select_f32s(simd.less_than_f32s(square, cutoff_squared), pull, zero);
                fx = simd.mul_add_e_f32s(pull, dx, fx);
                fy = simd.mul_add_e_f32s(pull, dy, fy);
                fz = simd.mul_add_e_f32s(pull, dz, fz);
            }
            self.force.push([fx, fy, fz].map(|sum| simd.reduce_sum_f32s(sum)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::particles::position;
    use shared::random::{Stream, stream};

    /// The pair's force over its distance, in f64.
    fn pull(pair: PairForce, square: f64) -> f64 {
        let (cutoff, softening) = (f64::from(pair.cutoff), f64::from(pair.softening));
        if square >= cutoff * cutoff {
            return 0.0;
        }
        let (x, y) = (square / (cutoff * cutoff), square / (softening * softening));
        let ball = (105.0 - 189.0 * x + 135.0 * x * x - 35.0 * x.powi(3)) / 16.0 / cutoff.powi(3);
        let point =
            if y < 1.0 { (35.0 - 42.0 * y + 15.0 * y * y) / 8.0 / softening.powi(3) } else { square.powf(-1.5) };
        point - ball
    }

    #[test]
    fn every_pair_is_summed_in_voids_and_in_crowds() {
        let (nodes, pair) = (24, PairForce { cutoff: 4.2, softening: 0.3 });
        let mut random = stream(4, Stream::Crops);
        // A uniform background, and crowds of which one lies across the box's corner.
        let crowds = [[0.0; 3], [0.52, 0.31, 0.77]];
        let places: Vec<[u32; 3]> = (0..2000)
            .map(|at| match at {
                0..1200 => std::array::from_fn(|_| position(random.uniform())),
                _ => crowds[at % 2].map(|centre| position((centre + 0.03 * random.normal()).rem_euclid(1.0))),
            })
            .collect();
        for side in [10, 12, 24] {
            let axis = |axis: usize| places.iter().map(|place| place[axis]).collect::<Vec<_>>();
            let momenta = [0, 1, 2].map(|_| vec![0.0; places.len()]);
            let mut particles = Particles { positions: [axis(0), axis(1), axis(2)], momenta };
            let mut cells = Cells::new(side);
            particles.sort(&mut cells);
            ShortRange::new(pair, nodes, side).kick(&mut particles, &cells, 1.0);
            let unit = UNIT * nodes as f64;
            let strength = (nodes * nodes) as f64 / (4.0 * std::f64::consts::PI * particles.len() as f64);
            let place = |at: usize| [0, 1, 2].map(|axis| particles.positions[axis][at]);
            for target in 0..particles.len() {
                let (mut expected, mut size) = ([0.0; 3], 0.0);
                for source in 0..particles.len() {
                    let apart: [f64; 3] = std::array::from_fn(|axis| {
                        f64::from(place(source)[axis].wrapping_sub(place(target)[axis]).cast_signed()) * unit
                    });
                    let square = apart.iter().map(|d| d * d).sum::<f64>();
                    for (sum, apart) in expected.iter_mut().zip(apart) {
                        *sum += strength * pull(pair, square) * apart;
                    }
                    size += strength * pull(pair, square).abs() * square.sqrt();
                }
                for (momenta, expected) in particles.momenta.iter().zip(expected) {
                    let error = (f64::from(momenta[target]) - expected).abs();
                    assert!(error < 1e-5 * size.max(strength * 1e-3), "{side} cells: {error} of {size}");
                }
            }
        }
    }
}
