//! Work beside the map on screen: it is asked for, and waited for.

use futures_channel::oneshot;
use js_sys::Array;
use protocol::{Event, Request, Work};

use super::{DRAWING_LIMIT, WorkerClient, numbers};

/// Where an answer goes.
pub type Answer = oneshot::Sender<Result<Answered, String>>;

/// What became of work, with the numbers attached to it.
pub type Answered = (Event, Vec<Vec<f32>>);

impl WorkerClient {
    /// Asks for work, with what is attached to it, and waits for what becomes of it.
    ///
    /// # Errors
    /// A sentence for the visitor where it failed or the worker was lost.
    pub async fn ask(&self, work: Work, attachments: Array) -> Result<Answered, String> {
        let lost = || "The program that computes this was started again; please try once more.".to_owned();
        let (answer, answered) = oneshot::channel();
        {
            let mut inner = self.inner.borrow_mut();
            let id = inner.take_id();
            let Some(link) = &inner.link else { return Err(lost()) };
            link.send_with(&Request::Submit { id, work }, &attachments);
            inner.asked.insert(id, answer);
        }
        self.limit(DRAWING_LIMIT);
        answered.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Hands an answer to whoever waits for it.
    pub(super) fn answer(&self, id: u32, event: Event, message: &Array) {
        let waiting = self.inner.borrow_mut().asked.remove(&id);
        self.limit_work();
        let Some(waiting) = waiting else { return };
        let answer = match event {
            Event::Failed { sentence, .. } => Err(sentence),
            event => Ok((event, (1..message.length()).map(|place| numbers(message, place)).collect())),
        };
        // Nobody may wait any more: the view was left.
        let _ = waiting.send(answer);
    }
}
