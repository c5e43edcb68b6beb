//! Jobs of the page, each about one map, in the order of [`protocol::queue`].
//!
//! ```text
//! draw     a map that is looked at
//! look     the same of a map that is there already
//! measure  statistics of a map that nobody sees, one of an ensemble
//! read     the maps of a file
//! layers   what each layer of the network makes of a point
//! judge    what the discriminator holds a map for
//! deflect  the deflection of light by a map
//! test     two sets of power spectra against each other
//! ```
//!
//! A new kind of job is a file here, a line in [`Job::step`], and a variant of `Work` and of `Event` in the protocol.

mod deflect;
mod draw;
mod judge;
mod layers;
mod look;
mod measure;
mod read;
mod test;

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Float32Array, Promise, Uint8Array};
use protocol::{Event, Response, Work, queue::JobQueue};
use shared::{
    ConvergenceMap,
    formats::maps::content::{blank, used_where},
    statistics::mask::Mask,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

use crate::{
    artist::Artist,
    messages::{self, Failure},
};
/// Work to be done, with what is attached to it from place 1 on.
struct Job {
    work: Work,
    message: Array,
}

/// What a job gives: what is said of it, and the numbers attached to that.
type Step = (Event, Vec<Vec<f32>>);

impl Job {
    async fn step(self, artist: &mut Artist) -> Result<Step, Failure> {
        let attached = self.message.get(1);
        match self.work {
            Work::Draw { point, treatment, statistics } => draw::step(artist, point, &treatment, &statistics).await,
            Work::Look { pixels, side_angle, treatment, statistics } => {
                look::step(artist, masked_map(attached, pixels, side_angle)?, &treatment, &statistics)
            }
            Work::Measure { point, statistics } => measure::step(artist, point, &statistics).await,
            Work::Read { side_angle } => read::step(Uint8Array::new(&attached).to_vec(), side_angle),
            Work::Layers { point } => layers::step(artist, point),
            Work::Test { modes } => Ok(test::step([1, 2].map(|place| numbers(self.message.get(place))), modes)),
            Work::Judge => judge::step(artist, &numbers(attached)).await,
            Work::Deflect { pixels } => deflect::step(artist, &map(attached, pixels, 1.0)?),
        }
    }
}

/// The numbers of an attachment.
fn numbers(attached: JsValue) -> Vec<f32> {
    attached.dyn_into::<Float32Array>().map(|numbers| numbers.to_vec()).unwrap_or_default()
}

/// The map of a job's attachment, with a mask where pixels are NaN: those have no value.
fn masked_map(attached: JsValue, pixels: usize, side_angle: f64) -> Result<(ConvergenceMap, Option<Mask>), Failure> {
    let mut kappa = numbers(attached);
    let used = used_where(&kappa, |kappa| !kappa.is_nan());
    if let Some(used) = &used {
        blank(&mut kappa, used);
    }
    let mask = used.map(|used| Mask::new(pixels, used, 0.0));
    Ok((shown(kappa, pixels, side_angle)?, mask))
}

/// The map of a job's attachment.
fn map(attached: JsValue, pixels: usize, side_angle: f64) -> Result<ConvergenceMap, Failure> {
    shown(numbers(attached), pixels, side_angle)
}

fn shown(kappa: Vec<f32>, pixels: usize, side_angle: f64) -> Result<ConvergenceMap, Failure> {
    ConvergenceMap::new(side_angle, pixels, kappa)
        .map_err(|error| Failure::final_one(format!("The map cannot be shown: {error}.")))
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

    /// Adds a job, with what is attached to it.
    pub fn submit(self: &Rc<Self>, id: u32, work: Work, message: Array) {
        let priority = work.priority();
        self.queue.borrow_mut().submit(id, priority, Job { work, message });
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
            let Some(waiting) = taken else { break };
            let id = waiting.id;
            match waiting.job.step(&mut artist).await {
                Ok((event, numbers)) => messages::send_numbers(&Response::Job { id, event }, &numbers),
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
