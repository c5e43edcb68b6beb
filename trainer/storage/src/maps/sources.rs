//! What tells one map from all others, so that sets of maps know what they share, whatever their files are called.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a mark: 48 bits, so that among 20,000 maps two of another kind are alike once in a million sets.
const DIGITS: usize = 12;

/// Marks of maps: in JSON one text of 12 hexadecimal digits a map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources(BTreeSet<u64>);

/// The mark of a map: of the SHA-256 of the values of its middle row as little-endian f32, which any other map differs in.
pub fn mark(middle_row: &[f32]) -> u64 {
    let mut hash = Sha256::new();
    for value in middle_row {
        hash.update(value.to_le_bytes());
    }
    hash.finalize().iter().take(DIGITS / 2).fold(0, |mark, byte| mark << 8 | u64::from(*byte))
}

/// Whether all values of a row are one: masked or empty, it is like any other, and the whole map is marked instead.
pub fn is_flat(row: &[f32]) -> bool {
    row.iter().all(|value| value.to_bits() == row[0].to_bits())
}

impl Sources {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many maps.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds a map.
    pub fn insert(&mut self, mark: u64) {
        self.0.insert(mark);
    }

    /// Adds all maps of another set.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// All marks as one text, of 12 hexadecimal digits each.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|mark| format!("{mark:0DIGITS$x}")).collect()
    }

    /// Marks from such a text; `None` where it is none.
    pub fn of_text(text: &str) -> Option<Self> {
        if !text.is_ascii() || !text.len().is_multiple_of(DIGITS) {
            return None;
        }
        let digits = text.as_bytes().chunks(DIGITS).map(std::str::from_utf8);
        digits.map(|digits| u64::from_str_radix(digits.ok()?, 16).ok()).collect()
    }

    /// How many maps are in both.
    pub fn shared_with(&self, other: &Self) -> usize {
        self.0.intersection(&other.0).count()
    }
}

/// What is to be said of two sets of maps of which one must not have seen the other; `None` where they share nothing.
///
/// # Examples
/// ```
/// use storage::maps::{Sources, sources::overlap};
///
/// let of = |marks: std::ops::Range<u64>| marks.collect::<Sources>();
/// assert_eq!(overlap(["A", "B"], &of(0..5), &of(5..9)), None);
/// assert!(overlap(["A", "B"], &of(0..5), &of(3..9)).unwrap().contains("maps in common"));
/// ```
pub fn overlap(names: [&str; 2], a: &Sources, b: &Sources) -> Option<String> {
    let [first, second] = names;
    (a.shared_with(b) > 0).then(|| {
        format!(
            "{first} and {second} have maps in common, or were cut from common ones: one is no judge of the other; cut them apart with \
             `trainer maps --split`"
        )
    })
}

impl FromIterator<u64> for Sources {
    fn from_iter<I: IntoIterator<Item = u64>>(marks: I) -> Self {
        Self(marks.into_iter().collect())
    }
}

impl Serialize for Sources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Sources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::of_text(&text).ok_or_else(|| D::Error::custom("marks of maps are 12 hexadecimal digits each"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_maps_apart_and_survive_json() {
        let of = |range: std::ops::Range<u32>| range.map(|map| mark(&[map as f32, 0.5])).collect::<Sources>();
        let (a, b) = (of(0..100), of(90..200));
        assert_eq!((a.count(), a.shared_with(&b), b.shared_with(&of(300..400))), (100, 10, 0));
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(text.len(), 1202);
        assert_eq!(serde_json::from_str::<Sources>(&text).unwrap(), a);
        for wrong in ["\"12\"", "\"zzzzzzzzzzzz\"", "3", "\"éééééé\""] {
            assert!(serde_json::from_str::<Sources>(wrong).is_err(), "{wrong}");
        }
    }
}
