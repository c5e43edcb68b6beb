//! Band of the simulated maps' power spectra, from `public/reference`.

use shared::statistics::SpectrumReference;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// Loads the band; `None` where the page was installed without it, and the plot then shows the map alone.
pub async fn load() -> Option<SpectrumReference> {
    let response = JsFuture::from(web_sys::window()?.fetch_with_str("reference/power_spectrum.json")).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}
