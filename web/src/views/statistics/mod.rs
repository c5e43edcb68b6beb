//! Everything that is measured of the map on screen, beside simulated maps and an ensemble.
//!
//! ```text
//! threshold  what lies above it is marked on the map and on the curves
//! ensemble   many generated maps, drawn here
//! tests      whether those could be simulated ones
//! ```

mod ensemble;
mod tests;
mod threshold;

use leptos::prelude::*;
use shared::statistics::Statistic;

use self::{ensemble::Ensemble, tests::EnsembleTests, threshold::Threshold};
use crate::{components::statistic_plot::StatisticPlot, state::State};

/// Threshold, ensemble, and a plot of each statistic.
#[component]
pub fn Statistics() -> impl IntoView {
    let state = State::expect();
    // Other views have no control for it.
    on_cleanup(move || state.threshold.set(None));
    view! {
        <section class="card" aria-label="Many maps">
            <Ensemble />
        </section>
        <EnsembleTests />
        <section class="card" aria-label="Power spectrum">
            <StatisticPlot statistic=Statistic::PowerSpectrum />
        </section>
        <section class="card" aria-label="Above a threshold">
            <Threshold />
            <div class="pair">
                {[Statistic::Pdf, Statistic::V0, Statistic::V1, Statistic::V2, Statistic::Peaks]
                    .map(|statistic| view! { <StatisticPlot statistic marked=true /> })
                    .collect_view()}
            </div>
        </section>
    }
}
