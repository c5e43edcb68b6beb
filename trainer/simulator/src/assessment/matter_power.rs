//! Power spectrum of the particles over that of theory, in bands of the wave number.

use crate::nbody::power::PowerBin;

/// Edges of the bands in h/Mpc.
pub const EDGES: [f64; BANDS + 1] = [0.1, 0.3, 1.0, 2.0, 5.0];
/// Number of bands.
pub const BANDS: usize = 4;

/// The spectrum covers a band if its last bin lies at this share of the band's end or beyond: bins are 13 % wide.
const COVERED: f64 = 0.87;

/// Mean over the modes of each band of measured power over that of theory, both in (Mpc/h)^3 at k in h/Mpc. `None` for a
/// band without modes, as below the box's fundamental, or one that the spectrum ends within.
pub fn band_ratios(bins: &[PowerBin], theory: impl Fn(f64) -> f64) -> [Option<f64>; BANDS] {
    let last = bins.iter().map(|bin| bin.k).fold(0.0, f64::max);
    let mut ratios = [None; BANDS];
    for (into, (&low, &high)) in ratios.iter_mut().zip(EDGES.iter().zip(EDGES.iter().skip(1))) {
        let within = || bins.iter().filter(|bin| bin.k >= low && bin.k < high);
        let modes: u64 = within().map(|bin| bin.modes).sum();
        let sum: f64 = within().map(|bin| bin.modes as f64 * bin.power / theory(bin.k)).sum();
        *into = (modes > 0 && last >= COVERED * high).then(|| sum / modes as f64);
    }
    ratios
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(k: f64, power: f64, modes: u64) -> PowerBin {
        PowerBin { k, power, modes }
    }

    #[test]
    fn modes_are_weights() {
        let theory = |k: f64| 100.0 / k;
        let bins = [
            bin(0.05, 1e9, 10),
            bin(0.15, 1.1 * theory(0.15), 10),
            bin(0.25, 0.9 * theory(0.25), 30),
            bin(1.0, theory(1.0), 5),
            bin(1.8, 2.0 * theory(1.8), 15),
        ];
        let ratios = band_ratios(&bins, theory);
        let close = |ratio: Option<f64>, expected: f64| ratio.is_some_and(|ratio| (ratio - expected).abs() < 1e-12);
        assert!(close(ratios[0], 0.95), "{ratios:?}");
        assert_eq!(ratios[1], None);
        assert!(close(ratios[2], 1.75), "{ratios:?}");
        assert_eq!(ratios[3], None);
    }

    #[test]
    fn a_band_that_is_not_covered_has_no_value() {
        let ratios = |last: f64| band_ratios(&[bin(2.5, 1.0, 10), bin(last, 1.0, 10)], |_| 1.0);
        assert_eq!((ratios(4.0)[3], ratios(4.5)[3]), (None, Some(1.0)));
        assert_eq!(band_ratios(&[], |_| 1.0), [None; BANDS]);
    }
}
