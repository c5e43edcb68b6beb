//! A sentence for the visitor about something that went wrong.

use leptos::prelude::*;

use crate::state::{Phase, State};

/// The notice, while there is one; it can be put away unless nothing else is left to show.
#[component]
pub fn Notice() -> impl IntoView {
    let state = State::expect();
    let failed = move || state.phase.with(|phase| *phase == Phase::Failed);
    move || {
        state.notice.get().map(|sentence| {
            view! {
                <div class="notice" class:failed=failed role="alert" data-testid="notice">
                    <p>{sentence}</p>
                    <Show when=move || !failed()>
                        <button type="button" aria-label="Close this notice" on:click=move |_| state.notice.set(None)>
                            "×"
                        </button>
                    </Show>
                </div>
            }
        })
    }
}
