//! HDF5 files: datasets of maps, in chunks and compressed or not.
//!
//! hdf5-reader 0.12 was chosen among the readers without C: it reads slices, bounds what a header may announce, and is small;
//! hdf5-pure and rust-hdf5 write too, in four times the code, and hdf5-metno needs the C library.

use std::{io, sync::Arc};

use hdf5_reader::{
    ByteOrder, Dataset, Datatype, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem, Storage, StorageBuffer,
    error::Error, group::Group,
};

use super::{
    choose::{Part, choose},
    element::Element,
    layout::Layout,
    maps::MapsError,
    shape::maps_of,
    source::{SharedSource, Spool},
};

/// Most groups and datasets that are looked at for maps.
const MOST_OBJECTS: usize = 4096;
/// Numbers that are unpacked at once.
const BLOCK_BYTES: usize = 64 << 20;
/// Largest chunk that a file may announce.
const CHUNK_BYTES: usize = 1 << 30;

/// The dataset of a file that holds maps.
pub struct MapDataset {
    dataset: Dataset,
    element: Element,
    /// Its path in the file.
    pub name: String,
    /// Number of maps, rows and columns.
    pub maps: [usize; 3],
    /// What its attribute `units` or `unit` says.
    pub unit: Option<String>,
    /// What was passed over.
    pub note: Option<String>,
}

impl MapDataset {
    /// Finds the dataset that is meant, as [`choose`] does.
    ///
    /// # Errors
    /// When the file is damaged, or holds no dataset of maps, or several.
    pub fn open(source: &SharedSource, asked: Option<&str>) -> Result<Self, MapsError> {
        let options = OpenOptions::default().with_max_chunk_bytes(CHUNK_BYTES).with_max_read_bytes(2 * CHUNK_BYTES);
        let file = Hdf5File::from_storage_with_options(Arc::new(Bytes(source.clone())), options).map_err(damaged)?;
        let mut found = Vec::new();
        collect(&file.root_group().map_err(damaged)?, "", &mut found)?;
        let parts: Vec<Part> = found.iter().map(|(name, dataset)| part(name, dataset)).collect();
        let (place, note) = choose(&parts, asked)?;
        let (name, dataset) = found.swap_remove(place);
        let maps = maps_of(&shape(&dataset))?;
        let element = element(dataset.dtype()).ok_or_else(|| {
            MapsError::Hdf5(format!("its dataset {name} is not of real numbers: {:?}", dataset.dtype()))
        })?;
        let unit = ["units", "unit", "BUNIT"].iter().find_map(|name| dataset.attribute(name).ok()?.read_string().ok());
        Ok(Self { dataset, element, name, maps, unit, note })
    }

    /// Type of the numbers.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> Vec<usize> {
        shape(&self.dataset)
    }

    /// Unpacks it into a spool: where the maps lie there.
    ///
    /// # Errors
    /// When the file is damaged, or the spool is full.
    pub fn unpack(&self, spool: &mut (impl Spool + ?Sized)) -> io::Result<Layout> {
        let layout = Layout::plain(spool.length(), self.element, self.maps);
        match self.element.bytes() {
            1 => self.copy::<1>(spool)?,
            2 => self.copy::<2>(spool)?,
            4 => self.copy::<4>(spool)?,
            _ => self.copy::<8>(spool)?,
        }
        if spool.length() == layout.end() {
            Ok(layout)
        } else {
            Err(io::Error::other("the dataset has fewer numbers than it announces"))
        }
    }

    fn copy<const N: usize>(&self, spool: &mut (impl Spool + ?Sized)) -> io::Result<()> {
        let shape = self.dataset.shape();
        // Along the first axis that is not 1.
        let axis = shape.iter().position(|&length| length > 1).unwrap_or(0);
        let length = shape.get(axis).copied().unwrap_or(1);
        let slice: u64 = shape.iter().skip(axis + 1).product::<u64>() * N as u64;
        let step = (BLOCK_BYTES as u64 / slice.max(1)).max(1);
        for start in (0..length).step_by(step as usize) {
            let mut selection = SliceInfo::all(shape.len());
            let end = (start + step).min(length);
            if let Some(place) = selection.selections.get_mut(axis) {
                *place = SliceInfoElem::Slice { start, end, step: 1 };
            }
            let numbers = self.dataset.read_slice::<Raw<N>>(&selection).map_err(io::Error::other)?;
            let bytes: Vec<u8> = numbers.iter().flat_map(|Raw(bytes)| *bytes).collect();
            spool.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// A number as the file holds it.
#[derive(Clone, Copy)]
struct Raw<const N: usize>([u8; N]);

impl<const N: usize> H5Type for Raw<N> {
    fn hdf5_type() -> Datatype {
        Datatype::Opaque { size: N as u32, tag: String::new() }
    }

    fn from_bytes(bytes: &[u8], _: &Datatype) -> Result<Self, Error> {
        let bytes = bytes.first_chunk().ok_or_else(|| Error::InvalidData("a number is cut off".into()))?;
        Ok(Self(*bytes))
    }

    fn element_size(_: &Datatype) -> usize {
        N
    }
}

/// A source as this reader wants it.
struct Bytes(SharedSource);

impl Storage for Bytes {
    fn len(&self) -> u64 {
        self.0.length()
    }

    fn read_range(&self, offset: u64, length: usize) -> Result<StorageBuffer, Error> {
        if offset.checked_add(length as u64).is_none_or(|end| end > self.0.length()) {
            return Err(Error::OffsetOutOfBounds(offset));
        }
        let mut bytes = vec![0; length];
        self.0.read_at(offset, &mut bytes).map_err(|error| Error::InvalidData(error.to_string()))?;
        Ok(StorageBuffer::from_vec(bytes))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "as map_err passes it")]
fn damaged(error: Error) -> MapsError {
    MapsError::Hdf5(format!("not a readable HDF5 file: {error}"))
}

/// Every dataset below a group, with its path.
fn collect(group: &Group, path: &str, into: &mut Vec<(String, Dataset)>) -> Result<(), MapsError> {
    let (groups, datasets) = group.members().map_err(damaged)?;
    for dataset in datasets {
        into.push((format!("{path}{}", dataset.name().trim_start_matches('/')), dataset));
    }
    for inner in groups {
        let depth = path.matches('/').count();
        if into.len() >= MOST_OBJECTS || depth > 16 {
            return Err(MapsError::Hdf5("it holds thousands of datasets, or groups in a ring".into()));
        }
        collect(&inner, &format!("{path}{}/", inner.name().trim_start_matches('/')), into)?;
    }
    Ok(())
}

fn shape(dataset: &Dataset) -> Vec<usize> {
    dataset.shape().iter().map(|&length| usize::try_from(length).unwrap_or(usize::MAX)).collect()
}

fn part(name: &str, dataset: &Dataset) -> Part {
    let (shape, element) = (shape(dataset), element(dataset.dtype()));
    let holds_maps = element.is_some() && maps_of(&shape).is_ok();
    let kind = element.map_or_else(|| "not of real numbers".to_owned(), Element::name);
    Part { name: name.to_owned(), number: None, holds_maps, looks: format!("{shape:?}, {kind}") }
}

fn element(datatype: &Datatype) -> Option<Element> {
    let order = |order: &ByteOrder| if matches!(order, ByteOrder::BigEndian) { '>' } else { '<' };
    let name = match datatype {
        Datatype::FixedPoint { size, signed, byte_order } => {
            format!("{}{}{size}", order(byte_order), if *signed { 'i' } else { 'u' })
        }
        Datatype::FloatingPoint { size, byte_order } => format!("{}f{size}", order(byte_order)),
        _ => return None,
    };
    Element::of_numpy(&name)
}
