//! The frame of the map: wheel, pinch, double click and keys magnify what is in it.

use leptos::{html::Div, prelude::*};
use web_sys::{KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};

use super::{pointer::place_in, zoom::Zoom};

/// How much a key magnifies, and how far one moves, as a share of the frame.
const KEY_FACTOR: f64 = 1.5;
const KEY_STEP: f64 = 0.1;
/// How much a double click magnifies.
const CLICK_FACTOR: f64 = 3.0;

/// A place in the frame, as shares of its side.
type Place = (f64, f64);

/// The frame around the map.
#[component]
pub fn Magnifier(
    zoom: RwSignal<Zoom>,
    /// Whether there is nothing to see yet.
    waiting: Signal<bool>,
    /// Hears where the pointer is.
    pointed: Callback<PointerEvent>,
    /// Hears that it is gone.
    left: Callback<()>,
    children: Children,
) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    // Pointers that are down, where they were last.
    let held = StoredValue::new(Vec::<(i32, Place)>::new());
    let place = move |event: &MouseEvent| Some(place_in(&frame.get_untracked()?.get_bounding_client_rect(), event));
    let pressed = move |event: PointerEvent| {
        if let Some(place) = place(&event) {
            held.update_value(|held| held.push((event.pointer_id(), place)));
        }
        pointed.run(event);
    };
    let moved = move |event: PointerEvent| {
        if let Some(place) = place(&event) {
            let pulled = held.try_update_value(|held| pull(zoom.get_untracked(), held, event.pointer_id(), place));
            if let Some(pulled) = pulled.flatten() {
                zoom.set(pulled);
            }
        }
        pointed.run(event);
    };
    let released =
        move |event: &PointerEvent| held.update_value(|held| held.retain(|(id, _)| *id != event.pointer_id()));
    let wheel = move |event: WheelEvent| {
        // Without Ctrl, which a trackpad's pinch sets too, the wheel scrolls the page until the map is magnified.
        if event.ctrl_key() || zoom.get_untracked().factor > 1.0 {
            event.prevent_default();
            if let Some(place) = place(&event) {
                zoom.update(|zoom| *zoom = zoom.by((-event.delta_y() / 300.0).clamp(-0.5, 0.5).exp(), place));
            }
        }
    };
    let key = move |event: KeyboardEvent| {
        if let Some(next) = by_key(zoom.get_untracked(), &event.key()) {
            event.prevent_default();
            zoom.set(next);
        }
    };
    let twice = move |event: MouseEvent| {
        if let Some(place) = place(&event) {
            zoom.update(|zoom| {
                *zoom = if zoom.factor > 1.0 { Zoom::default() } else { zoom.by(CLICK_FACTOR, place) };
            });
        }
    };
    let magnified = move || zoom.get().factor > 1.0;
    view! {
        <div
            node_ref=frame
            class="canvas-frame"
            class:waiting=waiting
            class:magnified=magnified
            data-testid="map-frame"
            data-zoom=move || format!("{:.2}", zoom.get().factor)
            tabindex="0"
            role="group"
            aria-label="Map: plus and minus magnify it, arrows move it, 0 shows all of it"
            on:pointerdown=pressed
            on:pointermove=moved
            on:pointerup=move |event| released(&event)
            on:pointercancel=move |event| released(&event)
            on:pointerleave=move |event| {
                released(&event);
                left.run(());
            }
            on:wheel=wheel
            on:keydown=key
            on:dblclick=twice
        >
            {children()}
            <Show when=magnified>
                <button type="button" class="whole" data-testid="whole-map" on:click=move |_| zoom.set(Zoom::default())>
                    {move || format!("{:.1} × · whole map", zoom.get().factor)}
                </button>
            </Show>
        </div>
    }
}

/// What a key makes of the part that is seen.
fn by_key(zoom: Zoom, key: &str) -> Option<Zoom> {
    let middle = (0.5, 0.5);
    Some(match key {
        "+" | "=" => zoom.by(KEY_FACTOR, middle),
        "-" => zoom.by(1.0 / KEY_FACTOR, middle),
        "0" => Zoom::default(),
        "ArrowLeft" => zoom.moved((KEY_STEP, 0.0)),
        "ArrowRight" => zoom.moved((-KEY_STEP, 0.0)),
        "ArrowUp" => zoom.moved((0.0, KEY_STEP)),
        "ArrowDown" => zoom.moved((0.0, -KEY_STEP)),
        _ => return None,
    })
}

/// What a move of one of the held pointers makes of it: one pointer moves the map, two also magnify it.
fn pull(zoom: Zoom, held: &mut [(i32, Place)], id: i32, to: Place) -> Option<Zoom> {
    let other = held.iter().find(|(held, _)| *held != id).map(|(_, place)| *place);
    let from = std::mem::replace(&mut held.iter_mut().find(|(held, _)| *held == id)?.1, to);
    let shift = (to.0 - from.0, to.1 - from.1);
    let Some(other) = other else { return Some(zoom.moved(shift)) };
    let distance = |a: Place, b: Place| (a.0 - b.0).hypot(a.1 - b.1).max(1e-3);
    let middle = (f64::midpoint(to.0, other.0), f64::midpoint(to.1, other.1));
    Some(zoom.moved((shift.0 / 2.0, shift.1 / 2.0)).by(distance(to, other) / distance(from, other), middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fingers_apart_magnify_and_one_moves() {
        let mut held = vec![(1, (0.4, 0.5)), (2, (0.6, 0.5))];
        let zoom = pull(Zoom::default(), &mut held, 2, (0.8, 0.5)).unwrap();
        assert!((zoom.factor - 2.0).abs() < 1e-12, "twice as far apart");
        assert_eq!(held[1].1, (0.8, 0.5), "where it is now");
        let mut held = vec![(1, (0.4, 0.5))];
        assert!(pull(zoom, &mut held, 1, (0.5, 0.5)).is_some_and(|moved| moved != zoom));
        assert_eq!(pull(zoom, &mut held, 7, (0.5, 0.5)), None, "a pointer that was never down");
    }
}
