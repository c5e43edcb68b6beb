//! Many generated maps beside the simulated ones: how their statistics scatter.

use leptos::prelude::*;

use crate::{
    components::choice::Choice,
    state::{Phase, State},
    workers::{Generated, WorkerClient},
};

/// Maps of an ensemble: a mean to an eighth, to a thirty-second of the scatter, and so on.
const SIZES: [usize; 4] = [64, 256, 1024, 4096];
/// Seed of the first of them: far from the small numbers that people type.
const FIRST_SEED: u64 = 1 << 32;

/// The size, the button, and how far the ensemble is.
#[component]
pub fn Ensemble() -> impl IntoView {
    let state = State::expect();
    let worker = WorkerClient::expect();
    let size = RwSignal::new(SIZES[0]);
    let ready = move || state.phase.with(|phase| matches!(phase, Phase::Ready(..)));
    let maps = move || state.ensemble.with(|ensemble| ensemble.as_ref().map_or(0, |ensemble| ensemble.maps));
    let text = move || {
        if state.gathering.get() {
            format!("{} of {} maps · stop", maps(), size.get())
        } else if maps() > 0 {
            "Remove the generated band".to_owned()
        } else {
            format!("Draw {} maps for comparison", size.get())
        }
    };
    let press = move |_| {
        worker.with_value(|worker| {
            if state.gathering.get_untracked() {
                worker.stop_gathering();
            } else if state.ensemble.with_untracked(Option::is_some) {
                state.ensemble.set(None);
            } else {
                worker.gather(FIRST_SEED, size.get_untracked());
            }
        });
    };
    let sizes = move |maps: usize| {
        let chosen = Signal::derive(move || size.get() == maps);
        view! {
            <Choice class="chip" group="ensemble-size" chosen disabled=state.gathering choose=move || size.set(maps)>
                <span>{maps.to_string()}</span>
            </Choice>
        }
    };
    let pace = move || state.ensemble.with(|ensemble| pace(ensemble.as_ref()?, state.gathering.get()));
    view! {
        <fieldset class="field chips">
            <legend>"Maps to compare with"</legend>
            {SIZES.map(sizes).collect_view()}
        </fieldset>
        <div class="downloads ensemble">
            <button type="button" data-testid="ensemble" disabled=move || !ready() on:click=press>
                {text}
            </button>
            <Show when=move || state.gathering.get()>
                <button
                    type="button"
                    class="pause"
                    data-testid="pause"
                    on:click=move |_| state.paused.update(|paused| *paused = !*paused)
                >
                    {move || if state.paused.get() { "Go on" } else { "Pause" }}
                </button>
                <progress aria-label="Maps drawn for comparison" max=move || size.get() prop:value=maps></progress>
            </Show>
        </div>
        <p class="remark" data-testid="pace">
            {move || pace().unwrap_or_else(|| "They are drawn on this device, beside the map on screen; their mean and scatter appear in every plot.".into())}
        </p>
    }
}

/// Maps a second, and the time left while there is some.
fn pace(ensemble: &Generated, gathering: bool) -> Option<String> {
    let rate = ensemble.rate()?;
    let left = ensemble.seconds_left().filter(|_| gathering).map(|seconds| match seconds {
        ..90.0 => format!(", {seconds:.0} seconds left"),
        _ => format!(", {:.0} minutes left", seconds / 60.0),
    });
    Some(format!("{rate:.0} maps a second{}", left.unwrap_or_default()))
}
