//! Statistics of simulated maps, from `public/reference`.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::statistics::Statistic;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::workers::Scatter;

/// Files of `reference/`, each with the statistics in it.
const FILES: [(&str, &[Statistic]); 4] = [
    ("power_spectrum", &[Statistic::PowerSpectrum]),
    ("pdf", &[Statistic::Pdf]),
    ("minkowski", &[Statistic::V0, Statistic::V1, Statistic::V2]),
    ("peaks", &[Statistic::Peaks]),
];

/// What is known of simulated maps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reference {
    /// Number of maps.
    pub maps: usize,
    /// Percentiles 0.5 and 99.8 of their pixels.
    pub kappa_range: Option<(f32, f32)>,
    /// Scatter of each statistic.
    pub scatter: BTreeMap<Statistic, Scatter>,
}

/// Loads what there is; plots show the map alone where the page was installed without it.
pub async fn load() -> Option<Reference> {
    let mut reference = Reference::default();
    for (name, statistics) in FILES {
        let Some(document) = fetch(&format!("reference/{name}.json")).await else { continue };
        reference.maps = document["maps"].as_u64().unwrap_or(0) as usize;
        if let [Some(low), Some(high)] = [0, 1].map(|end| document["kappa_range"][end].as_f64()) {
            reference.kappa_range = Some((low as f32, high as f32));
        }
        for &statistic in statistics {
            if let Some(scatter) = scatter(&document, statistic) {
                reference.scatter.insert(statistic, scatter);
            }
        }
    }
    (!reference.scatter.is_empty()).then_some(reference)
}

/// A statistic of a document; that of the power spectrum holds it without a name.
fn scatter(document: &Value, statistic: Statistic) -> Option<Scatter> {
    let of = document.get(statistic.name()).unwrap_or(document);
    let numbers =
        |value: &Value| -> Option<Vec<Option<f64>>> { Some(value.as_array()?.iter().map(Value::as_f64).collect()) };
    let middles = numbers(&document[statistic.abscissa()])?.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Scatter { middles, mean: numbers(&of["mean"])?, sigma: numbers(&of["sigma"])? })
}

async fn fetch(address: &str) -> Option<Value> {
    let response = JsFuture::from(web_sys::window()?.fetch_with_str(address)).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}
