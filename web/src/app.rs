//! Composes the page.

use leptos::prelude::*;

use crate::{
    address,
    components::{
        about::About, colour_bar::ColourBar, colours::Colours, downloads::Downloads, interpolation::Interpolation,
        map_view::MapView, notice::Notice, seed_controls::SeedControls, spectrum_plot::SpectrumPlot, status::Status,
    },
    reference,
    state::State,
    worker_client::WorkerClient,
};

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let state = State::new(address::view());
    provide_context(state);
    let worker = WorkerClient::start(state, address::device());
    Effect::new(move || {
        address::write(&state.view.get());
        worker.draw();
    });
    leptos::task::spawn_local(async move { state.reference.set(reference::load().await) });

    let shown = move |part: fn(&protocol::View) -> String| {
        state.shown.with(|shown| shown.as_ref().map(|shown| part(&shown.drawn.view)))
    };
    view! {
        <header>
            <h1>"CosmoGAN"</h1>
            <p>"A neural network draws the universe's invisible matter, here, on your own device."</p>
        </header>
        <main
            data-state=move || state.phase.with(|phase| phase.name())
            data-busy=move || state.drawing.get().to_string()
            data-seed=move || shown(|view| view.seed.to_string())
            data-place=move || shown(|view| view.place.to_string())
        >
            <Notice />
            <section class="map" aria-label="Map">
                <MapView />
                <ColourBar />
                <Status />
            </section>
            <div class="side">
                <section class="card" aria-label="Which map">
                    <SeedControls />
                    <Interpolation />
                    <Colours />
                </section>
                <section class="card" aria-label="Power spectrum">
                    <SpectrumPlot />
                    <Downloads />
                </section>
            </div>
            <About />
        </main>
    }
}
