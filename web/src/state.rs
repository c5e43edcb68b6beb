//! What the page shows, as signals. Components read and write these; what needs computing is asked of the workers.

use std::rc::Rc;

use leptos::prelude::*;
use protocol::{DeviceReport, Drawn, LatentPoint, Portrait, Progress};
use shared::{
    colour::{ColourMap, RANGE_SHARES, Stretch, range_of},
    formats::weights::Manifest,
    survey::Treatment,
};

use crate::{
    address::Asked,
    components::{weights_chooser::Offer, zoom::Zoom},
    reference::Reference,
    views::{View, compare::Comparison},
    workers::{Generated, WeightsSource},
};

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

    /// The manifest of the weights that draw.
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Ready(_, manifest) => Some(manifest),
            _ => None,
        }
    }
}

/// Where a map comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum MapSource {
    /// The network of the page drew it.
    Generated(LatentPoint),
    /// Something else, in words.
    Elsewhere(String),
}

/// A map with its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownMap {
    /// Where it comes from.
    pub source: MapSource,
    /// What was done to it.
    pub treatment: Treatment,
    /// What the worker measured; shared, since the map is handed on with every look at it.
    pub portrait: Rc<Portrait>,
    /// Pixels in kappa, row by row.
    pub kappa: Rc<Vec<f32>>,
    /// Time to draw it; 0 for one that was not drawn here.
    pub milliseconds: f64,
    /// What drew it, in words.
    pub device: String,
}

impl ShownMap {
    /// A map that the network drew.
    pub fn drawn(drawn: Drawn, kappa: Rc<Vec<f32>>, device: String) -> Self {
        let Drawn { point, treatment, milliseconds, portrait } = drawn;
        Self {
            source: MapSource::Generated(point),
            treatment,
            portrait: Rc::new(portrait),
            kappa,
            milliseconds,
            device,
        }
    }

    /// The point of latent space that it was drawn from.
    pub fn point(&self) -> Option<LatentPoint> {
        match &self.source {
            MapSource::Generated(point) => Some(*point),
            MapSource::Elsewhere(_) => None,
        }
    }

    /// What it is, for a caption.
    pub fn caption(&self) -> String {
        match &self.source {
            MapSource::Generated(point) if point.is_seed() => format!("generated, seed {}", point.seed),
            MapSource::Generated(point) => format!("generated, between seeds {} and {}", point.seed, point.to),
            MapSource::Elsewhere(name) => name.clone(),
        }
    }

    /// The range of kappa that shows most of it.
    pub fn range(&self) -> (f32, f32) {
        range_of(self.kappa.iter().copied(), RANGE_SHARES)
    }
}

/// All state of the page.
#[derive(Clone, Copy)]
pub struct State {
    /// The map that the visitor asks for.
    pub point: RwSignal<LatentPoint>,
    /// What is done to maps before they are looked at.
    pub treatment: RwSignal<Treatment>,
    /// How far the generator is.
    pub phase: RwSignal<Phase>,
    /// Which weights it has.
    pub weights: RwSignal<WeightsSource, LocalStorage>,
    /// The map on screen; the one before stays while the next is drawn.
    pub shown: RwSignal<Option<ShownMap>, LocalStorage>,
    /// Whether a map is being drawn.
    pub drawing: RwSignal<bool>,
    /// A sentence for the visitor about something that went wrong.
    pub notice: RwSignal<Option<String>>,
    /// Statistics of simulated maps.
    pub reference: RwSignal<Option<Reference>>,
    /// Statistics of many generated maps, as far as they are drawn.
    pub ensemble: RwSignal<Option<Generated>, LocalStorage>,
    /// Whether more maps of the ensemble are being drawn.
    pub gathering: RwSignal<bool>,
    /// Whether that waits for the visitor.
    pub paused: RwSignal<bool>,
    /// Colours of the map.
    pub colours: RwSignal<ColourMap>,
    /// How kappa is spread over them.
    pub stretch: RwSignal<Stretch>,
    /// Range of kappa that the visitor typed.
    pub typed_range: RwSignal<Option<(f32, f32)>>,
    /// Which part of the map is seen.
    pub zoom: RwSignal<Zoom>,
    /// How many maps are seen at once.
    pub grid: RwSignal<usize>,
    /// Which view is open.
    pub view: RwSignal<View>,
    /// Whether the page still opens: the map drifts by, and nothing else is seen.
    pub opening: RwSignal<bool>,
    /// Whether what is on screen is one of the history's, and no new step of it.
    pub returning: RwSignal<bool>,
    /// A threshold in units of the shown map's sigma: what lies above it is marked on the map and on the curves.
    pub threshold: RwSignal<Option<f64>>,
    /// Height in units of sigma from which peaks are marked on the map.
    pub peaks: RwSignal<Option<f64>>,
    /// Maps of the visitor, and the one beside the page's own.
    pub comparison: Comparison,
    /// A simulated map to look at until the first one is drawn.
    pub placeholder: RwSignal<Option<ShownMap>, LocalStorage>,
    /// Networks to choose from.
    pub offers: RwSignal<Vec<Offer>>,
    /// Whether the game is to be brought into sight.
    pub playing: RwSignal<bool>,
}

impl State {
    /// The state at the start, as the address asks for it.
    pub fn new(asked: &Asked) -> Self {
        Self {
            point: RwSignal::new(asked.point),
            treatment: RwSignal::new(asked.treatment),
            phase: RwSignal::new(Phase::Loading(None)),
            weights: RwSignal::new_local(WeightsSource::default()),
            shown: RwSignal::new_local(None),
            drawing: RwSignal::new(false),
            notice: RwSignal::new(None),
            reference: RwSignal::new(None),
            ensemble: RwSignal::new_local(None),
            gathering: RwSignal::new(false),
            paused: RwSignal::new(false),
            colours: RwSignal::new(asked.colours),
            stretch: RwSignal::new(asked.stretch),
            typed_range: RwSignal::new(asked.range),
            zoom: RwSignal::new(asked.zoom),
            grid: RwSignal::new(asked.grid),
            view: RwSignal::new(asked.view),
            opening: RwSignal::new(asked.opening),
            returning: RwSignal::new(false),
            threshold: RwSignal::new(asked.threshold),
            peaks: RwSignal::new(asked.peaks),
            comparison: Comparison::new(asked.way, asked.samples),
            placeholder: RwSignal::new_local(None),
            offers: RwSignal::new(Vec::new()),
            playing: RwSignal::new(false),
        }
    }

    /// Shows what an address asks for, as the way back and forth through the history does.
    pub fn show(&self, asked: &Asked) {
        self.point.set(asked.point);
        self.treatment.set(asked.treatment);
        self.colours.set(asked.colours);
        self.stretch.set(asked.stretch);
        self.typed_range.set(asked.range);
        self.zoom.set(asked.zoom);
        self.grid.set(asked.grid);
        self.view.set(asked.view);
        self.threshold.set(asked.threshold);
        self.peaks.set(asked.peaks);
        self.comparison.way.set(asked.way);
    }

    /// Range of kappa that the colours span: the typed one, else that of the simulated maps where it is known, so that maps are
    /// comparable, else the shown map's own. A map of which only a band or smooth structure is left has a range of its own.
    pub fn range(&self) -> (f32, f32) {
        let treated = !self.treatment.get().is_none();
        let known = self.known_range().filter(|_| !treated || self.typed_range.with(Option::is_some));
        known.unwrap_or_else(|| self.seen(|shown| shown.map_or((0.0, 1.0), ShownMap::range)))
    }

    /// The range that the visitor typed, else that of the simulated maps.
    pub fn known_range(&self) -> Option<(f32, f32)> {
        self.typed_range.get().or_else(|| self.reference.with(|reference| reference.as_ref()?.kappa_range))
    }

    /// The map to look at, or a simulated one until there is one.
    pub fn looked_at(&self) -> Option<ShownMap> {
        self.seen(|shown| Some(shown?.clone())).or_else(|| self.placeholder.get())
    }

    /// Hands on the map that is looked at: the generated one, or in the view that compares, what the visitor put in its place.
    pub fn seen<T>(&self, look: impl FnOnce(Option<&ShownMap>) -> T) -> T {
        let left = self.comparison.left;
        if self.view.get() == View::Compare && left.chosen.get().is_some() {
            left.shown.with(|shown| look(shown.as_ref()))
        } else {
            self.shown.with(|shown| look(shown.as_ref()))
        }
    }

    /// The state of this page.
    ///
    /// # Panics
    /// Outside the page's components, which is a mistake of the program.
    pub fn expect() -> Self {
        use_context().expect("the app provides its state")
    }
}
