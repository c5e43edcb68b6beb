//! Whether the generated maps of the ensemble could be simulated ones: a test of every mode of P(l), one of all of them, and how the modes
//! hang together.

use js_sys::{Array, Float32Array};
use leptos::{html::Canvas, prelude::*};
use protocol::{Event, Tests, Work};
use shared::colour::paint_difference;

use crate::{
    components::map_view::put,
    plot::{AxisKind, AxisSpec, Kind, Plot, Series},
    reference,
    state::State,
    workers::{Generated, WorkerClient, newest},
};

/// Fewest maps that are tested.
const FEWEST: usize = 32;
/// A p-value below this says that a mode is told apart (paper, Section 3.1).
const TELLS_APART: f64 = 0.05;
/// Smallest p-value that is plotted.
const SMALLEST: f64 = 1e-4;

/// Tests and the matrices of both sets.
type Answer = (Tests, [Vec<f32>; 2]);

/// The tests, once there are maps enough.
#[component]
pub fn EnsembleTests() -> impl IntoView {
    let state = State::expect();
    let client = WorkerClient::expect().get_value();
    let simulated = RwSignal::new_local(None::<(Vec<f32>, usize)>);
    let answer = RwSignal::new_local(None::<Answer>);
    Effect::new(move || {
        // Maps of another angle have other spectra.
        let angle = state.phase.with(|phase| phase.manifest().map(|manifest| manifest.side_angle));
        let folder = state.reference.with(|reference| {
            let reference = reference.as_ref().filter(|reference| reference.is_of(angle))?;
            Some(reference.folder.clone())
        });
        simulated.set(None);
        if let Some(folder) = folder {
            leptos::task::spawn_local(async move {
                simulated.try_set(reference::spectra(&folder).await);
            });
        }
    });
    // At every doubling, and at the end: more often would keep the map on screen waiting.
    let tested =
        Memo::new(move |_| state.ensemble.with(|ensemble| ensemble.as_ref().map(due).filter(|maps| *maps >= FEWEST)));
    let wish = move || tested.get().filter(|_| simulated.with(Option::is_some));
    newest::follow(wish, move |maps| {
        let client = client.clone();
        async move {
            let numbers = state.ensemble.with_untracked(|ensemble| {
                simulated.with_untracked(|simulated| {
                    let (simulated, modes) = simulated.as_ref()?;
                    let generated = ensemble.as_ref()?.spectra.borrow();
                    let generated = Float32Array::from(generated.get(..maps * modes)?);
                    Some((Array::of2(&generated, &Float32Array::from(&simulated[..])), *modes))
                })
            });
            let Some((attached, modes)) = numbers else { return };
            if let Ok((Event::Tested(tests), numbers)) = client.ask(Work::Test { modes }, attached).await
                && let Ok(matrices) = <[Vec<f32>; 2]>::try_from(numbers)
            {
                answer.try_set(Some((tests, matrices)));
            }
        }
    });
    Effect::new(move || {
        if state.ensemble.with(Option::is_none) {
            answer.set(None);
        }
    });
    view! {
        <Show when=move || answer.with(Option::is_some)>
            <section class="card" aria-label="Could they be simulated?" data-testid="tests">
                <p><strong>{move || answer.with(|answer| answer.as_ref().map(|(tests, _)| verdict(tests)))}</strong></p>
                <p>{move || answer.with(|answer| answer.as_ref().map(|(tests, _)| words(tests)))}</p>
                <PValues answer />
                <div class="pair">
                    <Matrix answer set=0 title="Correlation of modes, generated" />
                    <Matrix answer set=1 title="Correlation of modes, simulated" />
                </div>
                <p class="remark">
                    {move || answer.with(|answer| answer.as_ref().map(|(tests, _)| {
                        format!("Red: two modes rise and fall together; white: they are independent. The matrices differ by {:.2} (rms).", tests.correlation_rms)
                    }))}
                </p>
            </section>
        </Show>
    }
}

/// Maps that are to be tested now: the last power of two, or all of them at the end.
fn due(ensemble: &Generated) -> usize {
    if ensemble.maps == ensemble.wanted || ensemble.maps == 0 { ensemble.maps } else { 1 << ensemble.maps.ilog2() }
}

/// The answer in one sentence.
fn verdict(tests: &Tests) -> &'static str {
    match tests.together {
        Some(p) if p < TELLS_APART => "The power spectrum tells these maps from simulated ones.",
        Some(_) => "The power spectrum does not tell these maps from simulated ones.",
        None => "There are too few maps to tell.",
    }
}

fn words(tests: &Tests) -> String {
    let all: Vec<f64> = tests.p_values.iter().flatten().copied().collect();
    let apart = all.iter().filter(|p| **p < TELLS_APART).count();
    let [generated, simulated] = tests.maps;
    let together = tests
        .together
        .map(|p| format!(" All modes together: p = {p:.3}, by permutation of whole maps."))
        .unwrap_or_default();
    format!(
        "{generated} generated maps against {simulated} simulated ones: {apart} of {} modes of P(l) are told apart (Kolmogorov-Smirnov, \
         p < {TELLS_APART}); {:.0} would be by chance.{together}",
        all.len(),
        TELLS_APART * all.len() as f64
    )
}

#[component]
fn PValues(answer: RwSignal<Option<Answer>, LocalStorage>) -> impl IntoView {
    let state = State::expect();
    let series = Memo::new(move |_| {
        let ell = state.reference.with(|reference| {
            reference.as_ref()?.scatter.get(&shared::statistics::Statistic::PowerSpectrum).map(|it| it.middles.clone())
        });
        let points = answer.with(|answer| answer.as_ref().map(|(tests, _)| tests.p_values.clone()));
        let (Some(ell), Some(p_values)) = (ell, points) else { return Vec::new() };
        let floor = |p: &Option<f64>| p.map(|p| p.max(SMALLEST));
        let p_values: Vec<_> = p_values.iter().map(floor).collect();
        let level: Vec<_> = ell.iter().zip(&p_values).map(|(_, p)| p.map(|_| TELLS_APART)).collect();
        vec![
            Series::new(Kind::Map, "p of each mode".into(), &ell, &p_values, &[]),
            Series::new(Kind::Theory, "told apart below 0.05".into(), &ell, &level, &[]),
        ]
    });
    let x = AxisSpec { label: "multipole l", column: "ell", kind: AxisKind::Logarithmic };
    let y = AxisSpec { label: "p-value", column: "p", kind: AxisKind::Logarithmic };
    view! { <Plot name="p-values" title="Kolmogorov-Smirnov test of each mode" x y series /> }
}

/// A correlation matrix: red together, blue against each other.
#[component]
fn Matrix(answer: RwSignal<Option<Answer>, LocalStorage>, set: usize, title: &'static str) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move || {
        let Some(canvas) = canvas.get() else { return };
        answer.with(|answer| {
            let Some((tests, matrices)) = answer else { return };
            let modes = tests.p_values.len();
            // Empty modes, beyond Nyquist's frequency, have neither rows nor columns.
            let kept: Vec<usize> = (0..modes).filter(|mode| tests.p_values[*mode].is_some()).collect();
            let entry = |row: usize, column: usize| matrices[set].get(row * modes + column).copied().unwrap_or(0.0);
            let values: Vec<f32> = kept
                .iter()
                .rev()
                .flat_map(|&row| kept.iter().map(move |&column| (row, column)))
                .map(|(r, c)| entry(r, c))
                .collect();
            put(&canvas, kept.len(), &paint_difference(&values, 1.0));
        });
    });
    view! {
        <figure class="matrix">
            <h2>{title}</h2>
            <div class="lens-frame"><canvas node_ref=canvas role="img" aria-label=title></canvas></div>
            <figcaption>"multipole l rises to the right and upward"</figcaption>
        </figure>
    }
}
