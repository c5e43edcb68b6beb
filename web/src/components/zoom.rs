//! Which part of the map fills its frame.

/// Most that a map is magnified: a pixel is then as large as a fingertip.
const MOST: f64 = 16.0;

/// A magnified part of the map; lengths are shares of the map's side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zoom {
    /// How much the map is magnified, from 1.
    pub factor: f64,
    /// Left edge of the part.
    left: f64,
    /// Its upper edge.
    top: f64,
}

impl Default for Zoom {
    /// All of the map.
    fn default() -> Self {
        Self { factor: 1.0, left: 0.0, top: 0.0 }
    }
}

impl Zoom {
    /// A part of the map by its upper left corner; never beyond the map.
    pub fn new(factor: f64, (left, top): (f64, f64)) -> Self {
        Self { factor: factor.clamp(1.0, MOST), left, top }.inside()
    }

    /// Its upper left corner.
    pub fn corner(&self) -> (f64, f64) {
        (self.left, self.top)
    }

    /// Magnified by another factor, with what lies at a place of the frame (shares of its side) staying there.
    #[must_use]
    pub fn by(self, factor: f64, (x, y): (f64, f64)) -> Self {
        let next = (self.factor * factor).clamp(1.0, MOST);
        let kept = |edge: f64, at: f64| edge + at / self.factor - at / next;
        Self { factor: next, left: kept(self.left, x), top: kept(self.top, y) }.inside()
    }

    /// Moved by shares of the frame's side.
    #[must_use]
    pub fn moved(self, (x, y): (f64, f64)) -> Self {
        Self { left: self.left - x / self.factor, top: self.top - y / self.factor, ..self }.inside()
    }

    /// Never beyond the map.
    fn inside(self) -> Self {
        let most = 1.0 - 1.0 / self.factor;
        Self { left: self.left.clamp(0.0, most), top: self.top.clamp(0.0, most), ..self }
    }

    /// As a CSS transform about the upper left corner.
    pub fn transform(&self) -> String {
        format!("scale({:.4}) translate({:.4}%, {:.4}%)", self.factor, -100.0 * self.left, -100.0 * self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the map under a place of the frame.
    fn under(zoom: Zoom, x: f64) -> f64 {
        zoom.left + x / zoom.factor
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let mut zoom = Zoom::default();
        for _ in 0..20 {
            let before = under(zoom, 0.3);
            zoom = zoom.by(1.2, (0.3, 0.6));
            assert!((under(zoom, 0.3) - before).abs() < 1e-12);
        }
        assert!((zoom.factor - MOST).abs() < 1e-12);
    }

    #[test]
    fn a_part_never_leaves_the_map() {
        let zoom = Zoom::default().by(4.0, (0.5, 0.5)).moved((9.0, -9.0));
        assert_eq!((under(zoom, 0.0), zoom.top), (0.0, 0.75));
        assert_eq!(zoom.by(1e-9, (0.9, 0.9)), Zoom::default());
    }
}
