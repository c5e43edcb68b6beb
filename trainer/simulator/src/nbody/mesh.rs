//! Density of particles on a mesh, by triangular-shaped clouds.

use rayon::prelude::*;

use super::{
    fourier::Cube,
    particles::{Cells, Particles, UNIT},
};

/// Planes of the mesh that are filled together by one thread.
const SLAB: usize = 8;

/// Nearest node of an axis of `n` nodes, and the weights of the node before it, itself, and the one after it: a
/// triangular-shaped cloud (Hockney & Eastwood 1988, Section 5-3).
pub fn cloud(position: u32, n: usize) -> (usize, [f32; 3]) {
    let place = u64::from(position) * n as u64 + (1 << 31);
    let node = (place >> 32) as usize;
    let offset = (place & 0xffff_ffff) as f32 * (UNIT as f32) - 0.5;
    let (below, above) = (0.5 - offset, 0.5 + offset);
    let node = if node == n { 0 } else { node };
    (node, [0.5 * below * below, 0.75 - offset * offset, 0.5 * above * above])
}

/// Node before, at and after `node` on a periodic axis.
pub fn around(node: usize, n: usize) -> [usize; 3] {
    [if node == 0 { n - 1 } else { node - 1 }, node, if node + 1 == n { 0 } else { node + 1 }]
}

/// Fills a cube with the density of particles over its mean, 1 on average, by sorted particles and their cells.
///
/// Each thread fills whole planes and reads the particles that reach into them, in their order, so that the number of threads changes nothing.
#[doc(alias = "cic_paint")]
#[doc(alias = "tsc_paint")]
pub fn assign_density(particles: &Particles, cells: &Cells, cube: &mut Cube) {
    let (n, row, plane) = (cube.n(), cube.row_length(), cube.plane_length());
    let mass = ((n as f64).powi(3) / particles.len() as f64) as f32;
    let [xs, ys, zs] = &particles.positions;
    let side = cells.side();
    cube.reals_mut().par_chunks_mut(SLAB * plane).enumerate().for_each(|(slab, values)| {
        values.fill(0.0);
        let (first, planes) = (slab * SLAB, values.len() / plane);
        for cell_plane in cell_planes(first, planes, n, side) {
            for at in cells.start(cell_plane * side * side)..cells.start((cell_plane + 1) * side * side) {
                let (x, wx) = cloud(xs[at], n);
                let reached = around(x, n).map(|x| x.wrapping_sub(first));
                if reached.iter().all(|&x| x >= planes) {
                    continue;
                }
                let ((y, wy), (z, wz)) = (cloud(ys[at], n), cloud(zs[at], n));
                let (rows, columns) = (around(y, n), around(z, n));
                for (&x, wx) in reached.iter().zip(wx).filter(|(x, _)| **x < planes) {
                    for (&y, wy) in rows.iter().zip(wy) {
                        let weight = mass * wx * wy;
                        let line = &mut values[x * plane + y * row..][..row];
                        for (&z, wz) in columns.iter().zip(wz) {
                            line[z] += weight * wz;
                        }
                    }
                }
            }
        }
    });
}

/// Planes of cells whose particles reach into these planes of the mesh.
fn cell_planes(first: usize, planes: usize, n: usize, side: usize) -> impl Iterator<Item = usize> {
    // A cloud reaches 1.5 nodes to both sides.
    let low = ((first as f64 - 1.5) * side as f64 / n as f64).floor() as i64;
    let high = ((first + planes) as f64 + 0.5) * side as f64 / n as f64;
    let count = (high.floor() as i64 - low + 1).min(side as i64);
    (low..low + count).map(move |plane| plane.rem_euclid(side as i64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::particles::position;
    use shared::random::{Stream, stream};

    #[test]
    fn density_is_the_sum_of_clouds() {
        let (count, n) = (500, 24);
        let mut random = stream(1, Stream::Crops);
        let mut axis = || (0..count).map(|_| position(random.uniform())).collect::<Vec<_>>();
        let mut particles = Particles { positions: [axis(), axis(), axis()], momenta: Default::default() };
        particles.momenta = [vec![0.0; count], vec![0.0; count], vec![0.0; count]];
        for side in [5, 12, 24] {
            let (mut cells, mut cube) = (Cells::new(side), Cube::new(n));
            particles.sort(&mut cells);
            assign_density(&particles, &cells, &mut cube);
            // A cloud's weight at distance d in nodes.
            let weight = |d: f64| match d.abs() {
                d if d < 0.5 => 0.75 - d * d,
                d if d < 1.5 => 0.5 * (1.5 - d) * (1.5 - d),
                _ => 0.0,
            };
            let nodes = |position: u32| f64::from(position) * UNIT * n as f64;
            for node in [[0, 0, 0], [23, 4, 23], [7, 8, 15], [8, 16, 0]] {
                let distance = |a: f64, b: usize| {
                    let d = (a - b as f64).rem_euclid(n as f64);
                    d.min(n as f64 - d)
                };
                let expected: f64 = (0..count)
                    .map(|at| {
                        (0..3).map(|i| weight(distance(nodes(particles.positions[i][at]), node[i]))).product::<f64>()
                    })
                    .sum();
                let found = cube.reals()[node[0] * cube.plane_length() + node[1] * cube.row_length() + node[2]];
                let expected = expected * (n * n * n) as f64 / count as f64;
                assert!((f64::from(found) - expected).abs() < 1e-4 * expected.max(1.0), "{node:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn clouds_have_unit_weight() {
        for position in [0, 1, 1 << 31, u32::MAX, 123_456_789, 4_000_000_000] {
            let (node, weights) = cloud(position, 10);
            assert!(node < 10 && (weights.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{node} {weights:?}");
        }
    }
}
