//! Sorted tables of names and values in LevelDB's format, as TensorFlow writes them: blocks of entries whose names leave out what
//! they share with the one before, a block that says where the others lie, and a footer that says where that one does.

use super::super::CheckpointError;

/// Bytes of the footer, its magic number among them.
const FOOTER: usize = 48;
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// Bytes after each block: how it is compressed, and its checksum.
const TRAILER: usize = 5;
/// Longest name, and most entries: an index of any network is far below.
const LONGEST_NAME: usize = 4096;
const MOST_ENTRIES: usize = 100_000;

/// Names and values.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn damaged(what: &str) -> CheckpointError {
    CheckpointError::Damaged(format!("its index {what}"))
}

/// Reads a whole table.
///
/// # Errors
/// When it is none, or damaged.
pub fn read(bytes: &[u8]) -> Result<Entries, CheckpointError> {
    let footer = bytes.len().checked_sub(FOOTER).map(|at| &bytes[at..]);
    let footer = footer.filter(|footer| footer[FOOTER - 8..] == MAGIC.to_le_bytes()).ok_or_else(|| {
        CheckpointError::Kind(
            "this is no index of TensorFlow's second format, or it is cut off: its end is missing".into(),
        )
    })?;
    let mut handles = Cursor(&footer[..FOOTER - 8]);
    handles.handle()?;
    let index = handles.handle()?;
    let mut entries = Vec::new();
    for (_, handle) in block(bytes, index)? {
        let handle = Cursor(&handle).handle()?;
        entries.extend(block(bytes, handle)?);
        if entries.len() > MOST_ENTRIES {
            return Err(damaged("has more entries than any network"));
        }
    }
    Ok(entries)
}

/// A checksum as it is kept: rotated and shifted, so that a checksum of checksums is not one.
pub fn masked(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The entries of a block.
fn block(bytes: &[u8], (offset, size): (u64, u64)) -> Result<Entries, CheckpointError> {
    let start = usize::try_from(offset).ok();
    let end =
        start.zip(usize::try_from(size).ok()).and_then(|(start, size)| start.checked_add(size)?.checked_add(TRAILER));
    let whole = start.zip(end).and_then(|(start, end)| bytes.get(start..end));
    let whole = whole.ok_or_else(|| damaged("names a block that is not there"))?;
    let (contents, trailer) = whole.split_at(whole.len() - TRAILER);
    let stated = trailer.last_chunk().map(|&four| u32::from_le_bytes(four));
    if stated != Some(masked(crc32c::crc32c(&whole[..=contents.len()]))) {
        return Err(damaged("differs from its checksum"));
    }
    if trailer[0] != 0 {
        return Err(CheckpointError::Kind(
            "its index is compressed, which TensorFlow's own are not: save it again".into(),
        ));
    }
    let (rest, restarts) = contents.split_last_chunk().ok_or_else(|| damaged("has an empty block"))?;
    let restarts = (u32::from_le_bytes(*restarts) as usize).checked_mul(4);
    let end = restarts.and_then(|restarts| rest.len().checked_sub(restarts));
    let mut cursor = Cursor(&rest[..end.ok_or_else(|| damaged("has a block of restarts alone"))?]);
    let mut entries = Entries::new();
    while !cursor.0.is_empty() {
        let [shared, own, value] = [cursor.number()?, cursor.number()?, cursor.number()?];
        let before = entries.last().map_or(&[][..], |(name, _): &(Vec<u8>, Vec<u8>)| name);
        let kept = usize::try_from(shared).ok().and_then(|shared| before.get(..shared));
        let mut name = kept.ok_or_else(|| damaged("has a name that begins nowhere"))?.to_vec();
        name.extend_from_slice(cursor.take(own)?);
        if name.len() > LONGEST_NAME || entries.len() > MOST_ENTRIES {
            return Err(damaged("has more or longer names than any network"));
        }
        let value = cursor.take(value)?.to_vec();
        entries.push((name, value));
    }
    Ok(entries)
}

/// Bytes that are read from the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// A number of seven bits a byte, the lowest first.
    fn number(&mut self) -> Result<u64, CheckpointError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or_else(|| damaged("ends within a number"))?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(damaged("has a number without an end"))
    }

    /// Offset and size of a block.
    fn handle(&mut self) -> Result<(u64, u64), CheckpointError> {
        Ok((self.number()?, self.number()?))
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8], CheckpointError> {
        let taken = usize::try_from(bytes).ok().and_then(|bytes| self.0.split_at_checked(bytes));
        let (taken, rest) = taken.ok_or_else(|| damaged("ends within an entry"))?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    fn number(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    /// A block of these entries, each sharing what it can, with its trailer; and its handle.
    fn write_block(file: &mut Vec<u8>, entries: &Entries) -> Vec<u8> {
        let (offset, mut before) = (file.len(), Vec::new());
        let mut contents = Vec::new();
        for (name, value) in entries {
            let shared = name.iter().zip(&before).take_while(|(a, b)| a == b).count();
            for size in [shared, name.len() - shared, value.len()] {
                contents.extend(number(size as u64));
            }
            contents.extend_from_slice(&name[shared..]);
            contents.extend_from_slice(value);
            before.clone_from(name);
        }
        // One restart, at the beginning.
        contents.extend([0; 4]);
        contents.extend(1_u32.to_le_bytes());
        let handle = [number(offset as u64), number(contents.len() as u64)].concat();
        contents.push(0);
        let checksum = masked(crc32c::crc32c(&contents));
        file.extend(contents);
        file.extend(checksum.to_le_bytes());
        handle
    }

    /// A table of two entries a block.
    pub fn write(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut index = Entries::new();
        for entries in entries.chunks(2) {
            let handle = write_block(&mut file, &entries.to_vec());
            index.push((entries[entries.len() - 1].0.clone(), handle));
        }
        let mut footer = write_block(&mut file, &Entries::new());
        footer.extend(write_block(&mut file, &index));
        footer.resize(FOOTER - 8, 0);
        file.extend(footer);
        file.extend(MAGIC.to_le_bytes());
        file
    }

    #[test]
    fn tables_of_any_size_come_back() {
        for count in [0, 1, 2, 3, 50] {
            let entries: Entries =
                (0..count).map(|at| (format!("layer/{at:03}/w").into_bytes(), vec![at as u8; at * 7])).collect();
            assert_eq!(read(&write(&entries)).unwrap(), entries, "{count} entries");
        }
    }

    #[test]
    fn checksums_are_kept_as_leveldb_keeps_them() {
        // The checksum of 32 zero bytes by RFC 3720, and the mask undone.
        let checksum = crc32c::crc32c(&[0; 32]);
        assert_eq!(checksum, 0x8a91_36aa);
        assert_eq!(masked(checksum).wrapping_sub(0xa282_ead8).rotate_left(15), checksum);
    }
}
