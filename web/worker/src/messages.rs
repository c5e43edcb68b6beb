//! Messages to and from the page.

use js_sys::{Array, Float32Array};
use protocol::{Progress, Request, Response, Stage};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// Why something cannot be done, for the visitor.
#[derive(Debug)]
pub struct Failure {
    /// Whether a new worker on the CPU may do better.
    pub retry_on_cpu: bool,
    /// What went wrong and what to do.
    pub sentence: String,
}

impl Failure {
    /// A failure that every device meets.
    pub fn final_one(sentence: impl Into<String>) -> Self {
        Self { retry_on_cpu: false, sentence: sentence.into() }
    }

    /// A failure of this device.
    pub fn of_device(sentence: impl Into<String>) -> Self {
        Self { retry_on_cpu: true, sentence: sentence.into() }
    }

    /// As a message that ends the start.
    pub fn into_response(self) -> Response {
        Response::Failed { retry_on_cpu: self.retry_on_cpu, sentence: self.sentence }
    }
}

/// The worker's global scope.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Calls `handle` for every request of the page, with its attachments from place 1 on, for as long as the worker lives.
pub fn listen(handle: impl Fn(Request, Array) + 'static) {
    let listener = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let message = Array::from(&event.data());
        match protocol::decode::<Request>(&message.get(0).as_string().unwrap_or_default()) {
            Ok(request) => handle(request, message),
            Err(error) => web_sys::console::error_1(&format!("not a request: {error}").into()),
        }
    });
    scope().set_onmessage(Some(listener.as_ref().unchecked_ref()));
    listener.forget();
}

/// Sends a response.
pub fn send(response: &Response) {
    post(response, &Array::new(), &Array::new());
}

/// Sends how far a stage is.
pub fn send_progress(stage: Stage, loaded: u64, total: u64) {
    send(&Response::Progress(Progress { stage, loaded, total }));
}

/// Sends a response with numbers, which are moved, not copied a second time.
pub fn send_numbers(response: &Response, numbers: &[Vec<f32>]) {
    let (attachments, transfer) = (Array::new(), Array::new());
    for numbers in numbers {
        let numbers = Float32Array::from(&numbers[..]);
        attachments.push(&numbers);
        transfer.push(&numbers.buffer());
    }
    post(response, &attachments, &transfer);
}

fn post(response: &Response, attachments: &Array, transfer: &Array) {
    let text = match protocol::encode(response) {
        Ok(text) => text,
        Err(error) => return web_sys::console::error_1(&format!("cannot encode a response: {error}").into()),
    };
    let message = Array::of1(&text.into()).concat(attachments);
    if let Err(error) = scope().post_message_with_transfer(&message, transfer) {
        web_sys::console::error_1(&error);
    }
}
