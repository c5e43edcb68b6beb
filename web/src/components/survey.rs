//! What is done to a map before it is looked at: noise of galaxy shapes, smoothing; and marked peaks.

use leptos::prelude::*;
use shared::survey::ShapeNoise;

use crate::{
    address::{MOST_ELLIPTICITY, MOST_GALAXIES},
    state::State,
};

/// Most smoothing in arcminutes.
const MOST_SMOOTHING: f64 = 5.0;
/// Height in sigma from which peaks are marked at first.
const FIRST_HEIGHT: f64 = 3.0;

/// Sliders and switches of the treatment.
#[component]
pub fn Survey() -> impl IntoView {
    let state = State::expect();
    let treatment = state.treatment;
    let smoothing = move || treatment.get().smoothing;
    let untouched = move || treatment.get().whole().is_none();
    view! {
        <div class="field">
            <label for="smoothing">{move || format!("Smoothing: {:.1} arcmin", smoothing())}</label>
            <input
                id="smoothing"
                data-testid="smoothing"
                type="range"
                min="0"
                max=MOST_SMOOTHING.to_string()
                step="0.1"
                prop:value=move || smoothing().to_string()
                on:input:target=move |event| {
                    if let Ok(arcmin) = event.target().value().parse() {
                        treatment.update(|treatment| treatment.smoothing = arcmin);
                    }
                }
            />
        </div>
        <Noise />
        <Peaks />
        <Show when=move || !untouched()>
            <p class="remark">
                "The curves are of the map as it is seen. The bands are of maps without noise and smoothing."
            </p>
        </Show>
    }
}

/// The galaxies from which the map would be made.
#[component]
fn Noise() -> impl IntoView {
    let treatment = State::expect().treatment;
    let noise = move || treatment.get().noise;
    let set_noise = move |change: fn(&mut ShapeNoise, f64), text: String, most: f64| {
        if let Some(number) = text.trim().parse::<f64>().ok().filter(|number| *number > 0.0) {
            treatment.update(|treatment| {
                if let Some(noise) = &mut treatment.noise {
                    change(noise, number.min(most));
                }
            });
        }
    };
    view! {
        <div class="field">
            <label class="check">
                <input
                    type="checkbox"
                    data-testid="noise"
                    prop:checked=move || noise().is_some()
                    on:change:target=move |event| {
                        let noise = event.target().checked().then_some(ShapeNoise::SURVEY);
                        treatment.update(|treatment| treatment.noise = noise);
                    }
                />
                "Noise of galaxy shapes"
            </label>
            <Show when=move || noise().is_some()>
                <div class="inline">
                    <label for="galaxies">"galaxies per arcmin²"</label>
                    <input
                        id="galaxies"
                        type="text"
                        inputmode="decimal"
                        prop:value=move || noise().map(|noise| noise.galaxies.to_string()).unwrap_or_default()
                        on:change:target=move |event| {
                            set_noise(|noise, number| noise.galaxies = number, event.target().value(), MOST_GALAXIES);
                        }
                    />
                    <label for="ellipticity">"σ of their ellipticity"</label>
                    <input
                        id="ellipticity"
                        type="text"
                        inputmode="decimal"
                        prop:value=move || noise().map(|noise| noise.ellipticity.to_string()).unwrap_or_default()
                        on:change:target=move |event| {
                            set_noise(|noise, number| noise.ellipticity = number, event.target().value(), MOST_ELLIPTICITY);
                        }
                    />
                </div>
            </Show>
        </div>
    }
}

/// A switch, and the height from which peaks are marked.
#[component]
fn Peaks() -> impl IntoView {
    let state = State::expect();
    view! {
        <div class="field">
            <label class="check">
                <input
                    type="checkbox"
                    data-testid="mark-peaks"
                    prop:checked=move || state.peaks.get().is_some()
                    on:change:target=move |event| state.peaks.set(event.target().checked().then_some(FIRST_HEIGHT))
                />
                {move || state.peaks.get().map_or_else(|| "Mark peaks".to_owned(), |nu| format!("Mark peaks above {nu:.1} σ"))}
            </label>
            <Show when=move || state.peaks.get().is_some()>
                <input
                    type="range"
                    aria-label="Height of marked peaks in σ"
                    min="0"
                    max="8"
                    step="0.1"
                    prop:value=move || state.peaks.get().unwrap_or_default().to_string()
                    on:input:target=move |event| {
                        if let Ok(nu) = event.target().value().parse() {
                            state.peaks.set(Some(nu));
                        }
                    }
                />
            </Show>
        </div>
    }
}
