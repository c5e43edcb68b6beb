//! Files of the map on screen: pixels, picture, spectrum.

use std::fmt::Write;

use leptos::prelude::*;
use shared::{
    ConvergenceMap,
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
    state::{Phase, ShownMap, State},
};

/// Buttons for the pixels and for the spectrum.
#[component]
pub fn Downloads() -> impl IntoView {
    let state = State::expect();
    let nothing = move || state.shown.with(Option::is_none);
    let with_map = move |make: fn(&ShownMap)| {
        state.shown.with_untracked(|shown| {
            if let Some(shown) = shown {
                make(shown);
            }
        });
    };
    let fits = move || {
        let written = state.shown.with_untracked(|shown| {
            state.phase.with_untracked(|phase| match (shown, phase) {
                (Some(shown), Phase::Ready(_, manifest)) => {
                    fits_of(shown, manifest).map(|bytes| offer(&format!("{}.fits", name(shown)), "image/fits", &bytes))
                }
                _ => Ok(()),
            })
        });
        if let Err(error) = written {
            state.notice.set(Some(format!("The map cannot be written as FITS: {error}.")));
        }
    };
    // The map as it is seen: colours, stretch, range and what is marked.
    let png = move || {
        let picture = document().query_selector("[data-testid=map-canvas]").ok().flatten();
        let picture = picture.and_then(|canvas| canvas.unchecked_into::<HtmlCanvasElement>().to_data_url().ok());
        state.shown.with_untracked(|shown| {
            if let (Some(shown), Some(picture)) = (shown, &picture) {
                offer_address(&format!("{}.png", name(shown)), picture);
            }
        });
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
    let point = &shown.drawn.point;
    match point.below {
        _ if point.is_seed() => format!("cosmogan-{}", point.seed),
        None => format!("cosmogan-{}-{}-{:.2}", point.seed, point.to, point.place),
        Some(below) => format!(
            "cosmogan-{}-{}-{}-{}-{:.2}-{:.2}",
            point.seed, point.to, below.seed, below.to, point.place, below.height
        ),
    }
}

/// A FITS file as `trainer generate` writes it, with where the map lies in latent space.
fn fits_of(shown: &ShownMap, manifest: &Manifest) -> Result<Vec<u8>, String> {
    let drawn = &shown.drawn;
    let map =
        ConvergenceMap::new(drawn.side_angle, drawn.pixels, shown.kappa.to_vec()).map_err(|error| error.to_string())?;
    let mut keywords = vec![("SEED", Keyword::Text(drawn.point.seed.to_string()), "seed of the latent vector")];
    if !drawn.point.is_seed() {
        keywords.push(("SEED2", Keyword::Text(drawn.point.to.to_string()), "seed at the arc's other end"));
        keywords.push(("PLACE", Keyword::Float(drawn.point.place), "place on the arc, 0 to 1"));
    }
    if let Some(below) = drawn.point.below.filter(|_| !drawn.point.is_seed()) {
        keywords.push(("SEED3", Keyword::Text(below.seed.to_string()), "first seed of the lower arc"));
        keywords.push(("SEED4", Keyword::Text(below.to.to_string()), "its other end"));
        keywords.push(("HEIGHT", Keyword::Float(below.height), "from the upper arc, 0, to the lower, 1"));
    }
    if let Some(file) = manifest.generator.iter().find(|file| file.precision == Precision::F16) {
        keywords.push(("WEIGHTS", Keyword::Text(file.sha256.clone()), ""));
    }
    keywords.push(("ORIGIN", Keyword::Text("CosmoGAN generator".into()), ""));
    let (cosmology, source_redshift) = (manifest.origin.cosmology(), manifest.origin.source_redshift());
    fits::write(&map, &FitsDescription { cosmology, source_redshift, keywords }).map_err(|error| error.to_string())
}

fn offer_npy(shown: &ShownMap) {
    let bytes = npy::encode(shown.drawn.pixels, shown.drawn.pixels, &shown.kappa);
    offer(&format!("{}.npy", name(shown)), "application/octet-stream", &bytes);
}

fn offer_csv(shown: &ShownMap) {
    offer(&format!("{}-spectrum.csv", name(shown)), "text/csv", csv(shown).as_bytes());
}

/// One line a mode; an empty bin leaves its values out.
fn csv(shown: &ShownMap) -> String {
    let mut text = String::from("ell,power_sr,dimensionless_power\n");
    if let Some(spectrum) = shown.drawn.of(Statistic::PowerSpectrum) {
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
