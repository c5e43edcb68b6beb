//! The maps of an ensemble, shared out among workers of their own, so that the one that draws what is on screen stays free.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use js_sys::Reflect;
use leptos::prelude::*;
use protocol::{Event, LatentPoint, Request, Response, Work};
use shared::statistics::{OrderedEnsemble, Statistic};
use wasm_bindgen::JsValue;

use super::{
    limit::Limit,
    link::{Heard, Link, Program},
    weights::WeightsSource,
};
use crate::{clock::now, state::State};

/// Most workers, whatever the machine has.
const MOST_WORKERS: f64 = 8.0;
/// Memory of a worker in GB, and the share of the machine's that all may take.
const WORKER_MEMORY: f64 = 0.14;
const MEMORY_SHARE: f64 = 0.25;
/// Memory in GB of a machine whose browser does not tell it, as phones' do not.
const UNTOLD_MEMORY: f64 = 2.0;
/// Jobs that a worker has at a time: the next one waits where it is wanted.
const AHEAD: usize = 2;
/// Longest silence of all workers.
const LIMIT: Duration = Duration::from_secs(90);

/// A statistic's scatter over many maps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scatter {
    /// Middle of each bin.
    pub middles: Vec<f64>,
    /// Mean per bin.
    pub mean: Vec<Option<f64>>,
    /// Standard deviation per bin.
    pub sigma: Vec<Option<f64>>,
}

/// An ensemble as far as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// Maps measured so far.
    pub maps: usize,
    /// Maps in all.
    pub wanted: usize,
    /// Milliseconds since the first map was measured.
    pub milliseconds: f64,
    /// The scatter of each statistic.
    pub scatter: BTreeMap<Statistic, Scatter>,
    /// P(l) of every map in the order of their seeds, map by map, NaN where a mode is empty.
    pub spectra: Rc<RefCell<Vec<f32>>>,
}

impl Generated {
    /// Maps a second, once two are there.
    pub fn rate(&self) -> Option<f64> {
        (self.maps > 1 && self.milliseconds > 0.0).then(|| 1e3 * (self.maps - 1) as f64 / self.milliseconds)
    }

    /// Seconds until the last map.
    pub fn seconds_left(&self) -> Option<f64> {
        Some((self.wanted - self.maps) as f64 / self.rate()?)
    }
}

/// Milliseconds between two pictures of a growing ensemble.
const PICTURE: f64 = 200.0;

/// An ensemble that is being drawn; it ends when this is dropped.
pub struct Gathering {
    inner: Rc<RefCell<Inner>>,
}

struct Inner {
    state: State,
    weights: WeightsSource,
    statistics: &'static [Statistic],
    first_seed: u64,
    maps: usize,
    workers: Vec<PoolWorker>,
    /// Maps that no worker has.
    left: VecDeque<usize>,
    /// Of each statistic, with the middles of its bins.
    measured: BTreeMap<Statistic, (Vec<f64>, OrderedEnsemble)>,
    /// P(l) of every map, at its place.
    spectra: Rc<RefCell<Vec<f32>>>,
    /// When the first map was measured, and when the last picture was shown.
    times: Option<[f64; 2]>,
    /// Since when it waits for the visitor.
    paused_since: Option<f64>,
    limit: Option<Limit>,
}

struct PoolWorker {
    /// `None` when it is of no more use.
    link: Option<Link>,
    ready: bool,
    /// Maps that it has been asked for.
    asked: Vec<usize>,
}

/// How many workers this machine has room for: all cores but one, for the drawing on screen and the page.
fn workers() -> usize {
    let navigator = window().navigator();
    let cores = navigator.hardware_concurrency();
    let memory = Reflect::get(&navigator, &"deviceMemory".into()).ok().and_then(|memory| memory.as_f64());
    let by_memory = memory.unwrap_or(UNTOLD_MEMORY) * MEMORY_SHARE / WORKER_MEMORY;
    (cores - 1.0).min(by_memory).clamp(1.0, MOST_WORKERS) as usize
}

impl Gathering {
    /// Begins to draw the maps of consecutive seeds; `module` is the workers' program, where it is compiled already.
    pub fn start(
        state: State,
        module: Option<&JsValue>,
        weights: WeightsSource,
        first_seed: u64,
        maps: usize,
        statistics: &'static [Statistic],
    ) -> Self {
        let inner = Inner {
            state,
            weights,
            statistics,
            first_seed,
            maps,
            workers: Vec::new(),
            left: (0..maps).collect(),
            measured: BTreeMap::new(),
            spectra: Rc::default(),
            times: None,
            paused_since: None,
            limit: None,
        };
        let gathering = Self { inner: Rc::new(RefCell::new(inner)) };
        for number in 0..workers().min(maps) {
            let inner = Rc::downgrade(&gathering.inner);
            let hear = move |heard| {
                if let Some(inner) = inner.upgrade() {
                    hear(&inner, number, heard);
                }
            };
            let program = module.map_or(Program::Cpu, Program::Compiled);
            let link = Link::open(&program, &gathering.inner.borrow().weights, hear);
            gathering.inner.borrow_mut().workers.push(PoolWorker { link, ready: false, asked: Vec::new() });
        }
        limit(&gathering.inner);
        if gathering.inner.borrow().workers.iter().all(|worker| worker.link.is_none()) {
            gathering.inner.borrow_mut().lose(0, "This browser cannot start more workers.");
        }
        gathering
    }
}

impl Gathering {
    /// Asks for no more maps, or goes on after a pause, whose time does not count.
    pub fn pause(&self, paused: bool) {
        let mut inner = self.inner.borrow_mut();
        match (paused, inner.paused_since.take()) {
            (true, since) => inner.paused_since = since.or_else(|| Some(now())),
            (false, Some(since)) => {
                let passed = now() - since;
                inner.times = inner.times.map(|[first, last]| [first + passed, last]);
                (0..inner.workers.len()).for_each(|number| inner.share_out(number));
            }
            (false, None) => {}
        }
    }
}

/// Hears one worker.
fn hear(inner: &Rc<RefCell<Inner>>, number: usize, heard: Heard) {
    limit(inner);
    let response = match heard {
        Heard::Died => return inner.borrow_mut().lose(number, "A program that draws the maps stopped."),
        Heard::Response(response, _) => *response,
    };
    let mut inner = inner.borrow_mut();
    match response {
        Response::Hello => {
            if let Some(link) = inner.workers.get(number).and_then(|worker| worker.link.as_ref()) {
                link.start("CPU", &inner.weights);
            }
        }
        Response::Ready { .. } => {
            if let Some(worker) = inner.workers.get_mut(number) {
                worker.ready = true;
            }
            inner.share_out(number);
        }
        Response::Job { id, event: Event::Measured { measured } } => inner.take(number, id as usize, measured),
        Response::Job { event: Event::Failed { sentence, .. }, .. } | Response::Failed { sentence, .. } => {
            inner.lose(number, &sentence);
        }
        Response::Program | Response::Progress(_) | Response::Job { .. } => {}
    }
}

impl Inner {
    /// Gives a worker as many maps as it may have.
    fn share_out(&mut self, number: usize) {
        if self.paused_since.is_some() {
            return;
        }
        let Some(worker) = self.workers.get_mut(number).filter(|worker| worker.ready) else { return };
        while worker.asked.len() < AHEAD
            && let (Some(link), Some(map)) = (&worker.link, self.left.pop_front())
        {
            worker.asked.push(map);
            let seed = self.first_seed.wrapping_add(map as u64);
            let point = LatentPoint::of_seed(seed);
            let work = Work::Measure { point, statistics: self.statistics.to_vec() };
            link.send(&Request::Submit { id: map as u32, work });
        }
    }

    /// Takes what a worker measured, and shows what there is.
    fn take(&mut self, number: usize, map: usize, measured: Vec<protocol::Measured>) {
        if let Some(worker) = self.workers.get_mut(number) {
            worker.asked.retain(|asked| *asked != map);
        }
        self.share_out(number);
        for measured in measured {
            if measured.statistic == Statistic::PowerSpectrum {
                let (mut spectra, modes) = (self.spectra.borrow_mut(), measured.values.len());
                spectra.resize(self.maps * modes, f32::NAN);
                for (to, power) in spectra[map * modes..].iter_mut().zip(&measured.values) {
                    *to = power.map_or(f32::NAN, |power| power as f32);
                }
            }
            let (middles, ensemble) = self.measured.entry(measured.statistic).or_default();
            *middles = measured.middles;
            ensemble.take(map, measured.values);
        }
        self.show();
    }

    /// Shows what there is, a few times a second.
    fn show(&mut self) {
        let Some(maps) = self.measured.values().find_map(|(_, ensemble)| Some(ensemble.ensemble()?.maps())) else {
            return;
        };
        let time = now();
        let [first, last] = *self.times.get_or_insert([time, 0.0]);
        if maps < self.maps && time - last < PICTURE {
            return;
        }
        self.times = Some([first, time]);
        let scatter = |(middles, ensemble): &(Vec<f64>, OrderedEnsemble)| {
            let ensemble = ensemble.ensemble()?;
            Some(Scatter { middles: middles.clone(), mean: ensemble.mean(), sigma: ensemble.sigma() })
        };
        let scatter = self.measured.iter().filter_map(|(&name, of)| Some((name, scatter(of)?))).collect();
        let spectra = Rc::clone(&self.spectra);
        let wanted = self.maps;
        self.state.ensemble.set(Some(Generated { maps, wanted, milliseconds: time - first, scatter, spectra }));
        if maps == self.maps {
            self.state.gathering.set(false);
        }
    }

    /// Whether something is waited for from a worker: that it starts, or a map.
    fn owes(&self, number: usize) -> bool {
        self.workers
            .get(number)
            .is_some_and(|worker| worker.link.is_some() && (!worker.ready || !worker.asked.is_empty()))
    }

    /// Goes on without a worker, whose maps the others draw; ends with what there is when none is left.
    fn lose(&mut self, number: usize, sentence: &str) {
        if let Some(worker) = self.workers.get_mut(number) {
            worker.link = None;
            worker.ready = false;
            for map in worker.asked.drain(..).rev() {
                self.left.push_front(map);
            }
        }
        if self.workers.iter().all(|worker| worker.link.is_none()) {
            self.state.notice.set(Some(format!("{sentence} No more maps are drawn for comparison.")));
            self.state.gathering.set(false);
        }
        (0..self.workers.len()).for_each(|number| self.share_out(number));
    }
}

/// Starts the time limit anew.
fn limit(inner: &Rc<RefCell<Inner>>) {
    let weak = Rc::downgrade(inner);
    let elapsed = move || {
        if let Some(inner) = weak.upgrade() {
            {
                let mut inner = inner.borrow_mut();
                // Those that owe something; the others draw their maps.
                let silent: Vec<usize> = (0..inner.workers.len()).filter(|&number| inner.owes(number)).collect();
                for number in silent {
                    inner.lose(number, "The device did not answer in time.");
                }
            }
            if inner.borrow().state.gathering.get_untracked() {
                limit(&inner);
            }
        }
    };
    inner.borrow_mut().limit = Some(Limit::start(LIMIT, elapsed));
}
