//! Jobs of the page, worked on map by map in the order of [`protocol::queue`].
//!
//! ```text
//! draw      one map
//! ensemble  a statistic over the maps of many seeds
//! ```
//!
//! A new kind of job is a file here, a variant of [`Job`], and one of `Work` and `Event` in the protocol.

mod draw;
mod ensemble;

use std::{cell::RefCell, rc::Rc};

use js_sys::Promise;
use protocol::{Event, Response, Work, queue::JobQueue};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::{
    artist::Artist,
    messages::{self, Failure, scope},
};
use draw::Draw;
use ensemble::Ensemble;

/// Work with what is done of it.
enum Job {
    Draw(Draw),
    Ensemble(Ensemble),
}

/// What a step of a job gives.
enum Step {
    /// Something to say; more steps follow.
    More(Event),
    /// The last word, with the pixels of a map where there are such.
    Done(Event, Option<Vec<f32>>),
}

impl Job {
    fn new(work: Work) -> Self {
        match work {
            Work::Draw { point, statistics } => Self::Draw(Draw { point, statistics }),
            Work::Ensemble { first_seed, maps, statistic } => {
                Self::Ensemble(Ensemble::new(first_seed, maps, statistic))
            }
        }
    }

    async fn step(&mut self, artist: &mut Artist) -> Result<Step, Failure> {
        match self {
            Self::Draw(draw) => draw.step(artist).await,
            Self::Ensemble(ensemble) => ensemble.step(artist).await,
        }
    }
}

/// The jobs of this worker.
#[derive(Default)]
pub struct Jobs {
    queue: RefCell<JobQueue<Job>>,
    /// Away while it draws, and before the weights are loaded.
    artist: RefCell<Option<Artist>>,
}

impl Jobs {
    /// Gives the jobs what draws them.
    pub fn begin(self: &Rc<Self>, artist: Artist) {
        self.artist.replace(Some(artist));
        self.wake();
    }

    /// Adds a job.
    pub fn submit(self: &Rc<Self>, id: u32, work: Work) {
        let priority = work.priority();
        self.queue.borrow_mut().submit(id, priority, Job::new(work));
        self.wake();
    }

    /// Works off everything that waits, unless that is being done already.
    fn wake(self: &Rc<Self>) {
        if let Some(artist) = self.artist.take() {
            let jobs = Rc::clone(self);
            wasm_bindgen_futures::spawn_local(async move { jobs.work(artist).await });
        }
    }

    /// Ends a job early.
    pub fn cancel(&self, id: u32) {
        if self.queue.borrow_mut().cancel(id).is_some() {
            say(id, Event::Cancelled, true);
        }
    }

    async fn work(&self, mut artist: Artist) {
        loop {
            let taken = self.queue.borrow_mut().take();
            let Some(mut waiting) = taken else { break };
            let id = waiting.id;
            match waiting.job.step(&mut artist).await {
                Ok(Step::More(event)) => {
                    say(id, event, false);
                    // Messages that have come meanwhile, such as a more urgent job or the end of this one, are heard first.
                    breathe().await;
                    if self.queue.borrow_mut().put_back(waiting).is_some() {
                        say(id, Event::Cancelled, true);
                    }
                    continue;
                }
                Ok(Step::Done(event, kappa)) => {
                    let response = Response::Job { id, event, done: true };
                    match kappa {
                        Some(kappa) => messages::send_map(&response, &kappa),
                        None => messages::send(&response),
                    }
                }
                Err(Failure { retry_on_cpu, sentence }) => say(id, Event::Failed { retry_on_cpu, sentence }, true),
            }
            self.queue.borrow_mut().finish();
            breathe().await;
        }
        self.artist.replace(Some(artist));
    }
}

fn say(id: u32, event: Event, done: bool) {
    messages::send(&Response::Job { id, event, done });
}

/// Lets the browser deliver messages.
async fn breathe() {
    let wait = Promise::new(&mut |resolve, _| {
        // A worker without timers stays busy to the end of its jobs, and no more than that.
        if scope().set_timeout_with_callback(&resolve).is_err() {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    let _ = JsFuture::from(wait).await;
}
