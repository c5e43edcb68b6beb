//! What `torch.save` writes: dictionaries of tensors, on their own or among the rest of a training's state.
//!
//! Since version 1.6 of torch that is a zip of a pickle (`data.pkl`) and one file a storage; before, it was several pickles in a
//! row and the storages behind them. The pickles are read by [`pickle`], which runs nothing.
//!
//! ```text
//! pickle  the opcodes that such files have, and what they stand for
//! ```

pub mod pickle;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use zip::{CompressionMethod, ZipArchive};

use super::{CheckpointError, Tensor, count};
use crate::formats::source::{Source, SourceReader};
use pickle::{Node, Pickle, TensorPlace};

/// Longest pickle that is read: those of networks are kilobytes, with an optimiser's state a few megabytes.
const LONGEST_PICKLE: u64 = 64 << 20;
/// First number of a file of before version 1.6.
const OLD_MAGIC: &[u8] = &[0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
/// Most bytes of a tensor that repeats the numbers of its storage.
const MOST_EXPANDED: u64 = 1 << 20;
/// Longest key of a dictionary in a dictionary.
const LONGEST_KEY: usize = 200;
/// Dictionaries that are looked at: a training's state has a dozen.
const MOST_DICTIONARIES: usize = 1000;

/// A file that `torch.save` wrote.
pub struct StateFile<'a> {
    source: &'a dyn Source,
    storages: BTreeMap<String, Storage>,
    dictionaries: Vec<Dictionary>,
}

/// Tensors by name, as a `state_dict` has them.
pub struct Dictionary {
    /// Keys of the dictionaries around it: `G_state` of `{"G_state": {...}}`; empty for the file's own.
    pub path: String,
    /// Its tensors.
    pub tensors: BTreeMap<String, TensorPlace>,
}

/// Where the numbers of a storage lie in the file.
#[derive(Debug, Clone, Copy)]
struct Storage {
    offset: u64,
    bytes: u64,
}

impl<'a> StateFile<'a> {
    /// Whether a file begins as `torch.save` begins one.
    pub fn is_one(beginning: &[u8]) -> bool {
        beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(OLD_MAGIC)
    }

    /// Looks at a file: which dictionaries of tensors it holds.
    ///
    /// # Errors
    /// When it is damaged, holds anything that would have to be run, or no tensors.
    pub fn open(source: &'a dyn Source) -> Result<Self, CheckpointError> {
        let beginning = source.piece(0, OLD_MAGIC.len())?;
        let (pickle, storages) = if beginning == OLD_MAGIC { open_old(source)? } else { open_zip(source)? };
        let mut dictionaries = Vec::new();
        find_dictionaries(&pickle, pickle.root, "", &mut BTreeSet::new(), &mut dictionaries);
        if dictionaries.is_empty() {
            return Err(CheckpointError::Kind("it holds no dictionary of tensors, such as model.state_dict()".into()));
        }
        Ok(Self { source, storages, dictionaries })
    }

    /// Its dictionaries of tensors, outermost first.
    pub fn dictionaries(&self) -> &[Dictionary] {
        &self.dictionaries
    }

    /// Reads a tensor of a dictionary.
    ///
    /// # Errors
    /// When its storage is missing or too short, or its numbers are none that weights are made of.
    pub fn tensor(&self, name: &str, place: &TensorPlace) -> Result<Tensor, CheckpointError> {
        let damaged = |what: &str| CheckpointError::Damaged(format!("tensor {name} {what}"));
        let Some(float) = place.float() else {
            return Err(CheckpointError::Type { name: name.to_owned(), kind: place.kind.clone() });
        };
        let storage = self.storages.get(&place.storage).ok_or_else(|| damaged("has no numbers in the file"))?;
        let count = count(&place.shape).ok_or_else(|| damaged("is too large"))?;
        // The last number that it takes of its storage: strides are of numbers.
        let steps = place.shape.iter().zip(&place.strides);
        let span = steps.clone().try_fold(1_u64, |span, (&size, &stride)| {
            span.checked_add((size.max(1) as u64 - 1).checked_mul(stride as u64)?)
        });
        let width = float.bytes() as u64;
        let range = span.and_then(|span| {
            let offset = (place.offset as u64).checked_mul(width)?;
            let bytes = if count == 0 { 0 } else { span.checked_mul(width)? };
            (offset.checked_add(bytes)? <= storage.bytes).then_some((offset, bytes))
        });
        let (offset, bytes) = range.ok_or_else(|| damaged("lies beyond the end of its storage"))?;
        // A stride of 0 makes many numbers of few: so many are no network's.
        if (count as u64).saturating_mul(width) > storage.bytes.max(MOST_EXPANDED) {
            return Err(damaged("is larger than its storage"));
        }
        let read = self.source.piece(storage.offset + offset, usize::try_from(bytes).unwrap_or(usize::MAX))?;
        if (read.len() as u64) < bytes {
            return Err(damaged("lies beyond the end of the file"));
        }
        let values = float.decode(&read);
        let mut index = vec![0; place.shape.len()];
        let gathered = (0..count).map(|_| {
            let at: usize = index.iter().zip(&place.strides).map(|(at, stride)| at * stride).sum();
            for (at, &size) in index.iter_mut().zip(&place.shape).rev() {
                *at += 1;
                if *at < size {
                    break;
                }
                *at = 0;
            }
            values[at]
        });
        Ok(Tensor { shape: place.shape.clone(), values: gathered.collect() })
    }
}

/// The zip of version 1.6 and later.
fn open_zip(source: &dyn Source) -> Result<(Pickle, BTreeMap<String, Storage>), CheckpointError> {
    let damaged = |error: zip::result::ZipError| CheckpointError::Damaged(error.to_string());
    let mut archive = ZipArchive::new(SourceReader::new(source)).map_err(damaged)?;
    let (mut pickle, mut folder) = (None, String::new());
    let mut stored = Vec::new();
    for place in 0..archive.len() {
        let mut member = archive.by_index(place).map_err(damaged)?;
        let name = member.name().map_err(damaged)?.to_string();
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            let mut bytes = Vec::new();
            member.by_ref().take(LONGEST_PICKLE + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > LONGEST_PICKLE {
                return Err(CheckpointError::Kind("its pickle is larger than that of any network".into()));
            }
            name.trim_end_matches("data.pkl").clone_into(&mut folder);
            pickle = Some(bytes);
        } else if name.ends_with("byteorder") {
            let mut order = String::new();
            member.by_ref().take(16).read_to_string(&mut order)?;
            if order.trim() != "little" {
                return Err(CheckpointError::Kind(format!("it was saved on a {}-endian machine", order.trim())));
            }
        } else if member.compression() == CompressionMethod::Stored {
            stored.push((name, member.data_start(), member.size()));
        }
    }
    let pickle = pickle
        .ok_or_else(|| CheckpointError::Kind("it is a zip without data.pkl, so none that torch.save wrote".into()))?;
    let (pickle, _) = Pickle::read(&pickle)?;
    let folder = folder + "data/";
    let storages = stored.into_iter().filter_map(|(name, offset, bytes)| {
        Some((name.strip_prefix(&folder)?.to_owned(), Storage { offset: offset?, bytes }))
    });
    Ok((pickle, storages.collect()))
}

/// Pickles in a row: a magic number, the version of the format, the machine's byte order, what was saved, the keys of its storages;
/// then each of these, behind its length.
fn open_old(source: &dyn Source) -> Result<(Pickle, BTreeMap<String, Storage>), CheckpointError> {
    let bytes = source.piece(0, LONGEST_PICKLE as usize)?;
    let mut at = OLD_MAGIC.len();
    let mut next = || {
        let (pickle, length) = Pickle::read(&bytes[at..])?;
        at += length;
        Ok::<_, CheckpointError>(pickle)
    };
    next()?;
    next()?;
    let (pickle, keys) = (next()?, next()?);
    let Some(Node::List(keys_of)) = keys.node(keys.root) else {
        return Err(CheckpointError::Damaged("the list of its storages is missing".into()));
    };
    let mut widths = BTreeMap::new();
    for place in pickle.tensors() {
        widths.insert(place.storage.as_str(), place.width());
    }
    let (mut offset, mut storages) = (at as u64, BTreeMap::new());
    for key in keys_of.iter().filter_map(|&key| keys.text(key)) {
        let mut length = [0; 8];
        source
            .read_at(offset, &mut length)
            .map_err(|_| CheckpointError::Damaged(format!("storage {key} is missing")))?;
        offset += 8;
        let width = widths.get(key).copied().flatten();
        let bytes = width.and_then(|width| u64::from_le_bytes(length).checked_mul(width as u64));
        let end = bytes.and_then(|bytes| offset.checked_add(bytes)).filter(|&end| end <= source.length());
        let (Some(bytes), Some(end)) = (bytes, end) else {
            return Err(CheckpointError::Damaged(format!("storage {key} lies beyond the end of the file")));
        };
        storages.insert(key.to_owned(), Storage { offset, bytes });
        offset = end;
    }
    Ok((pickle, storages))
}

/// Dictionaries that have tensors, and those inside dictionaries; each once, though a file may name it many times.
fn find_dictionaries(pickle: &Pickle, at: usize, path: &str, seen: &mut BTreeSet<usize>, found: &mut Vec<Dictionary>) {
    let Some(Node::Dictionary(pairs)) = pickle.node(at) else { return };
    if seen.len() >= MOST_DICTIONARIES || !seen.insert(at) {
        return;
    }
    let tensor = |&(key, value): &(usize, usize)| {
        let Some(Node::Tensor(place)) = pickle.node(value) else { return None };
        Some((pickle.text(key)?.to_owned(), place.clone()))
    };
    let tensors: BTreeMap<String, TensorPlace> = pairs.iter().filter_map(tensor).collect();
    if !tensors.is_empty() {
        found.push(Dictionary { path: path.to_owned(), tensors });
    }
    for &(key, value) in pairs {
        let Some(key) = pickle.text(key).filter(|key| key.len() <= LONGEST_KEY) else { continue };
        let inner = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        find_dictionaries(pickle, value, &inner, seen, found);
    }
}
