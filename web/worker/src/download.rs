//! Bytes from the server, with progress.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, RequestCache, RequestInit, Response};

use crate::messages::{Failure, scope};

/// What a cached copy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// As the server said when it gave it.
    Usual,
    /// Nothing before the server confirms that it is current.
    AskServer,
}

/// Downloads a file; `progress` is told the bytes so far.
///
/// # Errors
/// When the server does not answer, has no such file, or the connection breaks. `expected` bounds what is taken.
pub async fn download(
    address: &str,
    caching: Caching,
    expected: u64,
    progress: impl Fn(u64),
) -> Result<Vec<u8>, Failure> {
    let name = address.rsplit('/').next().unwrap_or(address).split('?').next().unwrap_or_default();
    let broken = |error: JsValue| {
        let reason = Reflect::get(&error, &"message".into()).ok().and_then(|text| text.as_string()).unwrap_or_default();
        Failure::final_one(format!(
            "{name} could not be downloaded ({reason}). Check the connection and reload the page."
        ))
    };
    let options = RequestInit::new();
    options.set_cache(match caching {
        Caching::Usual => RequestCache::Default,
        Caching::AskServer => RequestCache::NoCache,
    });
    let response = JsFuture::from(scope().fetch_with_str_and_init(address, &options)).await.map_err(broken)?;
    let response: Response = response.dyn_into().map_err(broken)?;
    if !response.ok() {
        return Err(Failure::final_one(format!(
            "The server has no {name} (answer {}). The page was installed without its weights.",
            response.status()
        )));
    }
    let body = response.body().ok_or_else(|| Failure::final_one(format!("The server sent an empty {name}.")))?;
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(broken)?;
        if Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            return Ok(bytes);
        }
        let value = Reflect::get(&chunk, &"value".into()).map_err(broken)?;
        let value: Uint8Array = value.dyn_into().map_err(broken)?;
        bytes.extend(value.to_vec());
        if bytes.len() as u64 > expected {
            return Err(Failure::final_one(format!(
                "{name} is longer than the {expected} bytes expected: it is not the file meant and was not used."
            )));
        }
        progress(bytes.len() as u64);
    }
}
