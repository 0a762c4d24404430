//! A path inside an image.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A normalised path inside an image, without a leading slash. Kept as bytes, since Linux file names need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct FilePath(Box<[u8]>);

impl FilePath {
    /// Takes a path that is normalised already (see `layer::path`).
    #[must_use]
    pub fn new(normalised: &[u8]) -> Self {
        Self(normalised.into())
    }

    /// The bytes, without a leading slash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for FilePath {
    /// With a leading slash; bytes that are not UTF-8 and control characters are written as `\xNN`, so that it is safe in any report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/")?;
        // Nearly all paths are of this kind, and there are a hundred thousand in a report.
        let is_plain = self.0.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if let (true, Ok(text)) = (is_plain, str::from_utf8(&self.0)) {
            return f.write_str(text);
        }
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || is_bidi_control(character) {
                    write!(f, "{}", character.escape_unicode())?;
                } else {
                    write!(f, "{character}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The folder of `path`, empty for something in the root; the root itself is in none.
pub(crate) fn parent(path: &[u8]) -> Option<&[u8]> {
    if path.is_empty() {
        return None;
    }
    path.get(..memchr::memrchr(b'/', path).unwrap_or(0))
}

/// The path of `name` in `folder`, which is empty for the root.
pub(crate) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// Characters that reorder text on a screen and so can hide a file's real name (Unicode TR 36, "Trojan Source").
#[must_use]
pub fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_hostile_names_harmlessly() {
        assert_eq!(FilePath::new(b"etc/pass\x1b[2Jwd\xff").to_string(), "/etc/pass\\u{1b}[2Jwd\\xff");
        assert_eq!(FilePath::new("srv/\u{202e}txt.exe".as_bytes()).to_string(), "/srv/\\u{202e}txt.exe");
    }
}
