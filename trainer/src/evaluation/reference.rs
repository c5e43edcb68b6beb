//! What the page knows of simulated maps: files of `public/reference`.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};
use shared::{
    colour::{RANGE_SHARES, range_of},
    formats::{element::Element, npy},
    statistics::{SpectrumReference, Statistic, correlation::correlation_matrix},
};
use simulator::cosmology::ConvergencePower;
use storage::{
    files::create_folder,
    maps::{MapArchive, MapWriter, MapsDescription},
    runs::write_atomically,
};

use super::measured::MeasuredMaps;

/// Simulated maps that the page shows beside generated ones.
const SAMPLES: usize = 24;
/// Simulated maps whose spectra the page tests generated ones against.
const SPECTRA: usize = 512;
/// Every this many-th pixel is looked at for the range of kappa.
const STRIDE: usize = 17;

/// Writes bands (mean and sigma over the maps) of every statistic, the correlation matrix of P(l), and sample maps in f16.
///
/// - `power_spectrum.json`: a [`SpectrumReference`], the band that the page draws;
/// - `minkowski.json`, `peaks.json`, `minima.json`, `pdf.json`: abscissa, and mean and sigma per bin of each statistic;
/// - `correlation.json`: multipoles and rows, `null` where a mode is empty;
/// - `spectra.npy`: P(l) of single maps, `[1, maps, modes]` in f32, NaN where a mode is empty;
/// - `samples.npy` and `first.npy`: some maps and one map in f16, each with its description.
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
        theory: theory(archive, measured.middles(Statistic::PowerSpectrum)),
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
    let shown = &spectra[..spectra.len().min(SPECTRA)];
    let values: Vec<f32> =
        shown.iter().flat_map(|map| map.iter().map(|power| power.map_or(f32::NAN, |it| it as f32))).collect();
    write_atomically(&folder.join("spectra.npy"), &npy::encode(shown.len(), reference.ell.len(), &values))?;
    for (file, maps) in [("samples.npy", SAMPLES), ("first.npy", 1)] {
        write_samples(&folder.join(file), maps.min(archive.maps()), measured, archive)?;
    }
    Ok(())
}

/// What theory says of the maps' power, where their cosmology and their sources are known, and theory applies to them.
fn theory(archive: &MapArchive, ell: &[f64]) -> Option<Vec<f64>> {
    let origin = archive.origin();
    let cosmology = origin.cosmology.filter(|cosmology| cosmology.sigma_8.is_some() && cosmology.n_s.is_some())?;
    let power = ConvergencePower::new(&cosmology, origin.source_redshift?).ok()?;
    Some(ell.iter().map(|&ell| power.at(ell)).collect())
}

/// The first maps of an archive in f16.
fn write_samples(path: &Path, maps: usize, measured: &MeasuredMaps, archive: &MapArchive) -> Result<()> {
    let mut writer = MapWriter::create_of(Element::LITTLE_F16, path, measured.pixels)?;
    for map in 0..maps {
        writer.write(archive.map(map)?.kappa())?;
    }
    writer.finish(Some(&MapsDescription {
        source: measured.source.clone(),
        maps,
        pixels: measured.pixels,
        side_angle: measured.side_angle,
        seed: None,
        source_redshift: archive.origin().source_redshift,
        cosmology: archive.origin().cosmology,
        sources: archive.sources_of(0..maps)?,
        ..MapsDescription::default()
    }))
}

/// Percentiles of the pixels of the first maps of an archive (256 at most).
///
/// # Errors
/// When a map cannot be read.
pub fn kappa_range(archive: &MapArchive, maps: usize, shares: [f64; 2]) -> Result<[f32; 2]> {
    let mut pixels: Vec<f32> = Vec::new();
    for map in 0..maps.min(256).min(archive.maps()) {
        pixels.extend(archive.masked_map(map)?.0.kappa().iter().step_by(STRIDE));
    }
    let (low, high) = range_of(pixels.into_iter(), shares);
    Ok([low, high])
}
