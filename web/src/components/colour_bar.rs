//! What the colours mean: a bar with numbers in kappa.

use leptos::prelude::*;
use shared::colour::{DIFFERENCE_GRADIENT, Stretch};

use crate::{
    plot::round_step,
    state::State,
    views::compare::{Way, are_alike, is_comparing},
};

/// Smallest distance between two numbers, as a share of the bar: room for six characters on a phone.
const CLOSEST: f32 = 0.16;

/// The colour bar.
#[component]
pub fn ColourBar() -> impl IntoView {
    let state = State::expect();
    let differing =
        Memo::new(move |_| is_comparing(&state) && state.comparison.way.get() == Way::Difference && are_alike(&state));
    let marks = move || {
        let most = state.comparison.difference.get();
        let (range, stretch) =
            if differing.get() { ((-most, most), Stretch::Linear) } else { (state.range(), state.stretch.get()) };
        let mark = |(place, text): (f32, String)| {
            view! { <span style:left=format!("{:.2}%", 100.0 * place)>{text}</span> }
        };
        ticks(range, stretch).into_iter().map(mark).collect_view()
    };
    view! {
        <div class="colour-bar" data-testid="colour-bar" hidden=move || state.seen(|shown| shown.is_none())>
            <div
                class="gradient"
                style:background=move || {
                    if differing.get() { DIFFERENCE_GRADIENT.to_owned() } else { state.colours.get().gradient("to right") }
                }
            ></div>
            <div class="marks">{marks}</div>
            <div class="caption">
                {move || if differing.get() {
                    "Δκ: the left map less the right one"
                } else {
                    "convergence κ: how much matter lies along the line of sight, against the average"
                }}
            </div>
        </div>
    }
}

/// Round values of kappa and their places on the bar, far enough from each other to be read.
fn ticks((low, high): (f32, f32), stretch: Stretch) -> Vec<(f32, String)> {
    let width = f64::from(high) - f64::from(low);
    // No numbers for what is no range, or one so far from zero or so small that f32 can hardly hold it.
    let distance = f64::from(low.abs().max(high.abs()));
    if !(width > 1e-30 && width.is_finite() && distance < 1e5 * width) {
        return Vec::new();
    }
    let step = round_step(width / 12.0) as f32;
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let mut ticks: Vec<(f32, String)> = Vec::new();
    // Zero is the average density of the universe: it has a mark wherever the bar has room for it.
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    for multiple in (0..=last).chain((first..0).rev()) {
        let kappa = multiple as f32 * step;
        let place = stretch.place(kappa, (low, high));
        if (first..=last).contains(&multiple) && ticks.iter().all(|(other, _)| (other - place).abs() >= CLOSEST) {
            ticks.push((place, format!("{kappa:.decimals$}").replace('-', "−")));
        }
    }
    // Zeros at the end that all numbers have say nothing, and take the room of a phone.
    while ticks.iter().all(|(_, text)| text.contains('.') && text.ends_with('0')) && !ticks.is_empty() {
        for (_, text) in &mut ticks {
            text.pop();
            if text.ends_with('.') {
                text.pop();
            }
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_has_numbers_or_none() {
        let ends = [0.0, -0.0, 1e-45, 1e-38, -1e-20, 1e-6, -0.02, 0.05, 1.0, 3e9, -3e38, 3e38, f32::INFINITY, f32::NAN];
        for low in ends {
            for high in ends {
                for stretch in Stretch::ALL {
                    assert!(ticks((low, high), stretch).len() < 30, "{low} {high}");
                }
            }
        }
        let texts: Vec<String> = ticks((-0.02, 0.05), Stretch::Linear).into_iter().map(|(_, text)| text).collect();
        assert!(texts.contains(&"0.00".to_owned()) && texts.len() > 2, "{texts:?}");
    }
}
