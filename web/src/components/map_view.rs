//! The map on a canvas, with a scale bar and the value under the pointer.

use leptos::{html::Canvas, prelude::*};
use shared::colour::{dim_below, paint_stretched};
use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData, PointerEvent};

use super::{magnifier::Magnifier, pointer::place_in, zoom::Zoom};
use crate::state::{Phase, ShownMap, State};

/// Lengths of a scale bar, in arcmin.
const BAR_LENGTHS: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// The map, or a dark square while there is none.
#[component]
pub fn MapView() -> impl IntoView {
    let state = State::expect();
    let canvas = NodeRef::<Canvas>::new();
    let zoom = RwSignal::new(Zoom::default());
    // Shares of the side, so that the readout follows when the map changes under a pointer at rest.
    let pointer = RwSignal::new(None::<(f64, f64)>);

    Effect::new(move || {
        let (range, stretch, colours) = (state.range(), state.stretch.get(), state.colours.get());
        let threshold = state.threshold.get();
        let Some(canvas) = canvas.get() else { return };
        state.shown.with(|shown| {
            let Some(shown) = shown else { return };
            let mut pixels = paint_stretched(&shown.kappa, range, stretch, colours);
            if let Some(nu) = threshold {
                dim_below(&mut pixels, &shown.kappa, (nu * shown.drawn.sigma) as f32);
            }
            if let Err(error) = put(&canvas, shown, &pixels) {
                web_sys::console::error_1(&error);
            }
        });
    });

    let label = move || {
        state.shown.with(|shown| match shown {
            None => "No map yet".to_owned(),
            Some(shown) => {
                let (side, point) = (shown.drawn.side_angle, shown.drawn.point);
                let between = if point.is_seed() { "" } else { ", on the way to another one" };
                format!("Generated convergence map of seed {}{between}, {side:.2} degrees on a side", point.seed)
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
        state.shown.with(|shown| value_at(shown.as_ref()?, x, y))
    };
    let bar = move || {
        state.shown.with(|shown| {
            let side = shown.as_ref()?.drawn.side_angle * 60.0 / zoom.get().factor;
            let length = BAR_LENGTHS.into_iter().rev().find(|length| *length <= side / 3.0)?;
            Some(view! {
                <div class="scale-bar" style:width=format!("{:.3}%", 100.0 * length / side)>
                    <span>{format!("{length} arcmin")}</span>
                </div>
            })
        })
    };
    let waiting =
        Signal::derive(move || state.shown.with(Option::is_none) && state.phase.with(|phase| *phase != Phase::Failed));
    view! {
        <Magnifier zoom waiting pointed left=Callback::new(move |()| pointer.set(None))>
            <canvas
                node_ref=canvas
                data-testid="map-canvas"
                role="img"
                aria-label=label
                width="256"
                height="256"
                style:transform=move || zoom.get().transform()
            ></canvas>
            {bar}
            <div class="readout" aria-hidden="true">{readout}</div>
        </Magnifier>
    }
}

fn put(canvas: &HtmlCanvasElement, shown: &ShownMap, pixels: &[u8]) -> Result<(), JsValue> {
    let side = shown.drawn.pixels as u32;
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
    let pixels = shown.drawn.pixels;
    let (column, row) = ((x * pixels as f64) as usize, (y * pixels as f64) as usize);
    let kappa = shown.kappa.get(row * pixels + column)?;
    let side = shown.drawn.side_angle * 60.0;
    let height = if shown.drawn.sigma > 0.0 { f64::from(*kappa) / shown.drawn.sigma } else { 0.0 };
    Some(format!("{:.1}′, {:.1}′   κ = {kappa:.4}   {height:.1} σ", x * side, y * side).replace('-', "−"))
}
