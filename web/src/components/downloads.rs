//! Files of the map on screen: pixels, picture, spectrum.

use std::fmt::Write;

use leptos::prelude::*;
use shared::{
    formats::{
        fits::{self, FitsDescription, Keyword},
        npy,
        weights::{Manifest, Precision},
    },
    statistics::{Statistic, power_spectrum::dimensionless},
};
use wasm_bindgen::JsCast;
use web_sys::HtmlCanvasElement;

use crate::{
    download::{offer, offer_address},
    state::{MapSource, ShownMap, State},
    views::compare::{Way, is_comparing},
};

/// Buttons for the pixels and for the spectrum.
#[component]
pub fn Downloads() -> impl IntoView {
    let state = State::expect();
    let nothing = move || state.seen(|shown| shown.is_none());
    let with_map = move |make: fn(&ShownMap)| {
        untrack(|| state.seen(|shown| shown.map(make)));
    };
    let fits = move || {
        let write = |shown: &ShownMap| {
            let bytes = state.phase.with_untracked(|phase| fits_of(shown, phase.manifest()))?;
            offer(&format!("{}.fits", name(shown)), "image/fits", &bytes);
            Ok::<_, String>(())
        };
        let written = untrack(|| state.seen(|shown| shown.map_or(Ok(()), write)));
        if let Err(error) = written {
            state.notice.set(Some(format!("The map cannot be written as FITS: {error}.")));
        }
    };
    // The map as it is seen: colours, stretch, range and what is marked.
    let png = move || {
        let picture = document().query_selector("[data-testid=map-canvas]").ok().flatten();
        let picture = picture.and_then(|canvas| canvas.unchecked_into::<HtmlCanvasElement>().to_data_url().ok());
        if let (Some(name), Some(picture)) = (untrack(|| state.seen(|shown| shown.map(name))), picture) {
            let way = if untrack(|| is_comparing(&state)) { state.comparison.way.get_untracked() } else { Way::Beside };
            let name = match way {
                Way::Beside => name,
                Way::Blink => "cosmogan-picture".to_owned(),
                Way::Difference => format!("{name}-difference"),
            };
            offer_address(&format!("{name}.png"), &picture);
        }
    };
    view! {
        <div class="downloads" role="group" aria-label="Take it away">
            <button type="button" data-testid="download-npy" disabled=nothing on:click=move |_| with_map(offer_npy)>
                "NPY"
            </button>
            <button type="button" data-testid="download-fits" disabled=nothing on:click=move |_| fits()>
                "FITS"
            </button>
            <button type="button" data-testid="download-png" disabled=nothing on:click=move |_| png()>
                "Picture"
            </button>
            <button type="button" data-testid="download-csv" disabled=nothing on:click=move |_| with_map(offer_csv)>
                "Spectrum"
            </button>
        </div>
    }
}

/// Name of a file of this map, without its ending.
fn name(shown: &ShownMap) -> String {
    let point = match &shown.source {
        MapSource::Generated(point) => point,
        MapSource::Elsewhere(name) => {
            let plain =
                |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '-' };
            return format!("cosmogan-{}", name.chars().map(plain).collect::<String>());
        }
    };
    match point.below {
        _ if point.is_seed() => format!("cosmogan-{}", point.seed),
        None => format!("cosmogan-{}-{}-{:.2}", point.seed, point.to, point.place),
        Some(below) => format!(
            "cosmogan-{}-{}-{}-{}-{:.2}-{:.2}",
            point.seed, point.to, below.seed, below.to, point.place, below.height
        ),
    }
}

/// A FITS file as `trainer generate` writes it, with where the map lies in latent space and what was done to it.
fn fits_of(shown: &ShownMap, manifest: Option<&Manifest>) -> Result<Vec<u8>, String> {
    let portrait = &shown.portrait;
    let mut keywords = Vec::new();
    if let Some(point) = shown.point() {
        keywords.push(("SEED", Keyword::Text(point.seed.to_string()), "seed of the latent vector"));
        if !point.is_seed() {
            keywords.push(("SEED2", Keyword::Text(point.to.to_string()), "seed at the arc's other end"));
            keywords.push(("PLACE", Keyword::Float(point.place), "place on the arc, 0 to 1"));
        }
        if let Some(below) = point.below.filter(|_| !point.is_seed()) {
            keywords.push(("SEED3", Keyword::Text(below.seed.to_string()), "first seed of the lower arc"));
            keywords.push(("SEED4", Keyword::Text(below.to.to_string()), "its other end"));
            keywords.push(("HEIGHT", Keyword::Float(below.height), "from the upper arc, 0, to the lower, 1"));
        }
    }
    let treatment = &shown.treatment;
    if let Some(noise) = treatment.noise {
        keywords.push(("NGAL", Keyword::Float(noise.galaxies), "shape noise: galaxies per square arcmin"));
        keywords.push(("SIGMAE", Keyword::Float(noise.ellipticity), "shape noise: deviation of ellipticity"));
        keywords.push(("NOISESD", Keyword::Text(noise.seed.to_string()), "shape noise: its seed"));
    }
    if treatment.smoothing > 0.0 {
        keywords.push(("SMOOTH", Keyword::Float(treatment.smoothing), "sigma of the Gaussian, arcmin"));
    }
    if let Some((low, high)) = treatment.band {
        keywords.push(("ELLMIN", Keyword::Float(low), "lowest multipole that is left"));
        keywords.push(("ELLMAX", Keyword::Float(high), "highest multipole that is left"));
    }
    let generated = shown.point().and(manifest);
    if let Some(file) =
        generated.and_then(|manifest| manifest.generator.iter().find(|file| file.precision == Precision::F16))
    {
        keywords.push(("WEIGHTS", Keyword::Text(file.sha256.clone()), ""));
    }
    let origin = if generated.is_some() { "CosmoGAN generator" } else { "shown on CosmoGAN's page" };
    keywords.push(("ORIGIN", Keyword::Text(origin.into()), ""));
    let cosmology = generated.and_then(|manifest| manifest.origin.cosmology());
    let source_redshift = generated.and_then(|manifest| manifest.origin.source_redshift());
    let description = FitsDescription { cosmology, source_redshift, keywords };
    fits::write_pixels(portrait.side_angle, portrait.pixels, &shown.kappa, &description)
        .map_err(|error| error.to_string())
}

fn offer_npy(shown: &ShownMap) {
    let bytes = npy::encode(shown.portrait.pixels, shown.portrait.pixels, &shown.kappa);
    offer(&format!("{}.npy", name(shown)), "application/octet-stream", &bytes);
}

fn offer_csv(shown: &ShownMap) {
    offer(&format!("{}-spectrum.csv", name(shown)), "text/csv", csv(shown).as_bytes());
}

/// One line a mode; an empty bin leaves its values out.
fn csv(shown: &ShownMap) -> String {
    let mut text = String::from("ell,power_sr,dimensionless_power\n");
    if let Some(spectrum) = shown.portrait.of(Statistic::PowerSpectrum) {
        for (&ell, power) in spectrum.middles.iter().zip(&spectrum.values) {
            // Writing to a String cannot fail.
            let _ = match power {
                Some(power) => writeln!(text, "{ell},{power:e},{:e}", dimensionless(ell, *power)),
                None => writeln!(text, "{ell},,"),
            };
        }
    }
    text
}
