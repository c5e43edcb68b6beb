//! Lines and bands of values.

use super::axis::{Axis, AxisKind, AxisSpec};

/// Powers of ten along a logarithmic vertical axis.
const DECADES: i32 = 5;

/// What a series is of, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The map on screen.
    Map,
    /// Simulated maps.
    Simulated,
    /// Generated maps.
    Generated,
    /// The map beside the one on screen.
    Other,
    /// What theory says of the mean.
    Theory,
}

/// A line, with a band around it where it is a mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is of.
    pub kind: Kind,
    /// For the legend.
    pub name: String,
    /// Abscissa and value, rising.
    pub points: Vec<(f64, f64)>,
    /// Standard deviation of each point; empty for a single map.
    pub sigma: Vec<f64>,
}

impl Series {
    /// A series of bins, as far as they are not empty.
    pub fn new(kind: Kind, name: String, middles: &[f64], values: &[Option<f64>], sigma: &[Option<f64>]) -> Self {
        let (mut points, mut deviations) = (Vec::new(), Vec::new());
        for (bin, (&middle, value)) in middles.iter().zip(values).enumerate() {
            if let Some(value) = value {
                points.push((middle, *value));
                if let Some(sigma) = sigma.get(bin) {
                    deviations.push(sigma.unwrap_or(0.0));
                }
            }
        }
        Self { kind, name, points, sigma: deviations }
    }

    /// Values and deviations changed alike, by a factor of the abscissa.
    pub fn scaled(mut self, factor: impl Fn(f64) -> f64) -> Self {
        for (place, (x, y)) in self.points.iter_mut().enumerate() {
            *y *= factor(*x);
            if let Some(sigma) = self.sigma.get_mut(place) {
                *sigma *= factor(*x);
            }
        }
        self
    }

    /// The points between two abscissas.
    pub fn between(mut self, low: f64, high: f64) -> Self {
        let inside = |x: f64| x >= low && x <= high;
        if !self.sigma.is_empty() {
            let mut points = self.points.iter();
            self.sigma.retain(|_| points.next().is_some_and(|point| inside(point.0)));
        }
        self.points.retain(|point| inside(point.0));
        self
    }

    /// The edge of the band, `sign` standard deviations away; on a logarithmic axis it ends near the bottom rather than nowhere.
    pub fn edge(&self, sign: f64, kind: AxisKind) -> Vec<(f64, f64)> {
        let edge = |(&(x, y), sigma): (&(f64, f64), &f64)| {
            let edge = y + sign * sigma;
            (x, if kind == AxisKind::Logarithmic { edge.max(1e-2 * y) } else { edge })
        };
        self.points.iter().zip(&self.sigma).map(edge).collect()
    }

    /// The value at an abscissa, on the line between the points beside it; `None` beyond its ends.
    pub fn at(&self, x: f64) -> Option<f64> {
        let after = self.points.partition_point(|point| point.0 < x);
        let (&(right, above), left) = (self.points.get(after)?, after.checked_sub(1));
        let Some(&(left, below)) = left.and_then(|left| self.points.get(left)) else {
            return (right <= x).then_some(above);
        };
        Some(below + (above - below) * (x - left) / (right - left))
    }

    /// The point nearest to an abscissa on an axis, with its deviation.
    pub fn nearest(&self, x: f64, axis: &Axis) -> Option<(f64, f64, Option<f64>)> {
        let distance = |point: &(f64, f64)| (axis.share(point.0) - axis.share(x)).abs();
        let (place, point) = self.points.iter().enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))?;
        Some((point.0, point.1, self.sigma.get(place).copied()))
    }
}

/// Axes that hold the bands of simulated maps, so that they stay while the map changes, or else everything; `None` for nothing.
pub fn axes(series: &[Series], x: AxisSpec, y: AxisSpec) -> Option<(Axis, Axis)> {
    let of_kind = |kind| series.iter().filter(move |series: &&Series| series.kind == kind && !series.points.is_empty());
    // Beside another map, both have to be seen whole.
    let compared = of_kind(Kind::Other).next().is_some();
    let fixed: Vec<&Series> = of_kind(Kind::Simulated).filter(|_| !compared).collect();
    let shown = if fixed.is_empty() { series.iter().collect() } else { fixed };
    let abscissas = ends(shown.iter().flat_map(|series| series.points.iter().map(|point| point.0)))?;
    let mut values: Vec<f64> = Vec::new();
    for series in &shown {
        values.extend(series.points.iter().map(|point| point.1));
        for sign in [-1.0, 1.0] {
            values.extend(series.edge(sign, y.kind).iter().map(|point| point.1));
        }
    }
    let values = match y.kind {
        AxisKind::Linear => {
            let (low, high) = ends(values.into_iter())?;
            let room = 0.15 * (high - low);
            // What never is negative stands on zero.
            (if low >= 0.0 { 0.0 } else { low - room }, high + room)
        }
        AxisKind::Logarithmic => {
            values.retain(|value| *value > 0.0);
            values.sort_by(f64::total_cmp);
            // A few modes of a map alone may stand out by decades.
            let share = if shown.iter().all(|series| series.sigma.is_empty()) { 9 } else { 10 };
            let highest = *values.get((values.len() * share / 10).min(values.len().checked_sub(1)?))?;
            let top = highest.log10().ceil() as i32 + 1;
            (10_f64.powi(top - DECADES), 10_f64.powi(top))
        }
    };
    Some((Axis::between(x.kind, abscissas), Axis::between(y.kind, values)))
}

fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |ends: Option<(f64, f64)>, value| {
        Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        Series { kind: Kind::Map, name: "a map".into(), points: points.to_vec(), sigma: vec![1.0; points.len()] }
    }

    #[test]
    fn a_value_lies_on_the_line_between_its_neighbours() {
        let series = series(&[(1.0, 10.0), (2.0, 20.0), (4.0, 0.0)]);
        let found = [0.9, 1.0, 1.5, 2.0, 3.0, 4.0, 4.1].map(|x| series.at(x));
        assert_eq!(found, [None, Some(10.0), Some(15.0), Some(20.0), Some(10.0), Some(0.0), None]);
    }

    #[test]
    fn empty_bins_are_left_out_with_their_deviations() {
        let series = Series::new(
            Kind::Simulated,
            "maps".into(),
            &[1.0, 2.0, 3.0],
            &[Some(1.0), None, Some(3.0)],
            &[Some(0.1), None, Some(0.3)],
        );
        assert_eq!((series.points.len(), series.sigma.clone()), (2, vec![0.1, 0.3]));
        let part = series.between(2.0, 9.0).scaled(|x| x);
        assert_eq!(part.points, [(3.0, 9.0)]);
        assert!((part.sigma[0] - 0.9).abs() < 1e-12);
    }

    #[test]
    fn axes_stay_while_the_map_changes() {
        let spec = |kind| AxisSpec { label: "", column: "", kind };
        let simulated = Series { kind: Kind::Simulated, ..series(&[(1.0, 5.0), (9.0, 7.0)]) };
        let with = |map: Series| axes(&[simulated.clone(), map], spec(AxisKind::Linear), spec(AxisKind::Linear));
        assert_eq!(with(series(&[(0.0, 900.0)])), with(series(&[(5.0, 1.0)])));
        assert_eq!(axes(&[], spec(AxisKind::Linear), spec(AxisKind::Linear)), None);
    }
}
