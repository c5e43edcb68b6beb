//! The visitor's graphics processor: whether the browser's WebGPU has a real one, and whether it was faster than the processor when
//! it was tried last.

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Milliseconds in which a browser answers that has a graphics processor to offer.
const LONGEST_SILENCE: i32 = 10_000;
/// Milliseconds after which a graphics processor is tried again: drivers and browsers change. A month.
const REMEMBERED: f64 = 30.0 * 86_400e3;

/// What the browser says of its WebGPU.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// Its name in words.
    pub name: String,
    /// Whether it is software: 5 to 10 times slower than drawing on the processor.
    pub software: bool,
}

/// Asks the browser what its WebGPU adapter is; otherwise a clause that says why there is none. Untyped calls, since web-sys has
/// WebGPU only behind an unstable flag.
pub async fn adapter() -> Result<Adapter, String> {
    let get = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED);
    let gpu = get(&get(&js_sys::global(), "navigator"), "gpu");
    let request: Function =
        get(&gpu, "requestAdapter").dyn_into().map_err(|_| "this browser has no WebGPU".to_owned())?;
    let options = js_sys::Object::new();
    let _ = Reflect::set(&options, &"powerPreference".into(), &"high-performance".into());
    let refused = |_| "the browser's WebGPU found no GPU".to_owned();
    let promise: Promise = request.call1(&gpu, &options).map_err(refused)?.dyn_into().map_err(refused)?;
    let silence = Promise::new(&mut |_, reject| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&reject, LONGEST_SILENCE);
    });
    let adapter = JsFuture::from(Promise::race(&js_sys::Array::of2(&promise, &silence))).await.map_err(refused)?;
    if adapter.is_null() || adapter.is_undefined() {
        return Err(refused(JsValue::NULL));
    }
    let info = get(&adapter, "info");
    let text = |key: &str| get(&info, key).as_string().filter(|text| !text.is_empty());
    let parts: Vec<String> = ["description", "vendor", "architecture"].into_iter().filter_map(text).collect();
    let name = parts.first().cloned().unwrap_or_else(|| "GPU".into());
    let name = match &parts[..] {
        [vendor, architecture] => format!("{vendor} {architecture}"),
        _ => name,
    };
    let flagged = get(&info, "isFallbackAdapter").is_truthy() || get(&adapter, "isFallbackAdapter").is_truthy();
    let all = parts.join(" ").to_lowercase();
    let software = flagged || ["swiftshader", "llvmpipe", "software", "basic render"].iter().any(|s| all.contains(s));
    Ok(Adapter { name, software })
}

/// Where the browser keeps which graphics processor was slower than the processor.
const SLOWER: &str = "cosmogan-slower-graphics";

/// Whether this graphics processor was tried within a month, and was slower than the processor or failed.
pub fn was_slower(name: &str) -> bool {
    let kept = window().local_storage().ok().flatten().and_then(|storage| storage.get_item(SLOWER).ok().flatten());
    let kept = kept.as_deref().and_then(|kept| kept.split_once(' '));
    kept.is_some_and(|(date, kept)| {
        kept == name && date.parse::<f64>().is_ok_and(|date| js_sys::Date::now() - date < REMEMBERED)
    })
}

/// Keeps what a try has shown, where the browser lets pages keep anything.
pub fn remember(name: &str, slower: bool) {
    if let Ok(Some(storage)) = window().local_storage() {
        let date = js_sys::Date::now();
        let _ = if slower { storage.set_item(SLOWER, &format!("{date} {name}")) } else { storage.remove_item(SLOWER) };
    }
}
