//! Paragraphs of `Name: value` fields, as dpkg's status, Python's `METADATA` and other RFC 822-like files have them.
//!
//! Source: deb-control(5); Python core metadata specification (which follows RFC 5322 headers).

/// One field, with the first line of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// A line of a paragraph file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A field begins.
    Field(Field<'a>),
    /// The last field goes on with this text.
    Continued(&'a [u8]),
    /// A paragraph ends.
    Blank,
    /// Not a line of the format.
    Broken,
}

/// Lines of `bytes`, without their `\n` or `\r\n`.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// What `line` is.
pub(crate) fn classify(line: &[u8]) -> Line<'_> {
    match line.first() {
        None => Line::Blank,
        Some(b' ' | b'\t') if line.iter().all(u8::is_ascii_whitespace) => Line::Blank,
        Some(b' ' | b'\t') => Line::Continued(line.trim_ascii()),
        Some(_) => match memchr::memchr(b':', line) {
            Some(colon) if colon > 0 => {
                let name = line.get(..colon).unwrap_or_default();
                Line::Field(Field { name, value: line.get(colon + 1..).unwrap_or_default().trim_ascii() })
            }
            _ => Line::Broken,
        },
    }
}
