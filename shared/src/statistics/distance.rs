//! How far the power spectra of one set of maps are from those of another.
//!
//! The paper selects its generator by a "Chi-squared distance measurement to the power spectrum histograms" (Section
//! 2.3) without giving bins; here each mode's histogram has [`BINS`] bins of equal width in log P over the range of the
//! reference set, with one open bin at either end.

use serde::{Deserialize, Serialize};

/// Ratio of two sets' power spectra over a range of multipoles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpectrumBand {
    /// Lower edge in l.
    pub ell_low: f64,
    /// Upper edge in l.
    pub ell_high: f64,
    /// Mean P(l) of the generated maps over that of the data, averaged over the band's modes.
    pub mean_ratio: f64,
    /// Standard deviation over maps, likewise.
    pub sigma_ratio: f64,
}

/// Inner bins of a histogram.
pub const BINS: usize = 18;

/// Power spectra of many maps: `spectra[map][mode]`, `None` for an empty bin.
pub type Spectra = [Vec<Option<f64>>];

/// Chi-squared distance between the histograms of log P of two sets, averaged over the modes that have power: 0 where all
/// agree, 1 where none overlap. `None` where a set is empty or no mode has power in both.
pub fn spectrum_distance(reference: &Spectra, other: &Spectra) -> Option<f64> {
    let modes = reference.first()?.len();
    let (mut sum, mut counted) = (0.0, 0.0);
    for mode in 0..modes {
        let (of_reference, of_other) = (logarithms(reference, mode), logarithms(other, mode));
        if of_reference.is_empty() || of_other.is_empty() {
            continue;
        }
        let low = of_reference.iter().copied().fold(f64::INFINITY, f64::min);
        let high = of_reference.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let histogram = |values: &[f64]| {
            let mut shares = [0.0; BINS + 2];
            for &value in values {
                let place = (value - low) / (high - low).max(f64::MIN_POSITIVE) * BINS as f64;
                // The upper edge belongs to the last inner bin.
                let bin = if place < 0.0 {
                    0
                } else if value > high {
                    BINS + 1
                } else {
                    (place as usize).min(BINS - 1) + 1
                };
                shares[bin] += 1.0 / values.len() as f64;
            }
            shares
        };
        let terms = histogram(&of_reference).into_iter().zip(histogram(&of_other));
        let chi_squared = |(p, q): (f64, f64)| if p + q > 0.0 { (p - q) * (p - q) / (p + q) } else { 0.0 };
        sum += 0.5 * terms.map(chi_squared).sum::<f64>();
        counted += 1.0;
    }
    (counted > 0.0).then(|| sum / counted)
}

fn logarithms(spectra: &Spectra, mode: usize) -> Vec<f64> {
    let values = spectra.iter().filter_map(|spectrum| spectrum.get(mode).copied().flatten());
    values.filter(|&power| power > 0.0).map(f64::ln).collect()
}

/// Edges of the bands in l over which ratios are quoted.
pub const BAND_EDGES: [f64; 7] = [200.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0];

/// Ratio of the mean and of the standard deviation over maps, `other` to `reference`, averaged over each band's modes;
/// bands without modes are left out.
pub fn band_ratios(ell: &[f64], reference: &Spectra, other: &Spectra) -> Vec<SpectrumBand> {
    let summary = |spectra: &Spectra| {
        let mut ensemble = super::Ensemble::new(ell.len());
        for spectrum in spectra {
            ensemble.add(spectrum);
        }
        (ensemble.mean(), ensemble.sigma())
    };
    let ((mean_r, sigma_r), (mean_o, sigma_o)) = (summary(reference), summary(other));
    let ratio = |over: &[Option<f64>], under: &[Option<f64>], mode: usize| -> Option<f64> {
        let (over, under) = (over.get(mode).copied().flatten()?, under.get(mode).copied().flatten()?);
        (under > 0.0).then(|| over / under)
    };
    let band = |edges: &[f64]| {
        let modes = (0..ell.len()).filter(|&mode| edges[0] <= ell[mode] && ell[mode] < edges[1]);
        let ratios: Vec<(f64, f64)> =
            modes.filter_map(|mode| Some((ratio(&mean_o, &mean_r, mode)?, ratio(&sigma_o, &sigma_r, mode)?))).collect();
        let count = ratios.len() as f64;
        (count > 0.0).then(|| SpectrumBand {
            ell_low: edges[0],
            ell_high: edges[1],
            mean_ratio: ratios.iter().map(|ratio| ratio.0).sum::<f64>() / count,
            sigma_ratio: ratios.iter().map(|ratio| ratio.1).sum::<f64>() / count,
        })
    };
    BAND_EDGES.windows(2).filter_map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, stream};

    fn spectra(seed: u64, scale: f64) -> Vec<Vec<Option<f64>>> {
        let mut random = stream(seed, Stream::Crops);
        (0..500)
            .map(|_| vec![None, Some(scale * (0.3 * random.normal()).exp()), Some(random.uniform() + 0.5)])
            .collect()
    }

    #[test]
    fn zero_for_the_same_small_for_alike_one_for_disjoint() {
        let (a, b) = (spectra(1, 1.0), spectra(2, 1.0));
        assert!(spectrum_distance(&a, &a).unwrap() < 1e-12);
        let alike = spectrum_distance(&a, &b).unwrap();
        let shifted = spectrum_distance(&a, &spectra(2, 1.5)).unwrap();
        assert!(alike < 0.03 && shifted > 5.0 * alike, "{alike} {shifted}");
        let one = |value: f64| vec![vec![Some(value)], vec![Some(1.1 * value)]];
        assert!((spectrum_distance(&one(1.0), &one(9.0)).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(spectrum_distance(&a, &[]), None);
        assert_eq!(spectrum_distance(&[vec![None]], &[vec![None]]), None);
    }

    #[test]
    fn ratios_per_band() {
        let scaled: Vec<_> = spectra(1, 2.0).into_iter().map(|s| vec![s[0], s[1], s[2].map(|p| 3.0 * p)]).collect();
        let bands = band_ratios(&[300.0, 700.0, 1500.0], &spectra(1, 1.0), &scaled);
        assert_eq!(bands.len(), 2, "the band of the empty mode is left out");
        assert!((bands[0].mean_ratio - 2.0).abs() < 1e-9 && (bands[1].sigma_ratio - 3.0).abs() < 1e-9);
    }
}
