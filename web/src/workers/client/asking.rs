//! Work beside the map on screen: it is asked for, and waited for. Where a worker is replaced meanwhile, the next one is asked.

use futures_channel::oneshot;
use js_sys::Array;
use leptos::prelude::*;
use protocol::{Event, Request, Work};

use super::{DRAWING_LIMIT, WorkerClient, numbers};
use crate::state::{Phase, State};

/// How often work is asked for: what ends two workers would end a third.
const TRIES: u32 = 2;

/// What became of work, with the numbers attached to it.
pub type Answered = (Event, Vec<Vec<f32>>);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The work failed: a sentence for the visitor.
    Failed(String),
    /// Nothing can be computed any more; the page says why.
    Gone,
}

impl Unanswered {
    /// Tells the visitor, where that has not been done.
    pub fn tell(self, state: State) {
        if let Self::Failed(sentence) = self {
            state.notice.set(Some(sentence));
        }
    }
}

/// Work that waits for its answer.
pub struct Asked {
    work: Work,
    attachments: Array,
    tries: u32,
    answer: oneshot::Sender<Result<Answered, Unanswered>>,
}

impl WorkerClient {
    /// Asks for work, with what is attached to it, and waits for what becomes of it.
    ///
    /// # Errors
    /// When it failed, or nothing can be computed any more.
    pub async fn ask(&self, work: Work, attachments: Array) -> Result<Answered, Unanswered> {
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut inner = self.inner.borrow_mut();
            let id = inner.take_id();
            inner.asked.insert(id, Asked { work, attachments, tries: 0, answer });
            id
        };
        match *self.state.phase.read_untracked() {
            Phase::Ready(..) => self.send_asked(id),
            // It is asked for as soon as there is someone to ask.
            Phase::Loading(_) => {}
            Phase::Failed => drop(self.inner.borrow_mut().asked.remove(&id)),
        }
        answered.await.unwrap_or(Err(Unanswered::Gone))
    }

    /// Asks for everything that waits, of a worker that is new.
    pub(super) fn ask_again(&self) {
        let waiting: Vec<u32> = self.inner.borrow().asked.keys().copied().collect();
        for id in waiting {
            self.send_asked(id);
        }
    }

    fn send_asked(&self, id: u32) {
        let given_up = {
            let mut inner = self.inner.borrow_mut();
            let Some(asked) = inner.asked.get_mut(&id) else { return };
            asked.tries += 1;
            if asked.tries > TRIES { inner.asked.remove(&id) } else { None }
        };
        if let Some(asked) = given_up {
            let sentence = "This could not be computed: the program stopped at it twice.";
            let _ = asked.answer.send(Err(Unanswered::Failed(sentence.to_owned())));
            return;
        }
        let inner = self.inner.borrow();
        if let (Some(link), Some(asked)) = (&inner.link, inner.asked.get(&id)) {
            link.send_with(&Request::Submit { id, work: asked.work.clone() }, &asked.attachments);
        }
        drop(inner);
        self.limit(DRAWING_LIMIT);
    }

    /// Hands an answer to whoever waits for it.
    pub(super) fn answer(&self, id: u32, event: Event, message: &Array) {
        if let Event::Failed { retry_on_cpu: true, sentence } = event {
            // The worker is of no more use; the next one is asked.
            return self.recover(&sentence);
        }
        let waiting = self.inner.borrow_mut().asked.remove(&id);
        self.limit_work();
        let Some(waiting) = waiting else { return };
        let answer = match event {
            Event::Failed { sentence, .. } => Err(Unanswered::Failed(sentence)),
            event => Ok((event, (1..message.length()).map(|place| numbers(message, place)).collect())),
        };
        // Nobody may wait any more: the view was left.
        let _ = waiting.answer.send(answer);
    }
}
