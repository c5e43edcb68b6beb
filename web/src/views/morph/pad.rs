//! A pad between four seeds' maps, one at each corner.

use leptos::{html::Div, prelude::*};
use protocol::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, PointerEvent};

use crate::{address::random_seed, components::pointer::place_in, state::State};

/// How far an arrow key moves the point.
const STEP: f64 = 0.05;

/// The pad; its point is where a finger, the pointer or the arrow keys put it.
#[component]
pub fn Pad() -> impl IntoView {
    let state = State::expect();
    let pad = NodeRef::<Div>::new();
    let place = move || state.point.get().place;
    let height = move || state.point.get().below.map_or(0.0, |below| below.height);
    let go = move |place: f64, height: f64| {
        state.point.update(|point| {
            point.place = place.clamp(0.0, 1.0);
            let below = point.below.unwrap_or(Arc {
                seed: point.seed.wrapping_add(2),
                to: point.seed.wrapping_add(3),
                height: 0.0,
            });
            point.below = Some(Arc { height: height.clamp(0.0, 1.0), ..below });
        });
    };
    let to_pointer = move |event: &PointerEvent| {
        if let Some(pad) = pad.get_untracked() {
            let (across, down) = place_in(&pad.get_bounding_client_rect(), event);
            go(across, down);
        }
    };
    let pressed = move |event: PointerEvent| {
        if let Some(target) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
            // So that a drag goes on beyond the pad.
            let _ = target.set_pointer_capture(event.pointer_id());
        }
        to_pointer(&event);
    };
    let moved = move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            to_pointer(&event);
        }
    };
    let key = move |event: KeyboardEvent| {
        let (across, down) = match event.key().as_str() {
            "ArrowLeft" => (-STEP, 0.0),
            "ArrowRight" => (STEP, 0.0),
            "ArrowUp" => (0.0, -STEP),
            "ArrowDown" => (0.0, STEP),
            _ => return,
        };
        event.prevent_default();
        go(place() + across, height() + down);
    };
    let corners = move || {
        let point = state.point.get();
        let lower = point
            .below
            .map_or([point.seed.wrapping_add(2), point.seed.wrapping_add(3)], |below| [below.seed, below.to]);
        let [left, right] = lower;
        [("upper left", point.seed), ("upper right", point.to), ("lower left", left), ("lower right", right)]
            .map(|(corner, seed)| view! { <span class=format!("corner {corner}")>{seed.to_string()}</span> })
            .collect_view()
    };
    let shuffle = move |_| {
        state.point.update(|point| {
            (point.seed, point.to) = (random_seed(), random_seed());
            let height = point.below.map_or(0.5, |below| below.height);
            point.below = Some(Arc { seed: random_seed(), to: random_seed(), height });
        });
    };
    let text = move || format!("{:.0} % to the right, {:.0} % down", 100.0 * place(), 100.0 * height());
    view! {
        <div class="field">
            <span class="pad-title" id="pad-title">"Between four maps"</span>
            <div
                node_ref=pad
                class="pad"
                data-testid="pad"
                role="slider"
                tabindex="0"
                aria-labelledby="pad-title"
                aria-valuemin="0"
                aria-valuemax="1"
                aria-valuenow=move || format!("{:.2}", place())
                aria-valuetext=text
                on:pointerdown=pressed
                on:pointermove=moved
                on:keydown=key
            >
                {corners}
                <span
                    class="pad-point"
                    style:left=move || format!("{:.2}%", 100.0 * place())
                    style:top=move || format!("{:.2}%", 100.0 * height())
                ></span>
            </div>
            <button type="button" data-testid="shuffle" on:click=shuffle>"Four other maps"</button>
        </div>
    }
}
