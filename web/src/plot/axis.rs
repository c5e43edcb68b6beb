//! Where values lie along an axis, and the numbers beside it.

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisKind {
    /// Evenly.
    Linear,
    /// By their logarithm.
    Logarithmic,
}

/// What an axis is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AxisSpec {
    /// Quantity and unit, for people.
    pub label: &'static str,
    /// Its name in files.
    pub column: &'static str,
    /// How it is spread.
    pub kind: AxisKind,
}

/// An axis with its ends; those of a logarithmic one are powers of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    kind: AxisKind,
    low: f64,
    high: f64,
}

/// A mark along an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Its value.
    pub value: f64,
    /// Its number; none for a short mark in between.
    pub number: Option<Number>,
    /// Whether a line runs through the plot.
    pub major: bool,
}

/// A number beside an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// As it is.
    Plain(String),
    /// Ten to a power.
    PowerOfTen(i32),
}

impl Axis {
    /// An axis between two values, which are positive for a logarithmic one.
    pub fn between(kind: AxisKind, (low, high): (f64, f64)) -> Self {
        let (low, high) = match kind {
            AxisKind::Linear => (low, high),
            AxisKind::Logarithmic => (low.log10(), high.log10()),
        };
        Self { kind, low, high: if high > low { high } else { low + 1.0 } }
    }

    /// Share of the axis, 0 to 1 for what lies on it.
    pub fn share(&self, value: f64) -> f64 {
        let value = if self.kind == AxisKind::Logarithmic { value.max(1e-300).log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }

    /// The value at a share of the axis.
    pub fn value(&self, share: f64) -> f64 {
        let value = self.low + share * (self.high - self.low);
        if self.kind == AxisKind::Logarithmic { 10_f64.powf(value) } else { value }
    }

    /// Marks; `powers` writes a logarithmic axis' numbers as powers of ten.
    pub fn ticks(&self, powers: bool) -> Vec<Tick> {
        match self.kind {
            AxisKind::Linear => self.linear_ticks(),
            AxisKind::Logarithmic => self.logarithmic_ticks(powers),
        }
    }

    /// The power of ten that a linear axis' numbers are in units of; 0 where they are readable as they are.
    pub fn shared_power(&self) -> Option<i32> {
        let power = self.low.abs().max(self.high.abs()).log10().floor();
        (self.kind == AxisKind::Linear).then_some(if (-2.0..5.0).contains(&power) { 0 } else { power as i32 })
    }

    fn linear_ticks(&self) -> Vec<Tick> {
        let step = round_step((self.high - self.low) / 5.0);
        let unit = 10_f64.powi(self.shared_power().unwrap_or(0));
        // A power of ten may be off by a rounding.
        let decimals = (-((step / unit).log10() + 1e-9).floor()).max(0.0) as usize;
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        let tick = |multiple: i64| {
            let value = multiple as f64 * step;
            let number = grouped(&format!("{:.decimals$}", value / unit));
            let number = if multiple == 0 { "0".to_owned() } else { number };
            Tick { value, number: Some(Number::Plain(number.replace('-', "−"))), major: true }
        };
        (first..=last).map(tick).collect()
    }

    fn logarithmic_ticks(&self, powers: bool) -> Vec<Tick> {
        let mut ticks = Vec::new();
        for decade in self.low.floor() as i32..=self.high.ceil() as i32 {
            for multiple in 1..10 {
                let value = f64::from(multiple) * 10_f64.powi(decade);
                if !(-1e-9..=1.0 + 1e-9).contains(&self.share(value)) {
                    continue;
                }
                let major = multiple == 1;
                let number = match (powers, multiple) {
                    (true, 1) => Some(Number::PowerOfTen(decade)),
                    (false, 1 | 3) => Some(Number::Plain(grouped(&format!("{value:.0}")))),
                    _ => None,
                };
                // Between powers of ten that are numbered there are no short marks: they are far apart.
                if number.is_some() || !powers {
                    ticks.push(Tick { value, number, major });
                }
            }
        }
        ticks
    }
}

/// The next larger of 1, 2 and 5 times a power of ten.
pub fn round_step(rough: f64) -> f64 {
    let magnitude = 10_f64.powf(rough.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * magnitude).find(|step| *step >= rough).unwrap_or(rough)
}

/// A number with a comma before each three digits of its whole part.
fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let digits = whole.trim_start_matches('-').len();
    let mut text = String::new();
    for (place, character) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if left % 3 == 0 && left < digits {
            text.push(',');
        }
        text.push(character);
    }
    text + rest
}

/// A value for people: three digits, without the noise of floats.
pub fn readable(value: f64) -> String {
    let size = value.abs();
    let text = if value == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&size) {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
        grouped(&format!("{value:.decimals$}"))
    } else {
        format!("{value:.2e}")
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_shares_are_inverse() {
        for kind in [AxisKind::Linear, AxisKind::Logarithmic] {
            let axis = Axis::between(kind, (100.0, 40_000.0));
            for step in 0..=20 {
                let share = f64::from(step) / 20.0;
                assert!((axis.share(axis.value(share)) - share).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn linear_numbers_are_round_and_inside() {
        for (low, high) in [(-1.9, 1.7), (0.0, 230.0), (-0.05, 0.31), (0.0, 1e-5)] {
            let ticks = Axis::between(AxisKind::Linear, (low, high)).ticks(false);
            assert!((3..=7).contains(&ticks.len()), "{} between {low} and {high}", ticks.len());
            assert!(ticks.iter().all(|tick| tick.value >= low && tick.value <= high * (1.0 + 1e-12)));
        }
    }

    #[test]
    fn small_numbers_share_a_power_of_ten() {
        let numbers = |low, high| -> Vec<_> {
            let ticks = Axis::between(AxisKind::Linear, (low, high)).ticks(false);
            ticks.into_iter().filter_map(|tick| tick.number).collect()
        };
        let plain = |texts: &[&str]| -> Vec<_> { texts.iter().map(|text| Number::Plain((*text).into())).collect() };
        assert_eq!(numbers(-1e-5, 2e-5), plain(&["−1", "0", "1", "2"]));
        assert_eq!(numbers(0.0, 1.0), plain(&["0", "0.2", "0.4", "0.6", "0.8", "1.0"]));
    }

    #[test]
    fn people_read_numbers_as_they_write_them() {
        assert_eq!([readable(0.0), readable(-0.0123456), readable(12_345.6)], ["0", "−0.0123", "12,346"]);
        assert_eq!([readable(1.0), readable(3.2e-7), grouped("-1234567.5")], ["1.00", "3.20e−7", "-1,234,567.5"]);
        assert_eq!([grouped("-123"), grouped("999"), grouped("1000")], ["-123", "999", "1,000"]);
    }
}
