//! Distances, growth, power spectra and lensing spectra against pyccl and CAMB.
//!
//! The values are in tests/reference/cosmology.json, which tests/python/cosmology_reference.py writes. Tolerances are a
//! few times the largest difference seen, most of which is in the digits of the table.

use anyhow::{Context, Result};
use serde_json::Value;
use shared::{Cosmology, cosmology::Background};
use simulator::cosmology::{ConvergencePower, Growth, Halofit, LinearPower, LinearSpectrum, Wiggles};

fn reference() -> Result<Value> {
    Ok(serde_json::from_str(include_str!("../reference/cosmology.json"))?)
}

fn numbers(value: &Value) -> Result<Vec<f64>> {
    value.as_array().context("a list")?.iter().map(|number| number.as_f64().context("a number")).collect()
}

/// The universes that a program computed, by name.
fn universes<'a>(reference: &'a Value, program: &str) -> Result<Vec<(&'a str, Cosmology, &'a Value)>> {
    let universes = reference[program].as_object().context("universes")?.iter();
    universes
        .map(|(name, values)| Ok((name.as_str(), serde_json::from_value(values["parameters"].clone())?, values)))
        .collect()
}

/// Compares functions with lists of values, and says how far they were off at most.
struct Comparison {
    what: &'static str,
    tolerance: f64,
    largest: f64,
}

impl Comparison {
    fn new(what: &'static str, tolerance: f64) -> Self {
        Self { what, tolerance, largest: 0.0 }
    }

    fn hold(&mut self, name: &str, arguments: &[f64], expected: &Value, function: impl Fn(f64) -> f64) -> Result<()> {
        let expected = numbers(expected)?;
        assert_eq!(arguments.len(), expected.len());
        for (&argument, expected) in arguments.iter().zip(expected) {
            let value = function(argument);
            let difference = (value / expected - 1.0).abs();
            let (what, tolerance) = (self.what, self.tolerance);
            assert!(difference < tolerance, "{what} of {name} at {argument}: {value} {expected}, {difference:.1e} off");
            self.largest = self.largest.max(difference);
        }
        Ok(())
    }
}

impl Drop for Comparison {
    fn drop(&mut self) {
        println!("{}: {:.1e} off at most, of {:.1e}", self.what, self.largest, self.tolerance);
    }
}

fn scale_factor(redshift: f64) -> f64 {
    1.0 / (1.0 + redshift)
}

#[test]
fn distances_and_growth() -> Result<()> {
    let reference = reference()?;
    let redshifts = numbers(&reference["redshifts"])?;
    let mut distances = Comparison::new("distances", 1e-8);
    let mut transverse = Comparison::new("transverse distances", 1e-8);
    let mut growths = Comparison::new("growth", 1e-7);
    for (name, cosmology, values) in universes(&reference, "pyccl")? {
        let (background, growth) = (Background::new(&cosmology)?, Growth::new(&cosmology)?);
        let chi = |redshift| background.chi(scale_factor(redshift));
        distances.hold(name, &redshifts, &values["chi"], chi)?;
        transverse.hold(name, &redshifts, &values["f_K"], |redshift| background.transverse(chi(redshift)))?;
        growths.hold(name, &redshifts, &values["growth"], |redshift| growth.d1(scale_factor(redshift)))?;
    }
    Ok(())
}

#[test]
fn linear_power() -> Result<()> {
    let reference = reference()?;
    let k = numbers(&reference["k"])?;
    let mut linear = Comparison::new("linear power", 2e-6);
    let mut smooth = Comparison::new("linear power without wiggles", 2e-6);
    for (name, cosmology, values) in universes(&reference, "pyccl")? {
        let power = LinearPower::new(&cosmology, Wiggles::With)?;
        linear.hold(name, &k, &values["linear"], |k| power.at(k, 1.0))?;
        let power = LinearPower::new(&cosmology, Wiggles::Without)?;
        smooth.hold(name, &k, &values["linear_no_wiggles"], |k| power.at(k, 1.0))?;
    }
    Ok(())
}

#[test]
fn nonlinear_power() -> Result<()> {
    let reference = reference()?;
    let (k, redshifts) = (numbers(&reference["k"])?, numbers(&reference["halofit_redshifts"])?);
    let mut halofit = Comparison::new("halofit", 2e-6);
    for (name, cosmology, values) in universes(&reference, "pyccl")? {
        let linear = LinearPower::new(&cosmology, Wiggles::With)?;
        let background = Background::new(&cosmology)?;
        for (at, &redshift) in redshifts.iter().enumerate() {
            let a = scale_factor(redshift);
            // There pyccl and CAMB jump to a universe of matter alone, and the trainer does not.
            if (1.0 - background.omega_m(a)).abs() > 0.01 {
                let nonlinear = Halofit::new(&linear, a)?;
                halofit.hold(&format!("{name} at z = {redshift}"), &k, &values["halofit"][at], |k| nonlinear.at(k))?;
            }
        }
    }
    Ok(())
}

#[test]
fn convergence_power() -> Result<()> {
    let reference = reference()?;
    let (ell, redshifts) = (numbers(&reference["ell"])?, numbers(&reference["source_redshifts"])?);
    let mut convergence = Comparison::new("C_l", 3e-6);
    for (name, cosmology, values) in universes(&reference, "pyccl")? {
        for (at, &redshift) in redshifts.iter().enumerate() {
            let power = ConvergencePower::new(&cosmology, redshift)?;
            convergence.hold(&format!("{name} to z = {redshift}"), &ell, &values["c_ell"][at], |ell| power.at(ell))?;
        }
    }
    Ok(())
}

/// CAMB's linear spectrum at one redshift, at wave numbers of equal ratios.
struct Tabulated {
    cosmology: Cosmology,
    first: f64,
    step: f64,
    logarithms: Vec<f64>,
}

impl LinearSpectrum for Tabulated {
    fn cosmology(&self) -> &Cosmology {
        &self.cosmology
    }

    /// Straight lines between logarithms, and beyond the ends.
    fn power(&self, k: f64, _: f64) -> f64 {
        let place = (k / self.first).ln() / self.step;
        let left = (place.max(0.0) as usize).min(self.logarithms.len() - 2);
        let (from, to) = (self.logarithms[left], self.logarithms[left + 1]);
        (from + (place - left as f64) * (to - from)).exp()
    }
}

#[test]
fn nonlinear_power_of_cambs_spectra() -> Result<()> {
    let reference = reference()?;
    let k = numbers(&reference["k"])?;
    let grid = |key: &str| reference["camb_k"][key].as_f64().context("camb_k");
    let (first, last, count) = (grid("first")?, grid("last")?, grid("count")?);
    let k = &k[grid("nonlinear_from")? as usize..];
    let mut halofit = Comparison::new("halofit of CAMB's spectra", 2e-3);
    for (name, cosmology, values) in universes(&reference, "camb")? {
        for (at, redshift) in numbers(&values["redshifts"])?.into_iter().enumerate() {
            let logarithms = numbers(&values["linear"][at])?.into_iter().map(f64::ln).collect();
            let linear = Tabulated { cosmology, first, step: (last / first).ln() / (count - 1.0), logarithms };
            let nonlinear = Halofit::new(&linear, scale_factor(redshift))?;
            halofit.hold(&format!("{name} at z = {redshift}"), k, &values["halofit"][at], |k| nonlinear.at(k))?;
        }
    }
    Ok(())
}
