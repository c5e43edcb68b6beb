//! A smooth function between equally spaced nodes, by cubic Hermite interpolation.

/// Values and exact slopes at equally spaced nodes: the error is that of a cubic, `step^4/384` of the fourth
/// derivative.
#[derive(Debug, Clone, PartialEq)]
pub struct HermiteTable {
    start: f64,
    step: f64,
    /// Value and slope.
    nodes: Vec<[f64; 2]>,
}

impl HermiteTable {
    /// Nodes at `start`, `start + step`, ...: at least two of them, each a value and a slope.
    pub fn new(start: f64, step: f64, nodes: Vec<[f64; 2]>) -> Self {
        Self { start, step, nodes }
    }

    /// The function at `x`; beyond the ends it keeps the value that it has there.
    pub fn at(&self, x: f64) -> f64 {
        let last = self.nodes.len().saturating_sub(1) as f64;
        let place = ((x - self.start) / self.step).clamp(0.0, last);
        let node = place.floor().min(last - 1.0);
        let Some(&[[left, left_slope], [right, right_slope]]) = self.nodes.get(node as usize..node as usize + 2) else {
            return f64::NAN;
        };
        between([left, self.step * left_slope], [right, self.step * right_slope], place - node)
    }

    /// Nodes as they were given.
    pub fn nodes(&self) -> &[[f64; 2]] {
        &self.nodes
    }
}

/// The cubic with the given values and slopes at 0 and at 1.
pub fn between([left, left_slope]: [f64; 2], [right, right_slope]: [f64; 2], x: f64) -> f64 {
    let rest = 1.0 - x;
    rest * rest * ((1.0 + 2.0 * x) * left + x * left_slope) + x * x * ((1.0 + 2.0 * rest) * right - rest * right_slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubics_are_exact() {
        let cubic = |x: f64| [x * x * x - 2.0 * x + 1.0, 3.0 * x * x - 2.0];
        let table = HermiteTable::new(-1.0, 0.5, (0..7).map(|i| cubic(0.5 * f64::from(i) - 1.0)).collect());
        for i in 0..=300 {
            let x = f64::from(i) / 100.0 - 1.0;
            assert!((table.at(x) - cubic(x)[0]).abs() < 1e-13, "{x}");
        }
        assert_eq!((table.at(-7.0), table.at(7.0)), (cubic(-1.0)[0], cubic(2.0)[0]));
        assert!(table.at(f64::NAN).is_nan());
    }
}
