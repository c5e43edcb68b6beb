//! How far the start is; then which device draws, and how fast.

use leptos::prelude::*;
use protocol::{Progress, Stage};

use crate::state::{Phase, State};

/// Progress of the start, then the device and the time a map takes.
#[component]
pub fn Status() -> impl IntoView {
    let state = State::expect();
    let content = move || {
        state.phase.with(|phase| match phase {
            Phase::Loading(progress) => {
                let (text, share) = describe(*progress);
                view! {
                    <div class="status" data-testid="progress" role="status">
                        <progress aria-label="Loading" prop:value=share max="1"></progress>
                        <span>{text}</span>
                    </div>
                }
                .into_any()
            }
            Phase::Ready(device, _) => {
                let remark = device.remark.as_ref().map(|remark| format!(" ({remark})"));
                let time = move || {
                    let time = state.shown.with(|shown| shown.as_ref().map(|shown| shown.drawn.milliseconds));
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
    };
    content
}

/// A stage in words, and its share where that is known.
fn describe(progress: Option<Progress>) -> (String, Option<f64>) {
    let Some(Progress { stage, loaded, total }) = progress else { return ("Starting …".into(), None) };
    let bytes = match (loaded, total) {
        (0, 0) => String::new(),
        (loaded, 0) => format!(" ({:.1} MB)", megabytes(loaded)),
        (loaded, total) => format!(" ({:.1} of {:.1} MB)", megabytes(loaded), megabytes(total)),
    };
    let text = match stage {
        Stage::Program => "Loading the program",
        Stage::Weights => "Loading the trained network",
        Stage::Device => "Opening your graphics processor",
        Stage::SelfCheck => "Checking that this device draws a known map correctly",
    };
    (format!("{text}{bytes} …"), (total > 0).then(|| loaded as f64 / total as f64))
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
