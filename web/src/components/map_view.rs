//! A map on a canvas, with a scale bar, the value under the pointer and marked peaks.

use leptos::{html::Canvas, prelude::*};
use shared::{
    colour::{dim_below, paint_difference, paint_stretched},
    statistics::peaks::peaks_above,
};
use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData, PointerEvent};

use super::{magnifier::Magnifier, pointer::place_in};
use crate::state::{MapSource, Phase, ShownMap, State};

/// Lengths of a scale bar, in arcmin.
const BAR_LENGTHS: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];
/// Most peaks that are marked.
const MOST_PEAKS: usize = 400;
/// Share of the pixels of a difference that are painted in full.
const FULL_COLOUR: f64 = 0.005;

/// How a map is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// With the visitor's colours.
    #[default]
    Kappa,
    /// Around zero.
    Difference,
}

/// The map, or a dark square while there is none.
#[component]
pub fn MapView(
    map: Signal<Option<ShownMap>, LocalStorage>,
    /// Where the pointer is, as shares of the side: so that the readout follows when the map changes under a pointer at rest.
    pointer: RwSignal<Option<(f64, f64)>>,
    testid: &'static str,
    #[prop(optional)] paint: Paint,
) -> impl IntoView {
    let state = State::expect();
    let canvas = NodeRef::<Canvas>::new();
    let zoom = state.zoom;

    Effect::new(move || {
        let (range, stretch, colours) = (state.range(), state.stretch.get(), state.colours.get());
        let threshold = state.threshold.get();
        let Some(canvas) = canvas.get() else { return };
        map.with(|shown| {
            let Some(shown) = shown else { return };
            let mut pixels = match paint {
                Paint::Kappa => paint_stretched(&shown.kappa, range, stretch, colours),
                Paint::Difference => {
                    let most = most(&shown.kappa);
                    state.comparison.difference.set(most);
                    paint_difference(&shown.kappa, most)
                }
            };
            if let Some(nu) = threshold {
                dim_below(&mut pixels, &shown.kappa, (nu * shown.portrait.sigma) as f32);
            }
            put(&canvas, shown.portrait.pixels, &pixels);
        });
    });

    let label = move || {
        map.with(|shown| match shown {
            None => "No map yet".to_owned(),
            Some(shown) => {
                let side = shown.portrait.side_angle;
                let which = match &shown.source {
                    MapSource::Generated(point) => {
                        let between = if point.is_seed() { "" } else { ", on the way to another one" };
                        format!("Generated convergence map of seed {}{between}", point.seed)
                    }
                    MapSource::Elsewhere(name) => format!("Convergence map: {name}"),
                };
                format!("{which}, {side:.2} degrees on a side")
            }
        })
    };
    let pointed = Callback::new(move |event: PointerEvent| {
        let Some(canvas) = canvas.get_untracked() else { return };
        // The canvas as it lies on the screen, magnified.
        pointer.set(Some(place_in(&canvas.get_bounding_client_rect(), &event)));
    });
    let readout = move || {
        let (x, y) = pointer.get()?;
        map.with(|shown| value_at(shown.as_ref()?, x, y))
    };
    let bar = move || {
        map.with(|shown| {
            let side = shown.as_ref()?.portrait.side_angle * 60.0 / zoom.get().factor;
            let length = BAR_LENGTHS.into_iter().rev().find(|length| *length <= side / 3.0)?;
            Some(view! {
                <div class="scale-bar" style:width=format!("{:.3}%", 100.0 * length / side)>
                    <span>{format!("{length} arcmin")}</span>
                </div>
            })
        })
    };
    let peaks = move || {
        let nu = state.peaks.get().filter(|_| paint == Paint::Kappa)?;
        map.with(|shown| Some(marked_peaks(shown.as_ref()?, nu, zoom.get().transform())))
    };
    let waiting =
        Signal::derive(move || map.with(Option::is_none) && state.phase.with(|phase| *phase != Phase::Failed));
    view! {
        <Magnifier zoom waiting pointed left=Callback::new(move |()| pointer.set(None))>
            <canvas
                node_ref=canvas
                data-testid=testid
                role="img"
                aria-label=label
                width="256"
                height="256"
                style:transform=move || zoom.get().transform()
            ></canvas>
            {peaks}
            {bar}
            <div class="readout" aria-hidden="true">{readout}</div>
        </Magnifier>
    }
}

/// Where a difference is painted in full.
fn most(difference: &[f32]) -> f32 {
    let (low, high) = shared::colour::range_of(difference.iter().copied(), [FULL_COLOUR, 1.0 - FULL_COLOUR]);
    low.abs().max(high.abs())
}

/// Circles around the peaks of a height in sigma.
fn marked_peaks(shown: &ShownMap, nu: f64, transform: String) -> impl IntoView + use<> {
    let pixels = shown.portrait.pixels;
    let peaks = peaks_above(&shown.kappa, pixels, (nu * shown.portrait.sigma) as f32);
    let radius = pixels as f64 / 60.0;
    let circle = |(row, column): (usize, usize)| {
        view! { <circle cx=column as f64 + 0.5 cy=row as f64 + 0.5 r=radius /> }
    };
    let circles: Vec<_> = peaks.iter().take(MOST_PEAKS).map(|peak| circle((peak.row, peak.column))).collect();
    view! {
        <svg
            class="peaks"
            data-testid="peaks"
            data-count=peaks.len().to_string()
            viewBox=format!("0 0 {pixels} {pixels}")
            style:transform=transform
            aria-hidden="true"
        >
            {circles}
        </svg>
    }
}

/// Puts pixels of a square picture on a canvas; where that has no room for them, the console says so.
pub fn put(canvas: &HtmlCanvasElement, side: usize, pixels: &[u8]) {
    if let Err(error) = try_put(canvas, side, pixels) {
        web_sys::console::error_1(&error);
    }
}

fn try_put(canvas: &HtmlCanvasElement, side: usize, pixels: &[u8]) -> Result<(), JsValue> {
    let side = side as u32;
    if canvas.width() != side || canvas.height() != side {
        canvas.set_width(side);
        canvas.set_height(side);
    }
    let context: CanvasRenderingContext2d =
        canvas.get_context("2d")?.ok_or("the canvas has no 2d context")?.unchecked_into();
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(pixels), side, side)?;
    context.put_image_data(&image, 0.0, 0.0)
}

/// Position in arcmin from the upper left corner, and kappa, also in units of the map's sigma, at a place given as shares of the side.
fn value_at(shown: &ShownMap, x: f64, y: f64) -> Option<String> {
    if !(0.0..1.0).contains(&x) || !(0.0..1.0).contains(&y) {
        return None;
    }
    let pixels = shown.portrait.pixels;
    let (column, row) = ((x * pixels as f64) as usize, (y * pixels as f64) as usize);
    let kappa = shown.kappa.get(row * pixels + column)?;
    let side = shown.portrait.side_angle * 60.0;
    if kappa.is_nan() {
        return Some(format!("{:.1}′, {:.1}′   masked", x * side, y * side));
    }
    let height = if shown.portrait.sigma > 0.0 { f64::from(*kappa) / shown.portrait.sigma } else { 0.0 };
    Some(format!("{:.1}′, {:.1}′   κ = {kappa:.4}   {height:.1} σ", x * side, y * side).replace('-', "−"))
}
