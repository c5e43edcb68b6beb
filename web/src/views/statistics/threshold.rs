//! The threshold, in units of the map's sigma.

use leptos::prelude::*;
use shared::statistics::Statistic;

use crate::state::State;

/// A slider for the threshold, and what it cuts out of the map.
#[component]
pub fn Threshold() -> impl IntoView {
    let state = State::expect();
    let text = move || match state.threshold.get() {
        None => "off".to_owned(),
        Some(nu) => format!("{nu:.2} σ").replace('-', "−"),
    };
    let area = move || {
        let nu = state.threshold.get()?;
        state.seen(|shown| {
            let shown = shown?;
            let above = shown.kappa.iter().filter(|&&kappa| f64::from(kappa) >= nu * shown.portrait.sigma).count();
            let share = 100.0 * above as f64 / shown.kappa.len().max(1) as f64;
            if shown.treatment.band.is_some() {
                return Some(format!("{share:.1} % of this band lies above it; the curves are of the whole map."));
            }
            let peaks = peaks_above(shown.portrait.of(Statistic::Peaks)?, nu);
            Some(format!("{share:.1} % of this map lies above it, with some {peaks:.0} peaks."))
        })
    };
    view! {
        <div class="field">
            <label for="threshold">"Mark what lies above: "{text}</label>
            <div class="slide">
                <input
                    id="threshold"
                    data-testid="threshold"
                    type="range"
                    min="-2"
                    max="5"
                    step="0.05"
                    prop:value=move || state.threshold.get().unwrap_or(-2.0).to_string()
                    aria-valuetext=text
                    on:input:target=move |event| state.threshold.set(event.target().value().parse().ok())
                />
                <button
                    type="button"
                    data-testid="threshold-off"
                    disabled=move || state.threshold.get().is_none()
                    on:click=move |_| state.threshold.set(None)
                >
                    "off"
                </button>
            </div>
            <p class="remark" data-testid="above">
                {move || area().unwrap_or_else(|| "Drag the slider, or on a plot below: the map shows where the curves come from.".into())}
            </p>
        </div>
    }
}

/// Peaks in the bins above a height, of which the one that holds it counts in part.
fn peaks_above(measured: &protocol::Measured, nu: f64) -> f64 {
    let width = measured.middles.windows(2).next().map_or(0.0, |pair| pair[1] - pair[0]);
    let count = |(&middle, value): (&f64, &Option<f64>)| {
        let part = ((middle + width / 2.0 - nu) / width).clamp(0.0, 1.0);
        value.unwrap_or(0.0) * width * part
    };
    measured.middles.iter().zip(&measured.values).map(count).sum()
}
