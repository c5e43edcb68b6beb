//! Several maps at once: those of the seed on screen and of the next ones.

use std::rc::Rc;

use js_sys::Array;
use leptos::{html::Canvas, prelude::*};
use protocol::{Event, LatentPoint, Work};
use shared::{colour::paint_stretched, survey::Treatment};

use super::map_view::put;
use crate::{
    state::State,
    workers::{WorkerClient, newest},
};

/// Numbers of maps to choose from.
pub const COUNTS: [usize; 3] = [1, 4, 16];

/// A map of the grid.
#[derive(Clone)]
struct Tile {
    seed: u64,
    pixels: usize,
    kappa: Rc<Vec<f32>>,
}

/// A square of maps; choosing one shows it alone.
#[component]
pub fn MapGrid(count: usize) -> impl IntoView {
    let state = State::expect();
    let client = WorkerClient::expect().get_value();
    let tiles = RwSignal::new_local(Vec::<Tile>::new());
    let wish = move || {
        let ready = state.phase.with(|phase| phase.manifest().is_some());
        ready.then(|| (state.point.get().seed, state.treatment.get(), state.weights.get()))
    };
    newest::follow(wish, move |wished| {
        let client = client.clone();
        async move {
            let mut drawn = Vec::with_capacity(count);
            for number in 0..count {
                // Seeds that pass by are not drawn to the end.
                if untrack(wish).as_ref() != Some(&wished) {
                    return;
                }
                let Some(tile) = tile(state, &client, wished.0.wrapping_add(number as u64), wished.1).await else {
                    return;
                };
                drawn.push(tile);
                tiles.try_set(drawn.clone());
            }
        }
    });
    let tile = move |place: usize| {
        let canvas = NodeRef::<Canvas>::new();
        Effect::new(move || {
            let Some(canvas) = canvas.get() else { return };
            let (range, stretch, colours) = (state.range(), state.stretch.get(), state.colours.get());
            tiles.with(|tiles| {
                let Some(tile) = tiles.get(place) else { return };
                let pixels = paint_stretched(&tile.kappa, range, stretch, colours);
                put(&canvas, tile.pixels, &pixels);
            });
        });
        let seed = move || tiles.with(|tiles| tiles.get(place).map(|tile| tile.seed));
        let choose = move |_| {
            if let Some(seed) = seed() {
                state.point.set(LatentPoint::of_seed(seed));
                state.grid.set(1);
            }
        };
        view! {
            <button
                type="button"
                class="tile"
                data-testid=format!("tile-{place}")
                disabled=move || seed().is_none()
                aria-label=move || seed().map_or_else(|| "A map that is being drawn".to_owned(), |seed| format!("Map of seed {seed}"))
                on:click=choose
            >
                <canvas node_ref=canvas width="256" height="256" aria-hidden="true"></canvas>
                <span aria-hidden="true">{move || seed().map(|seed| seed.to_string())}</span>
            </button>
        }
    };
    view! {
        <div class="grid" data-testid="grid" style=("--side", (count as f64).sqrt().to_string())>
            {(0..count).map(tile).collect_view()}
        </div>
    }
}

async fn tile(state: State, client: &WorkerClient, seed: u64, treatment: Treatment) -> Option<Tile> {
    let work = Work::Draw { point: LatentPoint::of_seed(seed), treatment, statistics: Vec::new() };
    match client.ask(work, Array::new()).await {
        Ok((Event::Drawn(drawn), numbers)) => {
            Some(Tile { seed, pixels: drawn.portrait.pixels, kappa: Rc::new(numbers.into_iter().next()?) })
        }
        Ok(_) => None,
        Err(unanswered) => {
            unanswered.tell(state);
            None
        }
    }
}
