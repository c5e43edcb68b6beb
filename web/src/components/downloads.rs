//! Files of the map on screen.

use std::fmt::Write;

use leptos::prelude::*;
use shared::{
    formats::npy,
    statistics::{Statistic, power_spectrum::dimensionless},
};

use crate::{
    download::offer,
    state::{ShownMap, State},
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
    view! {
        <div class="downloads">
            <button type="button" data-testid="download-npy" disabled=nothing on:click=move |_| with_map(offer_npy)>
                "Map (.npy)"
            </button>
            <button type="button" data-testid="download-csv" disabled=nothing on:click=move |_| with_map(offer_csv)>
                "Spectrum (.csv)"
            </button>
        </div>
    }
}

/// Name of a file of this map, without its ending.
fn name(shown: &ShownMap) -> String {
    let point = &shown.drawn.point;
    if point.place > 0.0 {
        format!("cosmogan-{}-{}-{:.2}", point.seed, point.to, point.place)
    } else {
        format!("cosmogan-{}", point.seed)
    }
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
