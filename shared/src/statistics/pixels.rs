//! One-point statistics: density of pixel values (paper Fig. 2) and moments.

use super::bins::{Bins, Place};
use crate::ConvergenceMap;

/// Mean, standard deviation (ddof 0), skewness and excess kurtosis of the pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Mean of kappa.
    pub mean: f64,
    /// Standard deviation of kappa, divided by the number of pixels (ddof 0).
    pub sigma: f64,
    /// Third central moment over sigma^3; `None` for a constant map.
    pub skewness: Option<f64>,
    /// Fourth central moment over sigma^4, less 3; `None` for a constant map.
    pub kurtosis: Option<f64>,
}

/// Moments of a map's pixels, in two passes.
pub fn moments(map: &ConvergenceMap) -> Moments {
    let count = map.kappa().len() as f64;
    let mean = map.kappa().iter().map(|&kappa| f64::from(kappa)).sum::<f64>() / count;
    let (mut second, mut third, mut fourth) = (0.0, 0.0, 0.0);
    for &kappa in map.kappa() {
        let difference = f64::from(kappa) - mean;
        let square = difference * difference;
        second += square;
        third += square * difference;
        fourth += square * square;
    }
    let variance = second / count;
    let varies = variance > 0.0;
    Moments {
        mean,
        sigma: variance.sqrt(),
        skewness: varies.then(|| third / count / variance.powf(1.5)),
        kurtosis: varies.then(|| fourth / count / (variance * variance) - 3.0),
    }
}

/// Edges of the pixel histogram in kappa: 250 bins over -0.1 .. 0.4.
pub fn pdf_edges() -> Vec<f64> {
    (0..=250).map(|i| -0.1 + 0.002 * f64::from(i)).collect()
}

/// Density of pixel values in bins: counts over (counted pixels x bin width), as `numpy.histogram` with `density`. The last
/// bin holds its upper edge. All zero where no pixel lies between the edges. Returns the shares of pixels below and above.
pub fn pixel_density(map: &ConvergenceMap, bins: &Bins, into: &mut Vec<Option<f64>>) -> [f64; 2] {
    density_where(map, bins, |_| true, into)
}

/// The same of the pixels that are marked alone.
pub fn pixel_density_marked(
    map: &ConvergenceMap,
    marked: &[bool],
    bins: &Bins,
    into: &mut Vec<Option<f64>>,
) -> [f64; 2] {
    density_where(map, bins, |place| marked.get(place) == Some(&true), into)
}

#[inline]
fn density_where(
    map: &ConvergenceMap,
    bins: &Bins,
    is_counted: impl Fn(usize) -> bool,
    into: &mut Vec<Option<f64>>,
) -> [f64; 2] {
    into.clear();
    into.resize(bins.count(), Some(0.0));
    let (edges, last) = (bins.scaled(), bins.count() - 1);
    let (mut counted, mut outside) = (0.0, [0.0; 2]);
    for (place, &kappa) in map.kappa().iter().enumerate() {
        if !is_counted(place) {
            continue;
        }
        let kappa = f64::from(kappa);
        let bin = match bins.place(kappa) {
            Place::Bin(bin) => bin,
            Place::Above if kappa == edges[last + 1] => last,
            beyond => {
                outside[usize::from(beyond == Place::Above)] += 1.0;
                continue;
            }
        };
        if let Some(Some(count)) = into.get_mut(bin) {
            *count += 1.0;
        }
        counted += 1.0;
    }
    for (value, edge) in into.iter_mut().zip(edges.windows(2)) {
        *value = value.map(|count| if counted > 0.0 { count / counted / (edge[1] - edge[0]) } else { 0.0 });
    }
    let all = counted + outside[0] + outside[1];
    outside.map(|count| if all > 0.0 { count / all } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_a_small_map() {
        let map = ConvergenceMap::new(1.0, 2, vec![0.0, 0.0, 0.0, 4.0]).unwrap();
        let found = moments(&map);
        assert!((found.mean - 1.0).abs() < 1e-15 && (found.sigma - 3.0_f64.sqrt()).abs() < 1e-15);
        // Central moments 3, 6, 21: skewness 6 / 3^1.5, kurtosis 21/9 - 3.
        assert!((found.skewness.unwrap() - 6.0 / 27.0_f64.sqrt()).abs() < 1e-14);
        assert!((found.kurtosis.unwrap() - (21.0 / 9.0 - 3.0)).abs() < 1e-14);
    }

    #[test]
    fn a_constant_map_has_no_shape() {
        let found = moments(&ConvergenceMap::new(1.0, 2, vec![0.5; 4]).unwrap());
        assert_eq!((found.sigma, found.skewness, found.kurtosis), (0.0, None, None));
    }

    #[test]
    fn density_counts_edges_as_numpy_does() {
        let map = ConvergenceMap::new(1.0, 2, vec![0.0, 1.0, 2.0, 5.0]).unwrap();
        let density = |edges: &[f64]| {
            let mut found = Vec::new();
            let [below, above] = pixel_density(&map, &Bins::new(edges).unwrap(), &mut found);
            let inside = map
                .kappa()
                .iter()
                .filter(|&&kappa| edges[0] <= f64::from(kappa) && f64::from(kappa) <= edges[edges.len() - 1]);
            assert_eq!(1.0 - below - above, inside.count() as f64 / 4.0);
            found.into_iter().map(Option::unwrap).collect::<Vec<_>>()
        };
        let third = 1.0 / 3.0;
        assert_eq!(density(&[0.0, 1.0, 2.0]), [third, 2.0 * third]);
        assert_eq!(density(&[9.0, 10.0]), [0.0]);
    }
}
