//! Java class files: which constant each field is given, which is far from its name in the file.
//!
//! Source: The Java Virtual Machine Specification, chapter 4.

use super::ShowNamed;

/// The first version of the format; a Mach-O file for several machines has the same magic and a small number there.
const FIRST_VERSION: u16 = 45;

/// The first bytes are those of a class file.
pub(super) fn is_class(head: &[u8]) -> bool {
    let version = head.get(6..8).and_then(|bytes| bytes.first_chunk::<2>());
    head.starts_with(b"\xca\xfe\xba\xbe")
        && version.is_some_and(|version| u16::from_be_bytes(*version) >= FIRST_VERSION)
}

/// Shows every field that is given a constant string: name, string, and its offset. None where the file is damaged; what was shown before stands.
pub(super) fn constants(bytes: &[u8], show: &mut ShowNamed<'_>) -> Option<()> {
    let mut reader = Reader { bytes, at: 8 };
    let pool = reader.pool()?;
    // Access, own class and the one above it, then interfaces.
    reader.skip(6)?;
    let interfaces = reader.short()?;
    reader.skip(2 * usize::from(interfaces))?;
    for _ in 0..reader.short()? {
        reader.skip(2)?;
        let name = reader.short()?;
        reader.skip(2)?;
        for _ in 0..reader.short()? {
            let attribute = reader.short()?;
            let length = reader.long()?;
            let index = reader.bytes.get(reader.at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
            reader.skip(usize::try_from(length).ok()?)?;
            if pool.text(bytes, attribute).map(|(name, _)| name) == Some(b"ConstantValue")
                && let (Some((name, _)), Some((value, at))) = (pool.text(bytes, name), pool.string(bytes, index?))
            {
                show(name, value, at);
            }
        }
    }
    Some(())
}

/// Where each constant stands; 0 for a number that has none.
struct Pool(Vec<usize>);

impl Pool {
    /// A text and its offset.
    fn text<'b>(&self, bytes: &'b [u8], index: u16) -> Option<(&'b [u8], usize)> {
        let at = *self.0.get(usize::from(index)).filter(|at| **at > 0)?;
        let [1, high, low] = *bytes.get(at..)?.first_chunk()? else { return None };
        let start = at + 3;
        Some((bytes.get(start..start + usize::from(u16::from_be_bytes([high, low])))?, start))
    }

    /// The text of a string.
    fn string<'b>(&self, bytes: &'b [u8], index: u16) -> Option<(&'b [u8], usize)> {
        let at = *self.0.get(usize::from(index)).filter(|at| **at > 0)?;
        let [8, high, low] = *bytes.get(at..)?.first_chunk()? else { return None };
        self.text(bytes, u16::from_be_bytes([high, low]))
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn pool(&mut self) -> Option<Pool> {
        let count = usize::from(self.short()?);
        let mut places = vec![0];
        while places.len() < count {
            let at = self.at;
            places.push(at);
            let tag = *self.bytes.get(at)?;
            self.skip(1)?;
            match tag {
                1 => {
                    let length = self.short()?;
                    self.skip(usize::from(length))?;
                }
                3 | 4 | 9..=12 | 17 | 18 => self.skip(4)?,
                5 | 6 => {
                    self.skip(8)?;
                    // Numbers of 64 bits take two places.
                    places.push(0);
                }
                7 | 8 | 16 | 19 | 20 => self.skip(2)?,
                15 => self.skip(3)?,
                _ => return None,
            }
        }
        Some(Pool(places))
    }

    fn short(&mut self) -> Option<u16> {
        let short = self.bytes.get(self.at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))?;
        self.at += 2;
        Some(short)
    }

    fn long(&mut self) -> Option<u32> {
        let long = self.bytes.get(self.at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))?;
        self.at += 4;
        Some(long)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.at = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        Some(())
    }
}
