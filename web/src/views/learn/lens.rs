//! Galaxies behind the map on screen, as its matter bends their light.

use std::rc::Rc;

use js_sys::{Array, Float32Array};
use leptos::{html::Canvas, prelude::*};
use protocol::{Event, Work};
use shared::survey::{Deflection, GalaxyField};

use crate::{
    components::map_view::put,
    state::State,
    workers::{WorkerClient, newest},
};

/// Pixels along the picture's side, and which galaxies they are.
const PIXELS: usize = 448;
const GALAXIES: u64 = 2019;
/// How many times as strong as in the sky light is bent, at first and at most.
const FIRST_STRENGTH: f32 = 8.0;
const MOST_STRENGTH: &str = "25";

/// A deflection and the side of its map in pixels.
type Bent = (Rc<Deflection>, usize);

/// The picture and its slider.
#[component]
pub fn Lens() -> impl IntoView {
    let state = State::expect();
    let client = WorkerClient::expect().get_value();
    let field = StoredValue::new_local(GalaxyField::new(GALAXIES, PIXELS));
    let bent = RwSignal::new_local(None::<Bent>);
    let strength = RwSignal::new(FIRST_STRENGTH);
    let canvas = NodeRef::<Canvas>::new();
    let wish =
        move || state.shown.with(|shown| shown.as_ref().map(|shown| (Rc::clone(&shown.kappa), shown.portrait.pixels)));
    newest::follow(wish, move |(kappa, pixels)| {
        let client = client.clone();
        async move {
            let attached = Array::of1(&Float32Array::from(&kappa[..]));
            if let Ok((Event::Deflected, numbers)) = client.ask(Work::Deflect { pixels }, attached).await
                && let Ok([right, down]) = <[Vec<f32>; 2]>::try_from(numbers)
            {
                bent.try_set(Some((Rc::new(Deflection { right, down }), pixels)));
            }
        }
    });
    Effect::new(move || {
        let (Some(canvas), Some((deflection, pixels)), strength) = (canvas.get(), bent.get(), strength.get()) else {
            return;
        };
        let picture = field.with_value(|field| field.lensed(&deflection, pixels, strength));
        put(&canvas, PIXELS, &picture);
    });
    let words = move || match strength.get() {
        strength if strength <= 0.0 => "as they are".to_owned(),
        strength if strength < 1.0 => "bent half as much as they are".to_owned(),
        strength if strength <= 1.0 => "as they are seen".to_owned(),
        strength => format!("bent {strength} times as much"),
    };
    view! {
        <h2 id="lens-title">"What does a telescope see?"</h2>
        <p>
            "Not the matter: it is dark. But its gravity bends the light of every galaxy behind it, and shifts, magnifies and "
            "stretches what we see. These are galaxies behind the map on screen. In the true sky their shapes change by one part in a "
            "hundred, and it takes millions of them to draw a map. Here the effect is made stronger."
        </p>
        <div class="lens-frame">
            <canvas
                node_ref=canvas
                data-testid="lens-canvas"
                role="img"
                aria-label=move || format!("Galaxies behind the map, {}", words())
                width=PIXELS.to_string()
                height=PIXELS.to_string()
            ></canvas>
        </div>
        <div class="field">
            <label for="lens-strength">"Galaxies "{words}</label>
            <input
                id="lens-strength"
                data-testid="lens-strength"
                type="range"
                min="0"
                max=MOST_STRENGTH
                step="0.5"
                prop:value=move || strength.get().to_string()
                on:input:target=move |event| {
                    if let Ok(to) = event.target().value().parse() {
                        strength.set(to);
                    }
                }
            />
        </div>
    }
}
