//! Pixel values of two sets of maps against each other (paper Fig. 2).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use shared::{
    random::{Stream, stream},
    statistics::{Statistic, TwoSample},
};

use super::{measured::MeasuredMaps, options::TestOptions};

/// Distribution of pixel values (paper Fig. 2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelComparison {
    /// Largest difference of the distribution functions of all pixels, at the edges of the density's bins.
    pub ks: f64,
    /// Its p-value by permutation of whole maps: pixels of one map depend on each other, maps do not.
    pub p_permutation: f64,
    /// p-value of a Kolmogorov-Smirnov test that takes the bins' densities for two samples: a much weaker test, since the order
    /// of the bins is lost. Stated because "p > 0.999" (paper Fig. 2) is within its reach.
    pub p_of_densities: f64,
    /// Wasserstein distance in kappa, from the bins.
    pub wasserstein: f64,
    /// Shares of A's and of B's pixels outside the bins.
    pub outside: [f64; 2],
}

/// Compares the pixels of A with those of B.
pub fn compare_pixels(a: &MeasuredMaps, b: &MeasuredMaps, options: TestOptions) -> PixelComparison {
    let width = b.bin_width(Statistic::Pdf);
    let maps: Vec<Vec<f64>> = a.maps.iter().chain(&b.maps).map(|map| map.pixel_shares(width)).collect();
    let bins = maps.first().map_or(0, Vec::len);
    let (in_a, in_b) = (a.maps.len() as f64, b.maps.len() as f64);
    let sum_of = |chosen: &mut dyn Iterator<Item = usize>| {
        let mut sum = vec![0.0; bins];
        for map in chosen {
            for (sum, share) in sum.iter_mut().zip(&maps[map]) {
                *sum += share;
            }
        }
        sum
    };
    let total = sum_of(&mut (0..maps.len()));
    // The difference of the two distribution functions at each edge follows from the sum over the first set alone.
    let differences = |sum_a: &[f64]| -> Vec<f64> {
        let mut place = 0.0;
        let step = |(sum, total): (&f64, &f64)| {
            place += sum / in_a - (total - sum) / in_b;
            place.abs()
        };
        sum_a.iter().zip(&total).map(step).collect()
    };
    let largest = |differences: &[f64]| differences.iter().copied().fold(0.0, f64::max);
    let observed = sum_of(&mut (0..a.maps.len()));
    let at_edges = differences(&observed);
    let ks = largest(&at_edges);
    let as_large = (0..options.resamples).into_par_iter().filter(|&number| {
        let mut random = stream(options.seed, Stream::Resampling).at(u64::MAX - u64::from(number));
        let order = random.permutation(maps.len());
        let sum = sum_of(&mut order[..a.maps.len()].iter().map(|&map| map as usize));
        largest(&differences(&sum)) >= ks * (1.0 - 1e-10)
    });
    let mean_a: Vec<f64> = observed.iter().map(|sum| sum / in_a).collect();
    let mean_b: Vec<f64> = observed.iter().zip(&total).map(|(sum, total)| (total - sum) / in_b).collect();
    let bins_of = |mean: &[f64]| mean.get(1..).unwrap_or_default().to_vec();
    let outside = |set: &MeasuredMaps| {
        set.maps.iter().map(|map| map.outside_pdf.iter().sum::<f64>()).sum::<f64>() / set.maps.len() as f64
    };
    PixelComparison {
        ks,
        p_permutation: (1 + as_large.count()) as f64 / f64::from(options.resamples + 1),
        p_of_densities: TwoSample::new(&bins_of(&mean_a), &bins_of(&mean_b)).map_or(1.0, |p| p.kolmogorov_smirnov_p()),
        wasserstein: at_edges.iter().sum::<f64>() * width,
        outside: [outside(a), outside(b)],
    }
}
