//! Which of two maps did the network draw? Twelve pairs, and what the score means.

use std::rc::Rc;

use js_sys::{Array, Float32Array};
use leptos::{
    html::{Button, Canvas},
    prelude::*,
};
use protocol::{Event, LatentPoint, Work};
use shared::{
    colour::{RANGE_SHARES, paint_stretched, range_of},
    survey::Treatment,
};
use wasm_bindgen_futures::JsFuture;

use crate::{
    address::random_seed,
    components::map_view::put,
    reference,
    state::State,
    views::compare::{LibraryMap, SMOOTHING},
    workers::{Answered, Unanswered, WorkerClient},
};

/// Pairs of a game.
const PAIRS: usize = 12;

/// A pair: the simulated map, the generated one, and which of them stands on the left.
#[derive(Clone)]
struct Pair {
    maps: [Rc<Vec<f32>>; 2],
    pixels: usize,
    /// Place of the generated map.
    generated: usize,
    seed: u64,
    /// Place of the map that the discriminator holds for generated, where there is one.
    judged: Option<usize>,
}

/// How a game stands.
#[derive(Debug, Clone, Default, PartialEq)]
struct Score {
    /// For each pair that is decided, whether the generated map was found.
    found: Vec<bool>,
    /// For each, whether the discriminator finds it, where there is one.
    judged: Vec<Option<bool>>,
}

impl Score {
    fn right(&self) -> usize {
        self.found.iter().filter(|found| **found).count()
    }

    /// How many the discriminator found, where it was asked about all.
    fn of_discriminator(&self) -> Option<usize> {
        let all: Option<Vec<bool>> = self.judged.iter().copied().collect();
        all.filter(|all| !all.is_empty()).map(|all| all.into_iter().filter(|found| *found).count())
    }

    fn is_over(&self) -> bool {
        self.found.len() >= PAIRS
    }

    /// The share of games with this score or a better one, for a player who guesses.
    fn by_chance(&self) -> f64 {
        let choose = |k: usize| (0..k).fold(1.0, |product, i| product * (PAIRS - i) as f64 / (i + 1) as f64);
        (self.right()..=PAIRS).map(choose).sum::<f64>() / f64::from(1_u32 << PAIRS)
    }
}

/// The game, where there are simulated maps like those of the network.
#[component]
pub fn Game() -> impl IntoView {
    let state = State::expect();
    let like = Memo::new(move |_| {
        let geometry = state.phase.with(|phase| phase.manifest().map(|it| (it.network.map_side, it.side_angle)));
        let (pixels, angle) = geometry?;
        state.comparison.library.with(|library| {
            let fits =
                |map: &LibraryMap| map.is_sample && map.pixels == pixels && reference::are_alike(map.side_angle, angle);
            let places: Vec<usize> =
                library.iter().enumerate().filter(|(_, map)| fits(map)).map(|(place, _)| place).collect();
            (places.len() >= PAIRS).then_some(places)
        })
    });
    view! {
        <Show when=move || like.get().is_some()>
            <Board like />
        </Show>
    }
}

#[component]
fn Board(like: Memo<Option<Vec<usize>>>) -> impl IntoView {
    let state = State::expect();
    let client = WorkerClient::expect();
    let pairs = RwSignal::new_local(Vec::<Pair>::new());
    let score = RwSignal::new(Score::default());
    // The choice in the pair on screen, once it is made.
    let chosen = RwSignal::new(None::<usize>);
    let begin = move || {
        let Some(places) = like.get_untracked() else { return };
        pairs.set(Vec::new());
        score.set(Score::default());
        chosen.set(None);
        let client = client.get_value();
        leptos::task::spawn_local(async move {
            for place in shuffled(places).into_iter().take(PAIRS) {
                let Some(pair) = pair(state, &client, place).await else { return };
                pairs.try_update(|pairs| pairs.push(pair));
            }
        });
    };
    Effect::new(move || {
        if like.with(Option::is_some) {
            begin();
        }
    });
    let choose = move |place: usize| {
        if chosen.get_untracked().is_some() || score.with_untracked(Score::is_over) {
            return;
        }
        let at = score.with_untracked(|score| score.found.len());
        let pair = pairs.with_untracked(|pairs| pairs.get(at).map(|pair| (pair.generated, pair.judged)));
        if let Some((generated, judged)) = pair {
            chosen.set(Some(place));
            score.update(|score| {
                score.found.push(place == generated);
                score.judged.push(judged.map(|judged| judged == generated));
            });
        }
    };
    // The pair on screen: after a choice it stays until the visitor goes on.
    let at = Memo::new(move |_| score.with(|score| score.found.len()) - usize::from(chosen.get().is_some()));
    let next_button = NodeRef::<Button>::new();
    let first_button = NodeRef::<Button>::new();
    // Whoever plays by keys goes on where they are.
    Effect::new(move || {
        if let Some(button) = next_button.get() {
            let _ = button.focus();
        }
    });
    let next = move |_| {
        chosen.set(None);
        if let Some(button) = first_button.get_untracked() {
            let _ = button.focus();
        }
    };
    let side = move |place: usize| {
        let canvas = NodeRef::<Canvas>::new();
        Effect::new(move || {
            let (Some(canvas), at) = (canvas.get(), at.get()) else { return };
            let (stretch, colours) = (state.stretch.get(), state.colours.get());
            pairs.with(|pairs| {
                let Some(pair) = pairs.get(at) else { return };
                // Each in its own range: it is their structure that is judged.
                let range = range_of(pair.maps[place].iter().copied(), RANGE_SHARES);
                let pixels = paint_stretched(&pair.maps[place], range, stretch, colours);
                put(&canvas, pair.pixels, &pixels);
            });
        });
        let generated =
            move || pairs.with(|pairs| pairs.get(at.get()).map(|pair| (pair.generated == place, pair.seed)));
        let verdict = move || {
            chosen.get()?;
            let (is_generated, seed) = generated()?;
            Some(if is_generated {
                format!("the network drew this one, seed {seed}")
            } else {
                "a simulation".to_owned()
            })
        };
        view! {
            <figure class="candidate">
                <button
                    node_ref=if place == 0 { first_button } else { NodeRef::new() }
                    type="button"
                    data-testid=format!("candidate-{place}")
                    aria-label=format!("The network drew the {} map", if place == 0 { "left" } else { "right" })
                    class:picked=move || chosen.get() == Some(place)
                    // Not switched off, which would take the focus away.
                    aria-disabled=move || (chosen.get().is_some() || generated().is_none()).to_string()
                    on:click=move |_| choose(place)
                >
                    <canvas node_ref=canvas width="256" height="256" aria-hidden="true"></canvas>
                </button>
                <figcaption>{move || verdict().unwrap_or_else(|| "\u{a0}".to_owned())}</figcaption>
            </figure>
        }
    };
    let progress = move || {
        score.with(|score| {
            let done = score.found.len();
            let now = (at.get() + 1).min(PAIRS);
            if done == 0 {
                format!("Pair {now} of {PAIRS}")
            } else {
                format!("Pair {now} of {PAIRS} · found {} of {done}", score.right())
            }
        })
    };
    let finished = move || score.with(Score::is_over) && chosen.get().is_none();
    let result = move || {
        finished().then(|| {
            score.with(|score| view! { <Result score=score.clone() again=Callback::new(move |()| begin()) /> })
        })
    };
    let section = NodeRef::<leptos::html::Section>::new();
    Effect::new(move || {
        if let Some(section) = section.get().filter(|_| state.playing.get()) {
            section.scroll_into_view();
            state.playing.set(false);
        }
    });
    view! {
        <section node_ref=section class="card wide game" id="game" aria-labelledby="game-title" data-testid="game">
            <h2 id="game-title">"Which one did the network draw?"</h2>
            <p class="remark">"Choose the map that you think the network drew."</p>
            <p class="remark" role="status" data-testid="game-progress">{progress}</p>
            <div class="candidates" hidden=finished>{side(0)} {side(1)}</div>
            <div class="verdict" role="status" hidden=finished>
                <Show when=move || chosen.get().is_some()>
                    <span data-testid="game-verdict">
                        {move || if score.with(|score| score.found.last() == Some(&true)) { "Right." } else { "It fooled you." }}
                    </span>
                    <span class="remark" data-testid="game-judge">
                        {move || match score.with(|score| score.judged.last().copied().flatten()) {
                            Some(true) => "The discriminator tells them apart.",
                            Some(false) => "The discriminator takes them the wrong way round.",
                            None => "",
                        }}
                    </span>
                    <button node_ref=next_button type="button" class="primary" data-testid="game-next" on:click=next>
                        {move || if score.with(Score::is_over) { "How did I do?" } else { "Next pair" }}
                    </button>
                </Show>
            </div>
            {result}
            <details class="remark">
                <summary>"What is known of these maps"</summary>
                "The simulated maps are this project's own. They show finer structure than those from which this network learned, so both are "
                "smoothed alike, and each has its own range of colours. The paper found no person and no statistic that could tell; this "
                "network was trained for less long. "
                {move || if has_discriminator(state) {
                    "The discriminator, against which it was trained, sees both maps as they are, not smoothed, and names the one that it \
                     would sooner hold for drawn; it has seen many thousand maps of either kind."
                } else {
                    "The one that judged it is not shipped with its weights: you play alone."
                }}
            </details>
        </section>
    }
}

#[component]
fn Result(score: Score, again: Callback<()>) -> impl IntoView {
    let (right, chance) = (score.right(), 100.0 * score.by_chance());
    let judged = score.of_discriminator().map(|found| format!(" The discriminator found {found}."));
    let meaning = if score.by_chance() < 0.05 {
        "You can tell."
    } else if right * 2 < PAIRS {
        "The network had you more often than not."
    } else {
        "That is within what guessing gives: you cannot tell, yet."
    };
    let text =
        format!("I found {right} of {PAIRS} maps that a neural network drew among simulated universes. Can you?");
    let copied = RwSignal::new(false);
    let share = {
        let text = text.clone();
        move |_| {
            let place = window().location();
            let (origin, path) = (place.origin().unwrap_or_default(), place.pathname().unwrap_or_default());
            let text = format!("{text} {origin}{path}?view=learn");
            // Browsers give the clipboard to pages of secure addresses alone; the text can be copied by hand too.
            let clipboard = window().navigator().clipboard();
            if !clipboard.is_undefined() {
                leptos::task::spawn_local(async move {
                    if JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
                        copied.try_set(true);
                    }
                });
            }
        }
    };
    view! {
        <div class="result" data-testid="game-result">
            <p>
                <strong>{format!("You found {right} of {PAIRS}. ")}</strong>
                {meaning}
                {format!(" Someone who guesses does as well in {chance:.0} of 100 games.")}
                {judged}
            </p>
            <p class="quote">{text}</p>
            <div class="buttons">
                <button type="button" class="primary" data-testid="game-again" on:click=move |_| again.run(())>"Play again"</button>
                <button type="button" on:click=share>{move || if copied.get() { "Copied" } else { "Copy this with a link" }}</button>
            </div>
        </div>
    }
}

/// Another order of the same places.
fn shuffled(mut places: Vec<usize>) -> Vec<usize> {
    for last in (1..places.len()).rev() {
        places.swap(last, (js_sys::Math::random() * (last + 1) as f64) as usize);
    }
    places
}

/// A pair with the simulated map at a place of the library.
async fn pair(state: State, client: &WorkerClient, place: usize) -> Option<Pair> {
    let map = state.comparison.library.with_untracked(|library| library.get(place).cloned())?;
    let (seed, pixels) = (random_seed(), map.pixels);
    // Nobody is to win by looking for structure that the network has never seen.
    let treatment = Treatment { smoothing: SMOOTHING, ..Treatment::default() };
    let draw = Work::Draw { point: LatentPoint::of_seed(seed), treatment, statistics: Vec::new() };
    let look = Work::Look { pixels, side_angle: map.side_angle, treatment, statistics: Vec::new() };
    let drawn = first(state, client.ask(draw, Array::new()).await)?;
    let simulated = first(state, client.ask(look, Array::of1(&Float32Array::from(&map.kappa[..]))).await)?;
    let generated = usize::from(js_sys::Math::random() < 0.5);
    let maps = if generated == 0 { [drawn, simulated] } else { [simulated, drawn] };
    let mut judged = None;
    if untrack(|| has_discriminator(state)) {
        let is_told = taken_for_drawn(state, client, seed, &map.kappa).await;
        judged = is_told.map(|told| if told { generated } else { 1 - generated });
    }
    Some(Pair { maps, pixels, generated, seed, judged })
}

/// Whether the weights that draw brought their discriminator along.
fn has_discriminator(state: State) -> bool {
    state.phase.with(|phase| phase.manifest().is_some_and(|manifest| manifest.discriminator.is_some()))
}

/// Whether the discriminator, which sees both maps as they are, holds the one of the seed for drawn sooner than the simulated one.
async fn taken_for_drawn(state: State, client: &WorkerClient, seed: u64, simulated: &[f32]) -> Option<bool> {
    let point = LatentPoint::of_seed(seed);
    let draw = Work::Draw { point, treatment: Treatment::default(), statistics: Vec::new() };
    let drawn = first(state, client.ask(draw, Array::new()).await)?;
    let mut logits = Vec::new();
    for kappa in [&drawn[..], simulated] {
        match client.ask(Work::Judge, Array::of1(&Float32Array::from(kappa))).await {
            Ok((Event::Judged { logit }, _)) => logits.push(logit),
            Ok(_) => return None,
            Err(unanswered) => {
                unanswered.tell(state);
                return None;
            }
        }
    }
    Some(logits[0] < logits[1])
}

/// The pixels of an answer; a failure is told.
fn first(state: State, answer: Result<Answered, Unanswered>) -> Option<Rc<Vec<f32>>> {
    match answer {
        Ok((_, numbers)) => numbers.into_iter().next().map(Rc::new),
        Err(unanswered) => {
            unanswered.tell(state);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_guessing_gives() {
        let score = |right: usize| Score { found: (0..PAIRS).map(|place| place < right).collect(), judged: Vec::new() };
        assert!((score(0).by_chance() - 1.0).abs() < 1e-12);
        assert!((score(12).by_chance() - 1.0 / 4096.0).abs() < 1e-12);
        // 220 + 66 + 12 + 1 ways to find nine or more.
        assert!((score(9).by_chance() - 299.0 / 4096.0).abs() < 1e-12);
        let judged = |judged: &[Option<bool>]| Score { found: Vec::new(), judged: judged.to_vec() }.of_discriminator();
        assert_eq!(
            (judged(&[Some(true), Some(false), Some(true)]), judged(&[Some(true), None]), judged(&[])),
            (Some(2), None, None)
        );
        assert!(score(3).is_over() && !Score { found: vec![true], judged: vec![None] }.is_over());
    }
}
