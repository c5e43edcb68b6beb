//! The page's clock.

use leptos::prelude::window;

/// Milliseconds of a clock that never goes back.
pub fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}
