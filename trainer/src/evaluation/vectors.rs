//! Maps as vectors, in the three spaces that the paper looks for near pairs in (Section 3.2): pixels, power spectra, and the
//! discriminator's last convolutional layer.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, path::Path};

use anyhow::{Context, Result};
use rayon::prelude::*;
use storage::{maps::MapArchive, runs::Interruption};
use tch::{Device, Tensor};

use super::pairs::Vectors;
use crate::{
    drawing::Generator,
    progress::Bar,
    spectra::{compared_modes, spectra},
    torch::TorchNetwork,
};

/// Maps that a network takes at once.
const BATCH: usize = 64;

/// Generated maps in a file of f32, drawn once and read many times.
pub struct DrawnMaps {
    file: File,
    count: usize,
    pixels: usize,
    side_angle: f64,
    device: Device,
}

impl DrawnMaps {
    /// Draws the maps of `count` seeds from `first_seed` on, or the rest of them where the file already holds some.
    ///
    /// # Errors
    /// When the disk is full or the device fails; what is drawn is kept.
    pub fn draw(
        path: &Path,
        generator: &Generator,
        first_seed: u64,
        count: usize,
        interruption: &Interruption,
    ) -> Result<Self> {
        let map_bytes = (4 * generator.definition().map_pixels()) as u64;
        let gigabytes = count as f64 * map_bytes as f64 / 1e9;
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let drawn = (file.metadata()?.len() / map_bytes) as usize;
        let bar = Bar::new(count, "maps").with_message("generate for pairs");
        bar.set_position(drawn.min(count) as u64);
        for first in (drawn..count).step_by(BATCH) {
            interruption.check()?;
            let seeds = first_seed + first as u64..first_seed + (first + BATCH).min(count) as u64;
            let maps = generator.draw_seeds(seeds.clone())?;
            let bytes: Vec<u8> = maps.into_iter().flatten().flat_map(f32::to_le_bytes).collect();
            file.write_all_at(&bytes, first as u64 * map_bytes).with_context(|| {
                format!(
                    "cannot write {}: {count} maps take {gigabytes:.1} GB; a smaller --pair-maps takes less",
                    path.display()
                )
            })?;
            bar.inc(seeds.end - seeds.start);
        }
        bar.finish_and_clear();
        let (pixels, side_angle, device) =
            (generator.pixels(), generator.side_angle(), generator.backend().torch_device());
        Ok(Self { file, count, pixels, side_angle, device })
    }

    fn kappa(&self, range: Range<usize>) -> Result<Vec<f32>> {
        let map_bytes = 4 * self.pixels * self.pixels;
        let mut bytes = vec![0; range.len() * map_bytes];
        self.file.read_exact_at(&mut bytes, (range.start * map_bytes) as u64)?;
        Ok(bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect())
    }

    /// Logarithms of their power spectra.
    ///
    /// # Errors
    /// When the file cannot be read or a map is not finite.
    pub fn spectra(&self) -> Result<Matrix> {
        let rows = log_spectra(self.count, self.pixels, self.side_angle, |map| self.kappa(map..map + 1))?;
        Matrix::centred(&rows, self.device)
    }
}

impl Vectors for DrawnMaps {
    fn count(&self) -> usize {
        self.count
    }

    fn dimension(&self) -> usize {
        self.pixels * self.pixels
    }

    fn block(&self, range: Range<usize>) -> Result<Tensor> {
        let shape = [range.len() as i64, self.dimension() as i64];
        Ok(Tensor::f_from_slice(&self.kappa(range)?)?.f_view(shape)?.f_to_device(self.device)?)
    }
}

/// The pixels of the first maps of an archive.
pub struct ArchiveMaps<'a> {
    archive: &'a MapArchive,
    count: usize,
    pixels: usize,
    device: Device,
}

impl<'a> ArchiveMaps<'a> {
    /// The first `count` maps.
    ///
    /// # Errors
    /// When maps differ in size.
    pub fn new(archive: &'a MapArchive, count: usize, device: Device) -> Result<Self> {
        Ok(Self { archive, count: count.min(archive.maps()), pixels: archive.one_size()?, device })
    }

    /// Logarithms of their power spectra, for maps of this side in degrees.
    ///
    /// # Errors
    /// When a map cannot be read or is not finite.
    pub fn spectra(&self, side_angle: f64) -> Result<Vec<Vec<f64>>> {
        log_spectra(self.count, self.pixels, side_angle, |map| Ok(self.archive.map(map)?.into_kappa()))
    }
}

impl Vectors for ArchiveMaps<'_> {
    fn count(&self) -> usize {
        self.count
    }

    fn dimension(&self) -> usize {
        self.pixels * self.pixels
    }

    fn block(&self, range: Range<usize>) -> Result<Tensor> {
        let shape = [range.len() as i64, self.dimension() as i64];
        let maps: Vec<Vec<f32>> =
            range.into_par_iter().map(|map| Ok(self.archive.map(map)?.into_kappa())).collect::<Result<_>>()?;
        Ok(Tensor::f_from_slice(&maps.concat())?.f_view(shape)?.f_to_device(self.device)?)
    }
}

/// Vectors that are all in memory.
pub struct Matrix {
    tensor: Tensor,
}

impl Matrix {
    /// Rows as vectors, less their mean: distances stay as they are, and f32 has its digits for the differences.
    ///
    /// # Errors
    /// When rows differ in length, or the device has no room.
    pub fn centred(rows: &[Vec<f64>], device: Device) -> Result<Self> {
        Self::less(rows, &mean_of(rows), device)
    }

    /// Rows as vectors, less this vector.
    ///
    /// # Errors
    /// When rows differ in length, or the device has no room.
    pub fn less(rows: &[Vec<f64>], mean: &[f64], device: Device) -> Result<Self> {
        let shape = [rows.len() as i64, mean.len() as i64];
        let values: Vec<f32> =
            rows.iter().flat_map(|row| row.iter().zip(mean).map(|(value, mean)| (value - mean) as f32)).collect();
        Ok(Self { tensor: Tensor::f_from_slice(&values)?.f_view(shape)?.f_to_device(device)? })
    }

    /// All of them, `[n, dimension]`.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }
}

/// Mean of rows of one length.
pub fn mean_of(rows: &[Vec<f64>]) -> Vec<f64> {
    let mut mean = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (mean, value) in mean.iter_mut().zip(row) {
            *mean += value / rows.len() as f64;
        }
    }
    mean
}

impl Vectors for Matrix {
    fn count(&self) -> usize {
        self.tensor.size()[0] as usize
    }

    fn dimension(&self) -> usize {
        self.tensor.size()[1] as usize
    }

    fn block(&self, range: Range<usize>) -> Result<Tensor> {
        Ok(self.tensor.f_narrow(0, range.start as i64, range.len() as i64)?)
    }
}

/// Natural logarithms of P(l) at the modes that are not empty, up to the Nyquist multipole of the map's rows; beyond it only
/// the corners of Fourier space have modes. In P itself the distance would be that of the few lowest modes alone, which hold
/// nearly all of the power.
///
/// # Errors
/// When a map cannot be had or is of another geometry.
pub fn log_spectra(
    count: usize,
    pixels: usize,
    side_angle: f64,
    kappa: impl Fn(usize) -> Result<Vec<f32>> + Sync,
) -> Result<Vec<Vec<f64>>> {
    let modes = compared_modes(pixels, side_angle)?.len();
    let bar = Bar::new(count, "maps").with_message("spectra");
    let measured = spectra(count, [pixels, modes], side_angle, |at| {
        bar.inc(1);
        kappa(at)
    })?;
    bar.finish_and_clear();
    Ok(measured.iter().map(|power| logarithms(power)).collect())
}

/// Natural logarithms of the powers that are there. A map without any power at a mode gets the least number instead of minus
/// infinity.
pub fn logarithms(power: &[Option<f64>]) -> Vec<f64> {
    power.iter().flatten().map(|&power| power.max(1e-30).ln()).collect()
}

/// What a discriminator's last convolutional layer makes of maps.
pub struct Features<'a, V: Vectors> {
    maps: &'a V,
    discriminator: &'a TorchNetwork,
    side: i64,
    dimension: usize,
}

impl<'a, V: Vectors> Features<'a, V> {
    /// Features of maps by a discriminator on the maps' device.
    ///
    /// # Errors
    /// When the discriminator takes maps of another size.
    pub fn new(maps: &'a V, discriminator: &'a TorchNetwork) -> Result<Self> {
        let side = (maps.dimension() as f64).sqrt() as i64;
        let one = maps.block(0..1)?.f_view([1, 1, side, side])?;
        let dimension = discriminator.features(&one)?.size()[1] as usize;
        Ok(Self { maps, discriminator, side, dimension })
    }
}

impl<V: Vectors> Vectors for Features<'_, V> {
    fn count(&self) -> usize {
        self.maps.count()
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn block(&self, range: Range<usize>) -> Result<Tensor> {
        let mut blocks = Vec::new();
        for first in range.clone().step_by(BATCH) {
            let part = first..(first + BATCH).min(range.end);
            let shape = [part.len() as i64, 1, self.side, self.side];
            blocks.push(self.discriminator.features(&self.maps.block(part)?.f_view(shape)?)?);
        }
        Ok(Tensor::f_cat(&blocks, 0)?)
    }
}
