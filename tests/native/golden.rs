//! Statistics against LensTools' values, formats against astropy.

use anyhow::{Context, Result};
use serde_json::Value;
use shared::{
    cosmology::Cosmology,
    formats::{
        fits::{self, FitsDescription, FitsImage, Keyword},
        npy,
    },
    map::ConvergenceMap,
    statistics::{
        PowerSpectrumPlan,
        pixels::{moments, pixel_density},
        power_spectrum::paper_edges,
    },
};
use tests::{outside, python, run_python};

/// The maps that LensTools measured, and what it found.
fn golden() -> Result<Option<(Vec<ConvergenceMap>, Value)>> {
    let (Some(maps), Some(values)) = (outside("golden/maps.npy"), outside("golden/golden_stats.json")) else {
        return Ok(None);
    };
    let values: Value = serde_json::from_slice(&std::fs::read(values)?)?;
    let side_angle = values["side_deg"].as_f64().context("side_deg")?;
    let file = npy::read(&std::fs::read(maps)?)?;
    let pixels = file.rows;
    let maps = file.values.chunks(pixels * pixels).map(|kappa| ConvergenceMap::new(side_angle, pixels, kappa.to_vec()));
    Ok(Some((maps.collect::<Result<_, _>>()?, values)))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map(|values| values.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}

fn assert_close(name: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{name}");
    assert!(!theirs.is_empty(), "{name}");
    for (bin, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() <= 1e-6 * theirs.abs(), "{name}, bin {bin}: {ours:e} against {theirs:e}");
    }
}

#[test]
fn power_spectrum() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    assert_close("edges", &paper_edges(), &numbers(&golden["l_edges"]));
    let mut plan = PowerSpectrumPlan::paper(&maps[0])?;
    assert_close("multipoles", plan.ell(), &numbers(&golden["l_mid"]));
    assert_close(
        "cells",
        &plan.cells().iter().map(|&cells| cells as f64).collect::<Vec<_>>(),
        &numbers(&golden["hits"]),
    );
    let spectra = golden["P"].as_array().context("P")?;
    assert_eq!(spectra.len(), maps.len());
    for (map, theirs) in maps.iter().zip(spectra) {
        // LensTools gives 0 where a bin has no cell, we give nothing.
        let ours: Vec<f64> = plan.measure(map)?.into_iter().map(Option::unwrap_or_default).collect();
        assert_close("P(l)", &ours, &numbers(theirs));
    }
    Ok(())
}

#[test]
fn power_spectrum_in_wide_bins() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    let map = &maps[0];
    let mut plan = PowerSpectrumPlan::new(map.pixels(), map.side_angle(), &numbers(&golden["l_edges_wide"]))?;
    let ours: Vec<f64> = plan.measure(map)?.into_iter().map(Option::unwrap_or_default).collect();
    assert_close("P(l)", &ours, &numbers(&golden["P_wide_map0"]));
    Ok(())
}

#[test]
fn pixels_and_moments() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    let (sigma, mean) = (numbers(&golden["sigma"]), numbers(&golden["mean"]));
    let densities = golden["pix_pdf"].as_array().context("pix_pdf")?;
    for (index, map) in maps.iter().enumerate() {
        let measured = moments(map);
        assert_close("sigma and mean", &[measured.sigma, measured.mean], &[sigma[index], mean[index]]);
        if let (0, Some(skewness), Some(kurtosis)) = (index, measured.skewness, measured.kurtosis) {
            let theirs = numbers(&golden["moments_map0"]);
            // LensTools subtracts neither the mean nor the Gaussian part here: its S0 is <k^3>, its K0 is <k^4>.
            let (mean, sigma) = (measured.mean, measured.sigma);
            let third = skewness * sigma.powi(3);
            let s0 = third + 3.0 * mean * sigma.powi(2) + mean.powi(3);
            let k0 =
                (kurtosis + 3.0) * sigma.powi(4) + 4.0 * mean * third + 6.0 * (mean * sigma).powi(2) + mean.powi(4);
            assert_close("moments", &[sigma, s0, k0], &[theirs[0], theirs[2], theirs[5]]);
        }
        assert_close("pixel PDF", &pixel_density(map, &numbers(&golden["pix_edges"])), &numbers(&densities[index]));
    }
    Ok(())
}

#[test]
fn a_lenstools_convergence_map_is_read() -> Result<()> {
    let Some(path) = outside("data") else { return Ok(()) };
    let files = std::fs::read_dir(path)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut read = 0;
    for file in files.filter(|path| path.extension().is_some_and(|extension| extension == "fits")) {
        let image = FitsImage::read(&std::fs::read(&file)?).with_context(|| file.display().to_string())?;
        let map = image.into_map(None)?;
        assert!(moments(&map).sigma > 0.0 && map.side_angle() > 0.0, "{}", file.display());
        read += 1;
    }
    assert!(read > 0, "no FITS map in ../shared/data");
    Ok(())
}

#[test]
fn astropy_reads_our_fits() -> Result<()> {
    let Some(interpreter) = python() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let kappa: Vec<f32> = (0..48 * 48).map(|pixel| 1e-3 * (pixel % 101) as f32 - 0.02).collect();
    let map = ConvergenceMap::new(0.865, 48, kappa.clone())?;
    let description = FitsDescription {
        cosmology: Some(Cosmology::PAPER),
        source_redshift: Some(1.0),
        keywords: vec![
            ("SEED", Keyword::Integer(42), "seed"),
            ("WEIGHTS", Keyword::Text("sha256 of it".into()), "generator"),
        ],
    };
    let [fits, expected] = ["map.fits", "expected.f32"].map(|name| folder.path().join(name));
    std::fs::write(&fits, fits::write(&map, &description)?)?;
    std::fs::write(&expected, kappa.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
    run_python(&interpreter, "read_fits.py", &[&fits, &expected])
}
