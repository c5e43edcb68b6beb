//! What draws the map on screen: jobs, time limits, a fresh start when a worker fails or stops answering, and which device it is.
//!
//! ```text
//! challenge  a graphics processor's try
//! asking     work beside the map on screen
//! ```
//!
//! Of drawings only the newest counts: while one map is drawn, points that come and go meanwhile are never asked for.
//!
//! Every visitor's first map is drawn on the processor. Where there is a real graphics processor, a second worker is started for it
//! behind the first map, and takes over if it draws faster.

mod asking;
mod challenge;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use js_sys::{Array, Float32Array};
use leptos::prelude::*;
use protocol::{DeviceKind, DeviceReport, Event, LatentPoint, Request, Response, Stage, Work};
use shared::{statistics::Statistic, survey::Treatment};
use wasm_bindgen::{JsCast, JsValue};

use self::asking::Asked;
pub use self::asking::{Answered, Unanswered};
use super::{
    ensemble::Gathering,
    graphics::{self, Adapter},
    limit::Limit,
    link::{Heard, Link, Program},
    weights::WeightsSource,
};
use crate::{
    address::DevicePreference,
    state::{MapSource, Phase, ShownMap, State},
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
    /// What is being drawn, with its job's number.
    drawing: Option<(u32, Wanted)>,
    /// What failed last: it is not asked for again until something else is.
    failed: Option<Wanted>,
    /// Who waits for other jobs.
    asked: BTreeMap<u32, Asked>,
    next_id: u32,
    limit: Option<Limit>,
    /// Whether this worker took the place of one that failed, and has drawn nothing since.
    restarted: bool,
    gathering: Option<Gathering>,
}

/// A map and what is to be done to it.
type Wanted = (LatentPoint, Treatment);

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
            asked: BTreeMap::new(),
            next_id: 0,
            limit: None,
            restarted: false,
            gathering: None,
        };
        let client = Self { inner: Rc::new(RefCell::new(inner)), state };
        if preference != DevicePreference::WebGpu {
            client.spawn();
        }
        // A gathering that has ended, or was ended, leaves its workers; one that was paused goes on.
        let gathered = client.clone();
        Effect::new(move || {
            let (gathering, paused) = (state.gathering.get(), state.paused.get());
            let mut inner = gathered.inner.borrow_mut();
            if !gathering {
                drop(inner.gathering.take());
            } else if let Some(gathering) = &inner.gathering {
                gathering.pause(paused);
            }
        });
        if preference != DevicePreference::Cpu {
            let client = client.clone();
            leptos::task::spawn_local(async move { client.look_for_graphics(preference).await });
        }
        client
    }

    fn spawn(&self) {
        let on_graphics = self.inner.borrow().on_graphics;
        let client = self.clone();
        let hear = move |heard| match heard {
            Heard::Response(response, message) => client.receive(*response, &message),
            Heard::Died => client.recover("The program that draws the maps stopped."),
        };
        let program = if on_graphics { Program::Gpu } else { Program::Cpu };
        let Some(link) = self.state.weights.with_untracked(|weights| Link::open(&program, weights, hear)) else {
            return self.give_up("This browser cannot start the worker that draws the maps: it is too old.".into());
        };
        self.inner.borrow_mut().link = Some(link);
        self.limit(LOADING_LIMIT);
    }

    /// The page's client.
    ///
    /// # Panics
    /// Outside the page's components, which is a mistake of the program.
    pub fn expect() -> StoredValue<Self, LocalStorage> {
        use_context().expect("the app provides its worker")
    }

    /// Asks for what the page shows, unless it is drawn or being drawn already, or has just failed.
    pub fn draw(&self) {
        let wanted = (self.state.point.get_untracked(), self.state.treatment.get_untracked());
        if !matches!(*self.state.phase.read_untracked(), Phase::Ready(..)) {
            return;
        }
        let id = {
            let mut inner = self.inner.borrow_mut();
            if inner.drawing.is_some() {
                return;
            }
            let shown =
                self.state.shown.with_untracked(|shown| shown.as_ref().map(|shown| (shown.point(), shown.treatment)));
            if inner.failed != Some(wanted) {
                inner.failed = None;
            }
            if shown == Some((Some(wanted.0), wanted.1)) || inner.failed == Some(wanted) {
                return self.state.drawing.set(false);
            }
            let id = inner.take_id();
            inner.drawing = Some((id, wanted));
            id
        };
        self.state.drawing.set(true);
        self.limit(DRAWING_LIMIT);
        let (point, treatment) = wanted;
        let work = Work::Draw { point, treatment, statistics: Statistic::QUICK.to_vec() };
        if let Some(link) = &self.inner.borrow().link {
            link.send(&Request::Submit { id, work });
        }
    }

    /// Begins anew with other weights; the map on screen stays until the first of theirs is drawn.
    pub fn use_weights(&self, weights: WeightsSource) {
        self.terminate();
        self.stop_gathering();
        {
            let mut inner = self.inner.borrow_mut();
            (inner.restarted, inner.failed) = (false, None);
        }
        self.state.weights.set(weights);
        self.state.drawing.set(false);
        self.state.ensemble.set(None);
        self.state.notice.set(None);
        // The map of the same seed is another one.
        self.state.shown.update(|shown| {
            if let Some(shown) = shown {
                shown.source = MapSource::Elsewhere("other weights".into());
            }
        });
        self.state.phase.set(Phase::Loading(None));
        self.spawn();
    }

    /// Begins to draw the maps of consecutive seeds, for the scatter of their power spectra.
    pub fn gather(&self, first_seed: u64, maps: usize) {
        let module = self.inner.borrow().module.clone();
        self.state.paused.set(false);
        self.state.gathering.set(true);
        let weights = self.state.weights.get_untracked();
        let gathering = Gathering::start(self.state, module.as_ref(), weights, first_seed, maps, &Statistic::QUICK);
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
                    self.state.weights.with_untracked(|weights| link.start(&inner.device, weights));
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
                self.ask_again();
            }
            Response::Job { id, event } => self.hear_of_job(id, event, message),
            Response::Failed { retry_on_cpu: true, sentence } => self.recover(&sentence),
            Response::Failed { retry_on_cpu: false, sentence } => self.give_up(sentence),
        }
    }

    fn hear_of_job(&self, id: u32, event: Event, message: &Array) {
        let Some((_, wanted)) = self.inner.borrow().drawing.filter(|(job, _)| *job == id) else {
            return self.answer(id, event, message);
        };
        match event {
            Event::Drawn(drawn) => {
                {
                    let mut inner = self.inner.borrow_mut();
                    (inner.drawing, inner.failed, inner.restarted) = (None, None, false);
                }
                self.limit_work();
                let kappa = Rc::new(numbers(message, 1));
                let device = self.inner.borrow().device.clone();
                self.state.shown.set(Some(ShownMap::drawn(drawn, kappa, device)));
                self.draw();
                self.challenge();
            }
            Event::Failed { retry_on_cpu: true, sentence } => self.recover(&sentence),
            Event::Failed { retry_on_cpu: false, sentence } => {
                self.state.notice.set(Some(sentence));
                {
                    let mut inner = self.inner.borrow_mut();
                    (inner.drawing, inner.failed) = (None, Some(wanted));
                }
                self.limit_work();
                self.state.drawing.set(false);
                // The visitor may have moved on meanwhile.
                self.draw();
            }
            _ => self.limit_work(),
        }
    }

    /// A time limit while something is asked for, none otherwise.
    fn limit_work(&self) {
        let waiting = self.inner.borrow().drawing.is_some() || !self.inner.borrow().asked.is_empty();
        if waiting {
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
        // Whoever waits is told so by the loss of its answer.
        drop(std::mem::take(&mut self.inner.borrow_mut().asked));
        self.state.gathering.set(false);
        self.state.drawing.set(false);
        self.state.phase.set(Phase::Failed);
        self.state.notice.set(Some(sentence));
    }
}

impl Inner {
    fn take_id(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }
}

/// The numbers attached to a message.
fn numbers(message: &Array, place: u32) -> Vec<f32> {
    message.get(place).dyn_into::<Float32Array>().map(|numbers| numbers.to_vec()).unwrap_or_default()
}
