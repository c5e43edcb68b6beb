//! From one seed's map to another's, along the arc between their latent vectors.

use leptos::{leptos_dom::helpers::AnimationFrameRequestHandle, prelude::*};

use crate::{
    clock,
    components::seed_controls::SeedInput,
    state::{Phase, State},
};

/// Milliseconds from one end to the other when it plays.
const CROSSING: f64 = 6000.0;

/// The slider, the seed at its end, and the button that moves it.
#[component]
pub fn Slider() -> impl IntoView {
    let state = State::expect();
    let to = Signal::derive(move || state.point.get().to);
    let place = move || state.point.get().place;
    let percent = move || format!("{:.0} % of the way", 100.0 * place());
    let playing = RwSignal::new(false);
    play(state, playing);
    let slide = move |text: String| {
        playing.set(false);
        if let Ok(place) = text.parse::<f64>() {
            state.point.update(|point| point.place = place.clamp(0.0, 1.0));
        }
    };
    let ready = move || state.phase.with(|phase| matches!(phase, Phase::Ready(..)));
    view! {
        <div class="field">
            <label for="slerp">"From one map to another"</label>
            <div class="slide">
                <button
                    type="button"
                    data-testid="play"
                    disabled=move || !ready()
                    aria-label=move || if playing.get() { "Pause" } else { "Play" }
                    on:click=move |_| playing.update(|playing| *playing = !*playing)
                >
                    {move || if playing.get() { "❚❚" } else { "▶" }}
                </button>
                <input
                    id="slerp"
                    data-testid="slerp-slider"
                    type="range"
                    min="0"
                    max="1"
                    step="0.001"
                    prop:value=move || place().to_string()
                    aria-valuetext=percent
                    on:input:target=move |event| slide(event.target().value())
                />
            </div>
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

/// Moves the place to and fro while `playing`, as far at each frame of the display as time has gone on.
fn play(state: State, playing: RwSignal<bool>) {
    let frame = StoredValue::new(None::<AnimationFrameRequestHandle>);
    let cancel = move || {
        if let Some(handle) = frame.try_update_value(Option::take).flatten() {
            handle.cancel();
        }
    };
    Effect::new(move || {
        cancel();
        if playing.get() {
            let forth = state.point.with_untracked(|point| point.place < 1.0);
            step(state, frame, forth, None);
        }
    });
    on_cleanup(cancel);
}

fn step(state: State, frame: StoredValue<Option<AnimationFrameRequestHandle>>, forth: bool, last: Option<f64>) {
    let next = move || {
        let now = clock::now();
        let moved = last.map_or(0.0, |last| (now - last) / CROSSING);
        let place = state.point.with_untracked(|point| point.place) + if forth { moved } else { -moved };
        state.point.update(|point| point.place = place.clamp(0.0, 1.0));
        let forth = if forth { place < 1.0 } else { place <= 0.0 };
        step(state, frame, forth, Some(now));
    };
    if let Ok(handle) = request_animation_frame_with_handle(next) {
        frame.set_value(Some(handle));
    }
}
