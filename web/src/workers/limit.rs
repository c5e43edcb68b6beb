//! Time limits that a page in the background does not run into.

use std::{cell::Cell, rc::Rc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

/// A time limit that ends this much too late ended in a page that was frozen.
const LATE_MILLISECONDS: f64 = 5_000.0;

/// A time limit; dropping it lifts it.
pub struct Limit {
    handle: Rc<Cell<Option<TimeoutHandle>>>,
}

impl Limit {
    /// Calls `elapsed` when the time is over, and the page was there to see it.
    pub fn start(duration: Duration, elapsed: impl Fn() + 'static) -> Self {
        let handle = Rc::default();
        arm(&handle, duration, Rc::new(elapsed));
        Self { handle }
    }
}

fn arm(handle: &Rc<Cell<Option<TimeoutHandle>>>, duration: Duration, elapsed: Rc<dyn Fn()>) {
    let due = js_sys::Date::now() + duration.as_secs_f64() * 1e3;
    let again = Rc::downgrade(handle);
    let over = move || {
        // A page in the background is slowed down or frozen, and its workers with it: the time did not really pass.
        let hidden = document().hidden() || js_sys::Date::now() - due > LATE_MILLISECONDS;
        match again.upgrade() {
            Some(handle) if hidden => arm(&handle, duration, Rc::clone(&elapsed)),
            Some(_) => elapsed(),
            None => {}
        }
    };
    handle.set(set_timeout_with_handle(over, duration).ok());
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.clear();
        }
    }
}
