//! TensorFlow's checkpoints (its second format, "tensor bundle"): `NAME.index`, a sorted table from names of tensors to what and
//! where they are, and `NAME.data-00000-of-00001`, their bytes.
//!
//! ```text
//! table  the sorted table
//! ```

mod table;

use std::collections::BTreeMap;

use prost::Message;

use super::{CheckpointError, Float, Tensor, count};
use crate::formats::source::Source;

/// `BundleHeaderProto`, under the empty name.
#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(int32, tag = "1")]
    num_shards: i32,
    /// 0 is little, 1 big.
    #[prost(int32, tag = "2")]
    endianness: i32,
}

/// `BundleEntryProto`.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    /// `DataType`.
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
    #[prost(int32, tag = "3")]
    shard_id: i32,
    #[prost(int64, tag = "4")]
    offset: i64,
    #[prost(int64, tag = "5")]
    size: i64,
    /// Masked, as in the table.
    #[prost(fixed32, tag = "6")]
    crc32c: u32,
    /// `TensorSliceProto` of a partitioned variable: only whether there are any.
    #[prost(bytes = "vec", repeated, tag = "7")]
    slices: Vec<Vec<u8>>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<Dimension>,
}

/// `TensorShapeProto.Dim`.
#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, tag = "1")]
    size: i64,
}

/// The index of a checkpoint.
#[derive(Debug)]
pub struct Bundle {
    shards: usize,
    entries: BTreeMap<String, Place>,
}

/// Where a tensor lies.
#[derive(Debug)]
struct Place {
    kind: i32,
    shape: Vec<usize>,
    shard: usize,
    offset: u64,
    bytes: u64,
    checksum: u32,
    is_sliced: bool,
}

impl Bundle {
    /// Reads the bytes of a `.index` file.
    ///
    /// # Errors
    /// When it is damaged, or no index of this format.
    pub fn read(index: &[u8]) -> Result<Self, CheckpointError> {
        let mut header = None;
        let mut entries = BTreeMap::new();
        for (name, value) in table::read(index)? {
            let undecodable = |error| CheckpointError::Damaged(format!("an entry of its index says {error}"));
            if name.is_empty() {
                header = Some(Header::decode(value.as_slice()).map_err(undecodable)?);
                continue;
            }
            // The parts of partitioned variables, whose names hold numbers.
            let Ok(name) = String::from_utf8(name) else { continue };
            let place = Place::of(&name, Entry::decode(value.as_slice()).map_err(undecodable)?)?;
            entries.insert(name, place);
        }
        let header = header.ok_or_else(|| CheckpointError::Damaged("its index has no header".into()))?;
        if header.endianness != 0 {
            return Err(CheckpointError::Kind("it was saved on a big-endian machine, which is not read here".into()));
        }
        let shards = usize::try_from(header.num_shards).ok().filter(|shards| (1..=1000).contains(shards));
        let shards = shards.ok_or_else(|| CheckpointError::Damaged(format!("{} files of data", header.num_shards)))?;
        Ok(Self { shards, entries })
    }

    /// Number of files of data.
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// Names and shapes of the tensors, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.entries.iter().map(|(name, place)| (name.as_str(), place.shape.as_slice()))
    }

    /// Shape of a tensor, if it is there.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|place| place.shape.as_slice())
    }

    /// Reads a tensor from the files of data, in their order.
    ///
    /// # Errors
    /// When it is missing, damaged, partitioned, or of a type that weights are not made of.
    pub fn tensor(&self, name: &str, data: &[&dyn Source]) -> Result<Tensor, CheckpointError> {
        let place = self.entries.get(name).ok_or_else(|| CheckpointError::Missing(name.to_owned()))?;
        if place.is_sliced {
            let what = format!("{name} is a partitioned variable: save it whole, with one parameter server");
            return Err(CheckpointError::Kind(what));
        }
        let float = match place.kind {
            1 => Float::Single,
            2 => Float::Double,
            14 => Float::Brain,
            19 => Float::Half,
            other => {
                let kind = format!("numbers of TensorFlow's type {other}");
                return Err(CheckpointError::Type { name: name.to_owned(), kind });
            }
        };
        let damaged = |what: &str| CheckpointError::Damaged(format!("{name} {what}"));
        let expected = count(&place.shape).and_then(|count| count.checked_mul(float.bytes()));
        if expected.is_none_or(|bytes| bytes as u64 != place.bytes) {
            return Err(damaged(&format!("has {} bytes, which its shape {:?} does not", place.bytes, place.shape)));
        }
        let shard = data.get(place.shard).ok_or_else(|| damaged("lies in a file of data that is not there"))?;
        let bytes = shard.piece(place.offset, usize::try_from(place.bytes).unwrap_or(usize::MAX))?;
        if (bytes.len() as u64) < place.bytes {
            return Err(damaged("lies beyond the end of its file of data"));
        }
        if table::masked(crc32c::crc32c(&bytes)) != place.checksum {
            return Err(damaged("differs from its checksum"));
        }
        Ok(Tensor { shape: place.shape.clone(), values: float.decode(&bytes) })
    }
}

impl Place {
    fn of(name: &str, entry: Entry) -> Result<Self, CheckpointError> {
        let size = |size: i64| usize::try_from(size).ok();
        let shape = entry.shape.unwrap_or_default().dim.iter().map(|dimension| size(dimension.size)).collect();
        let numbers = (shape, size(entry.shard_id.into()), u64::try_from(entry.offset), u64::try_from(entry.size));
        let (Some(shape), Some(shard), Ok(offset), Ok(bytes)) = numbers else {
            return Err(CheckpointError::Damaged(format!("{name} has a negative size or place")));
        };
        let is_sliced = !entry.slices.is_empty();
        Ok(Self { kind: entry.dtype, shape, shard, offset, bytes, checksum: entry.crc32c, is_sliced })
    }
}

#[cfg(test)]
mod tests {
    use super::{table::tests::write, *};

    fn entry(dtype: i32, shape: &[i64], offset: i64, bytes: &[u8]) -> Vec<u8> {
        let dim = shape.iter().map(|&size| Dimension { size }).collect();
        let crc32c = table::masked(crc32c::crc32c(bytes));
        let size = bytes.len() as i64;
        let entry = Entry { dtype, shape: Some(Shape { dim }), shard_id: 0, offset, size, crc32c, slices: Vec::new() };
        entry.encode_to_vec()
    }

    fn bundle() -> (Vec<u8>, Vec<u8>) {
        let header = Header { num_shards: 1, endianness: 0 }.encode_to_vec();
        let floats: Vec<u8> = [1.0_f32, -2.0, 0.5].iter().flat_map(|value| value.to_le_bytes()).collect();
        let halves: Vec<u8> =
            [3.0_f32, 4.0].iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect();
        let entries = [
            ("", header),
            ("a/counter", entry(9, &[], 0, &floats[..8])),
            ("a/w", entry(1, &[3, 1], 0, &floats)),
            ("a/worn", entry(19, &[2], 12, &halves)),
        ];
        (write(&entries.map(|(name, value)| (name.as_bytes().to_vec(), value))), [floats, halves].concat())
    }

    #[test]
    fn tensors_come_back_in_every_type() {
        let (index, data) = bundle();
        let bundle = Bundle::read(&index).unwrap();
        assert_eq!((bundle.shards(), bundle.shape("a/w"), bundle.shape("b")), (1, Some(&[3, 1][..]), None));
        let read = |name| bundle.tensor(name, &[&data]);
        assert_eq!(read("a/w").unwrap(), Tensor { shape: vec![3, 1], values: vec![1.0, -2.0, 0.5] });
        assert_eq!(read("a/worn").unwrap().values, [3.0, 4.0]);
        assert!(read("a/counter").unwrap_err().to_string().contains("TensorFlow's type 9"));
        assert!(read("a/x").unwrap_err().to_string().contains("a/x is missing"));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_an_error_or_changes_nothing() {
        let (index, data) = bundle();
        let whole = Bundle::read(&index).unwrap().tensor("a/w", &[&data]).unwrap();
        for length in 0..index.len() {
            assert!(Bundle::read(&index[..length]).is_err(), "cut at {length}");
        }
        for at in 0..index.len() {
            let mut changed = index.clone();
            changed[at] ^= 0x10;
            // Checksums find all but what lies outside of them: the padding of the footer.
            if let Ok(bundle) = Bundle::read(&changed) {
                assert_eq!(bundle.tensor("a/w", &[&data]).unwrap(), whole, "byte {at}");
            }
        }
        let bundle = Bundle::read(&index).unwrap();
        for at in 0..12 {
            let mut changed = data.clone();
            changed[at] ^= 1;
            assert!(bundle.tensor("a/w", &[&changed]).unwrap_err().to_string().contains("checksum"), "byte {at}");
        }
        assert!(bundle.tensor("a/w", &[&data[..11].to_vec()]).unwrap_err().to_string().contains("beyond the end"));
        assert!(bundle.tensor("a/w", &[]).is_err());
    }
}
