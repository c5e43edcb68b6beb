//! What steps measure, by name: the log, TensorBoard and the progress bar show all of it, whatever it is.

use serde::{Deserialize, Serialize};

/// A number that every step measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Its field in `log.jsonl`.
    pub key: &'static str,
    /// Its name in TensorBoard.
    pub tag: &'static str,
    /// Its name on the progress bar.
    pub label: &'static str,
    /// How people read it.
    pub unit: Unit,
}

/// How a number is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// With three decimals.
    Plain,
    /// In percent.
    Share,
}

/// The discriminator's loss (paper Eq. 2), labels as they are.
pub const DISCRIMINATOR_LOSS: Measure =
    Measure { key: "discriminator_loss", tag: "loss/discriminator", label: "D", unit: Unit::Plain };
/// The generator's loss (paper Eq. 3).
pub const GENERATOR_LOSS: Measure =
    Measure { key: "generator_loss", tag: "loss/generator", label: "G", unit: Unit::Plain };
/// Share of data maps that the discriminator recognises.
pub const ACCURACY_DATA: Measure =
    Measure { key: "accuracy_data", tag: "accuracy/data", label: "D right on data", unit: Unit::Share };
/// Share of generated maps that it recognises.
pub const ACCURACY_GENERATED: Measure =
    Measure { key: "accuracy_generated", tag: "accuracy/generated", label: "on generated", unit: Unit::Share };

/// Gradient penalty of the discriminator (R1), its weight left out; of the last step that had one.
pub const GRADIENT_PENALTY: Measure =
    Measure { key: "gradient_penalty", tag: "loss/gradient_penalty", label: "R1", unit: Unit::Plain };
/// Root mean square deviation of P(l), its scatter and correlations.
pub const FORCE_SPECTRUM: Measure =
    Measure { key: "force_spectrum", tag: "force/spectrum", label: "P(l) off", unit: Unit::Plain };
/// Root mean square deviation of pixel values, in the scatter of a map.
pub const FORCE_PIXELS: Measure =
    Measure { key: "force_pixels", tag: "force/pixels", label: "pixels off", unit: Unit::Plain };
/// Root mean square deviation of boundary length and genus, in the scatter of a map.
pub const FORCE_SHAPE: Measure =
    Measure { key: "force_shape", tag: "force/shape", label: "shape off", unit: Unit::Plain };
/// Root mean square amplitude that all maps share on the generator's lattice, over a map's.
pub const FORCE_LATTICE: Measure =
    Measure { key: "force_lattice", tag: "force/lattice", label: "lattice", unit: Unit::Plain };

impl Measure {
    /// All that this program knows.
    pub const ALL: [Self; 9] = [
        DISCRIMINATOR_LOSS,
        GENERATOR_LOSS,
        ACCURACY_DATA,
        ACCURACY_GENERATED,
        GRADIENT_PENALTY,
        FORCE_SPECTRUM,
        FORCE_PIXELS,
        FORCE_SHAPE,
        FORCE_LATTICE,
    ];

    /// The measure of a field of the log.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.key == key)
    }

    /// A value for people, with its name.
    pub fn show(self, value: f64) -> String {
        match self.unit {
            Unit::Plain => format!("{} {value:.3}", self.label),
            Unit::Share => format!("{} {:.0} %", self.label, 100.0 * value),
        }
    }
}

/// Measures with their values, in the order in which they were measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "serde_json::Map<String, serde_json::Value>", into = "serde_json::Map<String, serde_json::Value>")]
pub struct Values(pub Vec<(String, f64)>);

impl Values {
    /// The value of a measure.
    pub fn get(&self, measure: Measure) -> Option<f64> {
        self.0.iter().find(|(key, _)| key == measure.key).map(|(_, value)| *value)
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let known = self.0.iter().filter_map(|(key, value)| Some(Measure::of_key(key)?.show(*value)));
        known.collect::<Vec<_>>().join(", ")
    }
}

impl From<serde_json::Map<String, serde_json::Value>> for Values {
    fn from(map: serde_json::Map<String, serde_json::Value>) -> Self {
        Self(map.into_iter().filter_map(|(key, value)| Some((key, value.as_f64()?))).collect())
    }
}

impl From<Values> for serde_json::Map<String, serde_json::Value> {
    fn from(values: Values) -> Self {
        values.0.into_iter().map(|(key, value)| (key, value.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tags_are_distinct_and_found() {
        for (place, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(Measure::of_key(measure.key), Some(measure));
            assert!(Measure::ALL[..place].iter().all(|other| other.key != measure.key && other.tag != measure.tag));
        }
    }

    #[test]
    fn people_see_all_of_them() {
        let values = Values(vec![("discriminator_loss".into(), 1.25), ("accuracy_data".into(), 0.5)]);
        assert_eq!(values.line(), "D 1.250, D right on data 50 %");
        assert_eq!((values.get(DISCRIMINATOR_LOSS), values.get(GENERATOR_LOSS)), (Some(1.25), None));
    }
}
