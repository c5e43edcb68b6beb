//! The map on screen; in the view that compares, with the other one beside it, in its place in turn, or taken from it.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;
use protocol::Portrait;
use shared::statistics::mean_and_sigma;

use super::{Way, is_comparing};
use crate::{
    components::{
        map_grid::MapGrid,
        map_view::{MapView, Paint},
    },
    state::{MapSource, Phase, ShownMap, State},
    views::View,
};

/// How long each map is seen when they blink.
const BLINK: Duration = Duration::from_millis(800);

/// Whether both maps have the same pixels.
pub fn are_alike(state: &State) -> bool {
    let pixels = |shown: Option<&ShownMap>| shown.map(|shown| shown.portrait.pixels);
    let left = state.seen(pixels);
    state.comparison.right.shown.with(|shown| pixels(shown.as_ref()) == left && left.is_some())
}

/// The map, or both.
#[component]
pub fn Stage() -> impl IntoView {
    let state = State::expect();
    // Shares of the side, so that both frames tell the value at the same place.
    let pointer = RwSignal::new(None::<(f64, f64)>);
    let left = Signal::derive_local(move || state.looked_at());
    let right = Signal::derive_local(move || state.comparison.right.shown.get());
    let way = Memo::new(move |_| {
        let way = state.comparison.way.get();
        is_comparing(&state).then(|| if way == Way::Difference && !are_alike(&state) { Way::Beside } else { way })
    });
    let grid = Memo::new(move |_| if state.view.get() == View::Explore { state.grid.get() } else { 1 });
    move || {
        match way.get() {
        None if grid.get() > 1 => view! { <MapGrid count=grid.get() /> }.into_any(),
        None => view! {
            <MapView map=left pointer testid="map-canvas" />
            <Show when=move || state.shown.with(Option::is_none) && state.placeholder.with(Option::is_some)>
                <p class="remark" data-testid="placeholder">
                    {move || if state.phase.with(|phase| *phase == Phase::Failed) { "A simulated map." } else { "A simulated map, while the network loads." }}
                </p>
            </Show>
        }
        .into_any(),
        Some(Way::Beside) => view! {
            <div class="twins">
                <figure><MapView map=left pointer testid="map-canvas" /><figcaption>{caption(left)}</figcaption></figure>
                <figure><MapView map=right pointer testid="other-canvas" /><figcaption>{caption(right)}</figcaption></figure>
            </div>
        }
        .into_any(),
        Some(Way::Blink) => {
            let other = RwSignal::new(false);
            if let Ok(handle) = set_interval_with_handle(move || other.update(|other| *other = !*other), BLINK) {
                on_cleanup(move || handle.clear());
            }
            let map = Signal::derive_local(move || if other.get() { right.get() } else { left.get() });
            view! {
                <figure class="one"><MapView map pointer testid="map-canvas" /><figcaption>{caption(map)}</figcaption></figure>
            }
            .into_any()
        }
        Some(Way::Difference) => {
            let map = Signal::derive_local(move || difference(left.get()?, &right.get()?));
            view! {
                <figure class="one">
                    <MapView map pointer testid="map-canvas" paint=Paint::Difference />
                    <figcaption>
                        {caption(map)}": red where the first is denser, blue where the second is"
                    </figcaption>
                </figure>
            }
            .into_any()
        }
    }
    }
}

fn caption(map: Signal<Option<ShownMap>, LocalStorage>) -> impl Fn() -> Option<String> {
    move || map.with(|map| map.as_ref().map(ShownMap::caption))
}

fn difference(left: ShownMap, right: &ShownMap) -> Option<ShownMap> {
    if left.kappa.len() != right.kappa.len() {
        return None;
    }
    let kappa: Vec<f32> = left.kappa.iter().zip(right.kappa.iter()).map(|(a, b)| a - b).collect();
    let Portrait { pixels, side_angle, .. } = *left.portrait;
    let portrait = Rc::new(Portrait { pixels, side_angle, sigma: mean_and_sigma(&kappa).1, measured: Vec::new() });
    let source = MapSource::Elsewhere("left − right".to_owned());
    Some(ShownMap { source, portrait, kappa: Rc::new(kappa), milliseconds: 0.0, ..left })
}
