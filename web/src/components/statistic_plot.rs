//! A statistic of the map on screen, beside simulated maps and a generated ensemble.

use leptos::prelude::*;
use shared::statistics::{
    Statistic,
    power_spectrum::{dimensionless, nyquist},
};

use crate::{
    plot::{AxisKind, AxisSpec, Brush, Kind, Marker, Plot, Series},
    state::{ShownMap, State},
    views::compare::is_comparing,
    workers::Scatter,
};

/// Share of the highest density of pixel values below which the plot leaves the tails out.
const TAIL: f64 = 2e-3;

/// How a statistic is plotted.
struct Looks {
    title: &'static str,
    x: AxisSpec,
    y: AxisSpec,
}

const fn linear(label: &'static str, column: &'static str) -> AxisSpec {
    AxisSpec { label, column, kind: AxisKind::Linear }
}

const fn logarithmic(label: &'static str, column: &'static str) -> AxisSpec {
    AxisSpec { label, column, kind: AxisKind::Logarithmic }
}

/// A threshold, which several are plotted against.
const THRESHOLD: AxisSpec = linear("threshold in σ", "nu");

fn looks(statistic: Statistic) -> Looks {
    let (title, x, y) = match statistic {
        Statistic::PowerSpectrum => (
            "Power spectrum",
            logarithmic("multipole l", "ell"),
            logarithmic("l(l + 1) P(l) / 2π", "dimensionless_power"),
        ),
        Statistic::Pdf => ("Pixel values", linear("convergence κ", "kappa"), linear("density of pixels", "density")),
        Statistic::V0 => ("Area above a threshold, V₀", THRESHOLD, linear("share of the map", "v0")),
        Statistic::V1 => ("Length of its outline, V₁", THRESHOLD, linear("a fourth of the length, 1/pixel", "v1")),
        Statistic::V2 => ("Pieces less holes, V₂", THRESHOLD, linear("genus, 1/pixel²", "v2")),
        Statistic::Peaks => ("Peaks", linear("height in σ", "nu"), linear("peaks per σ", "peaks")),
        other => (other.label(), linear(other.abscissa(), other.abscissa()), linear(other.label(), other.name())),
    };
    Looks { title, x, y }
}

/// The plot of a statistic.
#[component]
pub fn StatisticPlot(
    statistic: Statistic,
    /// Whether the threshold is marked on it, and follows a drag.
    #[prop(optional)]
    marked: bool,
) -> impl IntoView {
    let state = State::expect();
    // Beyond the Nyquist multipole of the rows only the corners of Fourier space have modes, which no test compares.
    let highest = Memo::new(move |_| {
        let of =
            |shown: Option<&ShownMap>| shown.map(|shown| nyquist(shown.portrait.pixels, shown.portrait.side_angle));
        state.seen(of).unwrap_or(f64::INFINITY)
    });
    // Where simulated maps have pixels at all.
    let tails =
        Memo::new(move |_| state.reference.with(|reference| tails(reference.as_ref()?.scatter.get(&Statistic::Pdf)?)));
    let prepared = move |series: Series| match statistic {
        Statistic::PowerSpectrum => {
            series.between(f64::MIN_POSITIVE, highest.get()).scaled(|ell| dimensionless(ell, 1.0))
        }
        Statistic::Pdf => match tails.get() {
            Some((low, high)) => series.between(low, high),
            None => series,
        },
        _ => series,
    };
    let of_scatter = move |kind, name: String, scatter: &Scatter| {
        prepared(Series::new(kind, name, &scatter.middles, &scatter.mean, &scatter.sigma))
    };
    // One memo each: while maps pass by, the bands are not computed anew.
    let angle = Memo::new(move |_| state.seen(|shown| shown.map(|shown| shown.portrait.side_angle)));
    let alike = Memo::new(move |_| {
        let own = state.phase.with(|phase| phase.manifest().map(|manifest| manifest.network.map_side));
        state.seen(|shown| shown.is_none_or(|shown| own.is_none_or(|own| own == shown.portrait.pixels)))
    });
    let simulated = Memo::new(move |_| {
        state.reference.with(|reference| {
            // Maps of another angle or other pixels have other statistics.
            let reference = reference.as_ref().filter(|reference| reference.is_of(angle.get()) && alike.get())?;
            let name = format!("{} simulated ± σ", reference.maps);
            Some(of_scatter(Kind::Simulated, name, reference.scatter.get(&statistic)?))
        })
    });
    let generated = Memo::new(move |_| {
        state.ensemble.with(|ensemble| {
            let ensemble = ensemble.as_ref()?;
            let name = format!("{} generated ± σ", ensemble.maps);
            Some(of_scatter(Kind::Generated, name, ensemble.scatter.get(&statistic)?))
        })
    });
    let of_map = move |kind, name: &str, shown: Option<&ShownMap>| {
        let measured = shown?.portrait.of(statistic)?;
        Some(prepared(Series::new(kind, name.to_owned(), &measured.middles, &measured.values, &[])))
    };
    let map = Memo::new(move |_| {
        let name = if is_comparing(&state) { "left" } else { "this map" };
        state.seen(|shown| of_map(Kind::Map, name, shown))
    });
    let other = Memo::new(move |_| {
        let right = state.comparison.right.shown;
        is_comparing(&state).then(|| right.with(|shown| of_map(Kind::Other, "right", shown.as_ref())))?
    });
    let theory = Memo::new(move |_| {
        state.reference.with(|reference| {
            let theory = reference.as_ref()?.theory.as_ref().filter(|_| statistic == Statistic::PowerSpectrum)?;
            let name = "theory (halofit)".to_owned();
            Some(prepared(Series::new(Kind::Theory, name, &theory.middles, &theory.mean, &[])))
        })
    });
    let series = Memo::new(move |_| {
        let all = [map.get(), other.get(), simulated.get(), generated.get(), theory.get()];
        all.into_iter().flatten().collect::<Vec<_>>()
    });
    let Looks { title, x, y } = looks(statistic);
    let name = match statistic {
        Statistic::PowerSpectrum => "spectrum",
        other => other.name(),
    };
    // The threshold is one of sigma; pixel values are in kappa.
    let unit = move || match statistic {
        // Of a band, sigma is another one than that of the map whose values are plotted.
        Statistic::Pdf if state.treatment.get().band.is_some() => None,
        Statistic::Pdf => state.seen(|shown| shown.map(|shown| shown.portrait.sigma)),
        _ => Some(1.0),
    };
    let at = Signal::derive(move || Some(state.threshold.get()? * unit()?));
    let set = Callback::new(move |x: f64| {
        if let Some(unit) = unit().filter(|unit| *unit > 0.0) {
            state.threshold.set(Some((x / unit * 100.0).round() / 100.0));
        }
    });
    if marked {
        view! { <Plot name title x y series marker=Marker { at, set } /> }.into_any()
    } else if statistic == Statistic::PowerSpectrum {
        // A drag leaves only these multipoles in the map.
        let at = Signal::derive(move || state.treatment.get().band);
        let set = Callback::new(move |band| state.treatment.update(|treatment| treatment.band = band));
        view! { <Plot name title x y series brush=Brush { at, set } /> }.into_any()
    } else {
        view! { <Plot name title x y series /> }.into_any()
    }
}

/// Lowest and highest kappa where the density of pixels is worth showing.
fn tails(scatter: &Scatter) -> Option<(f64, f64)> {
    let highest = scatter.mean.iter().flatten().copied().fold(0.0, f64::max);
    let worth = |place: &usize| scatter.mean.get(*place).is_some_and(|mean| mean.unwrap_or(0.0) > TAIL * highest);
    let (first, last) = ((0..scatter.mean.len()).find(worth)?, (0..scatter.mean.len()).rev().find(worth)?);
    Some((*scatter.middles.get(first)?, *scatter.middles.get(last)?))
}
