//! Which network draws: those that the page offers, and the visitor's own.

use std::time::Duration;

use leptos::prelude::*;
use serde_json::Value;

use super::choice::Choice;
use crate::{
    reference,
    state::State,
    workers::{OWN_FOLDER, WeightsSource, WorkerClient},
};

/// A network that the page offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Its name.
    pub title: String,
    /// The folder of its weights.
    pub folder: String,
    /// The folder of the statistics of simulated maps like its own, where there are such.
    pub reference: Option<String>,
}

/// What `weights/index.json` lists, and the seconds after which it may list more; paths are relative to the page and stay below it.
async fn offers() -> (Vec<Offer>, Option<u64>) {
    let document = reference::fetch("weights/index.json").await.unwrap_or_default();
    let listed = document["weights"].as_array().cloned().unwrap_or_default();
    (listed.iter().filter_map(offer).collect(), document["watch_seconds"].as_u64())
}

/// Learns which networks there are, and uses the one that the address asks for. While a run goes on, as `trainer view` serves it, newer ones
/// appear: whoever looks at the newest is shown the next one.
pub fn follow_offers(state: State, client: WorkerClient, asked: Option<String>) {
    leptos::task::spawn_local(async move {
        let (listed, watch) = offers().await;
        state.offers.set(listed.clone());
        if let Some(offer) = listed.iter().find(|offer| Some(&offer.folder) == asked.as_ref()) {
            client.use_weights(WeightsSource::Folder(offer.folder.clone()));
        }
        let Some(seconds) = watch else { return };
        let look = move || {
            let client = client.clone();
            leptos::task::spawn_local(async move {
                let (listed, _) = offers().await;
                let before = state.offers.get_untracked();
                if listed.is_empty() || listed == before {
                    return;
                }
                let used = state.weights.with_untracked(|weights| weights.folder().map(str::to_owned));
                // The page's own folder holds the newest, and so does the last of the list.
                let newest = before.last().map(|offer| offer.folder.clone());
                let follows = used.is_some_and(|used| used == OWN_FOLDER || Some(used) == newest);
                state.offers.set(listed.clone());
                if let Some(offer) = listed.last().filter(|offer| follows && Some(&offer.folder) != newest.as_ref()) {
                    client.use_weights(WeightsSource::Folder(offer.folder.clone()));
                }
            });
        };
        set_interval(look, Duration::from_secs(seconds.max(1)));
    });
}

fn offer(entry: &Value) -> Option<Offer> {
    let inside = |path: &str| {
        let is_name = |part: &str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
        };
        path.split('/').all(is_name).then(|| path.to_owned())
    };
    Some(Offer {
        title: entry["title"].as_str()?.to_owned(),
        folder: inside(entry["folder"].as_str()?)?,
        reference: entry["reference"].as_str().and_then(inside),
    })
}

/// The choice, where there is one.
#[component]
pub fn WeightsChooser() -> impl IntoView {
    let state = State::expect();
    let client = WorkerClient::expect();
    let visitor = move || {
        state.weights.with(|weights| match weights {
            WeightsSource::Visitor(own) => Some(own.name.clone()),
            WeightsSource::Folder(_) => None,
        })
    };
    let choice = move |offer: Offer| {
        let (folder, chosen) = (offer.folder.clone(), offer.folder);
        let is_chosen = move || state.weights.with(|weights| weights.folder() == Some(&chosen));
        view! {
            <Choice
                class="chip"
                group="weights"
                chosen=Signal::derive(is_chosen)
                choose=move || client.get_value().use_weights(WeightsSource::Folder(folder.clone()))
            >
                <span>{offer.title}</span>
            </Choice>
        }
    };
    let back = move |_| client.get_value().use_weights(WeightsSource::Folder(OWN_FOLDER.into()));
    move || {
        let offers = state.offers.get();
        (offers.len() > 1 || visitor().is_some()).then(|| {
            view! {
                <fieldset class="field chips" data-testid="weights">
                    <legend>"Which network draws"</legend>
                    {visitor().map(|name| view! {
                        <p class="remark">{format!("Yours: {name}")}</p>
                        <button type="button" data-testid="page-weights" on:click=back>"the page's own again"</button>
                    })}
                    {offers.into_iter().map(choice).collect_view()}
                </fieldset>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_stay_below_the_page() {
        let read =
            |folder: &str| offer(&serde_json::json!({ "title": "A", "folder": folder, "reference": "reference" }));
        assert_eq!(read("weights/2019").map(|offer| offer.folder), Some("weights/2019".into()));
        for outside in
            ["", "/weights", "../weights", "weights/..", "https://example.org/w", "w?x", "a//b", "w#x", "w&x"]
        {
            assert_eq!(read(outside), None, "{outside}");
        }
    }
}
