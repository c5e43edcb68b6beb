//! Structure of one size at a time: a band of multipoles that a slider moves.

use leptos::prelude::*;
use shared::statistics::{Statistic, power_spectrum::nyquist};

use crate::{
    components::statistic_plot::StatisticPlot,
    state::{ShownMap, State},
};

/// Half the width of a band, as a factor of its middle: an octave in all.
const HALF: f64 = core::f64::consts::SQRT_2;
/// Steps of the slider.
const STEPS: f64 = 100.0;
/// Arcminutes of half a wave of multipole 1.
const HALF_WAVE: f64 = 180.0 * 60.0;

/// The slider, and the spectrum with what it leaves.
#[component]
pub fn Scales() -> impl IntoView {
    let state = State::expect();
    // A band that this slider set is of this view.
    let own = StoredValue::new(false);
    on_cleanup(move || {
        if own.get_value() {
            state.treatment.update(|treatment| treatment.band = None);
        }
    });
    let ends = Memo::new(move |_| {
        let of = |shown: Option<&ShownMap>| {
            let (pixels, side) = shown.map(|shown| (shown.portrait.pixels, shown.portrait.side_angle))?;
            Some((360.0 / side * HALF, nyquist(pixels, side) / HALF))
        };
        state.shown.with(|shown| of(shown.as_ref())).unwrap_or((300.0, 2e4))
    });
    let middle = move || {
        let (lowest, highest) = ends.get();
        state.treatment.get().band.map(|(low, high)| (low.clamp(lowest, highest) * high.clamp(lowest, highest)).sqrt())
    };
    let place = move || {
        let (low, high) = ends.get();
        middle().map_or(0.0, |middle| (middle / low).ln() / (high / low).ln() * STEPS)
    };
    let slide = move |text: String| {
        let (low, high) = ends.get_untracked();
        if let Ok(place) = text.parse::<f64>() {
            let middle = low * (high / low).powf(place / STEPS);
            own.set_value(true);
            state.treatment.update(|treatment| treatment.band = Some((middle / HALF, middle * HALF)));
        }
    };
    let words = move || match middle() {
        None => "all sizes".to_owned(),
        Some(middle) => {
            let size = HALF_WAVE / middle;
            if size >= 2.0 { format!("about {size:.0} arcmin") } else { format!("about {size:.1} arcmin") }
        }
    };
    view! {
        <h2 id="scales-title">"What does the curve say?"</h2>
        <p>
            "How strong the structure is at each size. Move the slider and watch the map: large patches on the left of the curve, fine "
            "grain on its right. Maps of the universe have their own mixture of both, and the curve measures it."
        </p>
        <div class="field">
            <label for="scales">"Structure in the map: "{words}</label>
            <div class="slide after">
                <input
                    id="scales"
                    data-testid="scales"
                    type="range"
                    min="0"
                    max=STEPS.to_string()
                    step="1"
                    prop:value=move || place().to_string()
                    aria-valuetext=words
                    on:input:target=move |event| slide(event.target().value())
                />
                <button
                    type="button"
                    data-testid="all-scales"
                    disabled=move || middle().is_none()
                    on:click=move |_| state.treatment.update(|treatment| treatment.band = None)
                >
                    "all sizes"
                </button>
            </div>
        </div>
        <StatisticPlot statistic=Statistic::PowerSpectrum />
    }
}
