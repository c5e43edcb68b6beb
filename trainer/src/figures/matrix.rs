//! Correlation matrices beside each other (paper Fig. 4): pictures with axes in one SVG.

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};

use storage::sheet::rgb_png;

/// Side of a matrix in the drawing, and the room around it.
const SIDE: usize = 230;
const MARGIN: usize = 46;

/// A matrix over multipoles, and what its colours span.
pub struct MatrixPanel<'a> {
    /// Title.
    pub title: &'a str,
    /// Rows; `None` is left white.
    pub rows: Vec<Vec<Option<f64>>>,
    /// Value of the deepest blue and the deepest red, symmetric about 0.
    pub limit: f64,
}

/// Matrices in a row; `ell` are the multipoles of rows and columns.
///
/// # Errors
/// When a picture cannot be encoded.
pub fn svg(panels: &[MatrixPanel<'_>], ell: &[f64]) -> Result<String> {
    use std::fmt::Write;
    let (width, height) = (panels.len() * (SIDE + MARGIN) + 20, SIDE + 110);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         style=\"max-width:100%;height:auto\" font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    let (first, last) = (ell.first().copied().unwrap_or(0.0), ell.last().copied().unwrap_or(1.0));
    for (place, panel) in panels.iter().enumerate() {
        let left = MARGIN + place * (SIDE + MARGIN);
        let top = 30;
        let matrix = BASE64_STANDARD.encode(picture(&panel.rows, panel.limit)?);
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"18\" text-anchor=\"middle\" font-size=\"14\">{}</text>\n\
             <image x=\"{left}\" y=\"{top}\" width=\"{SIDE}\" height=\"{SIDE}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{matrix}\"/>\n\
             <rect x=\"{left}\" y=\"{top}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#444\"/>",
            left + SIDE / 2,
            panel.title
        );
        for tick in [10_000.0, 20_000.0, 30_000.0, 40_000.0] {
            if tick < last {
                let at = ((tick - first) / (last - first) * SIDE as f64) as usize;
                let (x, y) = (left + at, top + SIDE);
                let thousands = tick / 1000.0;
                let _ = writeln!(
                    text,
                    "<path d=\"M{x} {y}v4\" stroke=\"#444\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{thousands}k</text>",
                    y + 17
                );
                if place == 0 {
                    let y = top + SIDE - at;
                    let _ = writeln!(
                        text,
                        "<path d=\"M{left} {y}h-4\" stroke=\"#444\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{thousands}k</text>",
                        left - 6,
                        y + 4
                    );
                }
            }
        }
        // The colours, from -limit to limit.
        let bar = top + SIDE + 30;
        let bar_picture = BASE64_STANDARD.encode(picture(
            &[(0..=100).map(|i| Some((f64::from(i) / 50.0 - 1.0) * panel.limit)).collect()],
            panel.limit,
        )?);
        let _ = writeln!(
            text,
            "<image x=\"{left}\" y=\"{bar}\" width=\"{SIDE}\" height=\"10\" preserveAspectRatio=\"none\" \
             href=\"data:image/png;base64,{bar_picture}\"/>\n\
             <text x=\"{left}\" y=\"{0}\">{1:.2}</text><text x=\"{2}\" y=\"{0}\" text-anchor=\"middle\">0</text>\
             <text x=\"{3}\" y=\"{0}\" text-anchor=\"end\">{4:.2}</text>",
            bar + 24,
            -panel.limit,
            left + SIDE / 2,
            left + SIDE,
            panel.limit
        );
    }
    let _ = writeln!(text, "<text x=\"14\" y=\"{}\" text-anchor=\"middle\">l</text>\n</svg>", 30 + SIDE / 2);
    Ok(text)
}

/// A PNG of a matrix with the first row at the bottom: blue for negative values, red for positive ones, white for none.
fn picture(rows: &[Vec<Option<f64>>], limit: f64) -> Result<Vec<u8>> {
    let width = rows.first().map_or(0, Vec::len).max(1);
    let mut pixels = Vec::with_capacity(3 * width * rows.len());
    for row in rows.iter().rev() {
        for column in 0..width {
            let value = row.get(column).copied().flatten();
            pixels.extend(value.map_or([255; 3], |value| diverging(value / limit)));
        }
    }
    if rows.is_empty() {
        pixels.extend([255; 3]);
    }
    rgb_png(&pixels, width, rows.len().max(1))
}

/// Blue at -1, white at 0, red at 1.
fn diverging(share: f64) -> [u8; 3] {
    let share = share.clamp(-1.0, 1.0);
    let end = if share < 0.0 { [33.0, 102.0, 172.0] } else { [178.0, 24.0, 43.0] };
    end.map(|colour: f64| (255.0 + (colour - 255.0) * share.abs()) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_matrices_holds_pictures_and_titles() {
        let rows = vec![vec![Some(1.0), None], vec![Some(-0.5), Some(0.0)]];
        let panels = [
            MatrixPanel { title: "data", rows: rows.clone(), limit: 1.0 },
            MatrixPanel { title: "difference", rows, limit: 0.1 },
        ];
        let text = svg(&panels, &[300.0, 20_300.0]).unwrap();
        assert_eq!(text.matches("data:image/png").count(), 4);
        assert!(text.contains("difference") && text.contains("10k") && text.trim_end().ends_with("</svg>"));
        assert_eq!((diverging(0.0), diverging(1.0), diverging(-9.0)), ([255; 3], [178, 24, 43], [33, 102, 172]));
    }
}
