//! The first seconds: a map that drifts through latent space behind a title.

use leptos::{html::Canvas, leptos_dom::helpers::AnimationFrameRequestHandle, prelude::*};
use shared::{
    colour::{RANGE_SHARES, paint_stretched, range_of},
    formats::weights::Manifest,
};
use web_sys::KeyboardEvent;

use super::{map_view::put, notice::Notice};
use crate::{
    address::random_seed,
    clock,
    components::status::describe,
    state::{Phase, ShownMap, State},
    views::View,
};

/// Milliseconds from one seed to the next.
const CROSSING: f64 = 14_000.0;
/// Milliseconds in which the picture follows a new map: maps come as fast as the device draws them, the picture moves at the
/// display's rate.
const FOLLOWING: f64 = 120.0;
/// Side of the full moon in degrees, to compare a map with.
const MOON: f64 = 0.52;

/// Title, drifting map, and ways in. A touch of the map is one.
#[component]
pub fn Opening() -> impl IntoView {
    let state = State::expect();
    let canvas = NodeRef::<Canvas>::new();
    // What is on the canvas, in kappa.
    let seen = StoredValue::new_local(Vec::<f32>::new());
    let frame = StoredValue::new(None::<AnimationFrameRequestHandle>);
    let paint = move |share: f32| {
        let Some(canvas) = canvas.get_untracked() else { return };
        let target = untrack(|| state.looked_at());
        let Some(target) = target else { return };
        seen.update_value(|seen| {
            if seen.len() == target.kappa.len() {
                for (seen, &target) in seen.iter_mut().zip(target.kappa.iter()) {
                    *seen += share * (target - *seen);
                }
            } else {
                *seen = target.kappa.to_vec();
            }
        });
        let range = state
            .reference
            .with_untracked(|reference| reference.as_ref()?.kappa_range)
            .unwrap_or_else(|| seen.with_value(|seen| range_of(seen.iter().copied(), RANGE_SHARES)));
        let pixels = seen.with_value(|seen| {
            paint_stretched(seen, range, state.stretch.get_untracked(), state.colours.get_untracked())
        });
        put(&canvas, target.portrait.pixels, &pixels);
    };
    Effect::new(move || {
        if canvas.get().is_some() {
            drift(state, frame, paint, clock::now());
        }
    });
    on_cleanup(move || {
        if let Some(handle) = frame.try_update_value(Option::take).flatten() {
            handle.cancel();
        }
    });
    // The instrument begins with the map that is on screen.
    let explore = move || {
        if let Some(point) = state.shown.with_untracked(|shown| shown.as_ref().and_then(ShownMap::point)) {
            state.point.set(point);
        }
        state.opening.set(false);
    };
    let play = move |_| {
        state.view.set(View::Learn);
        state.playing.set(true);
        explore();
    };
    let key = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            explore();
        }
    });
    on_cleanup(move || key.remove());
    let loading = move || {
        state.phase.with(|phase| match phase {
            Phase::Loading(progress) => {
                let (stage, bytes, share) = describe(*progress);
                Some(view! {
                    <div class="opening-loading" data-testid="progress">
                        <progress aria-label="Loading" value=share max="1"></progress>
                        <span>{stage}" … "{bytes}</span>
                    </div>
                })
            }
            _ => None,
        })
    };
    let facts = move || {
        let angle = state.phase.with(|phase| phase.manifest().map(|manifest: &Manifest| manifest.side_angle))?;
        let rate = state.shown.with(|shown| shown.as_ref().map(|shown| 1e3 / shown.milliseconds.max(1.0)));
        let rate = rate.map(|rate| view! { <span>{format!("drawn here, {rate:.0} maps a second")}</span> });
        let moons = format!("{angle:.2} degrees of sky, {:.1} times the Moon's width", angle / MOON);
        Some(view! { {rate} <span>{moons}</span> })
    };
    view! {
        <main
            class="opening"
            data-testid="opening"
            data-state=move || state.phase.with(Phase::name)
        >
            <canvas node_ref=canvas width="256" height="256" aria-hidden="true" on:pointerdown=move |_| explore()></canvas>
            <div class="opening-words">
                <h1>"Most of the universe is invisible. Your device is drawing it."</h1>
                <p>"A neural network that learned from simulated universes makes a new map of dark matter every moment. Nothing is sent anywhere."</p>
                <div class="buttons">
                    <button type="button" class="primary" data-testid="explore" on:click=move |_| explore()>"Explore"</button>
                    <button type="button" data-testid="opening-play" on:click=play>"Simulated or generated?"</button>
                </div>
                {loading}
                <Notice />
            </div>
            <p class="opening-facts">{facts}</p>
        </main>
    }
}

/// Moves the point of latent space on, and the picture after it, at each frame of the display.
fn drift(
    state: State,
    frame: StoredValue<Option<AnimationFrameRequestHandle>>,
    paint: impl Fn(f32) + Copy + 'static,
    last: f64,
) {
    let next = move || {
        let now = clock::now();
        let passed = (now - last).clamp(0.0, 100.0);
        // Nothing moves before the first map is there.
        if state.shown.with_untracked(Option::is_some) {
            state.point.update(|point| {
                point.place += passed / CROSSING;
                if point.place >= 1.0 {
                    (point.seed, point.to, point.place) = (point.to, random_seed(), 0.0);
                }
            });
        }
        paint((1.0 - (-passed / FOLLOWING).exp()) as f32);
        drift(state, frame, paint, now);
    };
    if let Ok(handle) = request_animation_frame_with_handle(next) {
        frame.set_value(Some(handle));
    }
}
