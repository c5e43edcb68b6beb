//! LensTools lensing-potential planes and their Laplacians.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use rustfft::num_complex::Complex64;
use shared::{Cosmology, formats::fits::FitsImage};

use storage::maps::{Sources, folder::named, sources::mark};

use crate::ray_tracing::square::Square;

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
        let files = named(folder).context("--planes takes the folder of LensTools potential planes")?.files;
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
        let side_angle = side_angle.with_context(|| first_path.display().to_string())?;
        let side_angle = side_angle.with_context(|| format!("{} has no ANGLE", first_path.display()))?;
        let unit = first.text("BUNIT").or_else(|| first.text("UNIT")).map(str::trim).unwrap_or_default();
        ensure!(
            unit.is_empty() || matches!(unit, "rad2" | "rad^2" | "rad**2"),
            "{} is in {unit:?}, a potential in rad2: give LensTools potential planes",
            first_path.display()
        );
        // In Fourier space LensTools keeps half of the columns, and one more.
        ensure!(
            first.rows == first.columns,
            "{} has {} rows and {} columns: it looks like a plane in Fourier space; save it in real space (plane.toReal())",
            first_path.display(),
            first.rows,
            first.columns
        );
        let cosmology = first.cosmology().with_context(|| format!("{} has no OMEGA_M", first_path.display()))?;
        for (image, path) in &read {
            let differs = image.rows != pixels
                || image.columns != pixels
                || image.side_angle().ok().flatten() != Some(side_angle)
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
        let square = Square::new(pixels, side_angle);
        let mut planes = read
            .into_par_iter()
            .map(|(image, path)| {
                let missing = |keyword| format!("{} has no {keyword}: is it a lens plane?", path.display());
                Ok(LensPlane {
                    distance: image.comoving_distance().with_context(|| missing("CHI"))?,
                    redshift: image.number("Z").with_context(|| missing("Z"))?,
                    laplacian: laplacian(&square, &image.pixels),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        planes.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        Ok(Self { planes, pixels, side_angle, cosmology })
    }

    /// Marks of the planes: maps that are cut from the same ones share structures.
    pub fn sources(&self) -> Sources {
        let row = self.pixels / 2 * self.pixels;
        self.planes.iter().map(|plane| mark(&plane.laplacian[row..row + self.pixels])).collect()
    }
}

/// Laplacian of a periodic potential.
fn laplacian(square: &Square, potential: &[f64]) -> Vec<f32> {
    let modes = square.modes(potential.iter().copied());
    let values = square.values(&modes, |row, column| Complex64::from(-(row * row + column * column)));
    values.into_iter().map(|value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_missing_folder_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let error = LensPlanes::read(folder.path()).err().unwrap().to_string();
        assert!(error.contains("--planes takes"), "{error}");
        assert!(LensPlanes::read(&folder.path().join("absent")).is_err());
    }
}
