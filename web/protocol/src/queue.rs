//! Whose turn it is: the most urgent job first, among equals the one that came first.
//!
//! A job is one map. So a drawing overtakes an ensemble between two of its maps, and what is cancelled ends after the map that is
//! being drawn.

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
        Self { waiting: VecDeque::new() }
    }
}

impl<J> JobQueue<J> {
    /// Adds a job.
    pub fn submit(&mut self, id: u32, priority: Priority, job: J) {
        self.waiting.push_back(Waiting { id, priority, job });
    }

    /// Takes the job whose turn it is.
    pub fn take(&mut self) -> Option<Waiting<J>> {
        let most = self.waiting.iter().map(|waiting| waiting.priority).max()?;
        let place = self.waiting.iter().position(|waiting| waiting.priority == most)?;
        self.waiting.remove(place)
    }

    /// Cancels a job that waits, and returns it.
    pub fn cancel(&mut self, id: u32) -> Option<Waiting<J>> {
        let place = self.waiting.iter().position(|waiting| waiting.id == id)?;
        self.waiting.remove(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Background, Drawing};

    #[test]
    fn a_drawing_overtakes_an_ensemble_between_two_maps() {
        let mut queue = JobQueue::default();
        for id in 1..=4 {
            queue.submit(id, Background, ());
        }
        let mut order = Vec::new();
        while let Some(taken) = queue.take() {
            order.push(taken.id);
            if order.len() == 2 {
                queue.submit(5, Drawing, ());
            }
        }
        assert_eq!(order, [1, 2, 5, 3, 4]);
    }

    #[test]
    fn a_job_that_waits_can_be_cancelled() {
        let mut queue = JobQueue::default();
        queue.submit(1, Background, 9);
        queue.submit(2, Background, 9);
        assert_eq!(queue.cancel(2).map(|job| job.id), Some(2));
        assert!(queue.cancel(2).is_none() && queue.cancel(7).is_none());
        assert_eq!(queue.take().map(|job| job.id), Some(1));
        // It is at work: no longer here.
        assert!(queue.cancel(1).is_none() && queue.take().is_none());
    }
}
