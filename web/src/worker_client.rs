//! The Web Worker that computes: jobs, time limits, and a fresh start when it fails or stops answering.
//!
//! Of drawings only the newest counts: while one map is drawn, points that come and go meanwhile are never asked for. An ensemble
//! is drawn behind them, map by map.

use std::{cell::RefCell, rc::Rc, time::Duration};

use js_sys::{Array, Float32Array};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use protocol::{DeviceKind, DevicePreference, Event, LatentPoint, Request, Response, Stage, Work};
use shared::statistics::Statistic;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::state::{Phase, ShownMap, State};

/// Longest silence while loading: kernels of a slow GPU take their time, and every byte of a download resets it.
const LOADING_LIMIT: Duration = Duration::from_secs(90);
/// Longest time for one map: the slowest device measured, a software adapter, needs 7 s.
const DRAWING_LIMIT: Duration = Duration::from_secs(45);
/// A time limit that ends this much too late ended in a page that was frozen.
const LATE_MILLISECONDS: f64 = 5_000.0;

/// Keeps one worker alive for the page.
#[derive(Clone)]
pub struct WorkerClient {
    inner: Rc<RefCell<Inner>>,
    state: State,
}

/// What the worker calls on a message and on an error.
type Listeners = (Closure<dyn Fn(MessageEvent)>, Closure<dyn Fn(web_sys::Event)>);

struct Inner {
    worker: Option<Worker>,
    listeners: Option<Listeners>,
    device: DevicePreference,
    /// The point that is being drawn, with its job's number.
    drawing: Option<(u32, LatentPoint)>,
    /// The point whose drawing failed last: it is not asked for again until another one is.
    failed: Option<LatentPoint>,
    /// The job that draws the ensemble.
    ensemble: Option<u32>,
    next_id: u32,
    limit: Option<TimeoutHandle>,
    /// Whether this worker took the place of one that failed, and has drawn nothing since.
    restarted: bool,
}

impl Inner {
    /// A number for a new job.
    fn next_job(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }
}

impl WorkerClient {
    /// Starts a worker that loads the page's weights.
    pub fn start(state: State, device: DevicePreference) -> Self {
        let inner = Inner {
            worker: None,
            listeners: None,
            device,
            drawing: None,
            failed: None,
            ensemble: None,
            next_id: 0,
            limit: None,
            restarted: false,
        };
        let client = Self { inner: Rc::new(RefCell::new(inner)), state };
        client.spawn();
        client
    }

    fn spawn(&self) {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let Ok(worker) = Worker::new_with_options("start/worker.js", &options) else {
            return self.give_up("This browser cannot start the worker that draws the maps: it is too old.".into());
        };
        let client = self.clone();
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| client.receive(&event));
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let client = self.clone();
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |_| {
            client.recover("The program that draws the maps stopped.");
        });
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let mut inner = self.inner.borrow_mut();
        inner.worker = Some(worker);
        // The listeners of a worker before this one may be running right now: they are dropped when this is done.
        let old = inner.listeners.replace((on_message, on_error));
        drop(inner);
        if let Some(old) = old {
            leptos::task::spawn_local(async move { drop(old) });
        }
        self.limit(LOADING_LIMIT);
    }

    /// The page's client.
    ///
    /// # Panics
    /// Outside the page's components, which is a mistake of the program.
    pub fn expect() -> StoredValue<Self, LocalStorage> {
        use_context().expect("the app provides its worker")
    }

    /// Asks for the point that the page shows, unless it is drawn or being drawn already, or has just failed.
    pub fn draw(&self) {
        let point = self.state.point.get_untracked();
        if !matches!(*self.state.phase.read_untracked(), Phase::Ready(..)) {
            return;
        }
        let id = {
            let mut inner = self.inner.borrow_mut();
            if inner.drawing.is_some() {
                return;
            }
            let shown = self.state.shown.with_untracked(|shown| shown.as_ref().map(|shown| shown.drawn.point));
            if inner.failed != Some(point) {
                inner.failed = None;
            }
            if shown == Some(point) || inner.failed == Some(point) {
                return self.state.drawing.set(false);
            }
            let id = inner.next_job();
            inner.drawing = Some((id, point));
            id
        };
        self.state.drawing.set(true);
        self.limit(DRAWING_LIMIT);
        let work = Work::Draw { point, statistics: vec![Statistic::PowerSpectrum] };
        self.send(&Request::Submit { id, work });
    }

    /// Begins to draw the maps of consecutive seeds, for the scatter of their power spectra.
    pub fn gather(&self, first_seed: u64, maps: u32) {
        let id = {
            let mut inner = self.inner.borrow_mut();
            let id = inner.next_job();
            inner.ensemble = Some(id);
            id
        };
        self.state.gathering.set(true);
        self.limit_work();
        let work = Work::Ensemble { first_seed, maps, statistic: Statistic::PowerSpectrum };
        self.send(&Request::Submit { id, work });
    }

    /// Ends the ensemble early; what is drawn of it stays.
    pub fn stop_gathering(&self) {
        if let Some(id) = self.inner.borrow().ensemble {
            self.send(&Request::Cancel { id });
        }
    }

    fn send(&self, request: &Request) {
        let inner = self.inner.borrow();
        if let (Some(worker), Ok(text)) = (&inner.worker, protocol::encode(request)) {
            let _ = worker.post_message(&Array::of1(&text.into()));
        }
    }

    fn receive(&self, event: &MessageEvent) {
        let message = Array::from(&event.data());
        let text = message.get(0).as_string().unwrap_or_default();
        let response = match protocol::decode::<Response>(&text) {
            Ok(response) => response,
            Err(error) => return web_sys::console::error_1(&format!("not a response: {error}").into()),
        };
        match response {
            Response::Hello => {
                let device = self.inner.borrow().device;
                self.limit(LOADING_LIMIT);
                self.send(&Request::Start { weights: weights_address(), device });
            }
            Response::Progress(progress) => {
                self.limit(LOADING_LIMIT);
                self.state.phase.set(Phase::Loading(Some(progress)));
            }
            Response::Ready { device, manifest } => {
                self.clear_limit();
                self.state.phase.set(Phase::Ready(device, manifest));
                self.draw();
            }
            Response::Job { id, event, done } => self.hear_of_job(id, event, done, &message),
            Response::Failed { retry_on_cpu: true, sentence } => self.recover(&sentence),
            Response::Failed { retry_on_cpu: false, sentence } => self.give_up(sentence),
        }
    }

    fn hear_of_job(&self, id: u32, event: Event, done: bool, message: &Array) {
        let (drawing, ensemble) = {
            let inner = self.inner.borrow();
            (inner.drawing.filter(|(job, _)| *job == id), inner.ensemble == Some(id))
        };
        if drawing.is_none() && !ensemble {
            return;
        }
        if done && ensemble {
            self.inner.borrow_mut().ensemble = None;
            self.state.gathering.set(false);
        }
        match event {
            Event::Drawn(drawn) => {
                {
                    let mut inner = self.inner.borrow_mut();
                    (inner.drawing, inner.failed, inner.restarted) = (None, None, false);
                }
                self.limit_work();
                let kappa = Float32Array::from(message.get(1)).to_vec();
                self.state.shown.set(Some(ShownMap { drawn, kappa: Rc::new(kappa) }));
                self.draw();
            }
            Event::Scatter(scatter) => {
                // The device answers: a drawing that waits for its turn has not stopped.
                self.inner.borrow_mut().restarted = false;
                self.limit_work();
                self.state.ensemble.set(Some(scatter));
            }
            Event::Cancelled => self.limit_work(),
            Event::Failed { retry_on_cpu: true, sentence } => self.recover(&sentence),
            Event::Failed { retry_on_cpu: false, sentence } => {
                self.state.notice.set(Some(sentence));
                if let Some((_, point)) = drawing {
                    let mut inner = self.inner.borrow_mut();
                    (inner.drawing, inner.failed) = (None, Some(point));
                }
                self.limit_work();
                if drawing.is_some() {
                    self.state.drawing.set(false);
                    // The visitor may have moved on meanwhile.
                    self.draw();
                }
            }
        }
    }

    /// A time limit while anything is asked for, none otherwise.
    fn limit_work(&self) {
        let waits = {
            let inner = self.inner.borrow();
            inner.drawing.is_some() || inner.ensemble.is_some()
        };
        if waits {
            self.limit(DRAWING_LIMIT);
        } else {
            self.clear_limit();
        }
    }

    /// Starts the time limit anew.
    fn limit(&self, duration: Duration) {
        self.clear_limit();
        let client = self.clone();
        let due = js_sys::Date::now() + duration.as_secs_f64() * 1e3;
        let elapsed = move || {
            // A page in the background is slowed down or frozen, and its worker with it: the time did not really pass.
            let hidden =
                web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden());
            if hidden || js_sys::Date::now() - due > LATE_MILLISECONDS {
                return client.limit(duration);
            }
            client.recover(if client.is_fetching() {
                "The connection did not bring the page's files in time."
            } else {
                "The device did not answer in time."
            });
        };
        self.inner.borrow_mut().limit = set_timeout_with_handle(elapsed, duration).ok();
    }

    fn clear_limit(&self) {
        if let Some(limit) = self.inner.borrow_mut().limit.take() {
            limit.clear();
        }
    }

    /// Whether the page still waits for files, so that a failure is one of the connection.
    fn is_fetching(&self) -> bool {
        self.state.phase.with_untracked(|phase| match phase {
            Phase::Loading(progress) => {
                progress.is_none_or(|progress| matches!(progress.stage, Stage::Program | Stage::Weights))
            }
            _ => false,
        })
    }

    /// Replaces the worker by a fresh one, on the CPU where the device may be at fault; the point stays, an ensemble ends with what it has. A second
    /// failure before the next map is final.
    fn recover(&self, sentence: &str) {
        self.terminate();
        let fetching = self.is_fetching();
        let draws_on_cpu = self.state.phase.with_untracked(|phase| match phase {
            Phase::Ready(device, _) => device.kind == DeviceKind::Cpu,
            _ => false,
        });
        let on_cpu = {
            let mut inner = self.inner.borrow_mut();
            if inner.restarted {
                drop(inner);
                return self.give_up(format!("{sentence} A second try failed too. Please reload the page."));
            }
            inner.restarted = true;
            inner.failed = None;
            let on_cpu = inner.device != DevicePreference::Cpu && !fetching && !draws_on_cpu;
            if on_cpu {
                inner.device = DevicePreference::Cpu;
            }
            on_cpu
        };
        self.state.drawing.set(false);
        let consequence = if on_cpu { "The maps are now drawn on the CPU." } else { "It was started again." };
        self.state.notice.set(Some(format!("{sentence} {consequence}")));
        self.state.phase.set(Phase::Loading(None));
        self.spawn();
    }

    /// Ends the worker and what waits for it; a message that it still sends is not heard.
    fn terminate(&self) {
        self.clear_limit();
        self.state.gathering.set(false);
        let mut inner = self.inner.borrow_mut();
        (inner.drawing, inner.ensemble) = (None, None);
        if let Some(worker) = inner.worker.take() {
            worker.set_onmessage(None);
            worker.set_onerror(None);
            worker.terminate();
        }
    }

    fn give_up(&self, sentence: String) {
        self.terminate();
        self.state.drawing.set(false);
        self.state.phase.set(Phase::Failed);
        self.state.notice.set(Some(sentence));
    }
}

/// Address of the weights beside the page.
fn weights_address() -> String {
    let page = web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default();
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let folder = page.rfind('/').map_or("", |slash| &page[..slash]);
    format!("{folder}/weights")
}
