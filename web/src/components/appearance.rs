//! How the map looks: colours, each with its preview, stretch and range.

use leptos::prelude::*;
use shared::colour::{ColourMap, Stretch};

use super::choice::Choice;
use crate::state::{ShownMap, State};

/// Choice of colours, stretch and range.
#[component]
pub fn Appearance() -> impl IntoView {
    let state = State::expect();
    let colours = move |colours: ColourMap| {
        let chosen = move || state.colours.get() == colours;
        view! {
            <Choice class="swatch" group="colours" chosen=Signal::derive(chosen) choose=move || state.colours.set(colours)>
                <span class="preview" style:background=colours.gradient("to right")></span>
                <span>{colours.name()}</span>
            </Choice>
        }
    };
    let stretches = move |stretch: Stretch| {
        let chosen = move || state.stretch.get() == stretch;
        view! {
            <Choice class="chip" group="stretch" chosen=Signal::derive(chosen) choose=move || state.stretch.set(stretch)>
                <span>{stretch.name()}</span>
            </Choice>
        }
    };
    view! {
        <fieldset class="field swatches">
            <legend>"Colours"</legend>
            {ColourMap::ALL.map(colours).collect_view()}
        </fieldset>
        <fieldset class="field chips">
            <legend>"Stretch"</legend>
            {Stretch::ALL.map(stretches).collect_view()}
        </fieldset>
        <Range />
    }
}

/// Two fields for the ends of the range, and ways back to those that follow from the data.
#[component]
fn Range() -> impl IntoView {
    let state = State::expect();
    let wrong = RwSignal::new(false);
    let take = move |text: String, end: usize| {
        let (low, high) = state.range();
        let Ok(kappa) = text.trim().replace('−', "-").parse::<f32>() else { return wrong.set(true) };
        let range = if end == 0 { (kappa, high) } else { (low, kappa) };
        let right = range.0 < range.1 && range.0.is_finite() && range.1.is_finite();
        wrong.set(!right);
        if right {
            state.typed_range.set(Some(range));
        }
    };
    let own = move |_| {
        if let Some(range) = untrack(|| state.seen(|shown| shown.map(ShownMap::range))) {
            state.typed_range.set(Some(range));
        }
        wrong.set(false);
    };
    let reset = move |_| {
        state.typed_range.set(None);
        wrong.set(false);
    };
    let field = move |end: usize, testid: &'static str, name: &'static str| {
        let value = move || {
            let (low, high) = state.range();
            format!("{:.4}", if end == 0 { low } else { high })
        };
        view! {
            <input
                type="text"
                inputmode="decimal"
                autocomplete="off"
                data-testid=testid
                aria-label=name
                aria-invalid=move || wrong.get().to_string()
                prop:value=value
                on:change:target=move |event| take(event.target().value(), end)
            />
        }
    };
    view! {
        <fieldset class="field range">
            <legend>"Range of κ"</legend>
            <div class="range-fields">
                {field(0, "range-low", "Lowest convergence that has a colour of its own")}
                <span aria-hidden="true">"to"</span>
                {field(1, "range-high", "Highest convergence that has a colour of its own")}
                <button type="button" data-testid="range-map" on:click=own>"this map's"</button>
                <button type="button" data-testid="range-reset" disabled=move || state.typed_range.get().is_none() on:click=reset>
                    "reset"
                </button>
            </div>
            <Show when=move || wrong.get()>
                <span class="hint" role="alert">"The range goes from a smaller to a larger number."</span>
            </Show>
        </fieldset>
    }
}
