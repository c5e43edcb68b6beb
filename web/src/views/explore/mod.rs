//! A map, its power spectrum, how it looks.

use leptos::prelude::*;
use shared::statistics::Statistic;

use crate::components::{
    appearance::Appearance, statistic_plot::StatisticPlot, survey::Survey, weights_chooser::WeightsChooser,
};

/// Power spectrum and looks.
#[component]
pub fn Explore() -> impl IntoView {
    view! {
        <WeightsChooser />
        <section class="card" aria-label="Power spectrum">
            <StatisticPlot statistic=Statistic::PowerSpectrum />
        </section>
        <section class="card" aria-label="How the map looks">
            <Appearance />
        </section>
        <section class="card" aria-label="As a survey sees it">
            <Survey />
        </section>
    }
}
