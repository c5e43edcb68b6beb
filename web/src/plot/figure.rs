//! The component.

use std::fmt::Write;

use leptos::{prelude::*, svg::Svg};
use web_sys::PointerEvent;

use super::{
    axis::{Axis, AxisKind, AxisSpec, Number, readable},
    export,
    series::{Kind, Series, axes},
};
use crate::{components::pointer::place_in, download::offer};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 62.0;

/// A vertical line that follows the pointer when it is dragged.
#[derive(Clone, Copy)]
pub struct Marker {
    /// Where it is.
    pub at: Signal<Option<f64>>,
    /// Puts it elsewhere.
    pub set: Callback<f64>,
}

/// A part of the abscissa that a drag chooses.
#[derive(Clone, Copy)]
pub struct Brush {
    /// From where to where.
    pub at: Signal<Option<(f64, f64)>>,
    /// Chooses another part, or none.
    pub set: Callback<Option<(f64, f64)>>,
}

/// Narrowest part that a drag chooses, as a share of the plot: less is a click.
const NARROWEST: f64 = 0.02;

/// A plot with axes, legend, read-out and files to take away.
#[component]
pub fn Plot(
    /// Name in tests and of files.
    name: &'static str,
    title: &'static str,
    x: AxisSpec,
    y: AxisSpec,
    #[prop(into)] series: Signal<Vec<Series>>,
    #[prop(optional)] marker: Option<Marker>,
    #[prop(optional)] brush: Option<Brush>,
) -> impl IntoView {
    let drawing = NodeRef::<Svg>::new();
    let axes = Memo::new(move |_| series.with(|series| axes(series, x, y)));
    let pointer = RwSignal::new(None::<f64>);
    // Bands are drawn anew when they change, and not with every map.
    let of_kind = move |kind| {
        let part = Memo::new(move |_| series.with(|series| series.iter().find(|series| series.kind == kind).cloned()));
        move || part.with(|part| Some(lines(part.as_ref()?, &axes.get()?, y.kind)))
    };
    // Abscissa under the pointer.
    let abscissa = move |event: &PointerEvent| {
        let (axis, _) = axes.get_untracked()?;
        let (across, _) = place_in(&drawing.get_untracked()?.get_bounding_client_rect(), event);
        Some(axis.value(((across * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT)).clamp(0.0, 1.0)))
    };
    let mark = move |event: &PointerEvent| {
        if let (Some(marker), Some(x)) = (marker, abscissa(event)) {
            marker.set.run(x);
        }
    };
    // Where a drag over the abscissa began.
    let began = StoredValue::new(None::<f64>);
    let pressed = move |event: PointerEvent| {
        mark(&event);
        if event.button() == 0 && event.is_primary() {
            began.set_value(abscissa(&event));
        }
    };
    let drag = move |event: &PointerEvent| {
        let (Some(brush), Some(from), Some(to), Some((axis, _))) =
            (brush, began.get_value(), abscissa(event), axes.get_untracked())
        else {
            return;
        };
        if (axis.share(from) - axis.share(to)).abs() >= NARROWEST {
            brush.set.run(Some((from.min(to), from.max(to))));
        }
    };
    let moved = move |event: PointerEvent| {
        pointer.set(abscissa(&event));
        if event.buttons() & 1 == 1 {
            mark(&event);
            drag(&event);
        }
    };
    let readout = move || series.with(|series| readout(series, x, &axes.get()?.0, pointer.get()?));
    let guide = move || {
        let (at, (axis, _)) = (pointer.get()?, axes.get()?);
        let place = LEFT + axis.share(at) * (WIDTH - LEFT - RIGHT);
        Some(view! { <line class="pointer" x1=place x2=place y1=TOP y2=HEIGHT - BOTTOM /> })
    };
    // Numbers far from 1 share a power of ten, which stands behind the label.
    let power = move || {
        let power = axes.get()?.1.shared_power().filter(|power| *power != 0)?;
        Some(view! { " / 10"<tspan dy="-6" class="exponent">{power.to_string().replace('-', "−")}</tspan> })
    };
    view! {
        <figure class="plot" class:markable=marker.is_some() || brush.is_some()>
            <figcaption>
                <h2>{title}</h2>
                {move || series.with(|series| legend(series))}
            </figcaption>
            <svg
                node_ref=drawing
                data-testid=format!("{name}-plot")
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                role="img"
                aria-label=format!("{title}: {} against {}", y.label, x.label)
                on:pointermove=moved
                on:pointerdown=pressed
                on:pointerup=move |_| began.set_value(None)
                on:pointerleave=move |_| pointer.set(None)
            >
                <clipPath id=format!("{name}-area")>
                    <rect x=LEFT y=TOP width=WIDTH - LEFT - RIGHT height=HEIGHT - TOP - BOTTOM />
                </clipPath>
                <rect class="hit" x=LEFT y=TOP width=WIDTH - LEFT - RIGHT height=HEIGHT - TOP - BOTTOM fill="transparent" />
                {move || axes.get().map(|axes| grid(&axes))}
                <g clip-path=format!("url(#{name}-area)")>
                    {of_kind(Kind::Simulated)}
                    {of_kind(Kind::Theory)}
                    {of_kind(Kind::Generated)}
                    {of_kind(Kind::Other)}
                    {of_kind(Kind::Map)}
                </g>
                {brush.map(|brush| view! { <Shade brush axes /> })}
                {guide}
                {marker.map(|marker| view! { <Mark marker axes series /> })}
                <text class="title" x=LEFT + (WIDTH - LEFT - RIGHT) / 2.0 y=HEIGHT - 6.0>{x.label}</text>
                <text class="title start" x="4" y="26">{y.label}{power}</text>
            </svg>
            <div class="plot-foot">
                <span class="plot-readout" aria-hidden="true">{readout}</span>
                {brush.map(|brush| view! { <Band brush name unit=x.label /> })}
                <Files drawing series name title axes=(x, y) />
            </div>
        </figure>
    }
}

/// Both axes, where there is something to plot.
type Axes = Memo<Option<(Axis, Axis)>>;

/// The marker's line, with a circle where it meets the map's own curve.
#[component]
fn Mark(marker: Marker, axes: Axes, series: Signal<Vec<Series>>) -> impl IntoView {
    move || {
        let (at, axes) = (marker.at.get()?, axes.get()?);
        let (place, _) = place(&axes, (at, 1.0));
        let on_curve = series.with(|series| {
            let map = series.iter().find(|series| series.kind == Kind::Map)?;
            let (_, height) = self::place(&axes, (at, map.at(at)?));
            Some(view! { <circle class="marked" cx=place cy=height.clamp(TOP, HEIGHT - BOTTOM) r="8" /> })
        });
        (LEFT..=WIDTH - RIGHT).contains(&place).then(|| {
            view! { <line class="marker" x1=place x2=place y1=TOP y2=HEIGHT - BOTTOM />{on_curve} }
        })
    }
}

/// What a drag has left out.
#[component]
fn Shade(brush: Brush, axes: Axes) -> impl IntoView {
    move || {
        let ((low, high), axes) = (brush.at.get()?, axes.get()?);
        let [left, right] = [low, high].map(|edge| place(&axes, (edge, 1.0)).0.clamp(LEFT, WIDTH - RIGHT));
        let shade = |from: f64, to: f64| {
            view! { <rect class="left-out" x=from y=TOP width=(to - from).max(0.0) height=HEIGHT - TOP - BOTTOM /> }
        };
        Some(view! { {shade(LEFT, left)} {shade(right, WIDTH - RIGHT)} })
    }
}

/// The plot as a picture, and its numbers.
#[component]
fn Files(
    drawing: NodeRef<Svg>,
    series: Signal<Vec<Series>>,
    name: &'static str,
    title: &'static str,
    axes: (AxisSpec, AxisSpec),
) -> impl IntoView {
    let save_svg = move |_| {
        if let Some(drawing) = drawing.get_untracked() {
            offer(&format!("cosmogan-{name}.svg"), "image/svg+xml", export::svg(&drawing.outer_html()).as_bytes());
        }
    };
    let save_csv = move |_| {
        let text = series.with_untracked(|series| export::csv(series, axes.0, axes.1));
        offer(&format!("cosmogan-{name}.csv"), "text/csv", text.as_bytes());
    };
    view! {
        <button type="button" class="quiet" aria-label=format!("{title} as SVG") on:click=save_svg>"SVG"</button>
        <button type="button" class="quiet" aria-label=format!("{title} as CSV") on:click=save_csv>"CSV"</button>
    }
}

/// Two fields for what a drag chooses, for those who do not drag, and the way back.
#[component]
fn Band(brush: Brush, name: &'static str, unit: &'static str) -> impl IntoView {
    let take = move |text: String, end: usize| {
        let (low, high) = brush.at.get_untracked().unwrap_or((0.0, HIGHEST));
        if let Ok(edge) = text.trim().replace(',', "").parse::<f64>() {
            let band = if end == 0 { (edge, high) } else { (low, edge) };
            brush.set.run((band.0 >= 0.0 && band.1 > band.0).then_some(band));
        }
    };
    let field = move |end: usize, label: &'static str| {
        let value = move || {
            brush.at.get().map(|(low, high)| format!("{:.0}", if end == 0 { low } else { high })).unwrap_or_default()
        };
        view! {
            <input
                type="text"
                inputmode="numeric"
                autocomplete="off"
                placeholder="all"
                data-testid=format!("{name}-band-{end}")
                aria-label=format!("{label} {unit} that is left in the map")
                prop:value=value
                on:change:target=move |event| take(event.target().value(), end)
            />
        }
    };
    view! {
        <span class="band-fields">
            {field(0, "Lowest")} "–" {field(1, "Highest")}
            <button
                type="button"
                class="quiet"
                data-testid=format!("{name}-band-all")
                disabled=move || brush.at.get().is_none()
                on:click=move |_| brush.set.run(None)
            >
                "all"
            </button>
        </span>
    }
}

/// Higher than any multipole that a map has.
const HIGHEST: f64 = 1e6;

/// What each line is of.
fn legend(series: &[Series]) -> impl IntoView + use<> {
    let entry = |series: &Series| {
        let (class, testid) = match series.kind {
            Kind::Map => ("key-map", None),
            Kind::Simulated => ("key-band", None),
            Kind::Generated => ("key-generated", Some("generated-legend")),
            Kind::Other => ("key-other", None),
            Kind::Theory => ("key-theory", None),
        };
        view! { <span class=class data-testid=testid>{series.name.clone()}</span> }
    };
    series.iter().map(entry).collect_view()
}

/// The values nearest to an abscissa.
fn readout(series: &[Series], x: AxisSpec, axis: &Axis, at: f64) -> Option<String> {
    let nearest: Vec<_> = series.iter().filter_map(|series| Some((&series.name, series.nearest(at, axis)?))).collect();
    let mut text = format!("{} {}", x.label, readable(nearest.first()?.1.0));
    for (name, (_, value, sigma)) in nearest {
        // Writing to a String cannot fail.
        let _ = write!(text, " · {}: {}", short(name), readable(value));
        if let Some(sigma) = sigma {
            let _ = write!(text, " ± {}", readable(sigma));
        }
    }
    Some(text)
}

/// A series' name without what its band is.
fn short(name: &str) -> &str {
    name.trim_end_matches(" ± σ")
}

fn place((x, y): &(Axis, Axis), (abscissa, value): (f64, f64)) -> (f64, f64) {
    let across = LEFT + x.share(abscissa) * (WIDTH - LEFT - RIGHT);
    // Far beyond the plot is as good as farther.
    let down = HEIGHT - BOTTOM - y.share(value).clamp(-2.0, 3.0) * (HEIGHT - TOP - BOTTOM);
    (across, down)
}

/// A series' band and line, or a band's edges.
fn lines(series: &Series, axes: &(Axis, Axis), kind: AxisKind) -> impl IntoView + use<> {
    let [low, high] = [-1.0, 1.0].map(|sign| series.edge(sign, kind));
    match series.kind {
        Kind::Map => view! { <path class="curve" d=line(axes, &series.points) /> }.into_any(),
        Kind::Other => view! { <path class="other" d=line(axes, &series.points) /> }.into_any(),
        Kind::Theory => view! { <path class="theory" d=line(axes, &series.points) /> }.into_any(),
        Kind::Simulated => {
            let around: Vec<_> = high.iter().chain(low.iter().rev()).copied().collect();
            view! {
                <path class="band" d=line(axes, &around) + "Z" />
                <path class="mean" d=line(axes, &series.points) />
            }
            .into_any()
        }
        Kind::Generated => view! {
            <path class="generated-edge" d=line(axes, &low) />
            <path class="generated-edge" d=line(axes, &high) />
            <path class="generated" d=line(axes, &series.points) />
        }
        .into_any(),
    }
}

/// Path through points.
fn line(axes: &(Axis, Axis), points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, &point) in points.iter().enumerate() {
        let (x, y) = place(axes, point);
        // Writing to a String cannot fail.
        let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
    }
    path
}

/// Lines, short marks and numbers of both axes.
fn grid(axes: &(Axis, Axis)) -> impl IntoView + use<> {
    let bottom = HEIGHT - BOTTOM;
    let mut parts = Vec::new();
    for tick in axes.0.ticks(false) {
        let (x, _) = place(axes, (tick.value, 1.0));
        let (class, top) = if tick.major { ("major", TOP) } else { ("minor", bottom - 6.0) };
        parts.push(view! { <line class=class x1=x x2=x y1=top y2=bottom /> }.into_any());
        if let Some(Number::Plain(text)) = tick.number {
            parts.push(view! { <text class="number" x=x y=bottom + 22.0>{text}</text> }.into_any());
        }
    }
    for tick in axes.1.ticks(true) {
        let (_, y) = place(axes, (axes.0.value(0.0), tick.value));
        parts.push(view! { <line class="major" x1=LEFT x2=WIDTH - RIGHT y1=y y2=y /> }.into_any());
        let number = match tick.number {
            Some(Number::Plain(text)) => view! { {text} }.into_any(),
            Some(Number::PowerOfTen(power)) => {
                let power = power.to_string().replace('-', "−");
                view! { "10"<tspan dy="-6" class="exponent">{power}</tspan> }.into_any()
            }
            None => continue,
        };
        parts.push(view! { <text class="number end" x=LEFT - 6.0 y=y + 5.0>{number}</text> }.into_any());
    }
    parts
}
