//! Many generated maps beside the simulated ones: how their power spectra scatter.

use leptos::prelude::*;

use crate::{
    state::{Phase, State},
    workers::WorkerClient,
};

/// Maps of an ensemble: enough for a mean to an eighth of the scatter.
const MAPS: usize = 64;
/// Seed of the first of them: far from the small numbers that people type.
const FIRST_SEED: u64 = 1 << 32;

/// The button, and how far the ensemble is.
#[component]
pub fn Ensemble() -> impl IntoView {
    let state = State::expect();
    let worker = WorkerClient::expect();
    let ready = move || state.phase.with(|phase| matches!(phase, Phase::Ready(..)));
    let maps = move || state.ensemble.with(|ensemble| ensemble.as_ref().map_or(0, |ensemble| ensemble.maps));
    let text = move || {
        if state.gathering.get() {
            format!("{} of {MAPS} maps · stop", maps())
        } else if maps() > 0 {
            "Remove the generated band".to_owned()
        } else {
            format!("Draw {MAPS} maps for comparison")
        }
    };
    let press = move |_| {
        worker.with_value(|worker| {
            if state.gathering.get_untracked() {
                worker.stop_gathering();
            } else if state.ensemble.with_untracked(Option::is_some) {
                state.ensemble.set(None);
            } else {
                worker.gather(FIRST_SEED, MAPS);
            }
        });
    };
    view! {
        <div class="downloads ensemble">
            <button type="button" data-testid="ensemble" disabled=move || !ready() on:click=press>
                {text}
            </button>
            <Show when=move || state.gathering.get()>
                <progress aria-label="Maps drawn for comparison" max=MAPS prop:value=maps></progress>
            </Show>
        </div>
    }
}
