//! What is on screen in the page's address, so that a link reproduces it.
//!
//! | parameter | what it is |
//! |---|---|
//! | `seed`, `to`, `t` | a place on the arc between two seeds; `seed2`, `to2`, `u`: on a patch between four |
//! | `view` | the open view |
//! | `colours`, `stretch`, `range=low,high` | how the map looks |
//! | `zoom=factor,left,top` | which part of it is seen |
//! | `smooth`, `noise=galaxies,ellipticity,seed`, `band=low,high` | what was done to it |
//! | `nu`, `peaks` | the threshold, and the height from which peaks are marked, in sigma |
//! | `device` | `cpu` or `webgpu` |
//! | `way`, `left`, `right` | how two maps are compared, and which samples they are, from 1; a visitor's own map is in no link |
//! | `grid` | how many maps are seen at once |
//! | `weights` | a folder of `weights/index.json` |
//! | `embed` | nothing but the map |

use leptos::prelude::*;
use protocol::{Arc, LatentPoint};
use shared::{
    colour::{ColourMap, Stretch},
    survey::{ShapeNoise, Treatment},
};
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

use crate::{
    components::{map_grid::COUNTS, zoom::Zoom},
    state::State,
    views::{View, compare::Way},
    workers::OWN_FOLDER,
};

/// Which device the visitor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevicePreference {
    /// The faster one of the processor and a real graphics processor.
    Auto,
    /// WebGPU, a software adapter too; the processor where that fails.
    WebGpu,
    /// The processor.
    Cpu,
}

/// What the address asks for; what it leaves out or misspells is as usual.
pub struct Asked {
    /// The map.
    pub point: LatentPoint,
    /// What is done to it.
    pub treatment: Treatment,
    /// Its colours.
    pub colours: ColourMap,
    /// How kappa is spread over them.
    pub stretch: Stretch,
    /// Their range.
    pub range: Option<(f32, f32)>,
    /// Which part is seen.
    pub zoom: Zoom,
    /// How many maps are seen at once.
    pub grid: usize,
    /// The view.
    pub view: View,
    /// Whether the page opens with its title: an address without anything.
    pub opening: bool,
    /// A threshold.
    pub threshold: Option<f64>,
    /// Height of marked peaks.
    pub peaks: Option<f64>,
    /// The device.
    pub device: DevicePreference,
    /// Whether nothing but the map is shown.
    pub embedded: bool,
    /// How two maps are compared.
    pub way: Way,
    /// Samples on the left and on the right.
    pub samples: [Option<usize>; 2],
    /// Folder of other weights than the page's own.
    pub weights: Option<String>,
}

/// Largest numbers that mean anything: galaxies per square arcminute, their ellipticity, arcminutes of smoothing, sigma.
pub const MOST_GALAXIES: f64 = 1e4;
pub const MOST_ELLIPTICITY: f64 = 1.0;
const MOST_SMOOTHING: f64 = 60.0;
const MOST_SIGMA: f64 = 100.0;
/// Places behind the point that a share of a side or an arc has in the address.
const PLACES: usize = 4;

/// Parameters of the address.
fn parameters() -> Option<UrlSearchParams> {
    let search = web_sys::window()?.location().search().ok()?;
    UrlSearchParams::new_with_str(&search).ok()
}

/// Reads the address.
pub fn read() -> Asked {
    let parameters = parameters();
    let text = |name: &str| parameters.as_ref()?.get(name);
    let seed = |name: &str| text(name)?.parse::<u64>().ok();
    let number = |name: &str| text(name)?.parse::<f64>().ok().filter(|number| number.is_finite());
    let share = |name: &str| number(name).unwrap_or(0.0).clamp(0.0, 1.0);
    let numbers = |name: &str| -> Vec<f64> {
        let all: Option<Vec<f64>> =
            text(name).map(|text| text.split(',').filter_map(|part| part.parse().ok()).collect());
        all.filter(|all| all.iter().all(|number| number.is_finite())).unwrap_or_default()
    };
    let sigmas = |name: &str| number(name).map(|sigmas| sigmas.clamp(-MOST_SIGMA, MOST_SIGMA));
    let first = seed("seed").unwrap_or_else(random_seed);
    let below = seed("seed2").map(|seed_below| Arc {
        seed: seed_below,
        to: seed("to2").unwrap_or_else(|| seed_below.wrapping_add(1)),
        height: share("u"),
    });
    let point =
        LatentPoint { seed: first, to: seed("to").unwrap_or_else(|| first.wrapping_add(1)), place: share("t"), below };
    let noise = match numbers("noise")[..] {
        [galaxies, ellipticity, seed] if galaxies > 0.0 && ellipticity > 0.0 && seed >= 0.0 => Some(ShapeNoise {
            galaxies: galaxies.min(MOST_GALAXIES),
            ellipticity: ellipticity.min(MOST_ELLIPTICITY),
            seed: seed as u64,
        }),
        _ => None,
    };
    let band = match numbers("band")[..] {
        [low, high] if low >= 0.0 && high > low => Some((low, high)),
        _ => None,
    };
    let treatment = Treatment { noise, smoothing: number("smooth").unwrap_or(0.0).clamp(0.0, MOST_SMOOTHING), band };
    let range = match numbers("range")[..] {
        [low, high] if high > low => Some((low as f32, high as f32)),
        _ => None,
    };
    let zoom = match numbers("zoom")[..] {
        [factor, left, top] => Zoom::new(factor, (left, top)),
        _ => Zoom::default(),
    };
    let view = text("view");
    let named = |name: &str, wanted: &Option<String>| wanted.as_deref().is_some_and(|wanted| word(name) == wanted);
    let (colours, stretch, way) = (text("colours"), text("stretch"), text("way"));
    let device = match text("device").as_deref() {
        Some("webgpu") => DevicePreference::WebGpu,
        Some("cpu") => DevicePreference::Cpu,
        _ => DevicePreference::Auto,
    };
    let embedded = parameters.as_ref().is_some_and(|parameters| parameters.has("embed"));
    let says = |name: &str| parameters.as_ref().is_some_and(|parameters| parameters.has(name));
    Asked {
        point,
        treatment,
        colours: ColourMap::ALL.into_iter().find(|it| named(it.name(), &colours)).unwrap_or(COLOURS),
        stretch: Stretch::ALL.into_iter().find(|it| named(it.name(), &stretch)).unwrap_or_default(),
        range,
        zoom,
        grid: seed("grid").and_then(|count| COUNTS.into_iter().find(|known| *known as u64 == count)).unwrap_or(1),
        view: View::ALL.into_iter().find(|it| named(it.name(), &view)).unwrap_or_default(),
        opening: !embedded && !says("seed") && !says("view"),
        threshold: sigmas("nu"),
        peaks: sigmas("peaks"),
        device,
        embedded,
        way: Way::ALL.into_iter().find(|it| named(it.name(), &way)).unwrap_or_default(),
        samples: ["left", "right"].map(|name| (seed(name)? as usize).checked_sub(1)),
        weights: text("weights"),
    }
}

/// Colours of the page, as long as the visitor chooses no others.
const COLOURS: ColourMap = ColourMap::Ember;

/// A name as one word of an address.
fn word(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

/// What of the page's state is in its address, as names and values; `None` for what is as usual.
pub fn of(state: &State) -> Vec<(&'static str, Option<String>)> {
    let (point, view, treatment) = (state.point.get(), state.view.get(), state.treatment.get());
    // The defaults of [`read`] stay out of the address.
    let plain = point.to == point.seed.wrapping_add(1) && point.place <= 0.0 && point.below.is_none();
    let below = point.below.filter(|_| view == View::Morph || !point.is_seed());
    let (colours, stretch, zoom) = (state.colours.get(), state.stretch.get(), state.zoom.get());
    let zoomed = (zoom != Zoom::default()).then(|| {
        let (left, top) = zoom.corner();
        format!("{:.PLACES$},{left:.PLACES$},{top:.PLACES$}", zoom.factor)
    });
    let (comparison, way) = (state.comparison, state.comparison.way.get());
    let sample = |slot| comparison.sample(slot).filter(|_| view == View::Compare).map(|place| (place + 1).to_string());
    let usual = |is_usual: bool, text: String| (!is_usual).then_some(text);
    vec![
        ("seed", Some(point.seed.to_string())),
        ("to", usual(plain, point.to.to_string())),
        ("t", usual(point.place <= 0.0, format!("{:.PLACES$}", point.place))),
        ("seed2", below.map(|below| below.seed.to_string())),
        ("to2", below.map(|below| below.to.to_string())),
        ("u", below.map(|below| format!("{:.PLACES$}", below.height))),
        ("view", usual(view == View::default(), view.name().to_owned())),
        ("colours", usual(colours == COLOURS, word(colours.name()))),
        ("stretch", usual(stretch == Stretch::default(), word(stretch.name()))),
        ("range", state.typed_range.get().map(|(low, high)| format!("{low},{high}"))),
        ("zoom", zoomed),
        ("grid", usual(state.grid.get() == 1, state.grid.get().to_string())),
        ("smooth", usual(treatment.smoothing <= 0.0, treatment.smoothing.to_string())),
        ("noise", treatment.noise.map(|noise| format!("{},{},{}", noise.galaxies, noise.ellipticity, noise.seed))),
        ("band", treatment.band.map(|(low, high)| format!("{low:.0},{high:.0}"))),
        ("nu", state.threshold.get().map(|sigmas| sigmas.to_string())),
        ("way", usual(way == Way::default() || view != View::Compare, word(way.name()))),
        ("left", sample(comparison.left)),
        ("right", sample(comparison.right).filter(|right| right != "1")),
        ("peaks", state.peaks.get().map(|sigmas| sigmas.to_string())),
        (
            "weights",
            state.weights.with(|weights| weights.folder().filter(|folder| *folder != OWN_FOLDER).map(str::to_owned)),
        ),
    ]
}

/// Puts what is on screen into the address; `step` says whether it is one that the way back leads to.
pub fn write(asked: &[(&'static str, Option<String>)], step: bool) {
    let (Some(window), Some(parameters)) = (web_sys::window(), parameters()) else { return };
    for (name, value) in asked {
        match value {
            Some(value) => parameters.set(name, value),
            None => parameters.delete(name),
        }
    }
    let text = String::from(parameters.to_string()).replace("%2C", ",");
    let address = format!("?{text}");
    let there = window.location().search().is_ok_and(|search| search == address);
    // A page that may not change its history, such as a file from disk, works without.
    let Ok(history) = window.history() else { return };
    let _ = if step && !there {
        history.push_state_with_url(&JsValue::NULL, "", Some(&address))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&address))
    };
}

/// A seed that people can read out: below a million.
pub fn random_seed() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}
