//! Where a pointer is in an element.

use web_sys::{DomRect, MouseEvent};

/// The pointer's place as shares of an element's width and height, from its upper left corner as it lies on the screen.
pub fn place_in(bounds: &DomRect, event: &MouseEvent) -> (f64, f64) {
    let share = |at: i32, edge: f64, length: f64| (f64::from(at) - edge) / length;
    (share(event.client_x(), bounds.left(), bounds.width()), share(event.client_y(), bounds.top(), bounds.height()))
}
