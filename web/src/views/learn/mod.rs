//! What it is, how it is drawn, and whether anyone can tell: panels to play with.
//!
//! ```text
//! lens    galaxies behind the map on screen, as its matter bends their light
//! layers  what each layer of the network makes of it
//! scales  structure of one size at a time
//! game    which of two maps did the network draw?
//! ```

mod game;
mod layers;
mod lens;
mod scales;

use leptos::prelude::*;
use shared::formats::weights::Origin;

use self::{game::Game, layers::Layers, lens::Lens, scales::Scales};
use crate::{state::State, views::compare::library};

/// The panels.
#[component]
pub fn Learn() -> impl IntoView {
    let state = State::expect();
    library::load_samples(state);
    let seen = move || {
        let maps = state.phase.with(|phase| match &phase.manifest()?.origin {
            Origin::Trained(training) => Some(training.step * training.batch_size as u64),
            Origin::Imported(_) => None,
        })?;
        Some(format!(
            "In the paper that takes millions of maps. The network on this page saw {maps} and can still be caught, as Statistics shows. "
        ))
    };
    view! {
        <section class="card" aria-labelledby="lens-title">
            <Lens />
        </section>
        <section class="card" aria-labelledby="scales-title">
            <Scales />
        </section>
        <section class="card wide" aria-labelledby="layers-title">
            <Layers />
        </section>
        <section class="card wide" aria-labelledby="training-title">
            <h2 id="training-title">"How did it learn that?"</h2>
            <p>
                "Two networks play against each other. One draws maps, and has never seen a simulated one. The other sees maps of both "
                "kinds and says which are simulated. Whenever it catches a drawn one, the first network learns from its "
                "mistake; whenever it is fooled, the second one does. In the end the second one is down to guessing, and the first has learned "
                "what the universe looks like, without being told a single law of physics."
            </p>
            <p>
                {seen}"So it draws quickly what others have computed slowly. It invents no new physics: it knows one universe, of one "
                "composition, and its maps are as good as the numbers that you find under Statistics."
            </p>
        </section>
        <Game />
    }
}
