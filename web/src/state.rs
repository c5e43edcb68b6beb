//! What the page shows, as signals. Components read and write these; the ensemble's button also asks the worker.

use std::rc::Rc;

use leptos::prelude::*;
use protocol::{DeviceReport, Drawn, LatentPoint, Progress};
use shared::{
    colour::{ColourMap, RANGE_SHARES, Stretch, range_of},
    formats::weights::Manifest,
};

use crate::{reference::Reference, views::View, workers::Generated};

/// How far the generator is.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Loading goes on; `None` until the worker says the first word.
    Loading(Option<Progress>),
    /// Maps can be drawn.
    Ready(DeviceReport, Box<Manifest>),
    /// Nothing can be drawn; the notice says why.
    Failed,
}

impl Phase {
    /// One word for scripts and style sheets.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Loading(_) => "loading",
            Self::Ready(..) => "ready",
            Self::Failed => "failed",
        }
    }
}

/// A map with its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownMap {
    /// What the worker measured.
    pub drawn: Drawn,
    /// Pixels in kappa, row by row.
    pub kappa: Rc<Vec<f32>>,
    /// What drew it, in words.
    pub device: String,
}

/// All state of the page.
#[derive(Clone, Copy)]
pub struct State {
    /// The map that the visitor asks for.
    pub point: RwSignal<LatentPoint>,
    /// How far the generator is.
    pub phase: RwSignal<Phase>,
    /// The map on screen; the one before stays while the next is drawn.
    pub shown: RwSignal<Option<ShownMap>, LocalStorage>,
    /// Whether a map is being drawn.
    pub drawing: RwSignal<bool>,
    /// A sentence for the visitor about something that went wrong.
    pub notice: RwSignal<Option<String>>,
    /// Statistics of simulated maps.
    pub reference: RwSignal<Option<Reference>>,
    /// Statistics of many generated maps, as far as they are drawn.
    pub ensemble: RwSignal<Option<Generated>>,
    /// Whether more maps of the ensemble are being drawn.
    pub gathering: RwSignal<bool>,
    /// Colours of the map.
    pub colours: RwSignal<ColourMap>,
    /// How kappa is spread over them.
    pub stretch: RwSignal<Stretch>,
    /// Range of kappa that the visitor typed.
    pub typed_range: RwSignal<Option<(f32, f32)>>,
    /// Which view is open.
    pub view: RwSignal<View>,
    /// A threshold in units of the shown map's sigma: what lies above it is marked on the map and on the curves.
    pub threshold: RwSignal<Option<f64>>,
}

impl State {
    /// The state at the start, with the point that the address asks for.
    pub fn new(point: LatentPoint, view: View) -> Self {
        Self {
            point: RwSignal::new(point),
            phase: RwSignal::new(Phase::Loading(None)),
            shown: RwSignal::new_local(None),
            drawing: RwSignal::new(false),
            notice: RwSignal::new(None),
            reference: RwSignal::new(None),
            ensemble: RwSignal::new(None),
            gathering: RwSignal::new(false),
            colours: RwSignal::new(ColourMap::default()),
            stretch: RwSignal::new(Stretch::default()),
            typed_range: RwSignal::new(None),
            view: RwSignal::new(view),
            threshold: RwSignal::new(None),
        }
    }

    /// Range of kappa that the colours span: the typed one, else that of the simulated maps where it is known, so that maps are
    /// comparable, else the shown map's own.
    pub fn range(&self) -> (f32, f32) {
        let known = self.typed_range.get().or_else(|| self.reference.with(|reference| reference.as_ref()?.kappa_range));
        if let Some(range) = known {
            return range;
        }
        let own = |shown: &ShownMap| range_of(shown.kappa.iter().copied(), RANGE_SHARES);
        self.shown.with(|shown| shown.as_ref().map_or((0.0, 1.0), own))
    }

    /// The state of this page.
    ///
    /// # Panics
    /// Outside the page's components, which is a mistake of the program.
    pub fn expect() -> Self {
        use_context().expect("the app provides its state")
    }
}
