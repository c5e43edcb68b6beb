//! What is on screen in the page's address, so that a link reproduces it: the point of latent space and the view,
//! `?seed=5&to=6&t=0.25&view=morph`; with `seed2`, `to2` and `u`, a point between four seeds.

use protocol::{Arc, LatentPoint};
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

use crate::views::View;

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

/// Parameters of the address.
fn parameters() -> Option<UrlSearchParams> {
    let search = web_sys::window()?.location().search().ok()?;
    UrlSearchParams::new_with_str(&search).ok()
}

/// The point that the address asks for; what it leaves out or misspells is a seed of the moment.
pub fn point() -> LatentPoint {
    let number = |name: &str| parameters()?.get(name)?.parse::<u64>().ok();
    let seed = number("seed").unwrap_or_else(random_seed);
    let share = |name: &str| parameters()?.get(name)?.parse::<f64>().ok().filter(|share| share.is_finite());
    let place = share("t").unwrap_or(0.0).clamp(0.0, 1.0);
    let below = number("seed2").map(|seed| Arc {
        seed,
        to: number("to2").unwrap_or_else(|| seed.wrapping_add(1)),
        height: share("u").unwrap_or(0.0).clamp(0.0, 1.0),
    });
    LatentPoint { seed, to: number("to").unwrap_or_else(|| seed.wrapping_add(1)), place, below }
}

/// The device that the address asks for.
pub fn device() -> DevicePreference {
    match parameters().and_then(|parameters| parameters.get("device")).as_deref() {
        Some("webgpu") => DevicePreference::WebGpu,
        Some("cpu") => DevicePreference::Cpu,
        _ => DevicePreference::Auto,
    }
}

/// The view that the address asks for.
pub fn view() -> View {
    let name = parameters().and_then(|parameters| parameters.get("view"));
    View::ALL.into_iter().find(|view| Some(view.name()) == name.as_deref()).unwrap_or_default()
}

/// Puts a point and a view into the address, without a new entry in the history.
pub fn write(point: &LatentPoint, view: View) {
    let (Some(window), Some(parameters)) = (web_sys::window(), parameters()) else { return };
    parameters.set("seed", &point.seed.to_string());
    // The defaults of [`point`] stay out of the address.
    if point.to == point.seed.wrapping_add(1) && point.place <= 0.0 && point.below.is_none() {
        parameters.delete("to");
    } else {
        parameters.set("to", &point.to.to_string());
    }
    if point.place > 0.0 {
        parameters.set("t", &format!("{:.3}", point.place));
    } else {
        parameters.delete("t");
    }
    if let Some(below) = point.below.filter(|_| view == View::Morph || !point.is_seed()) {
        parameters.set("seed2", &below.seed.to_string());
        parameters.set("to2", &below.to.to_string());
        parameters.set("u", &format!("{:.3}", below.height));
    } else {
        for name in ["seed2", "to2", "u"] {
            parameters.delete(name);
        }
    }
    if view == View::default() {
        parameters.delete("view");
    } else {
        parameters.set("view", view.name());
    }
    let address = format!("?{}", String::from(parameters.to_string()));
    // A page that may not change its history, such as a file from disk, works without.
    let _ = window.history().and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&address)));
}

/// A seed that people can read out: below a million.
pub fn random_seed() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}
