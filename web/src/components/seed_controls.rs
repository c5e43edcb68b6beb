//! Which map: a seed, typed or stepped.

use leptos::prelude::*;
use protocol::{Arc, LatentPoint};

use super::{choice::Choice, map_grid::COUNTS};
use crate::{address::random_seed, state::State, views::View};

/// The seed field and its buttons.
#[component]
pub fn SeedControls() -> impl IntoView {
    let state = State::expect();
    let seed = move || state.point.get().seed;
    let show = move |seed: u64, to: u64| {
        state.point.update(|point| {
            *point = LatentPoint { seed, to, place: 0.0, below: point.below.map(|below| Arc { height: 0.0, ..below }) }
        });
    };
    // The second seed follows the first one until the visitor chooses another.
    let go_to = move |next: u64| {
        let LatentPoint { seed, to, .. } = state.point.get_untracked();
        show(next, if to == seed.wrapping_add(1) { next.wrapping_add(1) } else { to });
    };
    let count = move |count: usize| {
        let chosen = Signal::derive(move || state.grid.get() == count);
        view! {
            <Choice class="chip" group="maps-at-once" chosen choose=move || state.grid.set(count)>
                <span>{if count == 1 { "1 map".to_owned() } else { format!("{count} maps") }}</span>
            </Choice>
        }
    };
    let step = move |by: i64| go_to(state.point.get_untracked().seed.wrapping_add_signed(by));
    view! {
        <div class="field">
            <label for="seed">"Seed"</label>
            <div class="stepper">
                <button type="button" data-testid="previous-map" aria-label="Previous seed" on:click=move |_| step(-1)>
                    "‹"
                </button>
                <SeedInput id="seed" testid="seed-input" name="Seed" seed=Signal::derive(seed) set=go_to />
                <button type="button" data-testid="next-map" aria-label="Next seed" on:click=move |_| step(1)>
                    "›"
                </button>
                <button type="button" class="primary" data-testid="new-map" on:click=move |_| show(random_seed(), random_seed())>
                    "New map"
                </button>
            </div>
            <Show when=move || state.view.get() == View::Explore>
                <fieldset class="field chips counts">
                    <legend class="unseen">"Maps at once"</legend>
                    {COUNTS.map(count).collect_view()}
                </fieldset>
            </Show>
            // Morph says it by its slider and its pad.
            <Show when=move || !state.point.get().is_seed() && state.view.get() != View::Morph>
                <p class="remark" data-testid="between">{move || between(&state.point.get())}</p>
            </Show>
        </div>
    }
}

/// Where a point between seeds lies.
fn between(point: &LatentPoint) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    match point.below {
        Some(below) if below.height > 0.0 => {
            let (across, down) = (percent(point.place), percent(below.height));
            format!(
                "Between four seeds: {across} of the way to {}, {down} down to {} and {}.",
                point.to, below.seed, below.to
            )
        }
        _ => format!("{} of the way to seed {}.", percent(point.place), point.to),
    }
}

/// A field for a seed; what is no seed is marked and not taken.
#[component]
pub fn SeedInput(
    id: &'static str,
    testid: &'static str,
    name: &'static str,
    #[prop(into)] seed: Signal<u64>,
    set: impl Fn(u64) + 'static,
) -> impl IntoView {
    let wrong = RwSignal::new(false);
    let changed = move |text: String| match text.trim().parse() {
        Ok(seed) => {
            wrong.set(false);
            set(seed);
        }
        Err(_) => wrong.set(true),
    };
    view! {
        <span class="seed-field">
            <input
                id=id
                data-testid=testid
                type="text"
                inputmode="numeric"
                autocomplete="off"
                spellcheck="false"
                maxlength="20"
                aria-label=name
                aria-describedby=format!("{id}-hint")
                aria-invalid=move || wrong.get().to_string()
                prop:value=move || {
                    wrong.set(false);
                    seed.get().to_string()
                }
                on:change:target=move |event| changed(event.target().value())
            />
            <Show when=move || wrong.get()>
                <span class="hint" id=format!("{id}-hint") role="alert">"A seed is a whole number from 0 to 18446744073709551615."</span>
            </Show>
        </span>
    }
}
