//! Products of matrices: rows of activations times panels of weights.
//!
//! Each number of the result is one sum over k in order, whatever the size of the tile that is computed at once; so the tile is
//! chosen for the processor, and the bits stay.

use super::lanes::Lanes;

/// Columns of a panel: the widest tile's.
pub const PANEL: usize = if cfg!(target_arch = "wasm32") { 8 } else { 32 };

/// PANEL columns of a matrix of weights, one row of it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(target_arch = "wasm32"), repr(align(64)))]
pub struct PanelRow(pub [f32; PANEL]);

/// Rows of a tile.
pub const ROWS: usize = 4;

/// `product[row] = factor[row] x panel` for `rows` rows, a multiple of ROWS, that lie `stride` numbers apart; those of the product
/// follow on one another, PANEL numbers each. A tile is ROWS x (2 x LANES).
#[inline(always)]
pub fn multiply<const LANES: usize>(
    factor: &[f32],
    stride: usize,
    rows: usize,
    panel: &[PanelRow],
    product: &mut [f32],
) {
    for part in (0..PANEL).step_by(2 * LANES) {
        for first in (0..rows).step_by(ROWS) {
            let row = |row: usize| &factor[(first + row) * stride..][..panel.len()];
            let sums = sums::<LANES>([row(0), row(1), row(2), row(3)], panel, part);
            for (row, [left, right]) in sums.into_iter().enumerate() {
                let product = &mut product[(first + row) * PANEL + part..];
                left.store(product);
                right.store(&mut product[LANES..]);
            }
        }
    }
}

/// A tile. In wasm neither inlined nor unrolled: its sums, two columns and four rows fill the registers of V8.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn sums<const LANES: usize>(
    [a, b, c, d]: [&[f32]; ROWS],
    panel: &[PanelRow],
    part: usize,
) -> [[Lanes<LANES>; 2]; ROWS] {
    // A constant where a panel is one tile wide, which spares its loop a check.
    let part = if PANEL == 2 * LANES { 0 } else { part };
    let mut sums = [[Lanes::ZERO; 2]; ROWS];
    for ((((weights, a), b), c), d) in panel.iter().zip(a).zip(b).zip(c).zip(d) {
        let left = Lanes::of(&weights.0[part..]);
        let right = Lanes::of(&weights.0[part + LANES..]);
        for (sums, value) in sums.iter_mut().zip([a, b, c, d]) {
            *sums = [sums[0].plus_product(*value, left), sums[1].plus_product(*value, right)];
        }
    }
    sums
}
