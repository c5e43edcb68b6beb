//! The choice of colours, each with its preview.

use leptos::prelude::*;
use shared::colour::ColourMap;

use crate::state::State;

/// A radio button for each table of colours.
#[component]
pub fn Colours() -> impl IntoView {
    let state = State::expect();
    let choice = move |colours: ColourMap| {
        view! {
            <label class="swatch">
                <input
                    type="radio"
                    name="colours"
                    prop:checked=move || state.colours.get() == colours
                    on:change=move |_| state.colours.set(colours)
                />
                <span class="preview" style:background=colours.gradient("to right")></span>
                <span>{colours.name()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="field swatches">
            <legend>"Colours"</legend>
            {ColourMap::ALL.map(choice).collect_view()}
        </fieldset>
    }
}
