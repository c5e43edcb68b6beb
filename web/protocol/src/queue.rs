//! Whose turn it is: the most urgent job first, among equals the one that has waited longest since its last step.
//!
//! A job is worked on step by step, a map at a time, and waits in between. So a drawing overtakes an ensemble between two of its
//! maps, ensembles share the device, and a job that is cancelled ends after the map that it is at.

use std::collections::VecDeque;

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Nobody waits for the next map of it.
    Background,
    /// Someone looks on and waits.
    Drawing,
}

/// Jobs that wait.
#[derive(Debug)]
pub struct JobQueue<J> {
    waiting: VecDeque<Waiting<J>>,
    /// The job that is worked on.
    at_work: Option<AtWork>,
}

/// A job that is worked on.
#[derive(Debug)]
struct AtWork {
    id: u32,
    /// Meanwhile.
    cancelled: bool,
}

/// A job that waits.
#[derive(Debug)]
pub struct Waiting<J> {
    /// Its number.
    pub id: u32,
    /// How urgent it is.
    pub priority: Priority,
    /// The job.
    pub job: J,
}

impl<J> Default for JobQueue<J> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), at_work: None }
    }
}

impl<J> JobQueue<J> {
    /// Adds a job.
    pub fn submit(&mut self, id: u32, priority: Priority, job: J) {
        self.waiting.push_back(Waiting { id, priority, job });
    }

    /// Takes the job whose turn it is, for one step.
    pub fn take(&mut self) -> Option<Waiting<J>> {
        let most = self.waiting.iter().map(|waiting| waiting.priority).max()?;
        let place = self.waiting.iter().position(|waiting| waiting.priority == most)?;
        let taken = self.waiting.remove(place)?;
        self.at_work = Some(AtWork { id: taken.id, cancelled: false });
        Some(taken)
    }

    /// Puts a job back that has more steps to come. Returns it where it was cancelled meanwhile.
    pub fn put_back(&mut self, waiting: Waiting<J>) -> Option<Waiting<J>> {
        if self.at_work.take().is_some_and(|at_work| at_work.cancelled) {
            return Some(waiting);
        }
        self.waiting.push_back(waiting);
        None
    }

    /// Forgets the job that was worked on, which is done.
    pub fn finish(&mut self) {
        self.at_work = None;
    }

    /// Cancels a job. Returns it where it waited; one that is worked on comes back from [`Self::put_back`].
    pub fn cancel(&mut self, id: u32) -> Option<Waiting<J>> {
        if let Some(at_work) = self.at_work.as_mut().filter(|at_work| at_work.id == id) {
            at_work.cancelled = true;
            return None;
        }
        let place = self.waiting.iter().position(|waiting| waiting.id == id)?;
        self.waiting.remove(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Background, Drawing};

    /// Works off what waits, each job a number of steps, and says whose they were. `between` is called before each step.
    fn work(queue: &mut JobQueue<u32>, mut between: impl FnMut(usize, &mut JobQueue<u32>)) -> Vec<u32> {
        let mut order = Vec::new();
        loop {
            between(order.len(), queue);
            let Some(mut taken) = queue.take() else { return order };
            order.push(taken.id);
            taken.job -= 1;
            if taken.job > 0 {
                assert!(queue.put_back(taken).is_none());
            } else {
                queue.finish();
            }
        }
    }

    #[test]
    fn a_drawing_overtakes_an_ensemble_between_two_maps() {
        let mut queue = JobQueue::default();
        queue.submit(1, Background, 4);
        let order = work(&mut queue, |steps, queue| {
            if steps == 2 {
                queue.submit(2, Drawing, 1);
            }
        });
        assert_eq!(order, [1, 1, 2, 1, 1]);
    }

    #[test]
    fn equals_take_turns() {
        let mut queue = JobQueue::default();
        queue.submit(1, Background, 2);
        queue.submit(2, Background, 3);
        assert_eq!(work(&mut queue, |_, _| ()), [1, 2, 1, 2, 2]);
    }

    #[test]
    fn a_cancelled_job_ends_at_once_or_after_its_step() {
        let mut queue = JobQueue::default();
        queue.submit(1, Background, 9);
        queue.submit(2, Background, 9);
        assert_eq!(queue.cancel(2).map(|job| job.id), Some(2));
        assert!(queue.cancel(2).is_none() && queue.cancel(7).is_none());
        let taken = queue.take().unwrap();
        assert!(queue.cancel(1).is_none());
        assert_eq!(queue.put_back(taken).map(|job| job.id), Some(1));
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_number_that_was_cancelled_too_late_is_free_again() {
        let mut queue = JobQueue::default();
        queue.submit(1, Drawing, 1);
        queue.take().unwrap();
        assert!(queue.cancel(1).is_none());
        queue.finish();
        queue.submit(1, Drawing, 2);
        let taken = queue.take().unwrap();
        assert!(queue.put_back(taken).is_none());
    }
}
