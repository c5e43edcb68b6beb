//! What a file is that holds no maps, by how it begins.

use crate::formats::source::Source;

/// A kind of file that people give where maps are wanted, by how it begins.
pub fn other_kind(source: &dyn Source, beginning: &[u8]) -> Option<String> {
    const KINDS: [(&[u8], &str); 12] = [
        (b"\x89PNG", "a picture (PNG), whose colours are no kappa"),
        (b"\xff\xd8\xff", "a picture (JPEG), whose colours are no kappa"),
        (b"GIF8", "a picture (GIF), whose colours are no kappa"),
        (b"II*\0", "a TIFF: save its array with numpy.save"),
        (b"MM\0*", "a TIFF: save its array with numpy.save"),
        (b"%PDF", "a PDF"),
        (b"\x80\x02", "a Python pickle: save its array with numpy.save"),
        (b"\x80\x03", "a Python pickle: save its array with numpy.save"),
        (b"\x80\x04", "a Python pickle: save its array with numpy.save"),
        (b"\x80\x05", "a Python pickle: save its array with numpy.save"),
        (b"BZh", "compressed (.bz2): unpack it first"),
        (b"\xfd7zXZ", "compressed (.xz): unpack it first"),
    ];
    if beginning.is_empty() {
        return Some("empty".into());
    }
    if let Some((_, kind)) = KINDS.iter().find(|(start, _)| beginning.starts_with(start)) {
        return Some((*kind).to_owned());
    }
    if beginning.get(8) == Some(&b'{') {
        return Some("safetensors, weights of a network or a checkpoint: `trainer info` shows it".into());
    }
    let text = source
        .piece(0, 4096)
        .ok()
        .filter(|bytes| bytes.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')))?;
    let text = String::from_utf8(text).ok()?;
    let kind = match text.trim_start().chars().next() {
        Some('<') => "a text of HTML or XML",
        Some('{' | '[') => "a JSON text: a description or statistics, perhaps",
        Some('0'..='9' | '-' | '+' | '.' | '#') => {
            "a table of text: save it with numpy.save(FILE, numpy.loadtxt(TABLE))"
        }
        _ => "a text",
    };
    Some(kind.to_owned())
}
