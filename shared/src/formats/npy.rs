//! NumPy `.npy` arrays: real numbers of every type, in C or Fortran order, one array a file or several one after the other.
//!
//! The header is readable on its own, so that files larger than memory can be streamed. Written here rather than taken
//! from npyz 0.9, which allocates whatever length a header claims (up to 4 GiB) and multiplies its shape unchecked.

use std::io;

use super::{
    element::Element,
    layout::Layout,
    shape::{ShapeError, maps_of},
    source::{MemorySpool, Source, Spool},
};

/// Bytes of a file's beginning that hold any header accepted here.
pub const HEADER_BYTES: usize = 12 + LONGEST_DICTIONARY;
const LONGEST_DICTIONARY: usize = 16_384;
/// How every file begins.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Length of every header written here: constant, so that a streaming writer can put the final count in afterwards.
pub const WRITTEN_HEADER_BYTES: usize = 128;
/// Memory for maps whose numbers are put in another order.
const REORDERED_BYTES: usize = 64 << 20;

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
    #[error("its numbers are {0}: maps are of real numbers; convert it, for example with array.astype('f4')")]
    Type(String),
    /// Not an array of maps.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Fewer bytes than the shape says.
    #[error("the header announces {expected} bytes of values, there are {found}: the file is cut off or damaged")]
    Length {
        /// Bytes that the header announces.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// Bytes after the last array that are no array.
    #[error(
        "{0} bytes follow the array and are no array themselves: the file is damaged, or was written over a longer one"
    )]
    Surplus(u64),
}

/// An array: what it holds and where its numbers begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpyHeader {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Type of the numbers.
    pub element: Element,
    /// Whether the first axis runs fastest.
    pub fortran_order: bool,
    /// Where the numbers begin in the file.
    pub data_offset: u64,
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
    /// When this is not a `.npy` file of real numbers.
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
        let data_offset = (beginning.len() - rest.len() + length) as u64;
        let text = rest.get(..length).ok_or(cut_off)?;
        let text = core::str::from_utf8(text).map_err(|_| NpyError::Header("it is not text"))?;
        let Dictionary { descr, fortran_order, shape } = Dictionary::parse(text)?;
        let element = Element::of_numpy(descr).ok_or_else(|| NpyError::Type(type_in_words(descr)))?;
        Ok(Self { shape, element, fortran_order, data_offset })
    }

    /// Where the maps lie, were they in C order.
    ///
    /// # Errors
    /// When the array is none of maps.
    pub fn layout(&self) -> Result<Layout, NpyError> {
        Ok(Layout::plain(self.data_offset, self.element, maps_of(&self.shape)?))
    }

    /// Whether the numbers of a map are spread over the array: Fortran order, of more than one axis.
    pub fn is_reordered(&self) -> bool {
        self.fortran_order && self.shape.iter().filter(|&&axis| axis > 1).count() > 1
    }
}

/// A type that is not of real numbers, as people call it.
fn type_in_words(descr: &str) -> String {
    if descr.starts_with(['[', '(']) {
        return "records of several fields".to_owned();
    }
    match descr.get(1..2) {
        Some("c") => format!("complex ({descr}), as a Fourier plane's"),
        Some("O") => "Python objects, such as arrays of different shapes".to_owned(),
        Some("U" | "S") => format!("texts ({descr})"),
        Some("V") | None => format!("records ({descr})"),
        _ => format!("of type {descr}"),
    }
}

/// The arrays of a file, in their order: one, or several that were saved into it one after the other.
///
/// # Errors
/// When the file is no `.npy` file, cut off, or something else follows.
pub fn arrays(source: &(impl Source + ?Sized)) -> Result<Vec<NpyHeader>, NpyError> {
    let mut found: Vec<NpyHeader> = Vec::new();
    let (mut place, length) = (0, source.length());
    loop {
        let beginning = source.piece(place, HEADER_BYTES).map_err(|_| NpyError::Header("it cannot be read"))?;
        if !found.is_empty() && !beginning.starts_with(MAGIC) {
            return Err(NpyError::Surplus(length - place));
        }
        let mut header = NpyHeader::parse(&beginning)?;
        header.data_offset += place;
        // Shapes that are no maps are told as such, and not as too short.
        let expected = header.layout()?.bytes();
        let there = length.saturating_sub(header.data_offset);
        if there < expected {
            return Err(NpyError::Length { expected, found: there });
        }
        place = header.data_offset + expected;
        found.push(header);
        if place == length {
            return Ok(found);
        }
    }
}

/// Copies an array in Fortran order into a spool, in C order: the layout of the copy.
///
/// # Errors
/// When bytes cannot be read or written.
pub fn reorder(
    header: &NpyHeader,
    source: &(impl Source + ?Sized),
    spool: &mut (impl Spool + ?Sized),
) -> io::Result<Layout> {
    let layout = header.layout().map_err(io::Error::other)?;
    let copy = Layout { offset: spool.length(), ..layout.clone() };
    let (width, pixels) = (layout.element.bytes(), layout.rows * layout.columns);
    let block = (REORDERED_BYTES / layout.map_bytes().max(1)).clamp(1, layout.maps);
    for first in (0..layout.maps).step_by(block) {
        let maps = block.min(layout.maps - first);
        let mut ordered = vec![0; maps * layout.map_bytes()];
        let mut run = vec![0; maps * width];
        // The first axis runs fastest, then rows, then columns.
        for column in 0..layout.columns {
            for row in 0..layout.rows {
                let at = (first + layout.maps * (row + layout.rows * column)) * width;
                source.read_at(layout.offset + at as u64, &mut run)?;
                for (map, number) in run.chunks_exact(width).enumerate() {
                    let to = (map * pixels + row * layout.columns + column) * width;
                    ordered[to..to + width].copy_from_slice(number);
                }
            }
        }
        spool.write_all(&ordered)?;
    }
    Ok(copy)
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
                    let (name, after) = quoted(value).ok_or_else(|| NpyError::Type(type_in_words(value)))?;
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

/// Reads all maps of a file of one array.
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
    let layout = header.layout()?;
    let (expected, found) = (layout.bytes(), bytes.len() as u64 - header.data_offset);
    if found < expected {
        return Err(NpyError::Length { expected, found });
    }
    if found > expected {
        return Err(NpyError::Surplus(found - expected));
    }
    let Layout { maps, rows, columns, .. } = layout;
    if header.is_reordered() {
        let mut spool = MemorySpool::new(usize::MAX);
        let cut_off = |_| NpyError::Header("it cannot be read");
        let ordered = reorder(&header, bytes, &mut spool).map_err(cut_off)?;
        return Ok(NpyMaps { maps, rows, columns, values: ordered.decode(&spool.into_bytes()) });
    }
    let values = layout.decode(&bytes[header.data_offset as usize..]);
    Ok(NpyMaps { maps, rows, columns, values })
}

/// A header for `maps` maps of `rows` x `columns` in little-endian f32, shape `[N, H, W]`: always
/// [`WRITTEN_HEADER_BYTES`] long.
pub fn encode_header(maps: usize, rows: usize, columns: usize) -> Vec<u8> {
    encode_header_of(Element::LITTLE_F32, maps, rows, columns)
}

/// The same for numbers of another type.
pub fn encode_header_of(element: Element, maps: usize, rows: usize, columns: usize) -> Vec<u8> {
    encode_header_shaped(element, &[maps, rows, columns])
}

/// The same for an array of up to three axes.
pub fn encode_header_shaped(element: Element, shape: &[usize]) -> Vec<u8> {
    let (descr, shape) = (element.numpy(), shape.iter().map(|size| format!("{size}, ")).collect::<String>());
    // Python's tuples: (3,) and (3, 4).
    let shape = if shape.matches(',').count() == 1 { shape.trim_end() } else { shape.trim_end_matches(", ") };
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
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
    fn reads_widths_and_byte_orders_in_every_shape() {
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
        for descr in ["'<c8'", "'|O'", "'<U3'", "[('a', '<f4')]", "'=f4'", "''"] {
            assert!(matches!(refused(descr, "False", "(1, 2)"), NpyError::Type(_)), "{descr}");
        }
        assert!(refused("'<c8'", "False", "(1, 1)").to_string().contains("complex"));
        for shape in ["()", "(2,)", "(0, 2)", "(4294967296, 4294967296)"] {
            assert!(matches!(refused("'<f4'", "False", shape), NpyError::Shape(_)), "{shape}");
        }
        assert!(matches!(refused("'<f4'", "False", "(99999999999999999999999, 1)"), NpyError::Header(_)));
        assert!(matches!(refused("'<f4'", "False", "(-1, 2)"), NpyError::Header(_)));
        assert_eq!(refused("'<f4'", "False", "(1, 3)"), NpyError::Length { expected: 12, found: 8 });
        assert_eq!(refused("'<f4'", "False", "(1, 1)"), NpyError::Surplus(4));
        assert_eq!(read(b"PK\x03\x04"), Err(NpyError::Magic));
        assert_eq!(read(b"\x93NUMPY\x09\x00\x00\x00"), Err(NpyError::Version(9, 0)));
        assert!(matches!(read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"), Err(NpyError::Header(_))));
    }

    #[test]
    fn fortran_order_is_put_right() {
        // Numbers that tell their place: 100 map + 10 row + column.
        let (maps, rows, columns) = (3, 2, 4);
        let number = |map: usize, row: usize, column: usize| (100 * map + 10 * row + column) as f32;
        let mut fortran = Vec::new();
        for (column, row, map) in
            (0..columns).flat_map(|c| (0..rows).flat_map(move |r| (0..maps).map(move |m| (c, r, m))))
        {
            fortran.extend(number(map, row, column).to_le_bytes());
        }
        let expected: Vec<f32> = (0..maps * rows * columns).map(|at| number(at / 8, at / 4 % 2, at % 4)).collect();
        for shape in ["(3, 2, 4)", "(3, 1, 2, 4)", "(3, 2, 4, 1)"] {
            let found = read(&file("'<f4'", "True", shape, &fortran)).unwrap();
            assert_eq!((found.maps, found.rows, found.columns, &found.values), (3, 2, 4, &expected), "{shape}");
        }
        let one =
            read(&file("'<f4'", "True", "(2, 3)", &Element::LITTLE_F32.encode(&[0., 3., 1., 4., 2., 5.]))).unwrap();
        assert_eq!(one.values, [0., 1., 2., 3., 4., 5.]);
        // A row or column has one order only.
        assert!(!NpyHeader::parse(&file("'<f4'", "True", "(1, 9)", &[])).unwrap().is_reordered());
    }

    #[test]
    fn several_arrays_in_one_file() {
        let (first, second) = (encode(2, 2, &[1.0; 8]), encode(2, 2, &[2.0; 4]));
        let both = [first.clone(), second.clone()].concat();
        let found = arrays(&both).unwrap();
        assert_eq!((found.len(), found[1].data_offset), (2, (first.len() + 128) as u64));
        assert!(matches!(arrays(&both[..both.len() - 1]), Err(NpyError::Length { .. })));
        assert_eq!(arrays(&[first, vec![0; 5]].concat()), Err(NpyError::Surplus(5)));
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
