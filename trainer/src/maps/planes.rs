//! LensTools lensing-potential planes and their Laplacians.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use rustfft::{FftPlanner, num_complex::Complex64};
use shared::{Cosmology, formats::fits::FitsImage};

use super::files::files_with_extension;

/// The mass of one lens plane, as the Laplacian of its potential.
pub struct LensPlane {
    /// Comoving distance in Mpc/h.
    pub distance: f64,
    /// Redshift.
    pub redshift: f64,
    /// Laplacian of the lensing potential with respect to angles in radians, row-major, dimensionless.
    pub laplacian: Vec<f32>,
}

/// All planes of a folder, of one size and angle, by distance.
pub struct LensPlanes {
    /// Planes by rising distance.
    pub planes: Vec<LensPlane>,
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Cosmology of the simulation.
    pub cosmology: Cosmology,
}

impl LensPlanes {
    /// Reads every `.fits` plane of a folder and computes the Laplacians, on all threads.
    ///
    /// # Errors
    /// When the folder has no planes, one is not readable, or they differ in size, angle or cosmology.
    pub fn read(folder: &Path) -> Result<Self> {
        let files = files_with_extension(folder, &["fits", "fit"])?;
        if files.is_empty() {
            bail!("{} holds no .fits files: give the folder of LensTools potential planes", folder.display());
        }
        let read: Vec<(FitsImage, PathBuf)> = files
            .into_par_iter()
            .map(|path| {
                let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let image = FitsImage::read(&bytes).with_context(|| path.display().to_string())?;
                Ok((image, path))
            })
            .collect::<Result<_>>()?;
        let Some((first, first_path)) = read.first() else { bail!("no planes") };
        let (pixels, side_angle) = (first.rows, first.side_angle());
        let side_angle = side_angle.with_context(|| format!("{} has no ANGLE", first_path.display()))?;
        let cosmology = first.cosmology().with_context(|| format!("{} has no OMEGA_M", first_path.display()))?;
        for (image, path) in &read {
            let differs = image.rows != pixels
                || image.columns != pixels
                || image.side_angle() != Some(side_angle)
                || image.cosmology() != Some(cosmology);
            if differs {
                bail!(
                    "{} and {} differ in size, angle or cosmology: planes of one folder must be of one simulation",
                    path.display(),
                    first_path.display()
                );
            }
            if image.pixels.iter().any(|pixel| !pixel.is_finite()) {
                bail!("{} holds values that are not finite", path.display());
            }
        }
        let mut planes = read
            .into_par_iter()
            .map(|(image, path)| {
                let missing = |keyword| format!("{} has no {keyword}: is it a lens plane?", path.display());
                Ok(LensPlane {
                    distance: image.comoving_distance().with_context(|| missing("CHI"))?,
                    redshift: image.number("Z").with_context(|| missing("Z"))?,
                    laplacian: laplacian(&image.pixels, pixels, side_angle),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        planes.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        Ok(Self { planes, pixels, side_angle, cosmology })
    }
}

/// Laplacian of a periodic map by FFT: multiplication by -l^2, l in inverse radians.
fn laplacian(potential: &[f64], pixels: usize, side_angle: f64) -> Vec<f32> {
    let mut planner = FftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(pixels), planner.plan_fft_inverse(pixels));
    let mut values: Vec<Complex64> = potential.iter().map(|&value| Complex64::new(value, 0.0)).collect();
    forward.process(&mut values);
    let mut values = transposed(&values, pixels);
    forward.process(&mut values);
    let fundamental = std::f64::consts::TAU / side_angle.to_radians();
    // The inverse transform's factor, once for each axis.
    let norm = 1.0 / (pixels * pixels) as f64;
    let frequency = |i: usize| i.min(pixels - i) as f64 * fundamental;
    for (at, value) in values.iter_mut().enumerate() {
        *value *= -norm * (frequency(at / pixels).powi(2) + frequency(at % pixels).powi(2));
    }
    inverse.process(&mut values);
    let mut values = transposed(&values, pixels);
    inverse.process(&mut values);
    values.into_iter().map(|value| value.re as f32).collect()
}

fn transposed(values: &[Complex64], pixels: usize) -> Vec<Complex64> {
    (0..pixels * pixels).map(|at| values[at % pixels * pixels + at / pixels]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laplacian_of_a_wave() {
        let (pixels, side_angle) = (16, 2.0_f64);
        let wave = |at: usize| {
            let (row, column) = ((at / pixels) as f64, (at % pixels) as f64);
            (std::f64::consts::TAU * (2.0 * row + 3.0 * column) / pixels as f64).cos()
        };
        let potential: Vec<f64> = (0..pixels * pixels).map(wave).collect();
        let factor = -13.0 * (std::f64::consts::TAU / side_angle.to_radians()).powi(2);
        for (at, found) in laplacian(&potential, pixels, side_angle).into_iter().enumerate() {
            assert!((f64::from(found) - factor * wave(at)).abs() < 1e-5 * factor.abs(), "{at}");
        }
    }

    #[test]
    fn an_empty_or_missing_folder_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let error = LensPlanes::read(folder.path()).err().unwrap().to_string();
        assert!(error.contains("holds no .fits files"), "{error}");
        assert!(LensPlanes::read(&folder.path().join("absent")).is_err());
    }
}
