//! Files for the visitor, made in the page.

use std::time::Duration;

use js_sys::{Array, Uint8Array};
use leptos::prelude::set_timeout;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// Offers bytes as a file.
pub fn offer(name: &str, kind: &str, bytes: &[u8]) {
    if let Err(error) = try_offer(name, kind, bytes) {
        web_sys::console::error_1(&error);
    }
}

fn try_offer(name: &str, kind: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    follow(name, &address)?;
    // Some browsers read the bytes only after this has returned.
    set_timeout(move || drop(Url::revoke_object_url(&address)), Duration::from_mins(1));
    Ok(())
}

/// Offers what lies at an address of the page's own, such as a picture's data, as a file.
pub fn offer_address(name: &str, address: &str) {
    if let Err(error) = follow(name, address) {
        web_sys::console::error_1(&error);
    }
}

fn follow(name: &str, address: &str) -> Result<(), JsValue> {
    let document = web_sys::window().and_then(|window| window.document()).ok_or("no document")?;
    let link: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    link.set_href(address);
    link.set_download(name);
    link.click();
    Ok(())
}
