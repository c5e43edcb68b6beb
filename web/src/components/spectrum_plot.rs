//! Power spectrum of the map on screen over the band of simulated maps.

use std::fmt::Write;

use crate::workers::Scatter;
use leptos::prelude::*;
use shared::statistics::{
    SpectrumReference, Statistic,
    power_spectrum::{dimensionless, modes_below_nyquist},
};

use crate::state::{Phase, State};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 62.0;
/// Powers of ten along the vertical axis.
const DECADES: f64 = 5.0;

/// Plot of l(l+1)P/2pi against l, both logarithmic.
#[component]
pub fn SpectrumPlot() -> impl IntoView {
    let state = State::expect();
    // Beyond the Nyquist multipole of the rows only the corners of Fourier space have modes, which no test compares.
    let geometry = Memo::new(move |_| {
        state.phase.with(|phase| match phase {
            Phase::Ready(_, manifest) => Some((manifest.network.map_side, manifest.side_angle)),
            _ => None,
        })
    });
    let compared = move |ell: &[f64]| {
        geometry.get().map_or(0, |(pixels, side_angle)| modes_below_nyquist(ell, pixels, side_angle))
    };
    let curve = Memo::new(move |_| {
        state.shown.with(|shown| {
            let spectrum = shown.as_ref().and_then(|shown| shown.drawn.of(Statistic::PowerSpectrum));
            let points = spectrum.map(|of| points(&of.middles, &of.values, compared(&of.middles)));
            points.unwrap_or_default()
        })
    });
    let band = Memo::new(move |_| {
        let of = |reference: &SpectrumReference| Band::of_reference(reference, compared(&reference.ell));
        state.reference.with(|reference| reference.as_ref().map(of).unwrap_or_default())
    });
    let generated = Memo::new(move |_| {
        let of = |scatter: &Scatter| Band::of_scatter(scatter, compared(&scatter.middles));
        state.ensemble.with(|ensemble| ensemble.as_ref().map(of).unwrap_or_default())
    });
    let axes = Memo::new(move |_| band.with(|band| curve.with(|curve| Axes::around(band, curve))));
    let legend = move || {
        state.reference.with(|reference| {
            reference.as_ref().map(|reference| {
                view! { <span class="key-band">{format!("{} simulated maps, mean ± σ", reference.maps)}</span> }
            })
        })
    };
    let generated_legend = move || {
        let maps = state.ensemble.with(|ensemble| ensemble.as_ref().map(|ensemble| ensemble.maps))?;
        Some(
            view! { <span class="key-generated" data-testid="generated-legend">{format!("{maps} generated maps, mean ± σ")}</span> },
        )
    };
    view! {
        <figure class="spectrum">
            <figcaption>
                <h2>"Power spectrum"</h2>
                <span class="key-map">"this map"</span>
                {legend}
                {generated_legend}
            </figcaption>
            <svg
                data-testid="spectrum-plot"
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                role="img"
                aria-label="Power spectrum of this map over the band of simulated maps"
            >
                <clipPath id="plot-area">
                    <rect x=LEFT y=TOP width=WIDTH - LEFT - RIGHT height=HEIGHT - TOP - BOTTOM />
                </clipPath>
                {move || axes.get().map(Axes::grid)}
                {move || {
                    let axes = axes.get()?;
                    band.with(|band| {
                        Some(view! {
                            <path class="band" clip-path="url(#plot-area)" d=axes.area(&band.low, &band.high) />
                            <path class="mean" clip-path="url(#plot-area)" d=axes.line(&band.mean) />
                        })
                    })
                }}
                {move || {
                    let axes = axes.get()?;
                    generated.with(|band| {
                        (!band.mean.is_empty()).then(|| view! {
                            <path class="generated-edge" clip-path="url(#plot-area)" d=axes.line(&band.low) />
                            <path class="generated-edge" clip-path="url(#plot-area)" d=axes.line(&band.high) />
                            <path class="generated" clip-path="url(#plot-area)" d=axes.line(&band.mean) />
                        })
                    })
                }}
                {move || {
                    let axes = axes.get()?;
                    Some(curve.with(|curve| view! { <path class="curve" clip-path="url(#plot-area)" d=axes.line(curve) /> }))
                }}
                <text class="title" x=LEFT + (WIDTH - LEFT - RIGHT) / 2.0 y=HEIGHT - 6.0>"multipole l"</text>
                <text class="title" transform=format!("translate(18 {}) rotate(-90)", (HEIGHT - BOTTOM) / 2.0)>
                    "l(l + 1) P(l) / 2π"
                </text>
            </svg>
        </figure>
    }
}

/// `(l, l(l+1)P/2pi)` of the first `count` bins, as far as they are not empty.
fn points(ell: &[f64], power: &[Option<f64>], count: usize) -> Vec<(f64, f64)> {
    let filled = ell.iter().zip(power).take(count);
    let filled = filled.filter_map(|(&ell, power)| Some((ell, dimensionless(ell, (*power)?))));
    filled.filter(|(ell, power)| *ell > 0.0 && *power > 0.0).collect()
}

/// Mean and mean +- sigma of a set of maps.
#[derive(Debug, Clone, PartialEq, Default)]
struct Band {
    low: Vec<(f64, f64)>,
    mean: Vec<(f64, f64)>,
    high: Vec<(f64, f64)>,
}

impl Band {
    /// Of simulated maps.
    fn of_reference(reference: &SpectrumReference, count: usize) -> Self {
        Self::new(&reference.ell, &reference.mean, &reference.sigma, count)
    }

    /// Of generated maps.
    fn of_scatter(scatter: &Scatter, count: usize) -> Self {
        Self::new(&scatter.middles, &scatter.mean, &scatter.sigma, count)
    }

    fn new(ell: &[f64], mean: &[Option<f64>], sigma: &[Option<f64>], count: usize) -> Self {
        let shifted = |sign: f64| {
            let values = mean.iter().zip(sigma).map(|(mean, sigma)| {
                let mean = (*mean)?;
                // Where sigma exceeds the mean, the band ends near the bottom of a logarithmic plot rather than nowhere.
                Some((mean + sign * sigma.unwrap_or(0.0)).max(1e-2 * mean))
            });
            points(ell, &values.collect::<Vec<_>>(), count)
        };
        Self { low: shifted(-1.0), mean: shifted(0.0), high: shifted(1.0) }
    }
}

/// Ranges of both axes, as powers of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    /// Axes that hold the band, so that they stay while maps change, or else the curve; `None` where there is neither.
    ///
    /// The band gets a decade of room above it, and [`DECADES`] are shown; what lies beyond them is cut off.
    fn around(band: &Band, curve: &[(f64, f64)]) -> Option<Self> {
        let shown = if band.high.is_empty() { curve } else { &band.high };
        let ends = |value: fn(&(f64, f64)) -> f64| {
            let logs = shown.iter().map(|point| value(point).log10());
            logs.fold(None, |ends: Option<(f64, f64)>, log| {
                Some(ends.map_or((log, log), |(low, high)| (low.min(log), high.max(log))))
            })
        };
        let ((left, right), (_, mut high)) = (ends(|point| point.0)?, ends(|point| point.1)?);
        if band.high.is_empty() {
            // A few modes of a map may stand out by decades.
            let mut powers: Vec<f64> = curve.iter().map(|point| point.1.log10()).collect();
            powers.sort_by(f64::total_cmp);
            high = powers.get(powers.len() * 9 / 10).copied().unwrap_or(high);
        }
        let top = high.ceil() + 1.0;
        Some(Self { x: (left, right.max(left + 0.1)), y: (top - DECADES, top) })
    }

    fn place(&self, (ell, power): (f64, f64)) -> (f64, f64) {
        let share = |value: f64, (low, high): (f64, f64)| (value.log10() - low) / (high - low);
        let x = LEFT + share(ell, self.x) * (WIDTH - LEFT - RIGHT);
        let y = HEIGHT - BOTTOM - share(power, self.y) * (HEIGHT - TOP - BOTTOM);
        (x, y)
    }

    /// Path through points.
    fn line(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        for (index, &point) in points.iter().enumerate() {
            let (x, y) = self.place(point);
            // Writing to a String cannot fail.
            let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
        }
        path
    }

    /// Closed path between two lines.
    fn area(&self, low: &[(f64, f64)], high: &[(f64, f64)]) -> String {
        let around: Vec<_> = high.iter().chain(low.iter().rev()).copied().collect();
        if around.is_empty() { String::new() } else { self.line(&around) + "Z" }
    }

    /// Lines and numbers at powers of ten, short marks at their multiples.
    fn grid(self) -> impl IntoView {
        let decades = |(low, high): (f64, f64)| (low.floor() as i32..=high.ceil() as i32).collect::<Vec<_>>();
        let inside = |log: f64, (low, high): (f64, f64)| log >= low - 1e-9 && log <= high + 1e-9;
        let bottom = HEIGHT - BOTTOM;
        let mut parts = Vec::new();
        for decade in decades(self.x) {
            for multiple in 1..10 {
                let ell = f64::from(multiple) * 10_f64.powi(decade);
                if !inside(ell.log10(), self.x) {
                    continue;
                }
                let (x, _) = self.place((ell, 1.0));
                let major = multiple == 1;
                let top = if major { TOP } else { bottom - 6.0 };
                parts.push(
                    view! { <line class=if major { "major" } else { "minor" } x1=x x2=x y1=top y2=bottom /> }
                        .into_any(),
                );
                if matches!(multiple, 1 | 3) {
                    let text = if ell >= 1000.0 { format!("{},000", ell / 1000.0) } else { format!("{ell:.0}") };
                    parts.push(view! { <text class="number" x=x y=bottom + 22.0>{text}</text> }.into_any());
                }
            }
        }
        for decade in decades(self.y).into_iter().filter(|&decade| inside(f64::from(decade), self.y)) {
            let (_, y) = self.place((1.0, 10_f64.powi(decade)));
            let exponent = decade.to_string().replace('-', "−");
            parts.push(view! { <line class="major" x1=LEFT x2=WIDTH - RIGHT y1=y y2=y /> }.into_any());
            parts.push(
                view! {
                    <text class="number end" x=LEFT - 6.0 y=y + 5.0>
                        "10"<tspan dy="-6" class="exponent">{exponent}</tspan>
                    </text>
                }
                .into_any(),
            );
        }
        parts
    }
}
