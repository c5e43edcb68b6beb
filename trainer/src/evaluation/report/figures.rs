//! The paper's figures, from what was measured.

use anyhow::Result;
use shared::statistics::{Statistic, correlation::correlation_matrix, power_spectrum::dimensionless};

use super::results::{MINKOWSKI, Results};
use crate::{
    evaluation::{
        comparison::{Comparison, TESTED},
        measured::MeasuredMaps,
    },
    figures::{
        matrix::{self, MatrixPanel},
        plot::{Panel, Scale, Series, Shape, histogram, svg},
    },
};

/// A figure: its file, its caption, its content.
pub struct Figure {
    /// File name.
    pub file: &'static str,
    /// Heading, such as "Figure 3".
    pub title: String,
    /// What it shows, in a sentence or two.
    pub caption: String,
    /// SVG text or PNG bytes.
    pub content: Content,
}

/// What a figure's file holds.
pub enum Content {
    /// An SVG document.
    Svg(String),
    /// A PNG file.
    Png(Vec<u8>),
}

/// The sets of maps that figures show.
pub struct Sets<'a> {
    /// Validation maps.
    pub validation: &'a MeasuredMaps,
    /// Generated maps.
    pub generated: &'a MeasuredMaps,
    /// Independent simulated maps.
    pub control: Option<&'a MeasuredMaps>,
}

impl Sets<'_> {
    /// Each set with its name and colour.
    fn named(&self) -> Vec<(&'static str, usize, &MeasuredMaps)> {
        let mut sets = vec![("validation", 0, self.validation), ("generated", 1, self.generated)];
        sets.extend(self.control.map(|control| ("control", 2, control)));
        sets
    }

    fn bands(&self, statistic: Statistic, scale: impl Fn(f64, f64) -> f64) -> Vec<Series> {
        let series = |(name, colour, set): (&str, usize, &MeasuredMaps)| {
            let ensemble = set.ensemble(statistic);
            let values = set.middles(statistic).iter().zip(ensemble.mean()).zip(ensemble.sigma());
            let values = values.take(set.tested_bins(statistic));
            let points = values.filter_map(|((&x, mean), sigma)| Some((x, scale(x, mean?), scale(x, sigma?))));
            Series { name: name.into(), colour, shape: Shape::Band(points.collect()) }
        };
        // The control's band would hide the others.
        self.named().into_iter().filter(|set| set.0 != "control").map(series).collect()
    }

    /// Histograms of one bin's values.
    fn slice(&self, statistic: Statistic, bin: usize, scale: f64) -> Vec<Series> {
        let columns: Vec<_> =
            self.named().into_iter().map(|(name, colour, set)| (name, colour, set.column(statistic, bin))).collect();
        let mut all: Vec<f64> = columns.iter().flat_map(|column| column.2.iter().map(|value| value * scale)).collect();
        all.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| all.get((share * all.len().saturating_sub(1) as f64) as usize).copied().unwrap_or(0.0);
        let (low, high) = (at(0.0), at(0.998));
        let range = if high > low { low..high } else { low - 0.5..low + 0.5 };
        let series = |(name, colour, values): (&str, usize, Vec<f64>)| {
            let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
            Series { name: name.into(), colour, shape: Shape::Steps(histogram(&scaled, range.clone(), 40)) }
        };
        columns.into_iter().map(series).collect()
    }

    /// Three bins at equal distances among those that are not empty.
    fn slices(&self, statistic: Statistic) -> Vec<usize> {
        let mean = self.validation.ensemble(statistic).mean();
        let there: Vec<usize> =
            (0..self.validation.tested_bins(statistic)).filter(|&bin| mean[bin].is_some()).collect();
        (1..=3).filter_map(|quarter| there.get(quarter * there.len() / 4).copied()).collect()
    }
}

/// Maps in rows of `columns`, as a picture.
///
/// # Errors
/// When there are no maps.
pub fn rows_of_maps(maps: &[Vec<f32>], pixels: usize, columns: usize) -> Result<Content> {
    let maps: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
    Ok(Content::Png(storage::sheet::sheet(&maps, pixels, columns)?))
}

/// Figures 2 to 6, and the p-values and peaks that the paper does not show.
///
/// # Errors
/// When a set has nothing to draw.
pub fn of_statistics(sets: &Sets<'_>, results: &Results) -> Result<Vec<Figure>> {
    let counts = format!("{} generated and {} validation maps", sets.generated.maps.len(), sets.validation.maps.len());
    let figure = |file, title: &str, caption: String, content| Figure { file, title: title.into(), caption, content };
    let mut figures = vec![
        figure(
            "figure-2-pixels.svg",
            "Figure 2",
            format!(
                "Density of pixel values, mean over {counts}, on a linear and a logarithmic scale. Bins of {:.2e} in kappa.",
                sets.validation.bin_width(Statistic::Pdf)
            ),
            Content::Svg(pixels(sets)?),
        ),
        figure(
            "figure-3-power-spectrum.svg",
            "Figure 3",
            format!(
                "(a) Power spectrum of {counts}: bands of mean plus and minus standard deviation over maps, dashed lines the means. \
                 (b-d) Distribution over maps at three equidistant modes."
            ),
            Content::Svg(power_spectrum(sets)?),
        ),
        figure("figure-4-correlation.svg", "Figure 4", correlation_caption(results), Content::Svg(correlation(sets, results)?)),
        figure(
            "figure-5-minkowski.svg",
            "Figure 5",
            "Minkowski functionals at 19 thresholds in units of each map's sigma, in LensTools' normalisation: bands of mean plus and \
             minus standard deviation over maps."
                .into(),
            Content::Svg(minkowski(sets)?),
        ),
        figure(
            "figure-6-minkowski-slices.svg",
            "Figure 6",
            "Distribution over maps of the Minkowski functionals at three equidistant thresholds.".into(),
            Content::Svg(minkowski_slices(sets)?),
        ),
    ];
    figures.push(figure(
        "peaks.svg",
        "Peaks and minima",
        "Counts of peaks and minima by height, per unit of height and per map. Not in the paper.".into(),
        Content::Svg(peaks(sets)?),
    ));
    figures.push(figure(
        "two-point-and-bispectrum.svg",
        "Two-point function and bispectrum",
        "Correlation of kappa at two places by their separation, and the equilateral bispectrum, the lowest order that a Gaussian \
         field lacks: bands of mean plus and minus standard deviation over maps. Not in the paper."
            .into(),
        Content::Svg(two_point_and_bispectrum(sets)?),
    ));
    figures.push(figure(
        "p-values.svg",
        "p-values",
        "Share of tests (Anderson-Darling, by permutation) with a p-value below each value. Tests of two sets of one population \
         follow the diagonal; the control shows how closely, neighbouring bins not being independent. A curve that jumps to 1 at \
         the left tells the sets apart in every test. Not in the paper."
            .into(),
        Content::Svg(p_values(&results.comparison, results.control.as_ref())?),
    ));
    Ok(figures)
}

fn pixels(sets: &Sets<'_>) -> Result<String> {
    let width = sets.validation.bin_width(Statistic::Pdf);
    let series = |(name, colour, set): (&str, usize, &MeasuredMaps)| {
        let means = set.ensemble(Statistic::Pdf).mean();
        let bins = set.middles(Statistic::Pdf).iter().zip(means);
        let steps = bins.filter_map(|(x, mean)| Some((x - 0.5 * width, x + 0.5 * width, mean?)));
        // Bins far out, where no pixel lies, only stretch the axis.
        let steps = steps.filter(|step| step.2 > 0.0);
        Series { name: name.into(), colour, shape: Shape::Steps(steps.collect()) }
    };
    let panel = |scale: Scale, title: &str| Panel {
        title: title.into(),
        x_label: "kappa".into(),
        y_label: "density".into(),
        scales: [Scale::Linear, scale],
        series: sets.named().into_iter().map(series).collect(),
    };
    svg(&[panel(Scale::Linear, "Pixel values"), panel(Scale::Logarithmic, "Pixel values, logarithmic")], 2)
}

fn power_spectrum(sets: &Sets<'_>) -> Result<String> {
    let bands = Panel {
        title: "(a) Power spectrum".into(),
        x_label: "l".into(),
        y_label: "l(l+1)P(l)/2\u{3c0}".into(),
        scales: [Scale::Logarithmic; 2],
        series: sets.bands(Statistic::PowerSpectrum, dimensionless),
    };
    let ell = sets.validation.middles(Statistic::PowerSpectrum);
    let slice = |(place, bin): (usize, usize)| Panel {
        title: format!("({}) l = {}", ["b", "c", "d"][place % 3], ell[bin]),
        x_label: "l(l+1)P(l)/2\u{3c0}".into(),
        y_label: "density over maps".into(),
        series: sets.slice(Statistic::PowerSpectrum, bin, dimensionless(ell[bin], 1.0)),
        ..Panel::default()
    };
    let slices = sets.slices(Statistic::PowerSpectrum).into_iter().enumerate().map(slice);
    svg(&std::iter::once(bands).chain(slices).collect::<Vec<_>>(), 2)
}

fn correlation_caption(results: &Results) -> String {
    let control = results.control.as_ref().map(|control| {
        format!(
            " The control's differs by up to {:.3} (root mean square {:.3}).",
            control.correlation.largest, control.correlation.rms
        )
    });
    format!(
        "Correlation of the modes of P(l) over maps, and differences. The generated maps' matrix differs from the validation maps' \
         by up to {:.3} (root mean square {:.3}, mean {:+.3}).{} Multipoles in thousands.",
        results.comparison.correlation.largest,
        results.comparison.correlation.rms,
        results.comparison.correlation.mean,
        control.unwrap_or_default()
    )
}

fn correlation(sets: &Sets<'_>, results: &Results) -> Result<String> {
    let last = sets.validation.tested_bins(Statistic::PowerSpectrum);
    let cut = |rows: &[Vec<Option<f64>>]| {
        rows.iter().take(last).map(|row| row.iter().take(last).copied().collect()).collect()
    };
    let of = |set: &MeasuredMaps| {
        let spectra: Vec<_> = set.maps.iter().map(|map| map.of(Statistic::PowerSpectrum)).collect();
        cut(&correlation_matrix(&spectra))
    };
    let against = &results.comparison.correlation;
    let control = results.control.as_ref().map(|control| &control.correlation);
    // One scale for both differences, so that they can be compared by eye.
    let limit = against.largest.max(control.map_or(0.0, |control| control.largest)).max(1e-6);
    let mut panels = vec![
        MatrixPanel { title: "validation", rows: of(sets.validation), limit: 1.0 },
        MatrixPanel { title: "generated", rows: of(sets.generated), limit: 1.0 },
        MatrixPanel { title: "generated - validation", rows: cut(&against.matrix), limit },
    ];
    panels.extend(control.map(|control| MatrixPanel {
        title: "control - validation",
        rows: cut(&control.matrix),
        limit,
    }));
    let ell = sets.validation.middles(Statistic::PowerSpectrum);
    matrix::svg(&panels, &ell[..last])
}

fn minkowski(sets: &Sets<'_>) -> Result<String> {
    let panel = |&statistic: &Statistic| Panel {
        title: statistic.label().into(),
        x_label: "threshold in sigma".into(),
        y_label: statistic.name().to_uppercase(),
        series: sets.bands(statistic, |_, value| value),
        ..Panel::default()
    };
    svg(&MINKOWSKI.iter().map(panel).collect::<Vec<_>>(), 3)
}

fn minkowski_slices(sets: &Sets<'_>) -> Result<String> {
    let panels = MINKOWSKI.iter().flat_map(|&statistic| {
        let nu = sets.validation.middles(statistic);
        sets.slices(statistic).into_iter().map(move |bin| Panel {
            title: format!("{} at {:.1} sigma", statistic.label(), nu[bin]),
            x_label: statistic.name().to_uppercase(),
            y_label: "density over maps".into(),
            series: sets.slice(statistic, bin, 1.0),
            ..Panel::default()
        })
    });
    svg(&panels.collect::<Vec<_>>(), 3)
}

fn peaks(sets: &Sets<'_>) -> Result<String> {
    let panel = |statistic: Statistic| Panel {
        title: statistic.label().into(),
        x_label: "height in sigma".into(),
        y_label: "count per unit of height".into(),
        series: sets.bands(statistic, |_, value| value),
        ..Panel::default()
    };
    svg(&[panel(Statistic::Peaks), panel(Statistic::Minima)], 2)
}

fn two_point_and_bispectrum(sets: &Sets<'_>) -> Result<String> {
    // As xi(theta) theta and B l^4 the values of all bins are of one order.
    let two_point = Panel {
        title: Statistic::TwoPoint.label().into(),
        x_label: "separation in arcmin".into(),
        y_label: "theta xi(theta), arcmin".into(),
        series: sets.bands(Statistic::TwoPoint, |theta, value| theta * value),
        ..Panel::default()
    };
    let bispectrum = Panel {
        title: Statistic::Bispectrum.label().into(),
        x_label: "l".into(),
        y_label: "l^4 B(l, l, l)".into(),
        scales: [Scale::Logarithmic, Scale::Linear],
        series: sets.bands(Statistic::Bispectrum, |ell, value| ell.powi(4) * value),
    };
    svg(&[two_point, bispectrum], 2)
}

fn p_values(comparison: &Comparison, control: Option<&Comparison>) -> Result<String> {
    let curve = |of: &Comparison, statistics: &[Statistic]| -> Vec<(f64, f64)> {
        let chosen = of.statistics.iter().filter(|of| statistics.contains(&of.statistic));
        let mut p: Vec<f64> = chosen.flat_map(|of| of.bins.iter().flatten().map(|bin| bin.ad_p_permutation)).collect();
        p.sort_unstable_by(f64::total_cmp);
        let count = p.len() as f64;
        let mut points = vec![(0.0, 0.0)];
        for (place, &p) in p.iter().enumerate() {
            points.push((p, place as f64 / count));
            points.push((p, (place + 1) as f64 / count));
        }
        points.push((1.0, 1.0));
        // Without tests there is no curve, rather than one that looks as if all were well.
        if count > 0.0 { points } else { Vec::new() }
    };
    let panel = |title: &str, statistics: &[Statistic]| {
        let mut series = vec![
            Series { name: "one population".into(), colour: 0, shape: Shape::Curve(vec![(0.0, 0.0), (1.0, 1.0)]) },
            Series { name: "generated".into(), colour: 1, shape: Shape::Curve(curve(comparison, statistics)) },
        ];
        series.extend(control.map(|control| Series {
            name: "control".into(),
            colour: 2,
            shape: Shape::Curve(curve(control, statistics)),
        }));
        Panel {
            title: title.into(),
            x_label: "p-value".into(),
            y_label: "share of tests".into(),
            series,
            ..Panel::default()
        }
    };
    svg(&[panel("Power spectrum", &[Statistic::PowerSpectrum]), panel("All other statistics", &TESTED[1..])], 2)
}

/// Spectra of pairs of maps (paper Fig. 7, bottom): `spectra[column]` holds the generated and the training map's P(l).
///
/// # Errors
/// When there is nothing to draw.
pub fn spectra_of_pairs(ell: &[f64], spectra: &[[Vec<Option<f64>>; 2]]) -> Result<Content> {
    let curve = |power: &[Option<f64>]| -> Vec<(f64, f64)> {
        ell.iter().zip(power).filter_map(|(&ell, power)| Some((ell, dimensionless(ell, (*power)?)))).collect()
    };
    let panel = |(place, pair): (usize, &[Vec<Option<f64>>; 2])| Panel {
        title: format!("Map {}", place + 1),
        x_label: "l".into(),
        y_label: "l(l+1)P(l)/2\u{3c0}".into(),
        scales: [Scale::Logarithmic; 2],
        series: vec![
            Series { name: "training".into(), colour: 0, shape: Shape::Curve(curve(&pair[1])) },
            Series { name: "generated".into(), colour: 1, shape: Shape::Curve(curve(&pair[0])) },
        ],
    };
    Ok(Content::Svg(svg(&spectra.iter().enumerate().map(panel).collect::<Vec<_>>(), 4)?))
}
