//! Which modes of a map belong together: rings, logarithmic bands, and cells of the two-dimensional Fourier plane.

use anyhow::Result;
use tch::{Device, Tensor};

/// A division of the modes of a real transform, `side x (side / 2 + 1)`, into groups; some modes may be in none.
pub struct Groups {
    /// Number of groups.
    pub count: i64,
    /// Group of each mode, `count` for none, `[modes]`.
    pub of_mode: Tensor,
    /// Mean over the modes of a group, as a matrix `[modes, count]`.
    means: Tensor,
}

/// Bands in a factor of about 142 in l, from the fundamental mode to the Nyquist multipole.
const BANDS: usize = 20;

impl Groups {
    /// Rings of the width of the fundamental mode, to the corners of the plane.
    ///
    /// # Errors
    /// When the device fails.
    pub fn rings(side: usize, device: Device) -> Result<Self> {
        let rings = (side as f64 * 0.705) as usize;
        let of = |row: i64, column: i64| {
            let ring = modulus(row, column).round() as usize;
            (1..=rings).contains(&ring).then(|| ring - 1)
        };
        Self::new(side, of, device)
    }

    /// Bands of equal width in ln l.
    ///
    /// # Errors
    /// When the device fails.
    pub fn bands(side: usize, device: Device) -> Result<Self> {
        let (low, high) = (0.9, side as f64 / 2.0);
        let of = |row: i64, column: i64| {
            let place = (modulus(row, column) / low).ln() / (high / low).ln() * BANDS as f64;
            // A band holds its upper edge.
            (place > 0.0 && place <= BANDS as f64 + 1e-9).then(|| (place.ceil() as usize).clamp(1, BANDS) - 1)
        };
        Self::new(side, of, device)
    }

    /// Cells by |ky| and kx, wider outside; those of ky < 0 apart, where they are not the same modes.
    ///
    /// # Errors
    /// When the device fails.
    pub fn cells(side: usize, device: Device) -> Result<Self> {
        let edges = cell_edges(side);
        let cell = |k: i64| edges.partition_point(|edge| *edge <= k.unsigned_abs() as f64) - 1;
        let of = |row: i64, column: i64| {
            let (across, along) = (cell(row), cell(column));
            let apart = usize::from(row < 0 && across > 0 && along > 0);
            (row != 0 || column != 0).then(|| (apart * edges.len() + across) * edges.len() + along)
        };
        Self::new(side, of, device)
    }

    /// Groups by the signed row and the column of a mode; numbers that no mode has are left out.
    fn new(side: usize, of: impl Fn(i64, i64) -> Option<usize>, device: Device) -> Result<Self> {
        let signed = |row: usize| if row > side / 2 { row as i64 - side as i64 } else { row as i64 };
        let modes = (0..side).flat_map(|row| (0..=side / 2).map(move |column| (row, column)));
        let raw: Vec<Option<usize>> = modes.map(|(row, column)| of(signed(row), column as i64)).collect();
        let mut there: Vec<usize> = raw.iter().flatten().copied().collect();
        there.sort_unstable();
        there.dedup();
        let of_mode: Vec<usize> = raw
            .iter()
            .map(|group| group.and_then(|group| there.binary_search(&group).ok()).unwrap_or(there.len()))
            .collect();
        let mut sizes = vec![0.0_f32; there.len() + 1];
        for group in &of_mode {
            sizes[*group] += 1.0;
        }
        let mut means = vec![0.0_f32; of_mode.len() * there.len()];
        for (mode, group) in of_mode.iter().enumerate().filter(|(_, group)| **group < there.len()) {
            means[mode * there.len() + group] = 1.0 / sizes[*group];
        }
        let count = there.len() as i64;
        let means = Tensor::f_from_slice(&means)?.f_view([-1, count])?.f_to_device(device)?;
        let of_mode: Vec<i64> = of_mode.into_iter().map(|group| group as i64).collect();
        Ok(Self { count, of_mode: Tensor::f_from_slice(&of_mode)?.f_to_device(device)?, means })
    }

    /// Means over the groups, `[n, count]` of `[n, modes]`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn means(&self, modes: &Tensor) -> Result<Tensor> {
        Ok(modes.f_matmul(&self.means)?)
    }

    /// The value of its group for every mode, 0 for modes of none: `[.., modes]` of `[.., count]`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn spread(&self, values: &Tensor) -> Result<Tensor> {
        let with_none = values.f_constant_pad_nd([0_i64, 1].as_slice())?;
        Ok(with_none.f_index_select(-1, &self.of_mode)?)
    }
}

fn modulus(row: i64, column: i64) -> f64 {
    ((row * row + column * column) as f64).sqrt()
}

/// 0, 0.5, 1.5, 2.5, 3.5, then about 1.45 times as far each, to beyond the Nyquist mode.
fn cell_edges(side: usize) -> Vec<f64> {
    let end = side as f64 / 2.0 + 0.5;
    let mut edges = vec![0.0];
    let mut edge = 0.5_f64;
    while edge < end {
        edges.push(edge);
        edge = if edge < 3.0 { edge + 1.0 } else { (edge * 1.45).floor() + 0.5 };
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_vec;

    #[test]
    fn every_group_has_modes_and_means_are_means() {
        for side in [8, 16, 32, 64, 256] {
            for groups in [Groups::rings, Groups::bands, Groups::cells].map(|new| new(side, Device::Cpu).unwrap()) {
                let modes = (side * (side / 2 + 1)) as i64;
                let ones = Tensor::ones([1, modes], (tch::Kind::Float, Device::Cpu));
                let means = to_vec(&groups.means(&ones).unwrap()).unwrap();
                assert_eq!(means.len() as i64, groups.count);
                assert!(means.iter().all(|mean| (mean - 1.0).abs() < 1e-4), "{side}");
                // A group's own value comes back as its mean.
                let values = Tensor::arange(groups.count, (tch::Kind::Float, Device::Cpu)).view([1, -1]);
                let back = to_vec(&groups.means(&groups.spread(&values).unwrap()).unwrap()).unwrap();
                assert!(back.iter().enumerate().all(|(at, value)| (value - at as f32).abs() < 1e-2), "{side}");
            }
        }
        assert_eq!(Groups::rings(256, Device::Cpu).unwrap().count, 180);
    }

    #[test]
    fn the_mean_of_a_map_is_in_no_group() {
        for groups in [Groups::rings, Groups::bands, Groups::cells].map(|new| new(16, Device::Cpu).unwrap()) {
            assert_eq!(groups.of_mode.int64_value(&[0]), groups.count);
        }
    }
}
