//! Which device computes: WebGPU where it is a real GPU, else the CPU.

use burn::tensor::Device;
use js_sys::{Function, Promise, Reflect};
use protocol::{DeviceKind, DevicePreference};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A device that is ready, before its self-check.
pub struct Candidate {
    /// burn's device.
    pub device: Device,
    /// What it is.
    pub kind: DeviceKind,
    /// Name in words.
    pub name: String,
    /// Why it is not the device that was wanted.
    pub remark: Option<String>,
}

/// The CPU, through WebAssembly with SIMD.
pub fn cpu(remark: Option<String>) -> Candidate {
    Candidate { device: Device::flex(), kind: DeviceKind::Cpu, name: "CPU (WebAssembly)".into(), remark }
}

/// Opens the device that the visitor wants, or says on the way why it is another.
pub async fn choose(preference: DevicePreference) -> Candidate {
    if preference == DevicePreference::Cpu {
        return cpu(None);
    }
    let adapter = match adapter().await {
        Ok(adapter) => adapter,
        Err(reason) => return cpu(Some(reason)),
    };
    // Software that acts as a GPU is 5 to 10 times slower than the CPU path here.
    if adapter.software && preference == DevicePreference::Auto {
        return cpu(Some(format!("this browser's WebGPU is software ({}), which is slower", adapter.name)));
    }
    match Device::wgpu_options().init_async().await {
        Ok(device) => Candidate { device, kind: DeviceKind::WebGpu, name: adapter.name, remark: None },
        Err(error) => cpu(Some(format!("the GPU refused to start ({error})"))),
    }
}

struct Adapter {
    name: String,
    software: bool,
}

/// Asks the browser what its WebGPU adapter is. Untyped calls, since web-sys has WebGPU only behind an unstable flag.
async fn adapter() -> Result<Adapter, String> {
    let get = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED);
    let gpu = get(&get(&js_sys::global(), "navigator"), "gpu");
    let request: Function =
        get(&gpu, "requestAdapter").dyn_into().map_err(|_| "this browser has no WebGPU".to_owned())?;
    let options = js_sys::Object::new();
    let _ = Reflect::set(&options, &"powerPreference".into(), &"high-performance".into());
    let refused = |_| "the browser's WebGPU found no GPU".to_owned();
    let promise: Promise = request.call1(&gpu, &options).map_err(refused)?.dyn_into().map_err(refused)?;
    let adapter = JsFuture::from(promise).await.map_err(refused)?;
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
