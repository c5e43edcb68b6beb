//! Statistics against LensTools' values, formats against astropy.

use std::path::Path;

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
        MapStatistics, PowerSpectrumPlan, Statistic, StatisticsEdges, StatisticsPlan, TwoSample,
        bins::Bins,
        correlation::correlation_matrix,
        halo::Halo,
        minkowski::{self, MinkowskiFunctionals, MinkowskiPlan, Normalisation},
        moments::{self as lenstools, MomentOptions},
        peaks::{Extreme, PeakPlan, peak_edges},
        pixels::{moments, pixel_density},
        power_spectrum::paper_edges,
        two_sample::{Resampling, anderson_darling::tabulated_p},
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

fn number(value: &Value) -> Result<f64> {
    value.as_f64().context("a number")
}

/// Values that must all be there.
fn values(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().map(|value| value.expect("a map that varies has every value")).collect()
}

fn halo(map: &ConvergenceMap) -> Halo {
    let mut halo = Halo::new(map.pixels());
    halo.fill(map.kappa());
    halo
}

/// An array of golden_stats.npz, row-major, and its shape.
fn array(name: &str) -> Result<Option<(Vec<f64>, Vec<usize>)>> {
    let (Some(archive), Some(python)) = (outside("golden/golden_stats.npz"), python()) else { return Ok(None) };
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("array");
    run_python(&python, "unpack.py", &[&archive, Path::new(name), &out])?;
    let bytes = std::fs::read(out)?;
    let mut numbers = bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(std::array::from_fn(|i| bytes[i])));
    let axes = numbers.next().context("the number of axes")? as usize;
    let shape = numbers.by_ref().take(axes).map(|size| size as usize).collect();
    Ok(Some((numbers.collect(), shape)))
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
    let bins = Bins::new(&numbers(&golden["pix_edges"]))?;
    for (index, map) in maps.iter().enumerate() {
        let measured = moments(map);
        assert_close("sigma and mean", &[measured.sigma, measured.mean], &[sigma[index], mean[index]]);
        let mut density = Vec::new();
        pixel_density(map, &bins, &mut density);
        assert_close("pixel PDF", &values(&density), &numbers(&densities[index]));
    }
    let nine = lenstools::moments(&halo(&maps[0]), sigma[0], MomentOptions::default());
    assert_close("nine moments", &values(&nine), &numbers(&golden["moments_map0"]));
    Ok(())
}

#[test]
fn minkowski_functionals_and_peaks() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    // NumPy's arange rounds 0 to -4e-16.
    for (ours, name) in [(minkowski::paper_edges(), "nu_edges"), (peak_edges(), "peak_edges")] {
        assert!(ours.iter().zip(numbers(&golden[name])).all(|(a, b)| (a - b).abs() < 1e-14), "{name}");
    }
    let mut plan = StatisticsPlan::new(maps[0].pixels(), maps[0].side_angle(), &StatisticsEdges::default())?;
    let mut found = MapStatistics::default();
    for (index, map) in maps.iter().enumerate() {
        plan.measure(map, &mut found)?;
        assert_close(
            "sigma",
            &[found.sigma, found.mean],
            &[number(&golden["sigma"][index])?, number(&golden["mean"][index])?],
        );
        for (statistic, name) in
            [(Statistic::V0, "V0"), (Statistic::V1, "V1"), (Statistic::V2, "V2"), (Statistic::Peaks, "peaks")]
        {
            assert_close(name, &values(found.of(statistic)), &numbers(&golden[name][index]));
        }
    }
    Ok(())
}

#[test]
fn minkowski_functionals_and_peaks_in_kappa() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    let pixels = maps[0].pixels();
    let mut plan = MinkowskiPlan::new(Bins::new(&numbers(&golden["kappa_edges"]))?, pixels);
    let mut peaks = PeakPlan::new(Extreme::Peaks, Bins::new(&numbers(&golden["peak_kappa_edges"]))?, pixels);
    let (mut found, mut counts) = (MinkowskiFunctionals::empty(0), Vec::new());
    for (index, map) in maps.iter().enumerate() {
        let halo = halo(map);
        plan.measure(&halo, 1.0, Normalisation::LensTools, &mut found);
        peaks.measure(&halo, 1.0, &mut counts);
        for (ours, name) in
            [(&found.v0, "V0_abs"), (&found.v1, "V1_abs"), (&found.v2, "V2_abs"), (&counts, "peaks_abs")]
        {
            assert_close(name, &values(ours), &numbers(&golden[name][index]));
        }
    }
    Ok(())
}

#[test]
fn differences() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    let mut sums = [0.0; 5];
    for rows in halo(&maps[0]).rows() {
        rows.for_each(|_, _, d| {
            for (sum, value) in sums.iter_mut().zip([d.x, d.y, d.xx, d.yy, d.xy]) {
                *sum += value.abs();
            }
        });
    }
    assert_close("sums of absolute differences", &sums, &numbers(&golden["grad_checksum_map0"]));
    Ok(())
}

#[test]
fn correlation_matrices() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    let mut plan = PowerSpectrumPlan::paper(&maps[0])?;
    let spectra = maps.iter().map(|map| plan.measure(map)).collect::<Result<Vec<_>, _>>()?;
    let Some((theirs, shape)) = array("corr16")? else { return Ok(()) };
    assert_eq!(shape, [248, 248]);
    let ours = correlation_matrix(&spectra);
    let mut compared = 0;
    for (at, theirs) in theirs.iter().enumerate() {
        let ours = ours[at / 248][at % 248];
        // NumPy gives NaN for bins that do not vary, we give nothing.
        assert_eq!(ours.is_none(), theirs.is_nan(), "entry {at}");
        if let Some(ours) = ours {
            assert!((ours - theirs).abs() < 1e-6, "entry {at}: {ours} against {theirs}");
            compared += 1;
        }
    }
    assert_eq!(compared, 246 * 246);
    let (Some((many, shape)), Some((theirs, _))) = (array("P_samples256")?, array("corr256")?) else { return Ok(()) };
    let rows: Vec<Vec<Option<f64>>> = many.chunks(shape[1]).map(|row| row.iter().map(|&p| Some(p)).collect()).collect();
    let ours: Vec<Option<f64>> = correlation_matrix(&rows).into_iter().flatten().collect();
    for (entry, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
        // Kept as f32.
        assert!(ours.map_or(theirs.is_nan(), |ours| (ours - theirs).abs() < 1e-6), "entry {entry}: {ours:?}, {theirs}");
    }
    assert!(golden["hits"][0].as_u64() == Some(0), "the empty bins are LensTools' own");
    Ok(())
}

#[test]
fn two_sample_tests() -> Result<()> {
    let Some((_, golden)) = golden()? else { return Ok(()) };
    let Some((eight, _)) = array("P")? else { return Ok(()) };
    let Some((many, shape)) = array("P_samples256")? else { return Ok(()) };
    assert_eq!(shape, [256, 248]);
    let mut modes = 0;
    for mode in (0..248).filter(|&mode| !golden["ks_D"][mode].is_null()) {
        let column = |spectra: &[f64], maps: &mut dyn Iterator<Item = usize>| -> Vec<f64> {
            maps.map(|map| spectra[map * 248 + mode]).collect()
        };
        let few = TwoSample::new(&column(&eight, &mut (0..8)), &column(&eight, &mut (8..16))).context("two samples")?;
        let theirs = |name: &str| number(&golden[name][mode]);
        let statistic = few.anderson_darling().context("values differ")?;
        assert_close("KS of 8 and 8", &[few.kolmogorov_smirnov()], &[theirs("ks_D")?]);
        assert_close("exact p", &[few.exact_p()], &[theirs("ks_p_exact")?]);
        assert_close("asymptotic p", &[few.asymptotic_p()], &[theirs("ks_p_asymp")?]);
        assert_close("AD of 8 and 8", &[statistic], &[theirs("ad_stat")?]);
        assert_close("tabulated p", &[tabulated_p(statistic)], &[theirs("ad_p_clipped")?]);
        let (even, odd) = (&mut (0..256).step_by(2), &mut (1..256).step_by(2));
        let halves = TwoSample::new(&column(&many, even), &column(&many, odd)).context("two samples")?;
        let statistic = halves.anderson_darling().context("values differ")?;
        assert_close("KS of 128 and 128", &[halves.kolmogorov_smirnov()], &[theirs("ks256_D")?]);
        assert_close("p as SciPy chooses", &[halves.kolmogorov_smirnov_p()], &[theirs("ks256_p")?]);
        assert_close("asymptotic p", &[halves.asymptotic_p()], &[theirs("ks256_p_asymp")?]);
        assert_close("AD of 128 and 128", &[statistic], &[theirs("ad256_stat")?]);
        assert_close("tabulated p", &[tabulated_p(statistic)], &[theirs("ad256_p")?]);
        if let Some(row) = numbers(&golden["bootstrap_ks_modes"]).iter().position(|&wanted| wanted as usize == mode) {
            let theirs = numbers(&golden["bootstrap_ks"][row]);
            let ours = halves.resample(Resampling::Bootstrap, 20_000, 1, mode as u32).kolmogorov_smirnov;
            // Theirs comes from 500 bootstraps or more.
            let error = (ours * (1.0 - ours) / 500.0).sqrt().max(0.002);
            assert!((ours - theirs[1]).abs() < 5.0 * error, "mode {mode}: bootstrap p {ours} against {}", theirs[1]);
        }
        modes += 1;
    }
    assert_eq!(modes, 246);
    Ok(())
}

#[test]
fn tests_of_pixels_and_of_vectors() -> Result<()> {
    let Some((maps, golden)) = golden()? else { return Ok(()) };
    let pixels = |maps: &[ConvergenceMap]| -> Vec<f64> {
        let all = maps.iter().flat_map(ConvergenceMap::kappa);
        all.step_by(64).map(|&kappa| f64::from(kappa)).collect()
    };
    let both = TwoSample::new(&pixels(&maps[..8]), &pixels(&maps[8..])).context("two samples")?;
    let statistic = both.anderson_darling().context("values differ")?;
    let ours = [both.kolmogorov_smirnov(), both.asymptotic_p(), statistic, tabulated_p(statistic)];
    assert_close("every 64th pixel", &ours, &numbers(&golden["pixel_ks_stride64"]));
    // Counts of pixel values, and P(l), of the mean over maps, as if their bins were a sample.
    let mean = |name: &str, range: std::ops::Range<usize>| -> Vec<f64> {
        let rows: Vec<Vec<f64>> = range.map(|map| numbers(&golden[name][map])).collect();
        (0..rows[0].len()).map(|bin| rows.iter().map(|row| row[bin]).sum::<f64>() / 8.0).collect()
    };
    let theirs = numbers(&golden["vector_ks"]);
    for (place, name) in ["pix_counts", "P"].into_iter().enumerate() {
        // Modes without cells are 0 in LensTools' P(l) and left out.
        let bins = |range| {
            mean(name, range).into_iter().filter(|&value| name == "pix_counts" || value > 0.0).collect::<Vec<_>>()
        };
        let both = TwoSample::new(&bins(0..8), &bins(8..16)).context("two samples")?;
        assert_close(
            name,
            &[both.kolmogorov_smirnov(), both.kolmogorov_smirnov_p()],
            &theirs[2 * place..2 * place + 2],
        );
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
