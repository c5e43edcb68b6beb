//! The point of latent space in the page's address: `?seed=5&to=6&t=0.25&device=cpu`. A link reproduces what is on screen.

use protocol::LatentPoint;
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

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
    let place = parameters().and_then(|parameters| parameters.get("t")?.parse::<f64>().ok());
    let place = place.filter(|place| place.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0);
    LatentPoint { seed, to: number("to").unwrap_or_else(|| seed.wrapping_add(1)), place }
}

/// The device that the address asks for.
pub fn device() -> DevicePreference {
    match parameters().and_then(|parameters| parameters.get("device")).as_deref() {
        Some("webgpu") => DevicePreference::WebGpu,
        Some("cpu") => DevicePreference::Cpu,
        _ => DevicePreference::Auto,
    }
}

/// Puts a point into the address, without a new entry in the history.
pub fn write(point: &LatentPoint) {
    let (Some(window), Some(parameters)) = (web_sys::window(), parameters()) else { return };
    parameters.set("seed", &point.seed.to_string());
    // The defaults of [`point`] stay out of the address.
    if point.to == point.seed.wrapping_add(1) && point.place <= 0.0 {
        parameters.delete("to");
    } else {
        parameters.set("to", &point.to.to_string());
    }
    if point.place > 0.0 {
        parameters.set("t", &format!("{:.3}", point.place));
    } else {
        parameters.delete("t");
    }
    let address = format!("?{}", String::from(parameters.to_string()));
    // A page that may not change its history, such as a file from disk, works without.
    let _ = window.history().and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&address)));
}

/// A seed that people can read out: below a million.
pub fn random_seed() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}
