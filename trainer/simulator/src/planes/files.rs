//! Planes of a map as files that LensTools reads.

use std::path::Path;

use anyhow::{Context, Result};
use rustfft::num_complex::Complex64;
use shared::{
    Cosmology,
    formats::fits::{self, PotentialPlane},
};

use storage::runs::write_atomically;

use super::store::PlaneStore;
use crate::{
    light_cone::{Field, Shell},
    ray_tracing::square::Square,
};

/// Writes the potential of every shell in front of a map, `plane-00.fits` next to the observer, into a folder of its own.
///
/// # Errors
/// When the planes cannot be read, or the disk is full.
pub fn write(
    folder: &Path,
    planes: &PlaneStore,
    map: usize,
    shells: &[Shell],
    field: Field,
    cosmology: &Cosmology,
) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let square = Square::new(field.pixels, field.side_angle);
    for (file, shell) in shells.iter().rev().enumerate() {
        let laplacian = planes.read(shell.number, map)?;
        let modes = square.modes(laplacian.iter().map(|&value| f64::from(value)));
        let potential = square.values(&modes, |row, column| {
            let square = row * row + column * column;
            Complex64::from(if square > 0.0 { -1.0 / square } else { 0.0 })
        });
        let plane = PotentialPlane {
            pixels: field.pixels,
            side_angle: field.side_angle,
            potential: &potential,
            redshift: 1.0 / shell.scale_factor - 1.0,
            distance: shell.distance(),
            cosmology: *cosmology,
        };
        write_atomically(&folder.join(format!("plane-{file:02}.fits")), &fits::write_plane(&plane)?)?;
    }
    Ok(())
}
