//! Minkowski functionals V0, V1, V2 (paper Figs. 5 and 6; Kratochvil et al. 2012, Eqs. 6-8), as LensTools computes them.
//!
//! With thresholds nu_b in units of the map's own sigma (ddof 0, mean not removed), periodic central differences in pixel
//! units, and `dnu = nu_(b+1) - nu_b`:
//!
//! ```text
//! V0_b = mean[k >= sigma (nu_b + nu_(b+1)) / 2]
//! V1_b = mean[1{sigma nu_b <= k < sigma nu_(b+1)} |grad k| / 4] / dnu
//! V2_b = mean[1{...} (2 kx ky kxy - kx^2 kyy - ky^2 kxx) / (2 pi |grad k|^2)] / dnu
//! ```
//!
//! and `(2 kxy - kxx - kyy) / (4 pi)` in V2 where the gradient is zero. LensTools divides by dnu, not by sigma dnu: its V1
//! and V2 are sigma times the textbook's ([`Normalisation`]).

use serde::{Deserialize, Serialize};

use super::{
    bins::{Bins, Place},
    halo::Halo,
};

/// By which width V1 and V2 are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalisation {
    /// By dnu, the width in units of sigma, as LensTools and therefore the paper do.
    #[default]
    LensTools,
    /// By sigma dnu, the width in kappa: the functionals of the textbooks.
    Textbook,
}

/// The three functionals, one value a bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MinkowskiFunctionals {
    /// Share of the area above the middle of each bin.
    pub v0: Vec<Option<f64>>,
    /// A fourth of the boundary's length, in 1/pixels (times sigma as [`Normalisation::LensTools`]).
    pub v1: Vec<Option<f64>>,
    /// The genus, in 1/pixels^2 (times sigma likewise).
    pub v2: Vec<Option<f64>>,
}

impl MinkowskiFunctionals {
    /// Room for `bins` values each, all empty.
    pub fn empty(bins: usize) -> Self {
        Self { v0: vec![None; bins], v1: vec![None; bins], v2: vec![None; bins] }
    }
}

/// The paper's 20 edges -2 + 0.2 i in units of sigma; the middles of their bins are the paper's 19 thresholds.
pub fn paper_edges() -> Vec<f64> {
    (0..20).map(|i| -2.0 + 0.2 * f64::from(i)).collect()
}

/// Sums of one bin.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Pixels below and above the bin's middle.
    pixels: [f64; 2],
    v1: f64,
    v2: f64,
}

/// Measures Minkowski functionals; holds the buffers.
#[derive(Debug, Clone)]
pub struct MinkowskiPlan {
    bins: Bins,
    /// Middles of the bins, scaled.
    middles: Vec<f64>,
    /// Two tables, for even and odd columns, so that additions to one bin do not wait for each other.
    sums: [Vec<Sums>; 2],
    /// |grad k| / 4 and the integrand of V2 of one row.
    integrands: Vec<[f64; 2]>,
}

impl MinkowskiPlan {
    /// A plan for thresholds in these bins.
    pub fn new(bins: Bins, pixels: usize) -> Self {
        let count = bins.count();
        Self {
            middles: vec![0.0; count],
            sums: [vec![Sums::default(); count], vec![Sums::default(); count]],
            integrands: vec![[0.0; 2]; pixels],
            bins,
        }
    }

    /// The bins of the thresholds.
    pub fn bins(&self) -> &Bins {
        &self.bins
    }

    /// Measures a map. `unit` is the kappa that a threshold of 1 stands for: sigma for thresholds in sigma, 1 for thresholds
    /// in kappa. Where it is not positive, as for a constant map, there are no thresholds and all values are `None`.
    pub fn measure(&mut self, halo: &Halo, unit: f64, normalisation: Normalisation, into: &mut MinkowskiFunctionals) {
        let count = self.bins.count();
        for values in [&mut into.v0, &mut into.v1, &mut into.v2] {
            values.clear();
            values.resize(count, None);
        }
        let pixels = (halo.pixels() * halo.pixels()) as f64;
        if unit > 0.0 {
            let above = self.add_up(halo, unit, |_| true);
            self.conclude(above, pixels, unit, normalisation, into);
        }
    }

    /// The same of the pixels that are marked alone, which is those whose whole neighbourhood is there; without any there are no
    /// values.
    pub fn measure_marked(
        &mut self,
        halo: &Halo,
        marked: &[bool],
        unit: f64,
        normalisation: Normalisation,
        into: &mut MinkowskiFunctionals,
    ) {
        let count = self.bins.count();
        for values in [&mut into.v0, &mut into.v1, &mut into.v2] {
            values.clear();
            values.resize(count, None);
        }
        let pixels = marked.iter().filter(|marked| **marked).count() as f64;
        if unit > 0.0 && pixels > 0.0 {
            let above = self.add_up(halo, unit, |place| marked.get(place) == Some(&true));
            self.conclude(above, pixels, unit, normalisation, into);
        }
    }

    /// Means over so many pixels.
    fn conclude(
        &mut self,
        above: u64,
        pixels: f64,
        unit: f64,
        normalisation: Normalisation,
        into: &mut MinkowskiFunctionals,
    ) {
        let count = self.bins.count();
        let mut above = above as f64;
        for bin in (0..count).rev() {
            let (even, odd) = (self.sums[0][bin], self.sums[1][bin]);
            let edges = &self.bins.edges()[bin..bin + 2];
            let width = match normalisation {
                Normalisation::LensTools => edges[1] - edges[0],
                Normalisation::Textbook => unit * (edges[1] - edges[0]),
            };
            above += even.pixels[1] + odd.pixels[1];
            into.v0[bin] = Some(above / pixels);
            above += even.pixels[0] + odd.pixels[0];
            into.v1[bin] = Some((even.v1 + odd.v1) / pixels / width);
            into.v2[bin] = Some((even.v2 + odd.v2) / pixels / width);
        }
    }

    /// Fills the sums and returns the number of pixels above the last edge.
    #[inline]
    fn add_up(&mut self, halo: &Halo, unit: f64, is_counted: impl Fn(usize) -> bool) -> u64 {
        self.bins.scale(unit);
        for (middle, edges) in self.middles.iter_mut().zip(self.bins.edges().windows(2)) {
            *middle = (edges[0] + edges[1]) * unit / 2.0;
        }
        for sums in &mut self.sums {
            sums.fill(Sums::default());
        }
        self.integrands.resize(halo.pixels(), [0.0; 2]);
        let mut above = 0;
        for (row, rows) in halo.rows().enumerate() {
            let first = row * halo.pixels();
            let integrands = &mut self.integrands[..rows.centre().len()];
            rows.for_each(|column, _, k| {
                let square = k.x * k.x + k.y * k.y;
                let curvature = 2.0 * k.x * k.y * k.xy - k.x * k.x * k.yy - k.y * k.y * k.xx;
                let flat = 0.5 * (2.0 * k.xy - k.xx - k.yy);
                let integrand = if square == 0.0 { flat } else { curvature / square };
                integrands[column] = [0.25 * square.sqrt(), integrand * (1.0 / core::f64::consts::TAU)];
            });
            for (column, (&kappa, &[v1, v2])) in rows.centre().iter().zip(&self.integrands).enumerate() {
                if !is_counted(first + column) {
                    continue;
                }
                match self.bins.place(kappa) {
                    Place::Bin(bin) => {
                        let sums = &mut self.sums[column % 2][bin];
                        sums.pixels[usize::from(kappa >= self.middles[bin])] += 1.0;
                        sums.v1 += v1;
                        sums.v2 += v2;
                    }
                    Place::Above => above += 1,
                    Place::Below => {}
                }
            }
        }
        above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rough(n: usize) -> Vec<f32> {
        (0..n * n).map(|i| ((i * i * 37 + i * 101) % 193) as f32 / 193.0 - 0.4).collect()
    }

    fn measure(kappa: &[f32], n: usize, unit: f64, normalisation: Normalisation) -> MinkowskiFunctionals {
        let mut halo = Halo::new(n);
        halo.fill(kappa);
        let mut plan = MinkowskiPlan::new(Bins::new(&paper_edges()).unwrap(), n);
        let mut found = MinkowskiFunctionals::empty(0);
        plan.measure(&halo, unit, normalisation, &mut found);
        found
    }

    /// The definition, threshold by threshold, with wrapped indices.
    fn definition(kappa: &[f32], n: usize, sigma: f64) -> MinkowskiFunctionals {
        let at = |row: usize, column: usize| f64::from(kappa[row % n * n + column % n]);
        let edges = paper_edges();
        let mut found = MinkowskiFunctionals::empty(edges.len() - 1);
        for bin in 0..edges.len() - 1 {
            let (mut v0, mut v1, mut v2) = (0.0, 0.0, 0.0);
            for (row, column) in (0..n * n).map(|i| (i / n + n, i % n + n)) {
                let k = at(row, column);
                v0 += f64::from(u8::from(k >= sigma * f64::midpoint(edges[bin], edges[bin + 1])));
                if !(sigma * edges[bin] <= k && k < sigma * edges[bin + 1]) {
                    continue;
                }
                let x = (at(row, column + 1) - at(row, column - 1)) / 2.0;
                let y = (at(row + 1, column) - at(row - 1, column)) / 2.0;
                let xx = (at(row, column + 2) + at(row, column - 2) - 2.0 * k) / 4.0;
                let yy = (at(row + 2, column) + at(row - 2, column) - 2.0 * k) / 4.0;
                let diagonal = at(row + 1, column + 1) + at(row - 1, column - 1);
                let xy = (diagonal - at(row - 1, column + 1) - at(row + 1, column - 1)) / 4.0;
                let square = x * x + y * y;
                v1 += square.sqrt() / 4.0;
                v2 += if square == 0.0 {
                    (2.0 * xy - xx - yy) / (4.0 * core::f64::consts::PI)
                } else {
                    (2.0 * x * y * xy - x * x * yy - y * y * xx) / square / (2.0 * core::f64::consts::PI)
                };
            }
            let (pixels, width) = ((n * n) as f64, edges[bin + 1] - edges[bin]);
            found.v0[bin] = Some(v0 / pixels);
            found.v1[bin] = Some(v1 / pixels / width);
            found.v2[bin] = Some(v2 / pixels / width);
        }
        found
    }

    fn close(name: &str, a: &[Option<f64>], b: &[Option<f64>], factor: f64) {
        assert_eq!(a.len(), b.len());
        for (bin, (a, b)) in a.iter().zip(b).enumerate() {
            let (a, b) = (a.unwrap(), b.unwrap() * factor);
            assert!((a - b).abs() < 1e-12 * b.abs().max(1e-3), "{name}, bin {bin}: {a} and {b}");
        }
    }

    #[test]
    fn equals_the_definition() {
        for n in [4, 9, 16] {
            let kappa = rough(n);
            let (found, expected) = (measure(&kappa, n, 0.3, Normalisation::LensTools), definition(&kappa, n, 0.3));
            close("V0", &found.v0, &expected.v0, 1.0);
            close("V1", &found.v1, &expected.v1, 1.0);
            close("V2", &found.v2, &expected.v2, 1.0);
            let textbook = measure(&kappa, n, 0.3, Normalisation::Textbook);
            close("V1 of the textbook", &textbook.v1, &found.v1, 1.0 / 0.3);
            close("V2 of the textbook", &textbook.v2, &found.v2, 1.0 / 0.3);
        }
    }

    #[test]
    fn flat_regions_have_no_gradient_and_a_constant_map_no_thresholds() {
        let mut kappa = vec![0.0; 64];
        kappa[27] = 1.0;
        let found = measure(&kappa, 8, 0.5, Normalisation::LensTools);
        close("V2", &found.v2, &definition(&kappa, 8, 0.5).v2, 1.0);
        let constant = measure(&[0.3; 64], 8, 0.0, Normalisation::LensTools);
        assert!(constant.v0.iter().chain(&constant.v1).chain(&constant.v2).all(Option::is_none));
    }
}
