//! From one seed's map to another's, along the arc between their latent vectors.

use leptos::prelude::*;

use super::seed_controls::SeedInput;
use crate::state::State;

/// The slider and the second seed.
#[component]
pub fn Interpolation() -> impl IntoView {
    let state = State::expect();
    let to = Signal::derive(move || state.point.get().to);
    let place = move || state.point.get().place;
    let percent = move || format!("{:.0} % of the way", 100.0 * place());
    let slide = move |text: String| {
        if let Ok(place) = text.parse::<f64>() {
            state.point.update(|point| point.place = place.clamp(0.0, 1.0));
        }
    };
    view! {
        <div class="field">
            <label for="slerp">"Morph into another map"</label>
            <input
                id="slerp"
                data-testid="slerp-slider"
                type="range"
                min="0"
                max="1"
                step="0.01"
                prop:value=move || place().to_string()
                aria-valuetext=percent
                on:input:target=move |event| slide(event.target().value())
            />
            <div class="ends">
                <span>{move || format!("seed {}", state.point.get().seed)}</span>
                <label>
                    "seed "
                    <SeedInput id="second-seed" testid="second-seed-input" name="Seed of the other map" seed=to set=move |to| {
                        state.point.update(|point| point.to = to);
                    } />
                </label>
            </div>
        </div>
    }
}
