//! How far the start is; then which device draws, and how fast.

use leptos::prelude::*;
use protocol::{LatentPoint, Progress, Stage};

use crate::state::{Phase, ShownMap, State};

/// Progress of the start, then the device and the time a map takes.
#[component]
pub fn Status() -> impl IntoView {
    let state = State::expect();
    move || {
        state.phase.with(|phase| match phase {
            Phase::Loading(progress) => {
                let (stage, bytes, share) = describe(*progress);
                view! {
                    <div class="status" data-testid="progress">
                        // An attribute, not a property: a bar without a share has none and shows that it waits.
                        <progress aria-label="Loading" value=share max="1"></progress>
                        <span>{stage}" …"</span>
                        <span>{bytes}</span>
                    </div>
                }
                .into_any()
            }
            Phase::Ready(device, _) => {
                let remark = device.remark.as_ref().map(|remark| format!(" ({remark})"));
                let (name, own) = (device.name.clone(), device.milliseconds);
                let time = move || {
                    // A map that another device drew says nothing of this one's speed.
                    let time = state.shown.with(|shown| {
                        shown.as_ref().map(|shown| if shown.device == name { shown.milliseconds } else { own })
                    });
                    time.map_or_else(|| "drawing the first map …".to_owned(), |time| format!("{time:.0} ms a map"))
                };
                view! {
                    <div class="status" class:busy=move || state.drawing.get()>
                        <span class="lamp" aria-hidden="true"></span>
                        <span data-testid="device">{device.name.clone()}{remark}</span>
                        <span data-testid="time-per-map">{time}</span>
                    </div>
                }
                .into_any()
            }
            Phase::Failed => ().into_any(),
        })
    }
}

/// A stage in words, its bytes, and its share where that is known.
pub fn describe(progress: Option<Progress>) -> (&'static str, String, Option<f64>) {
    let Some(Progress { stage, loaded, total }) = progress else { return ("Starting", String::new(), None) };
    let bytes = match (loaded, total) {
        (0, 0) => String::new(),
        (loaded, 0) => format!("{:.1} MB", megabytes(loaded)),
        (loaded, total) => format!("{:.1} of {:.1} MB", megabytes(loaded), megabytes(total)),
    };
    let stage = match stage {
        Stage::Program => "Loading the program",
        Stage::Weights => "Loading the trained network",
        Stage::Device => "Preparing the network",
        Stage::SelfCheck => "Checking that this device draws a known map correctly",
    };
    (stage, bytes, (total > 0).then(|| loaded as f64 / total as f64))
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What a screen reader hears: the stages of the start, then every map that is drawn.
#[component]
pub fn Announcement() -> impl IntoView {
    let state = State::expect();
    let stage = Memo::new(move |_| {
        state.phase.with(|phase| match phase {
            Phase::Loading(progress) => describe(*progress).0,
            _ => "",
        })
    });
    let text = move || {
        let drawn = state.shown.with(|shown| shown.as_ref().and_then(ShownMap::point));
        match drawn {
            Some(LatentPoint { below: Some(_), .. }) => "Map between four seeds drawn".to_owned(),
            Some(point) if point.place > 0.0 => {
                format!("Map drawn, {:.0} % of the way from seed {} to {}", 100.0 * point.place, point.seed, point.to)
            }
            Some(point) => format!("Map of seed {} drawn", point.seed),
            None => stage.get().to_owned(),
        }
    };
    view! { <p class="unseen" role="status">{text}</p> }
}
