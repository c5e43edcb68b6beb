//! Two maps: the page's own beside a simulated one or a visitor's, with the same colours and statistics.
//!
//! ```text
//! library  maps to compare with: samples of simulations, and the visitor's files
//! files    files of the visitor, maps or weights
//! slot     a map that is looked at, as its treatment changes
//! stage    both maps: side by side, one in place of the other, or what differs
//! ```

pub mod files;
pub mod library;
mod slot;
mod stage;

use leptos::prelude::*;
use shared::statistics::Statistic;

pub use self::{library::LibraryMap, slot::Slot, stage::Stage};
use crate::{
    components::{appearance::Appearance, choice::Choice, statistic_plot::StatisticPlot, survey::Survey},
    state::State,
    views::View,
};

/// How two maps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// One beside the other.
    #[default]
    Beside,
    /// One in place of the other, in turn.
    Blink,
    /// The first less the second.
    Difference,
}

impl Way {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Beside, Self::Blink, Self::Difference];

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Beside => "side by side",
            Self::Blink => "blink",
            Self::Difference => "difference",
        }
    }
}

/// What is compared, as signals.
#[derive(Clone, Copy)]
pub struct Comparison {
    /// Maps to choose from.
    pub library: RwSignal<Vec<LibraryMap>, LocalStorage>,
    /// In place of the generated map.
    pub left: Slot,
    /// The map beside it.
    pub right: Slot,
    /// How both are shown.
    pub way: RwSignal<Way>,
    /// Samples that the address asks for, left and right.
    pub asked: StoredValue<[Option<usize>; 2]>,
    /// What the samples are, in words.
    pub samples: RwSignal<Option<String>>,
    /// Side in degrees of files that do not state theirs, where the visitor typed it.
    pub side_angle: RwSignal<Option<f64>>,
}

impl Comparison {
    /// What is compared at the start, as the address asks for it.
    pub fn new(way: Way, asked: [Option<usize>; 2]) -> Self {
        Self {
            library: RwSignal::new_local(Vec::new()),
            left: Slot::default(),
            right: Slot::default(),
            way: RwSignal::new(way),
            asked: StoredValue::new(asked),
            samples: RwSignal::new(None),
            side_angle: RwSignal::new(None),
        }
    }

    /// The sample in a slot, which a link can bring back; a visitor's own map it cannot.
    pub fn sample(&self, slot: Slot) -> Option<usize> {
        slot.chosen
            .get()
            .filter(|place| self.library.with(|library| library.get(*place).is_some_and(|map| map.is_sample)))
    }
}

/// Whether two maps are compared now.
pub fn is_comparing(state: &State) -> bool {
    state.view.get() == View::Compare && state.comparison.right.shown.with(Option::is_some)
}

/// Which maps, how they are shown, and what is measured of both.
#[component]
pub fn Compare() -> impl IntoView {
    let state = State::expect();
    library::load_samples(state);
    let way = move |way: Way| {
        let chosen = move || state.comparison.way.get() == way;
        // Maps of two sizes differ everywhere.
        let unlike = move || way == Way::Difference && !stage::are_alike(&state);
        view! {
            <Choice
                class="chip"
                group="way"
                chosen=Signal::derive(chosen)
                disabled=Signal::derive(unlike)
                choose=move || state.comparison.way.set(way)
            >
                <span>{way.name()}</span>
            </Choice>
        }
    };
    view! {
        <section class="card" aria-label="Which maps">
            <library::Chooser />
            <fieldset class="field chips">
                <legend>"Show them"</legend>
                {Way::ALL.map(way).collect_view()}
            </fieldset>
        </section>
        <section class="card" aria-label="Your own maps">
            <files::Drop />
        </section>
        <section class="card" aria-label="As a survey sees them">
            <Survey />
        </section>
        <section class="card" aria-label="How the maps look">
            <Appearance />
        </section>
        <section class="card wide" aria-label="What is measured of both">
            <div class="pair">
                {Statistic::QUICK.map(|statistic| view! { <StatisticPlot statistic /> }).collect_view()}
            </div>
        </section>
    }
}
