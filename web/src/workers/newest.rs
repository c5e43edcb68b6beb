//! Work that follows what the visitor does: the newest wish is done next, and those that it has overtaken never.

use std::{cell::Cell, future::Future, rc::Rc};

use leptos::prelude::*;

/// Does what is wished for whenever the wish changes: one at a time, and then the newest. `wish` is tracked; where there is none,
/// nothing is done.
pub fn follow<W, F>(wish: impl Fn() -> Option<W> + Clone + 'static, work: impl Fn(W) -> F + Clone + 'static)
where
    W: PartialEq + Clone + 'static,
    F: Future<Output = ()> + 'static,
{
    let busy = Rc::new(Cell::new(false));
    // What was left while it was being done is not begun again.
    let left = Rc::new(Cell::new(false));
    let gone = StoredValue::new_local(Rc::clone(&left));
    on_cleanup(move || gone.with_value(|gone| gone.set(true)));
    Effect::new(move || {
        if wish().is_none() || busy.get() {
            return;
        }
        busy.set(true);
        let (busy, left, wish, work) = (Rc::clone(&busy), Rc::clone(&left), wish.clone(), work.clone());
        leptos::task::spawn_local(async move {
            let mut done = None;
            while !left.get() {
                let next = untrack(&wish);
                if next == done {
                    break;
                }
                if let Some(next) = next.clone() {
                    work(next).await;
                }
                done = next;
            }
            busy.set(false);
        });
    });
}
