//! What the page knows of simulated maps: files of `public/reference`.

use std::path::Path;

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use half::f16;
use serde_json::{Map, Value, json};
use shared::{
    colour::{RANGE_SHARES, range_of},
    statistics::{SpectrumReference, Statistic, correlation::correlation_matrix},
};
use storage::{files::create_folder, maps::MapArchive, runs::write_atomically};

use super::measured::MeasuredMaps;

/// Simulated maps that the page may show beside generated ones.
const SAMPLES: usize = 8;
/// Every this many-th pixel is looked at for the range of kappa.
const STRIDE: usize = 17;

/// Writes bands (mean and sigma over the maps) of every statistic, the correlation matrix of P(l), and sample maps in f16.
///
/// - `power_spectrum.json`: a [`SpectrumReference`], the band that the page draws;
/// - `minkowski.json`, `peaks.json`, `minima.json`, `pdf.json`: abscissa, and mean and sigma per bin of each statistic;
/// - `correlation.json`: multipoles and rows, `null` where a mode is empty;
/// - `samples.json`: pixels and side of the maps, and kappa of each as little-endian f16 in base64.
///
/// # Errors
/// When a map cannot be read again, or the folder cannot be written.
pub fn write(folder: &Path, measured: &MeasuredMaps, archive: &MapArchive) -> Result<()> {
    create_folder(folder)?;
    let put = |name: &str, value: &Value| write_atomically(&folder.join(name), format!("{value}\n").as_bytes());
    let about = || {
        let mut about = Map::new();
        about.insert("source".into(), json!(measured.source));
        about.insert("maps".into(), json!(measured.maps.len()));
        about.insert("side_angle".into(), json!(measured.side_angle));
        about
    };
    let band = |statistic: Statistic| {
        let ensemble = measured.ensemble(statistic);
        json!({ "mean": ensemble.mean(), "sigma": ensemble.sigma() })
    };
    let spectrum = measured.ensemble(Statistic::PowerSpectrum);
    let reference = SpectrumReference {
        source: measured.source.clone(),
        maps: measured.maps.len(),
        side_angle: measured.side_angle,
        ell: measured.middles(Statistic::PowerSpectrum).to_vec(),
        mean: spectrum.mean(),
        sigma: spectrum.sigma(),
        kappa_range: Some(kappa_range(archive, measured.maps.len(), RANGE_SHARES)?),
    };
    put("power_spectrum.json", &serde_json::to_value(&reference)?)?;
    for (file, statistics) in [
        ("minkowski.json", &[Statistic::V0, Statistic::V1, Statistic::V2][..]),
        ("peaks.json", &[Statistic::Peaks]),
        ("minima.json", &[Statistic::Minima]),
        ("pdf.json", &[Statistic::Pdf]),
    ] {
        let mut document = about();
        for &statistic in statistics {
            document.insert(statistic.abscissa().into(), json!(measured.middles(statistic)));
            document.insert(statistic.name().into(), band(statistic));
        }
        put(file, &Value::Object(document))?;
    }
    let mut document = about();
    let spectra: Vec<_> = measured.maps.iter().map(|map| map.of(Statistic::PowerSpectrum)).collect();
    // Three digits: a thousandth is below the noise of any number of maps that is likely here.
    let rounded = |value: Option<f64>| value.map(|value| (value * 1e3).round() / 1e3);
    let rows = correlation_matrix(&spectra).into_iter().map(|row| row.into_iter().map(rounded).collect::<Vec<_>>());
    document.insert("ell".into(), json!(reference.ell));
    document.insert("correlation".into(), json!(rows.collect::<Vec<_>>()));
    put("correlation.json", &Value::Object(document))?;
    let encode = |map: usize| -> Result<String> {
        let kappa = archive.map(map)?.into_kappa();
        let bytes: Vec<u8> = kappa.into_iter().flat_map(|kappa| f16::from_f32(kappa).to_le_bytes()).collect();
        Ok(BASE64_STANDARD.encode(bytes))
    };
    let samples = (0..SAMPLES.min(archive.maps())).map(encode).collect::<Result<Vec<_>>>()?;
    let mut document = about();
    document.insert("pixels".into(), json!(measured.pixels));
    document.insert("kappa_f16".into(), json!(samples));
    put("samples.json", &Value::Object(document))
}

/// Percentiles of the pixels of the first maps of an archive (256 at most).
///
/// # Errors
/// When a map cannot be read.
pub fn kappa_range(archive: &MapArchive, maps: usize, shares: [f64; 2]) -> Result<[f32; 2]> {
    let mut pixels: Vec<f32> = Vec::new();
    for map in 0..maps.min(256).min(archive.maps()) {
        pixels.extend(archive.map(map)?.kappa().iter().step_by(STRIDE));
    }
    let (low, high) = range_of(pixels.into_iter(), shares);
    Ok([low, high])
}
