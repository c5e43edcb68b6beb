//! From map to map.
//!
//! ```text
//! slider  between two seeds, and by itself
//! pad     between four seeds
//! ```

mod pad;
mod slider;

use leptos::prelude::*;
use shared::statistics::Statistic;

use self::{pad::Pad, slider::Slider};
use crate::components::statistic_plot::StatisticPlot;

/// Ways between maps; map and curves follow at once.
#[component]
pub fn Morph() -> impl IntoView {
    view! {
        <section class="card" aria-label="Between maps">
            <Slider />
            <Pad />
        </section>
        <section class="card pair" aria-label="What is measured on the way">
            <StatisticPlot statistic=Statistic::PowerSpectrum />
            <StatisticPlot statistic=Statistic::Pdf />
        </section>
    }
}
