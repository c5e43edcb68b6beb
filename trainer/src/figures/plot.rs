//! Panels with axes, side by side in one SVG: bands of mean +- sigma, curves, histograms.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, ValueFormatter},
    },
    prelude::*,
};

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (420, 330);
/// Colours of series: data, generated, control, others.
pub const COLOURS: [RGBColor; 8] = [
    RGBColor(40, 40, 40),
    RGBColor(200, 30, 45),
    RGBColor(30, 100, 200),
    RGBColor(30, 140, 70),
    RGBColor(215, 120, 0),
    RGBColor(130, 60, 170),
    RGBColor(0, 150, 160),
    RGBColor(140, 110, 60),
];

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// By powers of ten.
    Logarithmic,
}

/// What is drawn of a series.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A dashed mean with a band around it: x, mean, sigma.
    Band(Vec<(f64, f64, f64)>),
    /// A curve.
    Curve(Vec<(f64, f64)>),
    /// Steps between edges: left edge, right edge, height.
    Steps(Vec<(f64, f64, f64)>),
}

/// A named series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the key; an empty one is not in the key.
    pub name: String,
    /// Which of [`COLOURS`].
    pub colour: usize,
    /// What is drawn.
    pub shape: Shape,
}

/// A panel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Panel {
    /// Title.
    pub title: String,
    /// What the x axis shows, with its unit.
    pub x_label: String,
    /// What the y axis shows, with its unit.
    pub y_label: String,
    /// Division of the axes, x and y.
    pub scales: [Scale; 2],
    /// What is drawn.
    pub series: Vec<Series>,
}

/// Panels in rows of `columns`, as an SVG document.
///
/// A panel without a point that its axes can show is an empty frame.
///
/// # Errors
/// When the drawing fails.
pub fn svg(panels: &[Panel], columns: usize) -> Result<String> {
    let columns = columns.clamp(1, panels.len().max(1));
    let rows = panels.len().div_ceil(columns);
    let mut text = String::new();
    {
        let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        for (area, panel) in root.split_evenly((rows, columns)).iter().zip(panels) {
            draw(area, panel)?;
        }
        root.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(scalable(&text))
}

/// Lets a page scale the drawing.
pub fn scalable(svg: &str) -> String {
    svg.replacen("<svg ", "<svg style=\"max-width:100%;height:auto\" ", 1)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw(area: &Area<'_>, panel: &Panel) -> Result<()> {
    let [x, y] = panel.ranges();
    let on = |axes: [Scale; 2]| panel.scales == axes;
    if on([Scale::Logarithmic, Scale::Logarithmic]) {
        draw_on(area, panel, x.log_scale(), y.log_scale())
    } else if on([Scale::Logarithmic, Scale::Linear]) {
        draw_on(area, panel, x.log_scale(), y)
    } else if on([Scale::Linear, Scale::Logarithmic]) {
        draw_on(area, panel, x, y.log_scale())
    } else {
        draw_on(area, panel, x, y)
    }
}

fn draw_on<X, Y>(area: &Area<'_>, panel: &Panel, x: X, y: Y) -> Result<()>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let failed = |error: DrawingAreaErrorKind<_>| anyhow!("cannot draw {}: {error}", panel.title);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(38)
        .y_label_area_size(62)
        .build_cartesian_2d(x, y)
        .map_err(failed)?;
    let label = |scale: Scale| {
        move |value: &f64| match scale {
            Scale::Linear => plain(*value),
            Scale::Logarithmic => power_of_ten(*value),
        }
    };
    chart
        .configure_mesh()
        .x_desc(&panel.x_label)
        .y_desc(&panel.y_label)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&label(panel.scales[0]))
        .y_label_formatter(&label(panel.scales[1]))
        .label_style(("sans-serif", 12))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(228, 228, 228))
        .draw()
        .map_err(failed)?;
    for series in &panel.series {
        let colour = COLOURS[series.colour % COLOURS.len()];
        let drawn = match &series.shape {
            Shape::Band(points) => {
                let points: Vec<_> = points.iter().filter(|p| panel.shows(p.0, p.1)).collect();
                let lowest = |p: &(f64, f64, f64)| {
                    // A band that reaches below 0 ends at the foot of a logarithmic axis.
                    let low = p.1 - p.2;
                    if panel.scales[1] == Scale::Logarithmic && low <= 0.0 { 1e-3 * p.1 } else { low }
                };
                let upper = points.iter().map(|p| (p.0, p.1 + p.2));
                let lower = points.iter().rev().map(|p| (p.0, lowest(p)));
                let outline: Vec<_> = upper.chain(lower).collect();
                chart.draw_series([Polygon::new(outline, colour.mix(0.22))]).map_err(failed)?;
                let line = points.iter().map(|p| (p.0, p.1));
                chart.draw_series(DashedLineSeries::new(line, 5, 3, colour.stroke_width(2))).map_err(failed)?
            }
            Shape::Curve(points) => {
                let line = points.iter().copied().filter(|p| panel.shows(p.0, p.1));
                chart.draw_series(LineSeries::new(line, colour.stroke_width(2))).map_err(failed)?
            }
            Shape::Steps(steps) => {
                let corners = steps.iter().flat_map(|&(left, right, height)| [(left, height), (right, height)]);
                let line = corners.filter(|p| panel.shows(p.0, p.1));
                chart.draw_series(LineSeries::new(line, colour.stroke_width(2))).map_err(failed)?
            }
        };
        if !series.name.is_empty() {
            drawn
                .label(&series.name)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], colour.mix(0.6).filled()));
        }
    }
    if panel.series.iter().any(|series| !series.name.is_empty()) {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 12))
            .draw()
            .map_err(failed)?;
    }
    Ok(())
}

impl Panel {
    /// Whether a point has a place on the axes.
    fn shows(&self, x: f64, y: f64) -> bool {
        let place = |value: f64, scale: Scale| value.is_finite() && (scale == Scale::Linear || value > 0.0);
        place(x, self.scales[0]) && place(y, self.scales[1])
    }

    /// What the axes reach over: all points, bands with their width, and a little more.
    fn ranges(&self) -> [Range<f64>; 2] {
        let points = self.series.iter().flat_map(|series| -> Vec<(f64, f64)> {
            match &series.shape {
                Shape::Band(points) => {
                    points.iter().flat_map(|p| [(p.0, p.1), (p.0, p.1 - p.2), (p.0, p.1 + p.2)]).collect()
                }
                Shape::Curve(points) => points.clone(),
                Shape::Steps(steps) => steps.iter().flat_map(|s| [(s.0, s.2), (s.1, s.2)]).collect(),
            }
        });
        let points: Vec<(f64, f64)> = points.filter(|p| self.shows(p.0, p.1)).collect();
        let range = |values: &dyn Fn(&(f64, f64)) -> f64, scale: Scale| -> Option<Range<f64>> {
            let low = points.iter().map(values).reduce(f64::min)?;
            let high = points.iter().map(values).reduce(f64::max)?;
            Some(match scale {
                Scale::Linear => {
                    let margin = (0.04 * (high - low)).max(1e-9 * high.abs()).max(1e-12);
                    low - margin..high + margin
                }
                // More than eight decades show the noise of rounding.
                Scale::Logarithmic => low.max(1e-8 * high) / 1.15..high * 1.15,
            })
        };
        let x = range(&|p| p.0, self.scales[0]);
        // Room for the key above the curves.
        let names = self.series.iter().filter(|series| !series.name.is_empty()).count() as f64;
        let y = range(&|p| p.1, self.scales[1]).map(|y| match self.scales[1] {
            Scale::Linear => y.start..y.end + 0.12 * names * (y.end - y.start),
            Scale::Logarithmic => y.start..y.end * (y.end / y.start).powf(0.12 * names),
        });
        // An empty frame rather than no report.
        [x.unwrap_or(1.0..10.0), y.unwrap_or(1.0..10.0)]
    }
}

/// A number for an axis, without needless digits.
fn plain(value: f64) -> String {
    if value == 0.0 || value.abs() < 1e-12 {
        "0".into()
    } else if (1e-3..1e5).contains(&value.abs()) {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.1e}").replace(".0e", "e")
    }
}

/// 10^n in the way it is printed; nothing for what lies between the powers.
fn power_of_ten(value: f64) -> String {
    let exponent = value.log10().round();
    if (value / 10.0_f64.powf(exponent) - 1.0).abs() > 1e-6 {
        return plain(value);
    }
    let digits: String = format!("{}", exponent as i64)
        .chars()
        .map(|digit| match digit {
            '-' => '\u{207b}',
            '1' => '\u{b9}',
            '2' => '\u{b2}',
            '3' => '\u{b3}',
            other => other.to_digit(10).and_then(|n| char::from_u32(0x2070 + n)).unwrap_or(other),
        })
        .collect();
    format!("10{digits}")
}

/// A histogram of values as a density in `bins` even bins over a range.
pub fn histogram(values: &[f64], range: Range<f64>, bins: usize) -> Vec<(f64, f64, f64)> {
    let width = (range.end - range.start) / bins as f64;
    let mut counts = vec![0.0; bins];
    for value in values {
        let place = (value - range.start) / width;
        if place >= 0.0
            && let Some(count) = counts.get_mut(place as usize)
        {
            *count += 1.0;
        }
    }
    let scale = 1.0 / (values.len().max(1) as f64 * width);
    let step = |(bin, count): (usize, f64)| {
        let left = range.start + bin as f64 * width;
        (left, left + width, count * scale)
    };
    counts.into_iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_become_an_svg_with_their_words_in_it() {
        let series = |name: &str, shape| Series { name: name.into(), colour: 1, shape };
        let panel = Panel {
            title: "Spectra & more".into(),
            x_label: "l".into(),
            y_label: "P".into(),
            scales: [Scale::Logarithmic; 2],
            series: vec![
                series("data", Shape::Band(vec![(100.0, 1e-4, 2e-4), (1000.0, 1e-3, 1e-4), (0.0, 0.0, 0.0)])),
                series("one", Shape::Curve(vec![(100.0, 1e-4), (1000.0, -1.0)])),
            ],
        };
        let steps = Panel {
            scales: [Scale::Linear; 2],
            series: vec![series("", Shape::Steps(histogram(&[0.1, 0.2, 0.9], 0.0..1.0, 2)))],
            ..panel.clone()
        };
        let drawn = svg(&[panel.clone(), steps], 2).unwrap();
        for word in ["<svg", "Spectra &amp; more", "data", "one", "10\u{207b}\u{2074}", "</svg>"] {
            assert!(drawn.contains(word), "{word} in {drawn}");
        }
        let empty = Panel { series: vec![series("none", Shape::Curve(vec![(0.0, 1.0)]))], ..panel };
        assert!(svg(&[empty], 1).unwrap().contains("</svg>"), "an empty frame");
    }

    #[test]
    fn histograms_are_densities() {
        let steps = histogram(&[0.1, 0.2, 0.9, 5.0], 0.0..1.0, 2);
        assert_eq!(steps, [(0.0, 0.5, 1.0), (0.5, 1.0, 0.5)]);
        assert_eq!((plain(0.25), plain(-2.0), plain(1.5e-7)), ("0.25".into(), "-2".into(), "1.5e-7".into()));
    }
}
