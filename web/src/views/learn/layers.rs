//! What each layer of the network makes of the map on screen, from 16 x 16 numbers to its pixels.

use js_sys::Array;
use leptos::{html::Canvas, prelude::*};
use protocol::{Event, LayerSize, Work};
use shared::colour::{ColourMap, RANGE_SHARES, Stretch, paint_stretched, range_of};

use crate::{
    components::map_view::put,
    state::{ShownMap, State},
    workers::{Unanswered, WorkerClient, newest},
};

/// A layer and its shown channels, one after the other.
type Shown = (LayerSize, Vec<f32>);

/// The layers, one below the other.
#[component]
pub fn Layers() -> impl IntoView {
    let state = State::expect();
    let client = WorkerClient::expect().get_value();
    let layers = RwSignal::new_local(Vec::<Shown>::new());
    let refused = RwSignal::new(None::<String>);
    let wish = move || state.shown.with(|shown| shown.as_ref().and_then(ShownMap::point));
    newest::follow(wish, move |point| {
        let client = client.clone();
        async move {
            match client.ask(Work::Layers { point }, Array::new()).await {
                Ok((Event::Layers { layers: sizes }, numbers)) => {
                    layers.try_set(sizes.into_iter().zip(numbers).collect());
                    refused.try_set(None);
                }
                Ok(_) => {}
                Err(unanswered) => {
                    // Those of another map would be taken for this one's.
                    layers.try_set(Vec::new());
                    if let Unanswered::Failed(sentence) = unanswered {
                        refused.try_set(Some(sentence));
                    }
                }
            }
        }
    });
    // The pictures stay; only their pixels change with the map.
    let sizes = Memo::new(move |_| {
        layers.with(|layers| {
            layers.iter().map(|(size, _)| (size.channels, size.side, size.shown.len())).collect::<Vec<_>>()
        })
    });
    let row = move |(number, (channels, side, shown)): (usize, (usize, usize, usize))| {
        let picture = move |place: usize| {
            view! { <Picture layers number place /> }
        };
        let last = channels == 1;
        let words = if last {
            format!("the map: {side} × {side} pixels")
        } else {
            format!("{channels} pictures of {side} × {side}, {shown} of them")
        };
        view! {
            <figure class="layer" class:last=last>
                <div class="channels" style=("--shown", shown.to_string())>{(0..shown).map(picture).collect_view()}</div>
                <figcaption>{words}</figcaption>
            </figure>
        }
    };
    view! {
        <h2 id="layers-title">"How does the network draw?"</h2>
        <p>
            "It begins with 64 random numbers, which say nothing of matter or galaxies. A first layer turns them into hundreds of coarse "
            "pictures; each layer after it mixes those of the one before into fewer and finer ones, until one is left. These "
            "are the real pictures inside the network for the map on screen."
        </p>
        <Show when=move || refused.get().is_some()>
            <p class="remark">{move || refused.get()}</p>
        </Show>
        <div class="layers" data-testid="layers">
            {move || sizes.get().into_iter().enumerate().map(row).collect_view()}
        </div>
    }
}

/// A channel of a layer.
#[component]
fn Picture(layers: RwSignal<Vec<Shown>, LocalStorage>, number: usize, place: usize) -> impl IntoView {
    let state = State::expect();
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move || {
        // The network's own map, whatever is done to the one on screen.
        let range = state.known_range().unwrap_or_else(|| state.range());
        let Some(canvas) = canvas.get() else { return };
        layers.with(|layers| {
            let Some((LayerSize { side, channels, .. }, numbers)) = layers.get(number) else { return };
            let Some(values) = numbers.chunks_exact(side * side).nth(place) else { return };
            let pixels = if *channels == 1 {
                paint_stretched(values, range, state.stretch.get(), state.colours.get())
            } else {
                let own = range_of(values.iter().copied(), RANGE_SHARES);
                paint_stretched(values, own, Stretch::Linear, ColourMap::Ember)
            };
            put(&canvas, *side, &pixels);
        });
    });
    view! { <canvas node_ref=canvas aria-hidden="true"></canvas> }
}
