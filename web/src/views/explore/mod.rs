//! A map, its power spectrum, how it looks.

use leptos::prelude::*;
use shared::statistics::Statistic;

use crate::components::{appearance::Appearance, statistic_plot::StatisticPlot};

/// Power spectrum and looks.
#[component]
pub fn Explore() -> impl IntoView {
    view! {
        <section class="card" aria-label="Power spectrum">
            <StatisticPlot statistic=Statistic::PowerSpectrum />
        </section>
        <section class="card" aria-label="How the map looks">
            <Appearance />
        </section>
    }
}
