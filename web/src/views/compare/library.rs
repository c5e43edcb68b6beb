//! Maps to compare with: samples of simulations, and the visitor's own.

use std::rc::Rc;

use js_sys::Array;
use leptos::prelude::*;
use protocol::{Event, MapSize, Work};

use super::Slot;
use crate::{
    reference,
    state::State,
    workers::{Unanswered, WorkerClient},
};

/// A map that can be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryMap {
    /// Its name on the page.
    pub name: String,
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Pixels in kappa, row by row.
    pub kappa: Rc<Vec<f32>>,
    /// Whether it is a sample of the page's.
    pub is_sample: bool,
}

/// Maps of an answer, named by `name` from their number on.
pub fn maps(
    sizes: &[MapSize],
    numbers: Vec<Vec<f32>>,
    is_sample: bool,
    name: impl Fn(usize) -> String,
) -> Vec<LibraryMap> {
    let map = |(number, (size, kappa)): (usize, (&MapSize, Vec<f32>))| LibraryMap {
        name: name(number),
        pixels: size.pixels,
        side_angle: size.side_angle,
        kappa: Rc::new(kappa),
        is_sample,
    };
    sizes.iter().zip(numbers).enumerate().map(map).collect()
}

/// Loads the samples of simulated maps, once, and chooses the first one where none is chosen.
pub fn load_samples(state: State) {
    let has_samples = state.comparison.library.with_untracked(|library| library.iter().any(|map| map.is_sample));
    if has_samples {
        return;
    }
    let client = WorkerClient::expect().get_value();
    leptos::task::spawn_local(async move {
        let Some((side_angle, source, bytes)) = reference::samples().await else { return };
        let answer = client.ask(Work::Read { side_angle }, Array::of1(&bytes)).await;
        match answer {
            Ok((Event::Read { maps: sizes, .. }, numbers)) => {
                let samples = maps(&sizes, numbers, true, |number| format!("simulated {}", number + 1));
                // Two visits to a view may both have asked.
                let new = state.comparison.library.with_untracked(|library| !library.iter().any(|map| map.is_sample));
                if new && !samples.is_empty() {
                    state.comparison.library.update(|library| library.extend(samples));
                    state.comparison.samples.set(source);
                    let asked = state.comparison.asked.get_value();
                    for (slot, asked) in
                        [(state.comparison.left, asked[0]), (state.comparison.right, asked[1].or(Some(0)))]
                    {
                        if slot.chosen.get_untracked().is_none() {
                            slot.chosen.set(asked);
                        }
                    }
                }
            }
            Err(Unanswered::Failed(sentence)) => {
                state.notice.set(Some(format!("The simulated maps cannot be shown: {sentence}.")));
            }
            Ok(_) | Err(Unanswered::Gone) => {}
        }
    });
}

/// Two lists: which map is on the left, which on the right.
#[component]
pub fn Chooser() -> impl IntoView {
    let state = State::expect();
    view! {
        <SlotChooser id="left-map" label="Left" of=state.comparison.left nothing="the generated map" />
        <SlotChooser id="right-map" label="Right" of=state.comparison.right nothing="nothing" />
    }
}

#[component]
fn SlotChooser(id: &'static str, label: &'static str, of: Slot, nothing: &'static str) -> impl IntoView {
    let state = State::expect();
    let options = move || {
        let option = |(place, map): (usize, &LibraryMap)| {
            let (name, value) = (map.name.clone(), place.to_string());
            view! { <option value=value prop:selected=move || of.chosen.get() == Some(place)>{name}</option> }
        };
        state.comparison.library.with(|library| library.iter().enumerate().map(option).collect_view())
    };
    let step = move |by: i64| {
        let maps = state.comparison.library.with_untracked(Vec::len);
        let next = of.chosen.get_untracked().map_or(0, |place| place as i64 + by);
        if maps > 0 {
            of.chosen.set(Some(next.rem_euclid(maps as i64) as usize));
        }
    };
    let empty = move || state.comparison.library.with(Vec::is_empty);
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="stepper three">
                <button type="button" aria-label=format!("{label}: previous map") disabled=empty on:click=move |_| step(-1)>"‹"</button>
                <select
                    id=id
                    data-testid=id
                    on:change:target=move |event| of.chosen.set(event.target().value().parse().ok())
                >
                    <option value="" prop:selected=move || of.chosen.get().is_none()>{nothing}</option>
                    {options}
                </select>
                <button type="button" aria-label=format!("{label}: next map") disabled=empty on:click=move |_| step(1)>"›"</button>
            </div>
        </div>
    }
}
