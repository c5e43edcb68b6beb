//! A map of the library that is looked at: treated and measured by the worker, the newest wish first.

use std::rc::Rc;

use js_sys::{Array, Float32Array};
use leptos::prelude::*;
use protocol::{Event, Work};
use shared::{
    statistics::Statistic,
    survey::{ShapeNoise, Treatment},
};

use crate::{
    state::{MapSource, ShownMap, State},
    workers::{WorkerClient, newest},
};

/// A chosen map and what is seen of it.
#[derive(Clone, Copy)]
pub struct Slot {
    /// Its place in the library.
    pub chosen: RwSignal<Option<usize>>,
    /// The map as it is seen.
    pub shown: RwSignal<Option<ShownMap>, LocalStorage>,
}

impl Default for Slot {
    fn default() -> Self {
        Self { chosen: RwSignal::new(None), shown: RwSignal::new_local(None) }
    }
}

impl Slot {
    /// Keeps what is seen in step with what is chosen.
    ///
    /// `apart` keeps the noise of two slots apart: as two surveys have it.
    pub fn follow(self, state: State, client: WorkerClient, apart: u64) {
        Effect::new(move || {
            if self.chosen.get().is_none() {
                self.shown.set(None);
            }
        });
        let wish = move || {
            let treatment = state.treatment.get();
            let noise = treatment.noise.map(|noise| ShapeNoise { seed: noise.seed.wrapping_add(apart), ..noise });
            Some((self.chosen.get()?, Treatment { noise, ..treatment }))
        };
        newest::follow(wish, move |(place, treatment)| self.look(state, client.clone(), place, treatment));
    }

    async fn look(self, state: State, client: WorkerClient, place: usize, treatment: Treatment) {
        let map = state.comparison.library.with_untracked(|library| library.get(place).cloned());
        let Some(map) = map else { return };
        let statistics = Statistic::QUICK.to_vec();
        let work = Work::Look { pixels: map.pixels, side_angle: map.side_angle, treatment, statistics };
        let attached = Array::of1(&Float32Array::from(&map.kappa[..]));
        match client.ask(work, attached).await {
            Ok((Event::Looked(portrait), numbers)) => {
                // Meanwhile nothing may be chosen any more.
                if self.chosen.get_untracked().is_some() {
                    let kappa = Rc::new(numbers.into_iter().next().unwrap_or_default());
                    let (source, device) = (MapSource::Elsewhere(map.name), String::new());
                    let portrait = Rc::new(portrait);
                    self.shown.set(Some(ShownMap { source, treatment, portrait, kappa, milliseconds: 0.0, device }));
                }
            }
            Ok(_) => {}
            Err(unanswered) => unanswered.tell(state),
        }
    }
}
