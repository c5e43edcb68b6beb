//! NumPy `.npy` arrays of maps: f2, f4 or f8 of either byte order, C order, shape `[H, W]`, `[N, H, W]` or `[N, 1, H, W]`.
//!
//! The header is readable on its own, so that files larger than memory can be streamed. Written here rather than taken
//! from npyz 0.9, which allocates whatever length a header claims (up to 4 GiB) and multiplies its shape unchecked.

use half::f16;

/// Bytes of a file's beginning that hold any header accepted here.
pub const HEADER_BYTES: usize = 12 + LONGEST_DICTIONARY;
const LONGEST_DICTIONARY: usize = 16_384;
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Length of every header written here: constant, so that a streaming writer can put the final count in afterwards.
pub const WRITTEN_HEADER_BYTES: usize = 128;

/// Why bytes are not a `.npy` file of maps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NpyError {
    /// The file does not begin as `.npy` files do.
    #[error("not a .npy file: it does not begin with \\x93NUMPY")]
    Magic,
    /// A version of the format that is not known.
    #[error("unknown .npy version {0}.{1}")]
    Version(u8, u8),
    /// The header is cut off, too long, or not the dictionary that NumPy writes.
    #[error("the .npy header is not readable: {0}")]
    Header(&'static str),
    /// Numbers of another type.
    #[error(
        "the array holds {0:?}; maps are float16, float32 or float64 ('<f2', '<f4', '<f8', or with '>'): convert with .astype('f4')"
    )]
    Type(String),
    /// Columns first.
    #[error("the array is in Fortran order: save it again as numpy.save(file, numpy.ascontiguousarray(array))")]
    FortranOrder,
    /// Not an array of maps.
    #[error("shape {0:?} is not an array of maps: use [H, W], [N, H, W] or [N, 1, H, W], none of them 0")]
    Shape(Vec<usize>),
    /// The shape does not fit into memory addresses.
    #[error("shape {0:?} is larger than any memory")]
    TooLarge(Vec<usize>),
    /// More or fewer bytes than the shape says.
    #[error("the header announces {expected} bytes of values, there are {found}: the file is cut off or damaged")]
    Length {
        /// Bytes that the header announces.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
}

/// Type of the numbers in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    width: Width,
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Half,
    Single,
    Double,
}

impl Element {
    /// Little-endian f32, which is what is written here.
    pub const LITTLE_F32: Self = Self { width: Width::Single, big_endian: false };

    /// `<f2`, half the size: three digits of kappa.
    pub const LITTLE_F16: Self = Self { width: Width::Half, big_endian: false };

    /// Values as bytes of this type.
    pub fn encode(self, values: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(values.len() * self.bytes());
        for &value in values {
            match self.width {
                Width::Half => bytes.extend(self.ordered(f16::from_f32(value).to_le_bytes())),
                Width::Single => bytes.extend(self.ordered(value.to_le_bytes())),
                Width::Double => bytes.extend(self.ordered(f64::from(value).to_le_bytes())),
            }
        }
        bytes
    }

    fn ordered<const N: usize>(self, mut bytes: [u8; N]) -> [u8; N] {
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self.width {
            Width::Half => 2,
            Width::Single => 4,
            Width::Double => 8,
        }
    }

    /// Numbers from their bytes; f64 is rounded to f32 (beyond its range: infinite, which no map accepts). An incomplete
    /// number at the end is left out.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        let singles = |decode: fn([u8; 4]) -> f32| bytes.as_chunks().0.iter().map(|&b| decode(b)).collect();
        let doubles = |decode: fn([u8; 8]) -> f64| bytes.as_chunks().0.iter().map(|&b| decode(b) as f32).collect();
        let halves = |decode: fn([u8; 2]) -> f16| bytes.as_chunks().0.iter().map(|&b| decode(b).to_f32()).collect();
        match (self.width, self.big_endian) {
            (Width::Half, false) => halves(f16::from_le_bytes),
            (Width::Half, true) => halves(f16::from_be_bytes),
            (Width::Single, false) => singles(f32::from_le_bytes),
            (Width::Single, true) => singles(f32::from_be_bytes),
            (Width::Double, false) => doubles(f64::from_le_bytes),
            (Width::Double, true) => doubles(f64::from_be_bytes),
        }
    }
}

/// What a file holds and where its numbers begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NpyHeader {
    /// Number of maps; 1 for an array of shape `[H, W]`.
    pub maps: usize,
    /// Rows of a map.
    pub rows: usize,
    /// Columns of a map.
    pub columns: usize,
    /// Type of the numbers.
    pub element: Element,
    /// Where the numbers begin in the file.
    pub data_offset: usize,
}

/// All maps of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct NpyMaps {
    /// Number of maps.
    pub maps: usize,
    /// Rows of a map.
    pub rows: usize,
    /// Columns of a map.
    pub columns: usize,
    /// Values, map by map, row by row; NaN and infinite values are kept.
    pub values: Vec<f32>,
}

impl NpyHeader {
    /// Reads a header from the beginning of a file, of which [`HEADER_BYTES`] (or all, if shorter) suffice.
    ///
    /// # Errors
    /// When this is not a `.npy` file of maps.
    pub fn parse(beginning: &[u8]) -> Result<Self, NpyError> {
        let rest = beginning.strip_prefix(MAGIC).ok_or(NpyError::Magic)?;
        let cut_off = NpyError::Header("it is cut off");
        let (length, rest) = match rest {
            [1, 0, rest @ ..] => rest.split_first_chunk().map(|(b, rest)| (usize::from(u16::from_le_bytes(*b)), rest)),
            [2 | 3, 0, rest @ ..] => rest.split_first_chunk().map(|(b, rest)| (u32::from_le_bytes(*b) as usize, rest)),
            [major, minor, ..] => return Err(NpyError::Version(*major, *minor)),
            _ => None,
        }
        .ok_or(cut_off.clone())?;
        if length > LONGEST_DICTIONARY {
            return Err(NpyError::Header("it is longer than any array of maps needs"));
        }
        let data_offset = beginning.len() - rest.len() + length;
        let text = rest.get(..length).ok_or(cut_off)?;
        let text = core::str::from_utf8(text).map_err(|_| NpyError::Header("it is not text"))?;
        let dictionary = Dictionary::parse(text)?;
        if dictionary.fortran_order {
            return Err(NpyError::FortranOrder);
        }
        let width = match dictionary.descr {
            "<f2" | ">f2" => Width::Half,
            "<f4" | ">f4" => Width::Single,
            "<f8" | ">f8" => Width::Double,
            other => return Err(NpyError::Type(other.to_owned())),
        };
        let element = Element { width, big_endian: dictionary.descr.starts_with('>') };
        let (maps, rows, columns) = match dictionary.shape[..] {
            [rows, columns] => (1, rows, columns),
            [maps, rows, columns] | [maps, 1, rows, columns] => (maps, rows, columns),
            _ => return Err(NpyError::Shape(dictionary.shape)),
        };
        if maps == 0 || rows == 0 || columns == 0 {
            return Err(NpyError::Shape(dictionary.shape));
        }
        let values = maps.checked_mul(rows).and_then(|values| values.checked_mul(columns));
        if values.and_then(|values| values.checked_mul(8)).is_none_or(|bytes| bytes > isize::MAX as usize) {
            return Err(NpyError::TooLarge(dictionary.shape));
        }
        Ok(Self { maps, rows, columns, element, data_offset })
    }

    /// Bytes of one map in the file.
    pub fn map_bytes(&self) -> usize {
        self.rows * self.columns * self.element.bytes()
    }

    /// Length of the whole file.
    pub fn file_bytes(&self) -> usize {
        self.data_offset + self.maps * self.map_bytes()
    }
}

/// The Python dictionary of a header, as NumPy itself writes it.
struct Dictionary<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Dictionary<'a> {
    fn parse(text: &'a str) -> Result<Self, NpyError> {
        let bad = NpyError::Header("it is not the dictionary {'descr', 'fortran_order', 'shape'}");
        let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or(bad.clone())?;
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = inner.trim();
        while !rest.is_empty() {
            let (key, after) = quoted(rest).ok_or(bad.clone())?;
            let value = after.trim_start().strip_prefix(':').ok_or(bad.clone())?.trim_start();
            let after = match key {
                "descr" => {
                    // A list or tuple here is a structured type.
                    let (name, after) =
                        quoted(value).ok_or_else(|| NpyError::Type(value.chars().take(40).collect()))?;
                    descr = Some(name);
                    after
                }
                "fortran_order" => {
                    let (flag, after) = if let Some(after) = value.strip_prefix("False") {
                        (false, after)
                    } else {
                        (true, value.strip_prefix("True").ok_or(bad.clone())?)
                    };
                    fortran_order = Some(flag);
                    after
                }
                "shape" => {
                    let (sizes, after) = value.strip_prefix('(').and_then(|v| v.split_once(')')).ok_or(bad.clone())?;
                    let sizes = sizes.trim().strip_suffix(',').unwrap_or(sizes.trim());
                    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
                    let sizes = sizes.map(|size| size.trim_end_matches('L').parse()).collect::<Result<_, _>>();
                    shape = Some(sizes.map_err(|_| bad.clone())?);
                    after
                }
                _ => return Err(bad),
            };
            rest = after.trim_start();
            rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Self { descr, fortran_order, shape }),
            _ => Err(bad),
        }
    }
}

/// A quoted word at the beginning of a text, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|&c| c == '\'' || c == '"')?;
    text[1..].split_once(quote)
}

/// Reads all maps of a file.
///
/// # Examples
/// ```
/// use shared::formats::npy;
///
/// let file = npy::encode(2, 2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
/// let maps = npy::read(&file)?;
/// assert_eq!((maps.maps, maps.rows, maps.columns), (2, 2, 2));
/// assert_eq!(maps.values[4..], [5.0, 6.0, 7.0, 8.0]);
/// assert!(npy::read(&file[..file.len() - 1]).is_err(), "a file that is cut off is no array");
/// # Ok::<(), npy::NpyError>(())
/// ```
/// # Errors
/// When this is not a `.npy` file of maps, or its length is not what its header says.
pub fn read(bytes: &[u8]) -> Result<NpyMaps, NpyError> {
    let header = NpyHeader::parse(&bytes[..bytes.len().min(HEADER_BYTES)])?;
    let data = &bytes[header.data_offset..];
    let expected = header.maps * header.map_bytes();
    if data.len() != expected {
        return Err(NpyError::Length { expected, found: data.len() });
    }
    let NpyHeader { maps, rows, columns, element, .. } = header;
    Ok(NpyMaps { maps, rows, columns, values: element.decode(data) })
}

/// A header for `maps` maps of `rows` x `columns` in little-endian f32, shape `[N, H, W]`: always
/// [`WRITTEN_HEADER_BYTES`] long.
pub fn encode_header(maps: usize, rows: usize, columns: usize) -> Vec<u8> {
    encode_header_of(Element::LITTLE_F32, maps, rows, columns)
}

/// The same for numbers of another type.
pub fn encode_header_of(element: Element, maps: usize, rows: usize, columns: usize) -> Vec<u8> {
    let order = if element.big_endian { '>' } else { '<' };
    let descr = format!("{order}f{}", element.bytes());
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({maps}, {rows}, {columns}), }}");
    let mut header = Vec::with_capacity(WRITTEN_HEADER_BYTES);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&[1, 0]);
    // Three sizes of at most 20 digits leave room in 118 bytes.
    header.extend_from_slice(&((WRITTEN_HEADER_BYTES - 10) as u16).to_le_bytes());
    header.extend_from_slice(dictionary.as_bytes());
    header.resize(WRITTEN_HEADER_BYTES - 1, b' ');
    header.push(b'\n');
    header
}

/// A whole file of maps, shape `[N, H, W]`, where `values` holds N x `rows` x `columns` numbers; surplus ones are left out.
pub fn encode(rows: usize, columns: usize, values: &[f32]) -> Vec<u8> {
    let maps = values.len() / (rows * columns).max(1);
    let mut bytes = encode_header(maps, rows, columns);
    bytes.extend(values[..maps * rows * columns].iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn every_type_is_written_as_it_is_read() {
        let values = [0.0, -0.5, 0.25, 3.0];
        for width in [Width::Half, Width::Single, Width::Double] {
            for big_endian in [false, true] {
                let element = Element { width, big_endian };
                let bytes = [encode_header_of(element, 1, 2, 2), element.encode(&values)].concat();
                assert_eq!(read(&bytes).unwrap().values, values, "{element:?}");
            }
        }
    }

    #[test]
    fn reads_both_widths_and_byte_orders_in_every_shape() {
        let values = [1.5_f32, -2.0];
        let all = [
            ("'<f4'", values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()),
            ("'>f4'", values.iter().flat_map(|v| v.to_be_bytes()).collect()),
            ("'<f8'", values.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect()),
            ("\">f8\"", values.iter().flat_map(|&v| f64::from(v).to_be_bytes()).collect()),
        ];
        for (descr, data) in &all {
            for (shape, (maps, rows, columns)) in [
                ("(1, 2)", (1, 1, 2)),
                ("(2,1,1)", (2, 1, 1)),
                ("(1, 1, 2, 1)", (1, 2, 1)),
                ("(1L, 1L, 1L, 2L)", (1, 1, 2)),
            ] {
                let found = read(&file(descr, "False", shape, data)).unwrap();
                assert_eq!((found.maps, found.rows, found.columns), (maps, rows, columns), "{shape}");
                assert_eq!(found.values, values, "{descr}");
            }
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        let data = [0; 8];
        let refused = |descr, fortran, shape| read(&file(descr, fortran, shape, &data)).unwrap_err();
        assert_eq!(refused("'<i4'", "False", "(1, 2)"), NpyError::Type("<i4".into()));
        assert!(matches!(refused("[('a', '<f4')]", "False", "(1, 2)"), NpyError::Type(_)));
        assert_eq!(refused("'<f4'", "True", "(1, 2)"), NpyError::FortranOrder);
        for shape in ["()", "(2,)", "(1, 2, 1, 1)", "(0, 2)", "(1, 1, 1, 1, 2)"] {
            assert!(matches!(refused("'<f4'", "False", shape), NpyError::Shape(_)), "{shape}");
        }
        let huge = "(4294967296, 4294967296)";
        assert!(matches!(refused("'<f4'", "False", huge), NpyError::TooLarge(_)));
        assert!(matches!(refused("'<f4'", "False", "(99999999999999999999999, 1)"), NpyError::Header(_)));
        assert!(matches!(refused("'<f4'", "False", "(-1, 2)"), NpyError::Header(_)));
        assert_eq!(refused("'<f4'", "False", "(1, 3)"), NpyError::Length { expected: 12, found: 8 });
        assert_eq!(read(b"PK\x03\x04"), Err(NpyError::Magic));
        assert_eq!(read(b"\x93NUMPY\x09\x00\x00\x00"), Err(NpyError::Version(9, 0)));
        assert!(matches!(read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"), Err(NpyError::Header(_))));
    }

    #[test]
    fn headers_have_one_length_whatever_they_say() {
        for maps in [0, 1, 1_000_000_000_000] {
            assert_eq!(encode_header(maps, 32_768, 32_768).len(), WRITTEN_HEADER_BYTES);
        }
    }

    proptest! {
        #[test]
        fn round_trip(rows in 1_usize..5, columns in 1_usize..5, maps in 1_usize..4, bits in any::<u32>()) {
            let values: Vec<f32> = (0..maps * rows * columns).map(|i| f32::from_bits(bits.wrapping_add(i as u32))).collect();
            let found = read(&encode(rows, columns, &values)).unwrap();
            prop_assert_eq!((found.maps, found.rows, found.columns), (maps, rows, columns));
            prop_assert!(found.values.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
        }

        #[test]
        fn mutated_files_never_panic(at in 0_usize..136, byte in any::<u8>(), keep in 0_usize..137) {
            let mut bytes = encode(1, 2, &[1.0, 2.0]);
            bytes[at] = byte;
            bytes.truncate(keep);
            let _ = read(&bytes);
        }

        #[test]
        fn arbitrary_headers_never_panic(text in "[{}'a-z:,()0-9 <>\u{80}-\u{ff}]{0,60}") {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
            let _ = read(&bytes);
        }
    }
}
