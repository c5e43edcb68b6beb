//! Counts of peaks and minima by height.
//!
//! A peak is a pixel strictly above its 8 neighbours, a minimum one strictly below them; borders are periodic. A count is
//! `N(sigma nu_b <= k < sigma nu_(b+1)) / dnu`, per unit of nu and per map, as LensTools counts peaks.

use super::{
    bins::{Bins, Place},
    halo::{Halo, Rows},
};

/// LensTools' edges for peaks: -1 + 0.2 i in units of sigma, 29 bins.
pub fn peak_edges() -> Vec<f64> {
    (0..30).map(|i| -1.0 + 0.2 * f64::from(i)).collect()
}

/// Edges for minima: -3 + 0.2 i in units of sigma, 20 bins.
pub fn minimum_edges() -> Vec<f64> {
    (0..21).map(|i| -3.0 + 0.2 * f64::from(i)).collect()
}

/// Which extreme points are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extreme {
    /// Pixels above their neighbours.
    Peaks,
    /// Pixels below their neighbours.
    Minima,
}

/// Counts peaks or minima; holds the buffers.
#[derive(Debug, Clone)]
pub struct PeakPlan {
    extreme: Extreme,
    bins: Bins,
    counts: Vec<u32>,
    /// The greatest (or least) neighbour of each pixel of a row.
    neighbours: Vec<f64>,
}

impl PeakPlan {
    /// A plan for heights in these bins.
    pub fn new(extreme: Extreme, bins: Bins, pixels: usize) -> Self {
        Self { extreme, counts: vec![0; bins.count()], bins, neighbours: vec![0.0; pixels] }
    }

    /// The bins of the heights.
    pub fn bins(&self) -> &Bins {
        &self.bins
    }

    /// Counts of a map per unit of nu. `unit` is the kappa that a height of 1 stands for (sigma, or 1 for heights in kappa);
    /// where it is not positive, as for a constant map, all values are `None`.
    pub fn measure(&mut self, halo: &Halo, unit: f64, into: &mut Vec<Option<f64>>) {
        self.measure_where(halo, unit, |_| true, into);
    }

    /// The same of the pixels that are marked alone, which is those whose whole neighbourhood is there. The count is not scaled to
    /// the whole map, as in LensTools.
    pub fn measure_marked(&mut self, halo: &Halo, marked: &[bool], unit: f64, into: &mut Vec<Option<f64>>) {
        self.measure_where(halo, unit, |place| marked.get(place) == Some(&true), into);
    }

    #[inline]
    fn measure_where(
        &mut self,
        halo: &Halo,
        unit: f64,
        is_counted: impl Fn(usize) -> bool + Copy,
        into: &mut Vec<Option<f64>>,
    ) {
        into.clear();
        into.resize(self.bins.count(), None);
        if unit <= 0.0 {
            return;
        }
        self.bins.scale(unit);
        self.counts.fill(0);
        self.neighbours.resize(halo.pixels(), 0.0);
        for (row, rows) in halo.rows().enumerate() {
            let is_counted = |column: usize| is_counted(row * halo.pixels() + column);
            match self.extreme {
                Extreme::Peaks => {
                    self.count_row(rows, is_counted, |a, b| if a > b { a } else { b }, |centre, most| centre > most);
                }
                Extreme::Minima => {
                    self.count_row(rows, is_counted, |a, b| if a < b { a } else { b }, |centre, least| centre < least);
                }
            }
        }
        for ((value, &count), edges) in into.iter_mut().zip(&self.counts).zip(self.bins.edges().windows(2)) {
            *value = Some(f64::from(count) / (edges[1] - edges[0]));
        }
    }

    #[inline]
    fn count_row(
        &mut self,
        rows: Rows<'_>,
        is_counted: impl Fn(usize) -> bool,
        further: impl Fn(f64, f64) -> f64,
        beyond: impl Fn(f64, f64) -> bool,
    ) {
        let n = rows.centre().len();
        let at = |down, right| &rows.shifted(down, right)[..n];
        let (a, b, c) = (at(-1, -1), at(-1, 0), at(-1, 1));
        let (d, e) = (at(0, -1), at(0, 1));
        let (f, g, h) = (at(1, -1), at(1, 0), at(1, 1));
        for (i, neighbour) in self.neighbours[..n].iter_mut().enumerate() {
            let (above, below) = (further(further(a[i], b[i]), c[i]), further(further(f[i], g[i]), h[i]));
            *neighbour = further(further(above, below), further(d[i], e[i]));
        }
        for (column, (&centre, &neighbour)) in rows.centre().iter().zip(&self.neighbours).enumerate() {
            if beyond(centre, neighbour)
                && is_counted(column)
                && let Place::Bin(bin) = self.bins.place(centre)
            {
                self.counts[bin] += 1;
            }
        }
    }
}

/// A peak of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// Its kappa.
    pub kappa: f32,
}

/// The peaks of a row-major map at or above a kappa, the highest first: the pixels that [`PeakPlan`] counts.
pub fn peaks_above(kappa: &[f32], pixels: usize, least: f32) -> Vec<Peak> {
    let at = |row: usize, column: usize| kappa.get(row % pixels * pixels + column % pixels).copied();
    let is_peak = |row: usize, column: usize, centre: f32| {
        (0..9).filter(|step| *step != 4).all(|step| {
            let neighbour = at(row + pixels + step / 3 - 1, column + pixels + step % 3 - 1);
            neighbour.is_some_and(|neighbour| centre > neighbour)
        })
    };
    let mut peaks: Vec<Peak> = kappa
        .iter()
        .enumerate()
        .map(|(place, &kappa)| Peak { row: place / pixels, column: place % pixels, kappa })
        .filter(|peak| peak.kappa >= least && is_peak(peak.row, peak.column, peak.kappa))
        .collect();
    peaks.sort_by(|a, b| b.kappa.total_cmp(&a.kappa));
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(extreme: Extreme, kappa: &[f32], n: usize, unit: f64) -> Vec<Option<f64>> {
        let mut halo = Halo::new(n);
        halo.fill(kappa);
        let mut counts = Vec::new();
        PeakPlan::new(extreme, Bins::new(&peak_edges()).unwrap(), n).measure(&halo, unit, &mut counts);
        counts
    }

    #[test]
    fn equals_the_definition_and_minima_are_peaks_of_the_negative() {
        let n = 16;
        let kappa: Vec<f32> = (0..n * n).map(|i| ((i * i * 37 + i * 101) % 61) as f32 / 61.0 - 0.2).collect();
        let mut expected = vec![0.0; 29];
        for (row, column) in (0..n * n).map(|i| (i / n, i % n)) {
            let at = |down: usize, right: usize| kappa[(row + down + n - 1) % n * n + (column + right + n - 1) % n];
            let neighbours = (0..9).filter(|&i| i != 4).map(|i| at(i / 3, i % 3));
            let centre = at(1, 1);
            if neighbours.into_iter().all(|neighbour| centre > neighbour) {
                let nu = f64::from(centre) / 0.25;
                if let Some(bin) = peak_edges().windows(2).position(|edge| edge[0] <= nu && nu < edge[1]) {
                    expected[bin] += 5.0;
                }
            }
        }
        assert!(expected.iter().sum::<f64>() > 50.0, "{expected:?}");
        let peaks = measure(Extreme::Peaks, &kappa, n, 0.25);
        for (found, expected) in peaks.iter().zip(expected) {
            assert!((found.unwrap() - expected).abs() < 1e-9);
        }
        let mirrored = |values: &[f32]| values.iter().map(|value| -value).collect::<Vec<_>>();
        let edges: Vec<f64> = peak_edges().iter().rev().map(|edge| -edge).collect();
        let mut halo = Halo::new(n);
        halo.fill(&mirrored(&kappa));
        let mut minima = Vec::new();
        PeakPlan::new(Extreme::Minima, Bins::new(&edges).unwrap(), n).measure(&halo, 0.25, &mut minima);
        minima.reverse();
        for (a, b) in peaks.iter().zip(&minima) {
            assert!((a.unwrap() - b.unwrap()).abs() < 1e-6);
        }
    }

    #[test]
    fn a_plateau_is_no_peak_and_a_constant_map_has_no_heights() {
        let mut kappa = vec![0.0; 64];
        kappa[27] = 1.0;
        assert_eq!(measure(Extreme::Peaks, &kappa, 8, 1.0).iter().flatten().sum::<f64>().round(), 5.0);
        kappa[28] = 1.0;
        assert_eq!(measure(Extreme::Peaks, &kappa, 8, 1.0).iter().flatten().sum::<f64>(), 0.0);
        assert!(measure(Extreme::Peaks, &[1.0; 64], 8, 0.0).iter().all(Option::is_none));
    }

    #[test]
    fn listed_peaks_are_those_that_are_counted() {
        for n in [3, 7, 16] {
            let mut random = crate::random::stream(5, crate::random::Stream::ShapeNoise);
            let kappa: Vec<f32> = (0..n * n).map(|_| random.normal() as f32).collect();
            for (bin, edges) in peak_edges().windows(2).enumerate() {
                let counted = measure(Extreme::Peaks, &kappa, n, 1.0)[bin].unwrap() * (edges[1] - edges[0]);
                let above = |edge: f64| {
                    peaks_above(&kappa, n, f32::MIN).iter().filter(|peak| f64::from(peak.kappa) >= edge).count() as f64
                };
                assert!((above(edges[0]) - above(edges[1]) - counted).abs() < 1e-9, "{n} {edges:?}");
            }
            let peaks = peaks_above(&kappa, n, 0.0);
            assert!(peaks.is_sorted_by(|a, b| a.kappa >= b.kappa) && peaks.iter().all(|peak| peak.kappa >= 0.0));
        }
    }
}
