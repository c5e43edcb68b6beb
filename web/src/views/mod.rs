//! Views of the page: what stands beside the map. Each is a folder; adding one is a folder, and a line in [`View`] and [`Shown`].
//!
//! ```text
//! explore     a map, its power spectrum, how it looks
//! morph       from map to map: a slider between two seeds, a pad between four
//! statistics  everything that is measured, with a threshold to drag and an ensemble to draw
//! compare     the map beside a simulated one, or the visitor's own
//! learn       what it is, how it is drawn, and whether anyone can tell
//! ```

pub mod compare;
mod explore;
pub mod learn;
mod morph;
mod statistics;

use leptos::prelude::*;

use crate::state::State;

/// The views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// A map and its spectrum.
    #[default]
    Explore,
    /// Between maps.
    Morph,
    /// Everything that is measured.
    Statistics,
    /// Beside other maps.
    Compare,
    /// Explanations to play with.
    Learn,
}

impl View {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 5] = [Self::Explore, Self::Morph, Self::Statistics, Self::Compare, Self::Learn];

    /// Name in the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Explore => "explore",
            Self::Morph => "morph",
            Self::Statistics => "statistics",
            Self::Compare => "compare",
            Self::Learn => "learn",
        }
    }

    /// Name on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Explore => "Explore",
            Self::Morph => "Morph",
            Self::Statistics => "Statistics",
            Self::Compare => "Compare",
            Self::Learn => "Learn",
        }
    }
}

/// Links to the views.
#[component]
pub fn Navigation() -> impl IntoView {
    let state = State::expect();
    let link = move |view: View| {
        view! {
            <a
                href=format!("?view={}", view.name())
                data-testid=format!("view-{}", view.name())
                aria-current=move || (state.view.get() == view).then_some("page")
                on:click=move |event| {
                    // With a modifier the browser opens another tab, as for any link.
                    if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
                        event.prevent_default();
                        state.view.set(view);
                    }
                }
            >
                {view.title()}
            </a>
        }
    };
    view! { <nav aria-label="Views">{View::ALL.map(link).collect_view()}</nav> }
}

/// The open view.
#[component]
pub fn Shown() -> impl IntoView {
    let state = State::expect();
    move || match state.view.get() {
        View::Explore => view! { <explore::Explore /> }.into_any(),
        View::Morph => view! { <morph::Morph /> }.into_any(),
        View::Statistics => view! { <statistics::Statistics /> }.into_any(),
        View::Compare => view! { <compare::Compare /> }.into_any(),
        View::Learn => view! { <learn::Learn /> }.into_any(),
    }
}
