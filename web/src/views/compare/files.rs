//! Files of the visitor: maps, or weights with their manifest. Nothing of them leaves the machine.

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use protocol::{Event, Work};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DragEvent, File, FileList, HtmlInputElement};

use super::library::{LibraryMap, maps};
use crate::{
    state::State,
    views::View,
    workers::{Unanswered, VisitorWeights, WeightsSource, WorkerClient},
};

/// Largest file, and most pixels of all maps: what a browser's memory has room for.
const LARGEST: f64 = 512e6;
const MOST_PIXELS: usize = 64 << 20;
/// Reasons that are told one by one.
const TOLD: usize = 4;

/// Two buttons that open files, and the angle of those that do not state theirs.
#[component]
pub fn Drop() -> impl IntoView {
    let state = State::expect();
    let client = WorkerClient::expect();
    let picked = move |input: HtmlInputElement| {
        if let Some(files) = input.files() {
            take(state, client.get_value(), list(&files));
        }
        // The same file may be chosen again.
        input.set_value("");
    };
    let wrong = RwSignal::new(false);
    let own_angle = move || state.phase.with(|phase| phase.manifest().map(|manifest| manifest.side_angle));
    let angle = move || state.comparison.side_angle.get().or_else(own_angle);
    let typed = move |text: String| {
        let degrees = text.trim().parse::<f64>().ok().filter(|degrees| *degrees > 0.0 && *degrees <= 180.0);
        wrong.set(degrees.is_none());
        if degrees.is_some() {
            state.comparison.side_angle.set(degrees);
        }
    };
    let folder = NodeRef::<leptos::html::Input>::new();
    Effect::new(move || {
        if let Some(input) = folder.get() {
            // Browsers that know no folders open files.
            let _ = input.set_attribute("webkitdirectory", "");
        }
    });
    view! {
        <p class="lead">
            "Drop maps (.npy, .npz, FITS, .gz) anywhere on this page, or weights (.safetensors) together with their manifest.json. "
            "They stay on this machine."
        </p>
        <div class="buttons">
            <label class="button">
                "Choose files"
                <input
                    class="unseen"
                    type="file"
                    multiple
                    data-testid="choose-files"
                    on:change:target=move |event| picked(event.target())
                />
            </label>
            <label class="button">
                "Choose a folder"
                <input node_ref=folder class="unseen" type="file" multiple on:change:target=move |event| picked(event.target()) />
            </label>
        </div>
        <div class="field inline">
            <label for="file-angle">"Side in degrees, where a file does not say it"</label>
            <input
                id="file-angle"
                data-testid="file-angle"
                type="text"
                inputmode="decimal"
                autocomplete="off"
                aria-invalid=move || wrong.get().to_string()
                prop:value=move || angle().map(|degrees| degrees.to_string()).unwrap_or_default()
                on:change:target=move |event| typed(event.target().value())
            />
        </div>
        <Show when=move || wrong.get()>
            <span class="hint" role="alert">"A side is more than 0 and at most 180 degrees."</span>
        </Show>
    }
}

fn list(files: &FileList) -> Vec<File> {
    (0..files.length()).filter_map(|place| files.get(place)).collect()
}

/// Takes files that are dropped anywhere on the page.
pub fn take_dropped(state: State, client: WorkerClient) {
    let over = window_event_listener(leptos::ev::dragover, move |event: DragEvent| {
        event.prevent_default();
        state.comparison.dragging.set(true);
    });
    let away = window_event_listener(leptos::ev::dragleave, move |event: DragEvent| {
        // Out of the window, and not from one of its elements to the next.
        if event.related_target().is_none() {
            state.comparison.dragging.set(false);
        }
    });
    let drop = window_event_listener(leptos::ev::drop, move |event: DragEvent| {
        event.prevent_default();
        if let Some(files) =
            event.data_transfer().and_then(|dropped| dropped.files()).filter(|files| files.length() > 0)
        {
            state.opening.set(false);
            take(state, client.clone(), list(&files));
        }
    });
    on_cleanup(move || {
        over.remove();
        away.remove();
        drop.remove();
    });
}

/// Takes the visitor's files, whatever they are.
fn take(state: State, client: WorkerClient, files: Vec<File>) {
    state.notice.set(None);
    leptos::task::spawn_local(async move {
        let (weights, others): (Vec<_>, Vec<_>) = files
            .into_iter()
            // A folder brings what systems hide in it.
            .filter(|file| !file.name().starts_with('.'))
            .partition(|file| ends(file, ".safetensors") || file.name() == "manifest.json");
        let (described, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|file| ends(file, ".json"));
        if !weights.is_empty()
            && let Err(sentence) = take_weights(&client, &weights).await
        {
            state.notice.set(Some(sentence));
        }
        if !others.is_empty() {
            take_maps(state, client, &others, &described).await;
        } else if weights.is_empty() && !described.is_empty() {
            state
                .notice
                .set(Some("These files describe others: choose the maps or weights together with them.".into()));
        }
    });
}

fn ends(file: &File, ending: &str) -> bool {
    file.name().to_lowercase().ends_with(ending)
}

async fn bytes(file: &File) -> Result<Uint8Array, String> {
    if file.size() > LARGEST {
        return Err(format!("it has {:.0} MB; a browser takes up to {:.0}", file.size() / 1e6, LARGEST / 1e6));
    }
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(|_| "the browser cannot read it".to_owned())?;
    Ok(Uint8Array::new(&buffer))
}

async fn take_weights(client: &WorkerClient, files: &[File]) -> Result<(), String> {
    let together = "Weights are taken together with their manifest: choose manifest.json and the .safetensors file of the \
                    generator at once.";
    let one = |ending: &str| {
        let mut found = files.iter().filter(|file| ends(file, ending));
        // A folder of the trainer has those of the discriminator and checks beside them.
        found
            .clone()
            .find(|file| file.name().contains("generator") || file.name() == "manifest.json")
            .or_else(|| found.next())
    };
    let (Some(weights), Some(manifest)) = (one(".safetensors"), one(".json")) else { return Err(together.into()) };
    let read = async |file: &File| {
        bytes(file).await.map(|bytes| bytes.to_vec()).map_err(|why| format!("{}: {why}.", file.name()))
    };
    let (manifest, name) = (read(manifest).await?, weights.name());
    let weights = read(weights).await?;
    shared::formats::weights::Manifest::from_json(&manifest)
        .map_err(|error| format!("The manifest cannot be used: {error}. The network of before goes on."))?;
    client.use_weights(WeightsSource::Visitor(Rc::new(VisitorWeights { name, manifest, weights })));
    Ok(())
}

/// The side in degrees that a description beside a file states, as the trainer writes it.
async fn described_angle(file: &File, descriptions: &[File]) -> Option<f64> {
    let name = format!("{}.json", file.name());
    let description = descriptions.iter().find(|description| description.name() == name)?;
    let text = bytes(description).await.ok()?.to_vec();
    let document: serde_json::Value = serde_json::from_slice(&text).ok()?;
    document["side_angle"].as_f64().filter(|degrees| *degrees > 0.0 && *degrees <= 180.0)
}

async fn take_maps(state: State, client: WorkerClient, files: &[File], descriptions: &[File]) {
    let mut reasons = Vec::new();
    let mut first = None;
    for file in files {
        match read(state, &client, file, described_angle(file, descriptions).await).await {
            Ok(maps) => {
                let library = state.comparison.library;
                let place = library.with_untracked(Vec::len);
                let of = |library: &Vec<LibraryMap>| library.iter().map(|map| map.kappa.len()).sum::<usize>();
                let mut pixels = library.with_untracked(of);
                let count = maps.len();
                let fitting = maps.into_iter().take_while(|map| {
                    pixels += map.kappa.len();
                    pixels <= MOST_PIXELS
                });
                let fitting: Vec<LibraryMap> = fitting.collect();
                if fitting.len() < count {
                    reasons.push(format!("{}: no room for more maps; reload the page to begin anew", file.name()));
                }
                if !fitting.is_empty() {
                    first = first.or(Some(place));
                    library.update(|library| library.extend(fitting));
                }
            }
            Err(reason) => reasons.push(format!("{}: {reason}", file.name())),
        }
    }
    if let Some(first) = first {
        state.comparison.right.chosen.set(Some(first));
        state.view.set(View::Compare);
    }
    if !reasons.is_empty() {
        let more = reasons.len().saturating_sub(TOLD);
        reasons.truncate(TOLD);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        state.notice.set(Some(format!("{}{more}.", reasons.join("; "))));
    }
}

/// The maps of a file.
async fn read(
    state: State,
    client: &WorkerClient,
    file: &File,
    described: Option<f64>,
) -> Result<Vec<LibraryMap>, String> {
    let own = state.phase.with_untracked(|phase| phase.manifest().map(|manifest| manifest.side_angle));
    let side_angle = described.or(state.comparison.side_angle.get_untracked()).or(own).unwrap_or(1.0);
    let answer = client.ask(Work::Read { side_angle }, Array::of1(bytes(file).await?.unchecked_ref())).await;
    let answer = answer.map_err(|unanswered| match unanswered {
        Unanswered::Failed(sentence) => sentence,
        Unanswered::Gone => "it cannot be read any more".to_owned(),
    })?;
    let (Event::Read { maps: sizes, total, states_angle, notes }, numbers) = answer else { return Ok(Vec::new()) };
    if !notes.is_empty() {
        state.notice.set(Some(format!("{}: {}.", file.name(), notes.join("; "))));
    }
    let name = file.name();
    let angle =
        if states_angle || described.is_some() { String::new() } else { format!(" ({side_angle} degrees taken)") };
    let name = |number: usize| {
        let which = if total > 1 { format!(", map {} of {total}", number + 1) } else { String::new() };
        format!("{name}{which}{angle}")
    };
    Ok(maps(&sizes, numbers, false, name))
}
