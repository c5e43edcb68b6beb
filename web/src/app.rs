//! Composes the page.

use std::time::Duration;

use leptos::{leptos_dom::helpers::debounce, prelude::*};

use crate::{
    address,
    components::{
        about::About,
        colour_bar::ColourBar,
        downloads::Downloads,
        map_view::MapView,
        notice::Notice,
        seed_controls::SeedControls,
        status::{Announcement, Status},
    },
    reference,
    state::{Phase, State},
    views::{Navigation, Shown},
    workers::WorkerClient,
};

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let state = State::new(address::point(), address::view());
    provide_context(state);
    let worker = WorkerClient::start(state, address::device());
    // Browsers take only so many changes of the address a second: a slider's last one must be among them.
    let mut remember = debounce(Duration::from_millis(300), |(point, view)| address::write(&point, view));
    provide_context(StoredValue::new_local(worker.clone()));
    Effect::new(move || remember((state.point.get(), state.view.get())));
    Effect::new(move || {
        state.point.track();
        worker.draw();
    });
    leptos::task::spawn_local(async move { state.reference.set(reference::load().await) });

    let shown = move |part: fn(&protocol::LatentPoint) -> String| {
        state.shown.with(|shown| shown.as_ref().map(|shown| part(&shown.drawn.point)))
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
            <section class="map" aria-label="Map">
                <MapView />
                <ColourBar />
                <Status />
                <Downloads />
                <Announcement />
            </section>
            <div class="side">
                <section class="card" aria-label="Which map">
                    <SeedControls />
                </section>
                <Shown />
            </div>
            <About />
        </main>
    }
}
