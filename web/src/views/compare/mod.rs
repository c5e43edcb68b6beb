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

pub use self::{
    library::LibraryMap,
    slot::Slot,
    stage::{Stage, are_alike},
};
use crate::{
    components::{appearance::Appearance, choice::Choice, statistic_plot::StatisticPlot, survey::Survey},
    state::{ShownMap, State},
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
    /// Whether files are being dragged over the page.
    pub dragging: RwSignal<bool>,
    /// Where a difference has its fullest colours.
    pub difference: RwSignal<f32>,
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
            dragging: RwSignal::new(false),
            difference: RwSignal::new(0.0),
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

/// Arcminutes by which a sample and a generated map are smoothed to be compared: what the page's samples resolve better than the maps from
/// which the network learned is gone then.
pub const SMOOTHING: f64 = 1.2;

/// Which maps, and how they are shown: above them.
#[component]
pub fn Bar() -> impl IntoView {
    let state = State::expect();
    library::load_samples(state);
    let unlike = Memo::new(move |_| !are_alike(&state));
    let way = move |way: Way| {
        let chosen = move || state.comparison.way.get() == way;
        // Maps of two sizes differ everywhere.
        let disabled = move || way == Way::Difference && unlike.get();
        view! {
            <Choice
                class="chip"
                group="way"
                chosen=Signal::derive(chosen)
                disabled=Signal::derive(disabled)
                choose=move || state.comparison.way.set(way)
            >
                <span>{way.name()}</span>
            </Choice>
        }
    };
    let sizes = move || {
        let pixels = |shown: Option<&ShownMap>| shown.map(|shown| shown.portrait.pixels);
        let both = (state.seen(pixels)?, state.comparison.right.shown.with(|shown| pixels(shown.as_ref()))?);
        unlike.get().then(|| {
            view! { <p class="remark">{format!("A difference needs maps of one size: these have {} and {} pixels.", both.0, both.1)}</p> }
        })
    };
    view! {
        <div class="compare-bar">
            <library::Chooser />
            <fieldset class="field chips">
                <legend>"Show them"</legend>
                {Way::ALL.map(way).collect_view()}
            </fieldset>
        </div>
        {sizes}
    }
}

/// Files, looks, and what is measured of both.
#[component]
pub fn Compare() -> impl IntoView {
    let state = State::expect();
    let is_sample = move || state.comparison.sample(state.comparison.right).is_some();
    view! {
        <Show when=is_sample>
            <section class="card wide" aria-label="What to know of the simulated map">
                <p>
                    "The simulated map on the right shows finer detail than the maps from which this network learned. Smooth both to compare "
                    "what they share."
                </p>
                <div class="buttons">
                    <button
                        type="button"
                        data-testid="smooth-both"
                        disabled=move || state.treatment.get().smoothing >= SMOOTHING
                        on:click=move |_| state.treatment.update(|treatment| treatment.smoothing = SMOOTHING)
                    >
                        {format!("Smooth both by {SMOOTHING} arcmin")}
                    </button>
                </div>
                <p class="remark">{move || state.comparison.samples.get().map(|source| format!("The simulated maps: {source}."))}</p>
            </section>
        </Show>
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
