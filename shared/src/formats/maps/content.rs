//! Whether the numbers of a map can be convergence, and what they look like if not.

use super::Facts;

/// Numbers beyond this are no kappa but stand for none: HEALPix writes -1.6375e30, others 1e20 or 9.97e36.
const BEYOND: f32 = 1e10;
/// Other numbers that stand for none.
const FILLS: [f32; 6] = [-99.0, -999.0, -9999.0, -99999.0, 9999.0, 99999.0];
/// What people write where there is no unit.
const NO_UNIT: [&str; 9] = ["", "kappa", "convergence", "dimensionless", "unitless", "1", "none", "-", "unknown"];
/// Values that fill a map are told for so many kinds at most.
const TOLD: usize = 3;

/// Whether a number stands for no value: NaN, infinite, or one that programs fill maps with.
pub fn is_fill(value: f32) -> bool {
    !value.is_finite() || value.abs() >= BEYOND || FILLS.contains(&value)
}

/// For each number whether it is used; `None` where all are.
pub fn used_where(kappa: &[f32], is_used: impl Fn(f32) -> bool) -> Option<Vec<bool>> {
    let used: Vec<bool> = kappa.iter().map(|&kappa| is_used(kappa)).collect();
    used.contains(&false).then_some(used)
}

/// Puts 0 where a number is not used.
pub fn blank(kappa: &mut [f32], used: &[bool]) {
    for (kappa, used) in kappa.iter_mut().zip(used) {
        if !used {
            *kappa = 0.0;
        }
    }
}

/// Numbers of maps, summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// How many were looked at.
    pub count: u64,
    /// The least that is a value.
    pub least: f32,
    /// The largest that is a value.
    pub largest: f32,
    /// NaN and infinite ones.
    pub not_finite: u64,
    /// Numbers that stand for none, with how often they stand; the first kinds.
    pub fills: Vec<(f32, u64)>,
    /// Numbers that stand for none, of all kinds, those that are not finite left out.
    pub filled: u64,
    /// Exact zeros.
    pub zeros: u64,
    /// Whether all are whole.
    pub whole: bool,
    sum: f64,
    squares: f64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            count: 0,
            least: f32::INFINITY,
            largest: f32::NEG_INFINITY,
            not_finite: 0,
            fills: Vec::new(),
            filled: 0,
            zeros: 0,
            whole: true,
            sum: 0.0,
            squares: 0.0,
        }
    }
}

impl Numbers {
    /// Looks at further numbers.
    pub fn add(&mut self, values: &[f32]) {
        self.count += values.len() as u64;
        for &value in values {
            if !value.is_finite() {
                self.not_finite += 1;
            } else if is_fill(value) {
                self.filled += 1;
                match self.fills.iter().position(|(fill, _)| *fill == value) {
                    Some(kind) => self.fills[kind].1 += 1,
                    None if self.fills.len() < TOLD => self.fills.push((value, 1)),
                    None => {}
                }
            } else {
                self.least = self.least.min(value);
                self.largest = self.largest.max(value);
                self.zeros += u64::from(value == 0.0);
                self.whole &= value.fract() == 0.0;
                let value = f64::from(value);
                self.sum += value;
                self.squares += value * value;
            }
        }
    }

    /// How many are values.
    pub fn values(&self) -> u64 {
        self.count - self.not_finite - self.filled
    }

    /// Their mean; 0 where there are none.
    pub fn mean(&self) -> f64 {
        self.sum / self.values().max(1) as f64
    }

    /// Their standard deviation.
    pub fn sigma(&self) -> f64 {
        (self.squares / self.values().max(1) as f64 - self.mean().powi(2)).max(0.0).sqrt()
    }

    /// The numbers that stand for none, in words; `None` where there are none of them.
    pub fn missing(&self) -> Option<String> {
        let mut kinds = Vec::new();
        if self.not_finite > 0 {
            kinds.push(format!("{} pixels are NaN or infinite", self.not_finite));
        }
        for &(fill, count) in &self.fills {
            let name = if (fill / -1.6375e30 - 1.0).abs() < 1e-3 { ", HEALPix's UNSEEN" } else { "" };
            let fill = if fill.abs() < 1e6 { fill.to_string() } else { format!("{fill:e}") };
            let which = if kinds.is_empty() { " pixels" } else { "" };
            kinds.push(format!("{count}{which} hold {fill}{name}"));
        }
        (!kinds.is_empty()).then(|| kinds.join(", "))
    }
}

/// What a file says of its unit and origin that shows that it holds no convergence.
pub fn other_than_kappa(facts: &Facts) -> Option<String> {
    let unit = facts.unit.as_deref().map(str::trim).unwrap_or_default();
    let plain = unit.to_ascii_lowercase().replace(['^', '*', ' ', '.'], "");
    let is_potential = plain == "rad2" || plain == "radian2";
    if is_potential || facts.plane_distance.is_some() {
        let kind = if is_potential { "a lens plane's potential (in rad^2)" } else { "a lens plane (it has CHI)" };
        return Some(format!(
            "it is {kind} and no map: maps are made of a folder of such planes by `trainer maps --planes FOLDER`"
        ));
    }
    (!NO_UNIT.contains(&plain.as_str())).then(|| format!("its unit is {unit:?}, and convergence has none"))
}

/// What numbers look like, if not like convergence.
pub fn looks_like(numbers: &Numbers) -> Option<String> {
    let (mean, sigma) = (numbers.mean(), numbers.sigma());
    let (least, largest) = (numbers.least, numbers.largest);
    if numbers.values() == 0 {
        return None;
    }
    let share = numbers.zeros as f64 / numbers.count as f64;
    let seen = if least == largest {
        format!("every pixel is {least}: such maps have no statistics in units of sigma")
    } else if numbers.whole {
        format!("the values are whole numbers from {least} to {largest}: counts, or a picture?")
    } else if least >= -1.0 && largest <= 1.0 && (least == -1.0 || largest == 1.0) && sigma > 0.15 {
        format!("the values fill {least} to {largest}: scaled, as for a network?")
    } else if mean.abs() < 0.05 * sigma && (sigma - 1.0).abs() < 0.05 {
        "the values have mean 0 and sigma 1: standardised maps?".to_owned()
    } else if least >= 0.0 && (mean - 1.0).abs() < 0.3 && sigma > 0.05 {
        format!("the values are positive with mean {mean:.3}: a density in units of its mean?")
    } else if sigma > 1.0 {
        format!("sigma is {sigma:.4}, and of kappa it is about 0.02: a density, counts, or another unit?")
    } else if sigma < 1e-4 {
        format!("sigma is {sigma:.2e}, and of kappa it is about 0.02: a potential, or another unit?")
    } else if share > 0.01 {
        format!("{:.1} % of the pixels are exactly 0: if they are masked, give --mask", 100.0 * share)
    } else {
        return None;
    };
    Some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::latent;

    fn numbers(of: impl Fn(f32) -> f32) -> Numbers {
        let mut numbers = Numbers::default();
        let values: Vec<f32> = latent(1, 40_000).into_iter().map(of).collect();
        for part in values.chunks(1000) {
            numbers.add(part);
        }
        numbers
    }

    #[test]
    fn kappa_passes_and_others_are_named() {
        assert_eq!(looks_like(&numbers(|x| 0.02 * x + 0.001 * x * x)), None);
        for (name, of) in [
            ("standardised", (|x| x) as fn(f32) -> f32),
            ("scaled", f32::tanh),
            ("density in units", |x| (0.3 * x).exp()),
            ("whole", |x| (10.0 * x).round()),
            ("sigma is 51", |x| 51_559.0 * x + 1e5),
            ("potential", |x| 1.7e-7 * x),
            ("every pixel", |_| 0.1),
            ("exactly 0", |x| if x > 1.5 { 0.0 } else { 0.02 * x }),
        ] {
            let of = |x: f32| if name == "scaled" && x > 2.0 { 1.0 } else { of(x) };
            let found = looks_like(&numbers(of)).unwrap_or_default();
            assert!(found.contains(name), "{name}: {found}");
        }
    }

    #[test]
    fn numbers_that_stand_for_none_are_counted_and_left_out() {
        let found = {
            let mut found = Numbers::default();
            found.add(&[0.5, f32::NAN, -1.6375e30, -1.6375e30, -99.0, 1.5, f32::INFINITY]);
            found
        };
        assert_eq!((found.values(), found.mean(), found.sigma()), (2, 1.0, 0.5));
        let missing = found.missing().unwrap();
        for part in ["2 pixels are NaN", "2 hold -1.6375e30, HEALPix", "1 hold -99"] {
            assert!(missing.contains(part), "{missing}");
        }
        assert_eq!(numbers(|x| x).missing(), None);
    }

    #[test]
    fn units_tell() {
        let facts = |unit: &str| Facts { unit: Some(unit.into()), ..Facts::default() };
        for unit in ["kappa", " ", "Dimensionless", "1"] {
            assert_eq!(other_than_kappa(&facts(unit)), None, "{unit}");
        }
        assert!(other_than_kappa(&facts("rad^2")).unwrap().contains("--planes"));
        assert!(other_than_kappa(&facts("uK_CMB")).unwrap().contains("uK_CMB"));
        let plane = Facts { plane_distance: Some(1000.0), ..Facts::default() };
        assert!(other_than_kappa(&plane).unwrap().contains("CHI"));
    }
}
