//! What draws the map on screen: jobs, time limits, a fresh start when a worker fails or stops answering, and which device it is.
//!
//! Of drawings only the newest counts: while one map is drawn, points that come and go meanwhile are never asked for.
//!
//! Every visitor's first map is drawn on the processor. Where there is a real graphics processor, a second worker is started for it
//! behind the first map, and takes over if it draws faster.

use std::{cell::RefCell, rc::Rc, time::Duration};

use js_sys::{Array, Float32Array};
use leptos::prelude::*;
use protocol::{DeviceKind, DeviceReport, Event, LatentPoint, Request, Response, Stage, Work};
use shared::{formats::weights::Manifest, statistics::Statistic};
use wasm_bindgen::JsValue;

use super::{
    ensemble::Gathering,
    graphics::{self, Adapter},
    limit::Limit,
    link::{Heard, Link, Program},
};
use crate::{
    address::DevicePreference,
    state::{Phase, ShownMap, State},
};

/// Longest silence while loading: kernels of a slow GPU take their time, and every byte of a download resets it.
const LOADING_LIMIT: Duration = Duration::from_secs(90);
/// Longest time for one map: the slowest device measured, a software adapter, needs 7 s.
const DRAWING_LIMIT: Duration = Duration::from_secs(45);
/// The processor in words.
const PROCESSOR: &str = "CPU (WebAssembly)";

/// Keeps one worker alive for the page.
#[derive(Clone)]
pub struct WorkerClient {
    inner: Rc<RefCell<Inner>>,
    state: State,
}

struct Inner {
    /// The worker that draws.
    link: Option<Link>,
    /// Whether it is the one for the graphics processor.
    on_graphics: bool,
    /// Its device in words.
    device: String,
    /// Why it is not the graphics processor: a clause.
    remark: Option<String>,
    /// A graphics processor that is to be tried behind the first map.
    untried: Option<Adapter>,
    /// The worker that is being tried, and what it draws on.
    challenger: Option<(Link, Adapter)>,
    challenger_limit: Option<Limit>,
    /// The compiled program of the worker that draws on the processor.
    module: Option<JsValue>,
    /// The point that is being drawn, with its job's number.
    drawing: Option<(u32, LatentPoint)>,
    /// The point whose drawing failed last: it is not asked for again until another one is.
    failed: Option<LatentPoint>,
    next_id: u32,
    limit: Option<Limit>,
    /// Whether this worker took the place of one that failed, and has drawn nothing since.
    restarted: bool,
    gathering: Option<Gathering>,
}

impl WorkerClient {
    /// Starts a worker that loads the page's weights.
    pub fn start(state: State, preference: DevicePreference) -> Self {
        let inner = Inner {
            link: None,
            on_graphics: false,
            device: PROCESSOR.into(),
            remark: None,
            untried: None,
            challenger: None,
            challenger_limit: None,
            module: None,
            drawing: None,
            failed: None,
            next_id: 0,
            limit: None,
            restarted: false,
            gathering: None,
        };
        let client = Self { inner: Rc::new(RefCell::new(inner)), state };
        if preference != DevicePreference::WebGpu {
            client.spawn();
        }
        // A gathering that has ended, or was ended, leaves its workers.
        let ended = client.clone();
        Effect::new(move || {
            if !state.gathering.get() {
                drop(ended.inner.borrow_mut().gathering.take());
            }
        });
        if preference != DevicePreference::Cpu {
            let client = client.clone();
            leptos::task::spawn_local(async move { client.look_for_graphics(preference).await });
        }
        client
    }

    /// Finds out whether there is a graphics processor to draw on, or why not.
    async fn look_for_graphics(&self, preference: DevicePreference) {
        let adapter = graphics::adapter().await;
        if preference == DevicePreference::WebGpu {
            match adapter {
                Ok(adapter) => {
                    let mut inner = self.inner.borrow_mut();
                    (inner.on_graphics, inner.device) = (true, adapter.name);
                }
                Err(reason) => self.inner.borrow_mut().remark = Some(reason),
            }
            return self.spawn();
        }
        match adapter {
            Err(reason) => self.remark(reason),
            Ok(Adapter { name, software: true }) => {
                self.remark(format!("this browser's WebGPU is software ({name}), which is slower"));
            }
            Ok(Adapter { name, .. }) if graphics::was_slower(&name) => {
                self.remark(format!("it was faster than {name} when both were tried"));
            }
            Ok(adapter) => {
                self.inner.borrow_mut().untried = Some(adapter);
                self.challenge();
            }
        }
    }

    /// Says why the graphics processor does not draw.
    fn remark(&self, clause: String) {
        self.state.phase.update(|phase| {
            if let Phase::Ready(device, _) = phase {
                device.remark = Some(clause.clone());
            }
        });
        self.inner.borrow_mut().remark = Some(clause);
    }

    fn spawn(&self) {
        let on_graphics = self.inner.borrow().on_graphics;
        let client = self.clone();
        let hear = move |heard| match heard {
            Heard::Response(response, message) => client.receive(*response, &message),
            Heard::Died => client.recover("The program that draws the maps stopped."),
        };
        let Some(link) = Link::open(if on_graphics { &Program::Gpu } else { &Program::Cpu }, hear) else {
            return self.give_up("This browser cannot start the worker that draws the maps: it is too old.".into());
        };
        self.inner.borrow_mut().link = Some(link);
        self.limit(LOADING_LIMIT);
    }

    /// Starts the worker for a graphics processor, once the first map is there.
    fn challenge(&self) {
        if self.state.shown.with_untracked(Option::is_none) {
            return;
        }
        let Some(adapter) = self.inner.borrow_mut().untried.take() else { return };
        let client = self.clone();
        let hear = move |heard| client.hear_challenger(heard);
        let Some(link) = Link::open(&Program::Gpu, hear) else { return };
        self.inner.borrow_mut().challenger = Some((link, adapter));
        self.limit_challenger();
    }

    /// Starts the time limit of the graphics processor's try anew.
    fn limit_challenger(&self) {
        let client = self.clone();
        let limit = Limit::start(LOADING_LIMIT, move || client.refuse_challenger("it did not answer in time"));
        self.inner.borrow_mut().challenger_limit = Some(limit);
    }

    fn hear_challenger(&self, heard: Heard) {
        let tried = self.inner.borrow().challenger.is_some();
        let response = match heard {
            Heard::Response(response, _) if tried => *response,
            // It has won, and draws.
            Heard::Response(response, message) => return self.receive(*response, &message),
            Heard::Died if tried => return self.refuse_challenger("its program stopped"),
            Heard::Died => return self.recover("The program that draws the maps stopped."),
        };
        self.limit_challenger();
        match response {
            Response::Hello => {
                if let Some((link, adapter)) = &self.inner.borrow().challenger {
                    link.start(&adapter.name);
                }
            }
            Response::Ready { device, manifest } => self.judge_challenger(device, manifest),
            Response::Failed { retry_on_cpu, sentence } => {
                web_sys::console::warn_1(&format!("graphics processor: {sentence}").into());
                let device = self.inner.borrow().challenger.as_ref().map(|(_, adapter)| adapter.name.clone());
                if let Some(name) = device.filter(|_| retry_on_cpu) {
                    graphics::remember(&name, true);
                }
                self.refuse_challenger("it failed when it was tried");
            }
            Response::Program | Response::Progress(_) | Response::Job { .. } => {}
        }
    }

    fn refuse_challenger(&self, why: &str) {
        let challenger = {
            let mut inner = self.inner.borrow_mut();
            inner.challenger_limit = None;
            inner.challenger.take()
        };
        if let Some((_, adapter)) = challenger {
            self.remark(format!("{} is not used; {why}", adapter.name));
        }
    }

    /// Lets the faster of both draw from now on.
    fn judge_challenger(&self, device: DeviceReport, manifest: Box<Manifest>) {
        // The newest map rather than one of the start, when the browser had not compiled for speed yet.
        let newest = self.state.shown.with_untracked(|shown| shown.as_ref().map(|shown| shown.drawn.milliseconds));
        let own = self.state.phase.with_untracked(|phase| match phase {
            Phase::Ready(device, _) => {
                Some(newest.map_or(device.milliseconds, |newest| newest.min(device.milliseconds)))
            }
            _ => None,
        });
        let Some(own) = own else { return self.refuse_challenger("the page is starting again") };
        let slower = device.milliseconds >= own;
        // Beside an ensemble both are slow, and not alike.
        if !self.state.gathering.get_untracked() {
            graphics::remember(&device.name, slower);
        }
        if slower {
            return self.refuse_challenger(&format!("it takes {:.0} ms a map", device.milliseconds));
        }
        let old = {
            let mut inner = self.inner.borrow_mut();
            inner.challenger_limit = None;
            let Some((link, adapter)) = inner.challenger.take() else { return };
            (inner.on_graphics, inner.device, inner.remark) = (true, adapter.name, None);
            // What was asked of the old worker is asked of the new one.
            inner.drawing = None;
            inner.link.replace(link)
        };
        drop(old);
        self.state.phase.set(Phase::Ready(device, manifest));
        self.limit_work();
        self.draw();
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
            inner.next_id = inner.next_id.wrapping_add(1);
            let id = inner.next_id;
            inner.drawing = Some((id, point));
            id
        };
        self.state.drawing.set(true);
        self.limit(DRAWING_LIMIT);
        let work = Work::Draw { point, statistics: Statistic::QUICK.to_vec() };
        if let Some(link) = &self.inner.borrow().link {
            link.send(&Request::Submit { id, work });
        }
    }

    /// Begins to draw the maps of consecutive seeds, for the scatter of their power spectra.
    pub fn gather(&self, first_seed: u64, maps: usize) {
        let module = self.inner.borrow().module.clone();
        self.state.gathering.set(true);
        let gathering = Gathering::start(self.state, module.as_ref(), first_seed, maps, &Statistic::QUICK);
        self.inner.borrow_mut().gathering = Some(gathering);
    }

    /// Ends the ensemble early; what is drawn of it stays.
    pub fn stop_gathering(&self) {
        self.state.gathering.set(false);
    }

    fn receive(&self, response: Response, message: &Array) {
        match response {
            Response::Program => {
                let mut inner = self.inner.borrow_mut();
                if !inner.on_graphics {
                    inner.module = Some(message.get(1));
                }
            }
            Response::Hello => {
                self.limit(LOADING_LIMIT);
                let inner = self.inner.borrow();
                if let Some(link) = &inner.link {
                    link.start(&inner.device);
                }
            }
            Response::Progress(progress) => {
                self.limit(LOADING_LIMIT);
                self.state.phase.set(Phase::Loading(Some(progress)));
            }
            Response::Ready { device, manifest } => {
                self.inner.borrow_mut().limit = None;
                let remark = self.inner.borrow().remark.clone();
                self.state.phase.set(Phase::Ready(DeviceReport { remark, ..device }, manifest));
                self.draw();
            }
            Response::Job { id, event } => self.hear_of_job(id, event, message),
            Response::Failed { retry_on_cpu: true, sentence } => self.recover(&sentence),
            Response::Failed { retry_on_cpu: false, sentence } => self.give_up(sentence),
        }
    }

    fn hear_of_job(&self, id: u32, event: Event, message: &Array) {
        let Some((_, point)) = self.inner.borrow().drawing.filter(|(job, _)| *job == id) else { return };
        match event {
            Event::Drawn(drawn) => {
                {
                    let mut inner = self.inner.borrow_mut();
                    (inner.drawing, inner.failed, inner.restarted) = (None, None, false);
                }
                self.limit_work();
                let kappa = Rc::new(Float32Array::from(message.get(1)).to_vec());
                let device = self.inner.borrow().device.clone();
                self.state.shown.set(Some(ShownMap { drawn, kappa, device }));
                self.draw();
                self.challenge();
            }
            Event::Measured { .. } | Event::Cancelled => self.limit_work(),
            Event::Failed { retry_on_cpu: true, sentence } => self.recover(&sentence),
            Event::Failed { retry_on_cpu: false, sentence } => {
                self.state.notice.set(Some(sentence));
                {
                    let mut inner = self.inner.borrow_mut();
                    (inner.drawing, inner.failed) = (None, Some(point));
                }
                self.limit_work();
                self.state.drawing.set(false);
                // The visitor may have moved on meanwhile.
                self.draw();
            }
        }
    }

    /// A time limit while a drawing is asked for, none otherwise.
    fn limit_work(&self) {
        if self.inner.borrow().drawing.is_some() {
            self.limit(DRAWING_LIMIT);
        } else {
            self.inner.borrow_mut().limit = None;
        }
    }

    /// Starts the time limit anew.
    fn limit(&self, duration: Duration) {
        let client = self.clone();
        let limit = Limit::start(duration, move || {
            client.recover(if client.is_fetching() {
                "The connection did not bring the page's files in time."
            } else {
                "The device did not answer in time."
            });
        });
        self.inner.borrow_mut().limit = Some(limit);
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

    /// Replaces the worker by a fresh one, on the processor where the device may be at fault; the point stays. A second failure
    /// before the next map is final.
    fn recover(&self, sentence: &str) {
        self.terminate();
        let fetching = self.is_fetching();
        let draws_on_cpu = self.state.phase.with_untracked(|phase| match phase {
            Phase::Ready(device, _) => device.kind == DeviceKind::Cpu,
            _ => false,
        });
        let on_cpu = {
            let mut inner = self.inner.borrow_mut();
            // The graphics processor's program is another one: where it fails twice, that of the processor may not.
            let last_try = inner.restarted;
            if last_try && !inner.on_graphics {
                drop(inner);
                return self.give_up(format!("{sentence} A second try failed too. Please reload the page."));
            }
            inner.restarted = true;
            inner.failed = None;
            let on_cpu = inner.on_graphics && (last_try || !fetching) && !draws_on_cpu;
            if on_cpu {
                graphics::remember(&inner.device, true);
                (inner.on_graphics, inner.device) = (false, PROCESSOR.into());
            }
            on_cpu
        };
        self.state.drawing.set(false);
        let consequence = if on_cpu { "The maps are now drawn on the CPU." } else { "The program was started again." };
        self.state.notice.set(Some(format!("{sentence} {consequence}")));
        self.state.phase.set(Phase::Loading(None));
        self.spawn();
    }

    /// Ends the worker and what waits for it.
    fn terminate(&self) {
        let mut inner = self.inner.borrow_mut();
        (inner.drawing, inner.limit) = (None, None);
        let link = inner.link.take();
        inner.challenger_limit = None;
        // It is tried again behind the next map.
        let challenger = inner.challenger.take().map(|(link, adapter)| {
            inner.untried = Some(adapter);
            link
        });
        drop(inner);
        drop((link, challenger));
    }

    fn give_up(&self, sentence: String) {
        self.terminate();
        self.state.gathering.set(false);
        self.state.drawing.set(false);
        self.state.phase.set(Phase::Failed);
        self.state.notice.set(Some(sentence));
    }
}
