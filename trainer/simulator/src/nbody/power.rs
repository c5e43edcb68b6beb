//! Power spectrum of the particles.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::{
    fourier::{Cube, CubeFft, frequency},
    mesh::assign_density,
    particles::{Cells, Particles},
};

/// Bins per factor e of k.
const BINS_PER_E: f64 = 8.0;

/// Mean power of the modes of a spherical shell in Fourier space.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PowerBin {
    /// Mean wave number of its modes in h/Mpc.
    pub k: f64,
    /// Power in (Mpc/h)^3, less the shot noise.
    pub power: f64,
    /// Number of modes; opposite ones count as one.
    pub modes: u64,
}

/// Power spectrum of sorted particles in a box of `side` Mpc/h, in logarithmic bins up to half the mesh's Nyquist wave number.
/// `density` and `spectrum` are overwritten.
///
/// The window of the clouds is divided out, and the shot noise `volume / particles` is subtracted.
#[doc(alias = "power_spectrum")]
pub fn measure(
    particles: &Particles,
    cells: &Cells,
    side: f64,
    fft: &CubeFft,
    density: &mut Cube,
    spectrum: &mut Cube,
) -> Vec<PowerBin> {
    assign_density(particles, cells, density);
    fft.forward(density, spectrum);
    let n = spectrum.n();
    let largest = n as i32 / 4;
    let bin = |square: i32| (0.5 * f64::from(square).ln() * BINS_PER_E) as usize;
    let bins = bin(largest * largest) + 1;
    let window: Vec<f64> = (0..=largest).map(|k| cloud_window(PI * f64::from(k) / n as f64)).collect();
    let norm = side.powi(3) / (n as f64).powi(6);
    let per_plane: Vec<Vec<[f64; 3]>> = spectrum
        .mode_planes_mut()
        .map(|(ky, plane)| {
            let mut sums = vec![[0.0; 3]; bins];
            for (at, mode) in plane.iter().enumerate() {
                let (kx, kz) = (frequency(at / (n / 2 + 1), n), (at % (n / 2 + 1)) as i32);
                let square = kx.pow(2) + ky.pow(2) + kz.pow(2);
                // Of a mode and its opposite in the plane kz = 0, one counts.
                if square == 0 || square > largest.pow(2) || kz == 0 && (ky < 0 || ky == 0 && kx < 0) {
                    continue;
                }
                let window: f64 = [kx, ky, kz].iter().map(|k| window[k.unsigned_abs() as usize]).product();
                let sum = &mut sums[bin(square)];
                sum[0] += 1.0;
                sum[1] += f64::from(square).sqrt();
                sum[2] += f64::from(mode.norm_sqr()) / window;
            }
            sums
        })
        .collect();
    let shot_noise = side.powi(3) / particles.len() as f64;
    let total = |bin: usize, part: usize| per_plane.iter().map(|sums| sums[bin][part]).sum::<f64>();
    (0..bins)
        .filter_map(|bin| {
            let modes = total(bin, 0);
            (modes > 0.0).then(|| PowerBin {
                k: 2.0 * PI / side * total(bin, 1) / modes,
                power: norm * total(bin, 2) / modes - shot_noise,
                modes: modes as u64,
            })
        })
        .collect()
}

/// Square of a triangular-shaped cloud's transform at half the wave number times the spacing.
fn cloud_window(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (x.sin() / x).powi(6) }
}
