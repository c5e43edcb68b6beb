//! Bytes from the server, with progress.

use js_sys::{Map, Promise, Reflect, Uint8Array};
use shared::formats::weights::{WeightsFile, manifest};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, RequestCache, RequestInit, Response};

use crate::messages::{Failure, scope};

/// Most bytes that are reserved because they are expected.
const LARGEST_RESERVED: u64 = 1 << 26;

/// What a cached copy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// As the server said when it gave it.
    Usual,
    /// Nothing before the server confirms that it is current.
    AskServer,
}

/// The answer to a request that the loading script made while this program was compiled; each is taken once.
fn begun(address: &str) -> Option<Promise> {
    let requests: Map = Reflect::get(&js_sys::global(), &"begun".into()).ok()?.dyn_into().ok()?;
    let response = requests.get(&address.into()).dyn_into().ok();
    requests.delete(&address.into());
    response
}

/// SHA-256 in lower-case hexadecimal: the browser's own where it has one, which is ten times as fast.
pub async fn sha256(bytes: &[u8]) -> String {
    let own = || manifest::sha256(bytes);
    // Pages without encryption have none, but for those of this machine.
    let Ok(crypto) = scope().crypto() else { return own() };
    let subtle = crypto.subtle();
    if subtle.is_undefined() {
        return own();
    }
    let array = Uint8Array::from(bytes);
    let Ok(promise) = subtle.digest_with_str_and_buffer_source("SHA-256", &array) else { return own() };
    match JsFuture::from(promise).await {
        Ok(digest) => manifest::hexadecimal(&Uint8Array::new(&digest).to_vec()),
        Err(_) => own(),
    }
}

/// Downloads a file of weights from the folder at an address. Weights keep their name when they are trained anew: with the checksum in
/// the address, no cache gives old ones.
///
/// # Errors
/// As [`download`].
pub async fn download_weights(address: &str, file: &WeightsFile, progress: impl Fn(u64)) -> Result<Vec<u8>, Failure> {
    let version = file.sha256.get(..12).unwrap_or_default();
    download(&format!("{address}/{}?{version}", file.file), Caching::Usual, file.bytes, progress).await
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
    let response = begun(address).unwrap_or_else(|| scope().fetch_with_str_and_init(address, &options));
    let response = JsFuture::from(response).await.map_err(broken)?;
    let response: Response = response.dyn_into().map_err(broken)?;
    if !response.ok() {
        return Err(Failure::final_one(format!(
            "The server has no {name} (answer {}). The page was installed without its weights.",
            response.status()
        )));
    }
    let body = response.body().ok_or_else(|| Failure::final_one(format!("The server sent an empty {name}.")))?;
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut bytes = Vec::with_capacity(expected.min(LARGEST_RESERVED) as usize);
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(broken)?;
        if Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            return Ok(bytes);
        }
        let value = Reflect::get(&chunk, &"value".into()).map_err(broken)?;
        let value: Uint8Array = value.dyn_into().map_err(broken)?;
        let start = bytes.len();
        bytes.resize(start + value.length() as usize, 0);
        value.copy_to(&mut bytes[start..]);
        if bytes.len() as u64 > expected {
            return Err(Failure::final_one(format!(
                "{name} is longer than the {expected} bytes expected: it is not the file meant and was not used."
            )));
        }
        progress(bytes.len() as u64);
    }
}
