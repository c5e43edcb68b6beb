//! One Web Worker: its program, what is sent to it, and what it says.

use js_sys::{Array, Uint8Array};
use protocol::{Request, Response};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

use super::weights::WeightsSource;

/// What a worker runs.
pub enum Program<'a> {
    /// Drawing on the processor.
    Cpu,
    /// The same, compiled already.
    Compiled(&'a JsValue),
    /// Drawing on the graphics processor.
    Gpu,
}

/// What is heard of a worker.
pub enum Heard {
    /// It says something, with attachments from place 1 on.
    Response(Box<Response>, Array),
    /// It stopped, or could not be loaded.
    Died,
}

/// What the worker calls on a message and on an error.
type Listeners = (Closure<dyn Fn(MessageEvent)>, Closure<dyn Fn(web_sys::Event)>);

/// A worker that lives as long as this.
pub struct Link {
    worker: Worker,
    listeners: Option<Listeners>,
}

impl Link {
    /// Starts a worker, which will load these weights. `None` where the browser cannot.
    pub fn open(
        program: &Program<'_>,
        weights: &WeightsSource,
        hear: impl Fn(Heard) + Clone + 'static,
    ) -> Option<Self> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let program_name = match program {
            Program::Cpu => "worker",
            Program::Compiled(_) => "worker&posted",
            Program::Gpu => "gpu",
        };
        // The script asks for a folder's files while the program is on its way.
        let folder = weights.folder().map(|folder| format!("&weights={folder}")).unwrap_or_default();
        let worker =
            Worker::new_with_options(&format!("start/worker.js?program={program_name}{folder}"), &options).ok()?;
        if let Program::Compiled(module) = program
            && worker.post_message(&Array::of2(&JsValue::NULL, module)).is_err()
        {
            worker.terminate();
            return None;
        }
        let told = hear.clone();
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let message = Array::from(&event.data());
            match protocol::decode::<Response>(&message.get(0).as_string().unwrap_or_default()) {
                Ok(response) => told(Heard::Response(Box::new(response), message)),
                Err(error) => web_sys::console::error_1(&format!("not a response: {error}").into()),
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |_| hear(Heard::Died));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { worker, listeners: Some((on_message, on_error)) })
    }

    /// Sends a request.
    pub fn send(&self, request: &Request) {
        self.send_with(request, &Array::new());
    }

    /// Sends a request with attachments.
    pub fn send_with(&self, request: &Request, attachments: &Array) {
        if let Ok(text) = protocol::encode(request) {
            let _ = self.worker.post_message(&Array::of1(&text.into()).concat(attachments));
        }
    }

    /// Has it load weights. `device` is what it draws on, in words.
    pub fn start(&self, device: &str, weights: &WeightsSource) {
        let device = device.to_owned();
        match weights {
            WeightsSource::Folder(folder) => {
                self.send(&Request::Start { weights: Some(address(folder)), device });
            }
            WeightsSource::Visitor(own) => {
                let bytes = [&own.manifest, &own.weights].map(|bytes| Uint8Array::from(&bytes[..]));
                self.send_with(&Request::Start { weights: None, device }, &Array::of2(&bytes[0], &bytes[1]));
            }
        }
    }
}

impl Drop for Link {
    /// Ends the worker; what it still says is not heard.
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
        // One of the listeners may be running right now: they are dropped when it is done.
        let listeners = self.listeners.take();
        leptos::task::spawn_local(async move { drop(listeners) });
    }
}

/// Address of a folder beside the page.
fn address(folder: &str) -> String {
    let page = web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default();
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let beside = page.rfind('/').map_or("", |slash| &page[..slash]);
    format!("{beside}/{folder}")
}
