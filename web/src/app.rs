//! Composes the page.

use std::time::Duration;

use leptos::{leptos_dom::helpers::debounce, prelude::*};

use crate::{
    address::{self, Asked},
    components::{
        about::About,
        colour_bar::ColourBar,
        downloads::Downloads,
        notice::Notice,
        opening::Opening,
        seed_controls::SeedControls,
        status::{Announcement, Status},
        weights_chooser,
    },
    reference,
    state::{Phase, ShownMap, State},
    views::{
        Navigation, Shown, View,
        compare::{Bar, Stage, files},
    },
    workers::WorkerClient,
};

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let asked = address::read();
    let asked = Asked { opening: asked.opening && !is_still(), ..asked };
    let state = State::new(&asked);
    let Asked { device, embedded, weights, .. } = asked;
    provide_context(state);
    let worker = WorkerClient::start(state, device);
    provide_context(StoredValue::new_local(worker.clone()));
    if !embedded {
        remember(state);
        files::take_dropped(state, worker.clone());
    }
    state.comparison.left.follow(state, worker.clone(), 0);
    state.comparison.right.follow(state, worker.clone(), 1);
    let drawing = worker.clone();
    Effect::new(move || {
        state.point.track();
        state.treatment.track();
        drawing.draw();
    });
    leptos::task::spawn_local(async move {
        state.placeholder.set(reference::first().await);
    });
    weights_chooser::follow_offers(state, worker, weights);
    follow_reference(state);

    move || {
        if embedded {
            view! { <Embedded /> }.into_any()
        } else if state.opening.get() {
            view! { <Opening /> }.into_any()
        } else {
            view! { <Instrument /> }.into_any()
        }
    }
}

/// Keeps the address in step with what is on screen. Another view or seed is a step of the history; sliders are none.
fn remember(state: State) {
    // Browsers take only so many changes of the address a second: a slider's last one must be among them.
    let mut write = debounce(Duration::from_millis(300), |asked: Vec<_>| address::write(&asked, false));
    Effect::new(move |before: Option<Option<(View, u64)>>| {
        if state.opening.get() {
            return None;
        }
        let asked = address::of(&state);
        let now = (state.view.get(), state.point.with(|point| point.seed));
        let step = before.is_some_and(|before| before != Some(now)) && !state.returning.get_untracked();
        state.returning.set(false);
        if step {
            address::write(&asked, true);
        } else {
            write(asked);
        }
        Some(now)
    });
    let returned = window_event_listener(leptos::ev::popstate, move |_| {
        state.returning.set(true);
        let asked = address::read();
        state.opening.set(asked.opening && !is_still());
        if !state.opening.get_untracked() {
            state.show(&asked);
        }
    });
    on_cleanup(move || returned.remove());
}

/// Whether the visitor wants nothing to move.
fn is_still() -> bool {
    window().match_media("(prefers-reduced-motion: reduce)").ok().flatten().is_some_and(|query| query.matches())
}

/// Loads the statistics that belong to the weights. Those of the page are taken for a visitor's; where the geometry is another one, the
/// plots leave them out.
fn follow_reference(state: State) {
    let folder = Memo::new(move |_| {
        let listed = state.offers.with(|offers| {
            state.weights.with(|weights| {
                let offer = offers.iter().find(|offer| weights.folder() == Some(&offer.folder))?;
                offer.reference.clone()
            })
        });
        listed.unwrap_or_else(|| "reference".to_owned())
    });
    Effect::new(move || {
        let wanted = folder.get();
        leptos::task::spawn_local(async move {
            let loaded = reference::load(&wanted).await;
            // Meanwhile other weights may have been chosen.
            if folder.get_untracked() == wanted {
                state.reference.set(loaded);
            }
        });
    });
}

/// Everything but the opening.
#[component]
fn Instrument() -> impl IntoView {
    let state = State::expect();
    let shown = move |part: fn(&protocol::LatentPoint) -> String| {
        state.shown.with(|shown| shown.as_ref().and_then(ShownMap::point).map(|point| part(&point)))
    };
    view! {
        <header>
            <h1>"CosmoGAN"</h1>
            <Navigation />
            <p>"A neural network draws the universe's invisible matter, here, on your own device."</p>
        </header>
        <main
            data-state=move || state.phase.with(Phase::name)
            data-busy=move || state.drawing.get().to_string()
            data-seed=move || shown(|point| point.seed.to_string())
            data-place=move || shown(|point| point.place.to_string())
            data-view=move || state.view.get().name()
        >
            <Notice />
            <Show when=move || state.comparison.dragging.get()>
                <div class="drop-here" aria-hidden="true">"Drop maps or weights here: they stay on this machine"</div>
            </Show>
            // The map stays while what stands beside it scrolls by, and no longer.
            <div class="hero">
                <section class="map" aria-label="Map">
                    <Show when=move || state.view.get() == View::Compare>
                        <Bar />
                    </Show>
                    <Stage />
                    <ColourBar />
                    <Status />
                    <Downloads />
                    <Announcement />
                </section>
            </div>
            <div class="side">
                <Show when=move || state.view.get() != View::Compare>
                    <section class="card" aria-label="Which map">
                        <SeedControls />
                    </section>
                </Show>
                <Shown />
            </div>
            <About />
        </main>
    }
}

/// The map alone, for a page that shows this one in a frame.
#[component]
fn Embedded() -> impl IntoView {
    let state = State::expect();
    let here = move || {
        state.point.track();
        let asked = address::of(&state);
        let text: Vec<String> =
            asked.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))).collect();
        format!("?{}", text.join("&"))
    };
    view! {
        <main class="embedded" data-state=move || state.phase.with(Phase::name) data-testid="embedded">
            <Notice />
            <Stage />
            <a class="whole-page" href=here target="_blank" rel="noopener">"CosmoGAN"</a>
        </main>
    }
}
