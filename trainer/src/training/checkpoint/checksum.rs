//! Whether the bytes of a checkpoint are those that were written: a disk may change what it keeps.

use anyhow::{Result, bail};
use safetensors::SafeTensors;

use super::state::METADATA;

/// CRC-32C over what a checkpoint says of itself and over its tensors, each with its name, in the order of the names.
fn of<'a>(state: &str, tensors: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut tensors: Vec<(&str, &[u8])> = tensors.into_iter().collect();
    tensors.sort_unstable_by_key(|(name, _)| *name);
    let sum = tensors.into_iter().fold(crc32c::crc32c(state.as_bytes()), |sum, (name, bytes)| {
        crc32c::crc32c_append(crc32c::crc32c_append(sum, name.as_bytes()), bytes)
    });
    format!("{sum:08x}")
}

/// How the JSON of what a checkpoint says of itself begins where it has a checksum. One entry, since the order of several is left to
/// chance, and the same run is to write the same bytes.
const BEGINNING: &str = "{\"crc32c\":\"";

/// What a checkpoint says of itself, a JSON object, with the checksum as its first field.
pub fn with_checksum<'a>(state: &str, tensors: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let sum = of(state, tensors);
    format!("{BEGINNING}{sum}\",{}", state.trim_start_matches('{'))
}

/// Checks a file against the checksum in it; earlier versions wrote none.
///
/// # Errors
/// When it is cut off, or a byte is not what was written.
pub fn check(bytes: &[u8]) -> Result<()> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let stated = metadata.metadata().as_ref().and_then(|metadata| metadata.get(METADATA));
    let summed = stated.and_then(|text| text.strip_prefix(BEGINNING)?.split_once("\","));
    let Some((expected, rest)) = summed else { return Ok(()) };
    let file = SafeTensors::deserialize(bytes)?;
    let tensors = file.tensors();
    let found = of(&format!("{{{rest}"), tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.data())));
    if found != *expected {
        bail!("its checksum is {found} and was {expected}: the disk or a copy changed it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::{Dtype, tensor::TensorView};
    use std::collections::HashMap;

    #[test]
    fn every_changed_byte_is_found() {
        let (a, b) = ([1.0_f32, 2.0].map(f32::to_le_bytes).concat(), [3.0_f32; 4].map(f32::to_le_bytes).concat());
        let state = r#"{"step":7}"#;
        let stated = with_checksum(state, [("b", &b[..]), ("a", &a[..])]);
        assert!(stated.starts_with(BEGINNING) && stated.ends_with(r#"","step":7}"#), "{stated}");
        let metadata = HashMap::from([(METADATA.to_owned(), stated)]);
        let views = [("a", &a), ("b", &b)];
        let views =
            views.map(|(name, bytes)| (name, TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).unwrap()));
        let bytes = safetensors::serialize(views, Some(metadata)).unwrap();
        check(&bytes).unwrap();
        let text = bytes.windows(4).position(|four| four == b"step").unwrap();
        for place in (text..text + 4).chain(bytes.len() - a.len() - b.len()..bytes.len()) {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let error = check(&changed).unwrap_err().to_string();
            assert!(error.contains("the disk or a copy changed it"), "byte {place}: {error}");
        }
        assert!(check(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn a_file_of_an_earlier_version_has_none() {
        let plain = safetensors::serialize(Vec::<(&str, TensorView)>::new(), None).unwrap();
        check(&plain).unwrap();
    }
}
