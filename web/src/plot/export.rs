//! A figure as SVG, its numbers as CSV.

use std::fmt::Write;

use super::{axis::AxisSpec, series::Series};

/// Looks of an exported figure: black on white, as a paper takes it.
const STYLE: &str = "svg{background:#fff;font-family:sans-serif}text{fill:#222;font-size:16px;text-anchor:middle}\
    text.end{text-anchor:end}text.start{text-anchor:start}.exponent{font-size:12px}.major,.minor{stroke:#ddd}.band{fill:#7f8bb366}\
    .mean{fill:none;stroke:#5a668f;stroke-width:2}.curve{fill:none;stroke:#d06000;stroke-width:2.5}\
    .generated,.generated-edge{fill:none;stroke:#d06000;stroke-width:1.5;stroke-dasharray:6 4}\
    .marker{stroke:#222;stroke-dasharray:3 3}.pointer,.hit{display:none}";

/// A drawn figure, given as the page's markup, as a file of its own.
pub fn svg(markup: &str) -> String {
    let Some((head, rest)) = markup.split_once('>') else { return String::new() };
    let name = if head.contains("xmlns=") { "" } else { " xmlns=\"http://www.w3.org/2000/svg\"" };
    format!("{head}{name} width=\"640\" height=\"400\"><style>{STYLE}</style>{rest}\n")
}

/// One line a point: which series, abscissa, value, standard deviation where there is one.
pub fn csv(series: &[Series], x: AxisSpec, y: AxisSpec) -> String {
    let mut text = format!("series,{},{},sigma\n", x.column, y.column);
    for series in series {
        for (place, (abscissa, value)) in series.points.iter().enumerate() {
            let sigma = series.sigma.get(place).map(|sigma| format!("{sigma:e}")).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\"{}\",{abscissa},{value:e},{sigma}", series.name);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{AxisKind, Kind};

    #[test]
    fn a_file_has_a_line_for_each_point() {
        let spec = |column| AxisSpec { label: "", column, kind: AxisKind::Linear };
        let map = Series::new(Kind::Map, "this map".into(), &[0.5], &[Some(2e-7)], &[]);
        let many = Series::new(Kind::Generated, "64 maps".into(), &[0.5], &[Some(1.0)], &[Some(0.25)]);
        let text = csv(&[map, many], spec("nu"), spec("v0"));
        assert_eq!(text, "series,nu,v0,sigma\n\"this map\",0.5,2e-7,\n\"64 maps\",0.5,1e0,2.5e-1\n");
    }

    #[test]
    fn a_figure_is_a_document() {
        let file = svg("<svg viewBox=\"0 0 640 400\"><path d=\"M0 0\"></path></svg>");
        assert!(file.starts_with("<svg viewBox=\"0 0 640 400\" xmlns=\"http://www.w3.org/2000/svg\" width"), "{file}");
    }
}
