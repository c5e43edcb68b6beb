//! Jobs of the page, each one map, in the order of [`protocol::queue`].
//!
//! ```text
//! draw     a map that is looked at
//! measure  statistics of a map that nobody sees, one of an ensemble
//! ```
//!
//! A new kind of job is a file here, a variant of [`Job`], and one of `Work` and `Event` in the protocol.

mod draw;
mod measure;

use std::{cell::RefCell, rc::Rc};

use js_sys::Promise;
use protocol::{Event, Response, Work, queue::JobQueue};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

use crate::{
    artist::Artist,
    messages::{self, Failure},
};
use draw::Draw;
use measure::Measure;

/// Work to be done.
enum Job {
    Draw(Draw),
    Measure(Measure),
}

/// What a job gives.
struct Step {
    event: Event,
    /// Pixels of a map, where it gives such.
    kappa: Option<Vec<f32>>,
}

impl Job {
    fn new(work: Work) -> Self {
        match work {
            Work::Draw { point, statistics } => Self::Draw(Draw { point, statistics }),
            Work::Measure { point, statistics } => Self::Measure(Measure { point, statistics }),
        }
    }

    async fn step(&mut self, artist: &mut Artist) -> Result<Step, Failure> {
        match self {
            Self::Draw(draw) => draw.step(artist).await,
            Self::Measure(measure) => measure.step(artist).await,
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
            say(id, Event::Cancelled);
        }
    }

    async fn work(&self, mut artist: Artist) {
        loop {
            let taken = self.queue.borrow_mut().take();
            let Some(mut waiting) = taken else { break };
            let id = waiting.id;
            match waiting.job.step(&mut artist).await {
                Ok(Step { event, kappa }) => {
                    let response = Response::Job { id, event };
                    match kappa {
                        Some(kappa) => messages::send_map(&response, &kappa),
                        None => messages::send(&response),
                    }
                }
                Err(Failure { retry_on_cpu, sentence }) => say(id, Event::Failed { retry_on_cpu, sentence }),
            }
            // Messages that have come meanwhile, such as a more urgent job, are heard first.
            breathe().await;
        }
        self.artist.replace(Some(artist));
    }
}

fn say(id: u32, event: Event) {
    messages::send(&Response::Job { id, event });
}

/// Lets the browser deliver messages, without the delay that it gives to timers.
async fn breathe() {
    let Ok(channel) = MessageChannel::new() else { return };
    let (here, there) = (channel.port1(), channel.port2());
    let wait = Promise::new(&mut |resolve, _| {
        here.set_onmessage(Some(&resolve));
        if there.post_message(&JsValue::NULL).is_err() {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    let _ = JsFuture::from(wait).await;
    // A channel that is open is kept by the browser.
    here.close();
}
