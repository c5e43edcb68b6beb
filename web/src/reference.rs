//! Statistics of simulated maps, from `public/reference`.

use std::{collections::BTreeMap, rc::Rc};

use js_sys::Uint8Array;
use protocol::Portrait;
use serde_json::Value;
use shared::{
    formats::npy,
    statistics::{Statistic, mean_and_sigma},
    survey::Treatment,
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::{
    state::{MapSource, ShownMap},
    workers::Scatter,
};

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
    /// The folder that it lies in.
    pub folder: String,
    /// Number of maps.
    pub maps: usize,
    /// Their side in degrees.
    pub side_angle: Option<f64>,
    /// Percentiles 0.5 and 99.8 of their pixels.
    pub kappa_range: Option<(f32, f32)>,
    /// Scatter of each statistic.
    pub scatter: BTreeMap<Statistic, Scatter>,
    /// What theory says of the mean power spectrum.
    pub theory: Option<Scatter>,
}

/// Largest difference of the side, as a share, at which statistics of maps can be compared.
const LIKE: f64 = 0.03;

impl Reference {
    /// Whether it is of maps with this side in degrees; so it is while nothing is known of a map.
    pub fn is_of(&self, side_angle: Option<f64>) -> bool {
        let (Some(own), Some(other)) = (self.side_angle, side_angle) else { return true };
        are_alike(own, other)
    }
}

/// Whether maps of these sides in degrees can be compared.
pub fn are_alike(side_angle: f64, other: f64) -> bool {
    (side_angle / other - 1.0).abs() < LIKE
}

/// Loads what there is in a folder of the page; plots show the map alone where it was installed without it.
pub async fn load(folder: &str) -> Option<Reference> {
    let mut reference = Reference { folder: folder.to_owned(), ..Reference::default() };
    for (name, statistics) in FILES {
        let Some(document) = fetch(&format!("{folder}/{name}.json")).await else { continue };
        if let (Some(middles), Some(mean)) = (all(&document["ell"]), numbers(&document["theory"])) {
            reference.theory = Some(Scatter { middles, mean, sigma: Vec::new() });
        }
        reference.side_angle = document["side_angle"].as_f64();
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
    Some(Scatter {
        middles: all(&document[statistic.abscissa()])?,
        mean: numbers(&of["mean"])?,
        sigma: numbers(&of["sigma"])?,
    })
}

/// Numbers of which some may not exist.
fn numbers(value: &Value) -> Option<Vec<Option<f64>>> {
    Some(value.as_array()?.iter().map(Value::as_f64).collect())
}

/// Numbers that all exist.
fn all(value: &Value) -> Option<Vec<f64>> {
    numbers(value)?.into_iter().collect()
}

/// The samples of simulated maps: their side in degrees, what they are, and the bytes of their .npy file.
pub async fn samples() -> Option<(f64, Option<String>, Uint8Array)> {
    let description = fetch("reference/samples.npy.json").await?;
    let side_angle = description["side_angle"].as_f64()?;
    let source = description["source"].as_str().map(str::to_owned);
    let buffer = JsFuture::from(answer("reference/samples.npy").await?.array_buffer().ok()?).await.ok()?;
    Some((side_angle, source, Uint8Array::new(&buffer)))
}

/// Spectra of single simulated maps, map by map, NaN where a mode is empty, and their number of modes.
pub async fn spectra(folder: &str) -> Option<(Vec<f32>, usize)> {
    let buffer = JsFuture::from(answer(&format!("{folder}/spectra.npy")).await?.array_buffer().ok()?).await.ok()?;
    let table = npy::read(&Uint8Array::new(&buffer).to_vec()).ok()?;
    Some((table.values, table.columns))
}

/// One simulated map, small enough to be there before the network is.
pub async fn first() -> Option<ShownMap> {
    let side_angle = fetch("reference/first.npy.json").await?["side_angle"].as_f64()?;
    let buffer = JsFuture::from(answer("reference/first.npy").await?.array_buffer().ok()?).await.ok()?;
    let maps = npy::read(&Uint8Array::new(&buffer).to_vec()).ok()?;
    let pixels = (maps.rows == maps.columns).then_some(maps.rows)?;
    let kappa = maps.values.get(..pixels * pixels)?.to_vec();
    let (_, sigma) = mean_and_sigma(&kappa);
    Some(ShownMap {
        source: MapSource::Elsewhere("a simulated map".into()),
        treatment: Treatment::default(),
        portrait: Rc::new(Portrait { pixels, side_angle, sigma, measured: Vec::new() }),
        kappa: Rc::new(kappa),
        milliseconds: 0.0,
        device: String::new(),
    })
}

/// A JSON document of the page.
pub async fn fetch(address: &str) -> Option<Value> {
    let text = JsFuture::from(answer(address).await?.text().ok()?).await.ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}

async fn answer(address: &str) -> Option<Response> {
    let response = JsFuture::from(web_sys::window()?.fetch_with_str(address)).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    response.ok().then_some(response)
}
