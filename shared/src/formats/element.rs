//! Types of the numbers in files: real numbers of every width and either byte order.

use half::f16;

/// Type of a number in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    kind: Kind,
    big_endian: bool,
}

/// What a number is, before its bytes are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Half,
    Single,
    Double,
    Signed(u8),
    Unsigned(u8),
    Truth,
}

impl Element {
    /// Little-endian f32, which is what is written here.
    pub const LITTLE_F32: Self = Self { kind: Kind::Single, big_endian: false };

    /// `<f2`, half the size: three digits of kappa.
    pub const LITTLE_F16: Self = Self { kind: Kind::Half, big_endian: false };

    /// `<f8`, in which statistics are kept.
    pub const LITTLE_F64: Self = Self { kind: Kind::Double, big_endian: false };

    /// A type as NumPy names it: `<f4`, `>i2`, `|u1`, `|b1`. `None` for one that is not of real numbers.
    pub fn of_numpy(name: &str) -> Option<Self> {
        let (order, rest) = name.split_at_checked(1)?;
        let kind = match rest {
            "f2" => Kind::Half,
            "f4" => Kind::Single,
            "f8" => Kind::Double,
            "b1" => Kind::Truth,
            "i1" | "i2" | "i4" | "i8" => Kind::Signed(rest.as_bytes()[1] - b'0'),
            "u1" | "u2" | "u4" | "u8" => Kind::Unsigned(rest.as_bytes()[1] - b'0'),
            _ => return None,
        };
        let element = Self { kind, big_endian: order == ">" };
        // '|' says that there is no order, which is so for single bytes alone; '=' is that of a machine long gone.
        (matches!(order, "<" | ">") || order == "|" && element.bytes() == 1).then_some(element)
    }

    /// A type as FITS names it, by BITPIX.
    pub fn of_bitpix(bitpix: i64) -> Option<Self> {
        let kind = match bitpix {
            8 => Kind::Unsigned(1),
            16 => Kind::Signed(2),
            32 => Kind::Signed(4),
            64 => Kind::Signed(8),
            -32 => Kind::Single,
            -64 => Kind::Double,
            _ => return None,
        };
        Some(Self { kind, big_endian: true })
    }

    /// In words: `float32`, `big-endian int16`.
    pub fn name(self) -> String {
        let order = if self.big_endian && self.bytes() > 1 { "big-endian " } else { "" };
        match self.kind {
            Kind::Half | Kind::Single | Kind::Double => format!("{order}float{}", 8 * self.bytes()),
            Kind::Signed(_) => format!("{order}int{}", 8 * self.bytes()),
            Kind::Unsigned(_) => format!("{order}uint{}", 8 * self.bytes()),
            Kind::Truth => "bool".to_owned(),
        }
    }

    /// As NumPy names it.
    pub fn numpy(self) -> String {
        let order = if self.bytes() == 1 {
            '|'
        } else if self.big_endian {
            '>'
        } else {
            '<'
        };
        let kind = match self.kind {
            Kind::Half | Kind::Single | Kind::Double => 'f',
            Kind::Signed(_) => 'i',
            Kind::Unsigned(_) => 'u',
            Kind::Truth => 'b',
        };
        format!("{order}{kind}{}", self.bytes())
    }

    /// Whether these are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self.kind, Kind::Half | Kind::Single | Kind::Double)
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self.kind {
            Kind::Truth => 1,
            Kind::Half => 2,
            Kind::Single => 4,
            Kind::Double => 8,
            Kind::Signed(bytes) | Kind::Unsigned(bytes) => bytes.into(),
        }
    }

    /// Values as bytes of this type, rounded to it.
    pub fn encode(self, values: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(values.len() * self.bytes());
        for &value in values {
            let start = bytes.len();
            match self.kind {
                Kind::Half => bytes.extend(f16::from_f32(value).to_le_bytes()),
                Kind::Single => bytes.extend(value.to_le_bytes()),
                Kind::Double => bytes.extend(f64::from(value).to_le_bytes()),
                Kind::Signed(width) => bytes.extend(&(value.round() as i64).to_le_bytes()[..width.into()]),
                Kind::Unsigned(width) => bytes.extend(&(value.round() as u64).to_le_bytes()[..width.into()]),
                Kind::Truth => bytes.push(u8::from(value != 0.0)),
            }
            if self.big_endian {
                bytes[start..].reverse();
            }
        }
        bytes
    }

    /// Numbers from their bytes, rounded to f32 (beyond its range: infinite, which no map accepts). An incomplete number at
    /// the end is left out.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match (self.kind, self.big_endian) {
            (Kind::Half, false) => fixed(bytes, |b| f16::from_le_bytes(b).to_f32()),
            (Kind::Half, true) => fixed(bytes, |b| f16::from_be_bytes(b).to_f32()),
            (Kind::Single, false) => fixed(bytes, f32::from_le_bytes),
            (Kind::Single, true) => fixed(bytes, f32::from_be_bytes),
            _ => self.decode_double(bytes).into_iter().map(|value| value as f32).collect(),
        }
    }

    /// Numbers from their bytes, as f64. An incomplete number at the end is left out.
    pub fn decode_double(self, bytes: &[u8]) -> Vec<f64> {
        match (self.kind, self.big_endian) {
            (Kind::Half | Kind::Single, _) => self.decode(bytes).into_iter().map(f64::from).collect(),
            (Kind::Double, false) => fixed(bytes, f64::from_le_bytes),
            (Kind::Double, true) => fixed(bytes, f64::from_be_bytes),
            _ => bytes.chunks_exact(self.bytes()).map(|bytes| self.integer(bytes) as f64).collect(),
        }
    }

    /// Whole numbers from their bytes. `None` for types of floating-point numbers.
    pub fn decode_integers(self, bytes: &[u8]) -> Option<Vec<i128>> {
        (!self.is_float()).then(|| bytes.chunks_exact(self.bytes()).map(|bytes| self.integer(bytes)).collect())
    }

    /// One whole number of this type.
    fn integer(self, bytes: &[u8]) -> i128 {
        let mut wide = [0_u8; 8];
        let width = bytes.len().min(8);
        wide[..width].copy_from_slice(&bytes[..width]);
        if self.big_endian {
            wide[..width].reverse();
        }
        let value = u64::from_le_bytes(wide);
        match self.kind {
            Kind::Signed(_) => {
                let unused = 64 - 8 * width as u32;
                i128::from(((value << unused) as i64) >> unused)
            }
            Kind::Truth => i128::from(value != 0),
            _ => i128::from(value),
        }
    }
}

fn fixed<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 22] = [
        "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "|i1", "|u1", "|b1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "<u2",
        ">u2", "<u4", ">u4", "<u8", ">u8", "<i1",
    ];

    #[test]
    fn every_type_is_written_as_it_is_read() {
        for name in NAMES {
            let element = Element::of_numpy(name).unwrap();
            let values: &[f32] = match element.kind {
                Kind::Truth => &[0.0, 1.0],
                Kind::Unsigned(_) => &[0.0, 3.0, 200.0],
                Kind::Signed(_) => &[0.0, -3.0, 100.0, -128.0],
                _ => &[0.0, -0.5, 0.25, 3.0],
            };
            let bytes = element.encode(values);
            assert_eq!(bytes.len(), values.len() * element.bytes(), "{name}");
            assert_eq!(element.decode(&bytes), values, "{name}");
            assert_eq!(
                element.decode_double(&bytes),
                values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(),
                "{name}"
            );
            assert_eq!(element.decode_integers(&bytes).is_none(), element.is_float(), "{name}");
        }
    }

    #[test]
    fn names_are_numpys_and_no_others() {
        for name in NAMES.iter().filter(|name| **name != "<i1") {
            assert_eq!(Element::of_numpy(name).unwrap().numpy(), **name);
        }
        for name in ["<c8", "|O", "<U3", "|S1", "|f4", "=f4", "<M8[s]", "", "é", "f"] {
            assert_eq!(Element::of_numpy(name), None, "{name}");
        }
        assert_eq!(Element::of_bitpix(16).unwrap().name(), "big-endian int16");
        assert_eq!(Element::of_numpy("|u1").unwrap().name(), "uint8");
        assert_eq!(Element::of_bitpix(-99), None);
    }
}
