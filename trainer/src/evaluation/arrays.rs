//! Measured statistics as arrays with names: what `statistics --npz` writes, and what the Python package gives.

use std::io::{Seek, Write};

use anyhow::Result;
use shared::{
    formats::{element::Element, npy},
    statistics::{Statistic, moments::NAMES},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::measured::MeasuredMaps;

/// An array of numbers, row-major; NaN where a value does not exist.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedArray {
    /// Its name.
    pub name: &'static str,
    /// One axis, or maps and columns.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: Vec<f64>,
}

/// Name of the middles of a statistic's bins.
fn middles_name(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::PowerSpectrum => "ell",
        Statistic::V0 | Statistic::V1 | Statistic::V2 => "nu",
        Statistic::Peaks => "peak_nu",
        Statistic::Minima => "minimum_nu",
        Statistic::Pdf => "kappa",
        Statistic::TwoPoint => "theta",
        Statistic::Bispectrum => "triangle_ell",
    }
}

/// All statistics of some maps that were asked for: of each the middles of its bins and the values, one row a map; the moments; and of each map mean, sigma,
/// and the share of pixels that were left out.
pub fn arrays(measured: &MeasuredMaps) -> Vec<NamedArray> {
    let maps = measured.maps.len();
    let line = |name, values: Vec<f64>| NamedArray { name, shape: vec![values.len()], values };
    let table = |name, columns, values: Vec<f64>| NamedArray { name, shape: vec![maps, columns], values };
    let or_nan = |value: &Option<f64>| value.unwrap_or(f64::NAN);
    let mut all: Vec<NamedArray> = Vec::new();
    for statistic in Statistic::ALL {
        let (middles, name) = (measured.middles(statistic), middles_name(statistic));
        if middles.is_empty() {
            continue;
        }
        if all.iter().all(|array| array.name != name) {
            all.push(line(name, middles.to_vec()));
        }
        let values = measured.maps.iter().flat_map(|map| map.of(statistic).iter().map(or_nan)).collect();
        all.push(table(statistic.name(), middles.len(), values));
    }
    let moments = measured.maps.iter().flat_map(|map| map.moments.iter().map(or_nan)).collect();
    all.push(table("moments", NAMES.len(), moments));
    all.push(line("mean", measured.maps.iter().map(|map| map.mean).collect()));
    all.push(line("sigma", measured.maps.iter().map(|map| map.sigma).collect()));
    all.push(line("masked", measured.maps.iter().map(|map| map.masked).collect()));
    all
}

/// Writes arrays as NumPy's `.npz`, in double precision, not compressed.
///
/// # Errors
/// When the file cannot be written.
pub fn write_npz(arrays: &[NamedArray], file: impl Write + Seek) -> Result<()> {
    let mut zip = ZipWriter::new(file);
    for array in arrays {
        let large = array.values.len() as u64 * 8 > u64::from(u32::MAX / 2);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        zip.start_file(format!("{}.npy", array.name), options)?;
        zip.write_all(&npy::encode_header_shaped(Element::LITTLE_F64, &array.shape))?;
        for values in array.values.chunks(1 << 16) {
            zip.write_all(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
        }
    }
    zip.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use shared::{ConvergenceMap, latent::latent, statistics::StatisticsEdges};

    use super::*;

    #[test]
    fn every_array_is_in_the_archive() {
        let map = |seed| ConvergenceMap::new(0.5, 16, latent(seed, 256));
        let edges = StatisticsEdges::default();
        let measured = MeasuredMaps::of_maps(16, 0.5, 2, &edges, |at| Ok((map(at as u64)?, None))).unwrap();
        let all = arrays(&measured);
        let mut bytes = Cursor::new(Vec::new());
        write_npz(&all, &mut bytes).unwrap();
        let mut archive = zip::ZipArchive::new(bytes).unwrap();
        assert_eq!((archive.len(), all.len()), (20, 20));
        for array in &all {
            let mut file = Vec::new();
            archive.by_name(&format!("{}.npy", array.name)).unwrap().read_to_end(&mut file).unwrap();
            let (header, numbers) = file.split_at(npy::WRITTEN_HEADER_BYTES);
            let header = String::from_utf8_lossy(&header[10..]).into_owned();
            let shape = match array.shape[..] {
                [size] => format!("'shape': ({size},), "),
                _ => format!("'shape': (2, {}), ", array.shape[1]),
            };
            assert!(header.contains(&shape) && header.contains("'<f8'"), "{header}");
            let read: Vec<f64> = numbers.as_chunks().0.iter().map(|&eight| f64::from_le_bytes(eight)).collect();
            assert_eq!(read.len(), array.shape.iter().product::<usize>());
            assert!(read.iter().zip(&array.values).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{}", array.name);
        }
    }
}
