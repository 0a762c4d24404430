//! Compiled Python (`.pyc`): which name each constant string is assigned to, which is far from it in the file.
//!
//! Sources: CPython 3.6 to 3.13, `Python/marshal.c`, `Include/internal/pycore_magic_number.h` and each version's `opcode` module. Of other versions nothing
//! is read here; their constants are seen in the file's bytes like those of any binary.

use std::rc::Rc;

use super::ShowNamed;

/// How deep values may hold values; code in code in code is three.
const MAX_DEPTH: usize = 64;

/// What differs between versions, by the magic number of their first and last.
struct Version {
    magic: std::ops::RangeInclusive<u16>,
    /// Bytes in front of the module's code.
    header: usize,
    /// Numbers at the start of a code object.
    numbers: usize,
    /// Tables at its end.
    tables: usize,
    load_const: u8,
    /// `STORE_NAME` and `STORE_GLOBAL`.
    stores: [u8; 2],
    extended: u8,
}

const fn version(first: u16, last: u16, header: usize, numbers: usize, tables: usize) -> Version {
    let magic = first..=last;
    Version { magic, header, numbers, tables, load_const: 100, stores: [90, 97], extended: 144 }
}

static VERSIONS: [Version; 5] = [
    version(3379, 3379, 12, 5, 1),
    version(3394, 3394, 16, 5, 1),
    version(3413, 3439, 16, 6, 1),
    version(3495, 3531, 16, 5, 2),
    Version { load_const: 83, stores: [114, 113], extended: 71, ..version(3571, 3571, 16, 5, 2) },
];

/// The first bytes are those of a compiled module.
pub(super) fn is_compiled(path: &[u8], head: &[u8]) -> bool {
    path.ends_with(b".pyc") && head.get(2..4) == Some(b"\r\n")
}

/// Shows every name that a constant string is assigned to at the level of a module or class: name, string, and its offset. None where the
/// file is damaged; what was shown before stands.
pub(super) fn assignments(bytes: &[u8], show: &mut ShowNamed<'_>) -> Option<()> {
    let magic = u16::from_le_bytes(*bytes.first_chunk()?);
    let Some(version) = VERSIONS.iter().find(|version| version.magic.contains(&magic)) else { return Some(()) };
    let mut reader = Reader { bytes, at: version.header, version, references: Vec::new(), depth: 0 };
    reader.value(show).map(|_| ())
}

/// A value, as far as it is of use.
#[derive(Clone)]
enum Value {
    /// Where a string or bytes stand.
    Text(usize, usize),
    Items(Rc<[Self]>),
    Other,
}

impl Value {
    fn item(&self, index: usize) -> Option<&Self> {
        match self {
            Self::Items(items) => items.get(index),
            _ => None,
        }
    }

    fn text<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        match self {
            Self::Text(start, end) => bytes.get(*start..*end),
            _ => None,
        }
    }
}

type Show<'s> = dyn FnMut(&[u8], &[u8], usize) + 's;

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    version: &'static Version,
    references: Vec<Value>,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self, show: &mut Show<'_>) -> Option<Value> {
        self.tagged(show).map(|(_, value)| value)
    }

    /// The next value and its type.
    fn tagged(&mut self, show: &mut Show<'_>) -> Option<(u8, Value)> {
        let tag = self.byte()?;
        let kind = tag & 0x7f;
        // A value that is referred to later has its number from where it begins.
        let slot = (tag & 0x80 != 0).then_some(self.references.len());
        if slot.is_some() {
            self.references.push(Value::Other);
        }
        self.depth += 1;
        let value = if self.depth > MAX_DEPTH { None } else { self.body(kind, show) };
        self.depth -= 1;
        let value = value?;
        if let Some(place) = slot.and_then(|slot| self.references.get_mut(slot)) {
            *place = value.clone();
        }
        Some((kind, value))
    }

    fn body(&mut self, kind: u8, show: &mut Show<'_>) -> Option<Value> {
        match kind {
            b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => Some(Value::Other),
            b'i' => self.skip(4),
            b'I' | b'g' => self.skip(8),
            b'y' => self.skip(16),
            b'l' => {
                let digits = self.number()?.cast_signed().unsigned_abs();
                self.skip(usize::try_from(digits).ok()?.checked_mul(2)?)
            }
            b'z' | b'Z' => {
                let length = self.byte()?;
                self.text(usize::from(length))
            }
            b's' | b't' | b'u' | b'a' | b'A' => {
                let length = self.number()?;
                self.text(usize::try_from(length).ok()?)
            }
            b')' => {
                let count = self.byte()?;
                self.items(u32::from(count), show)
            }
            b'(' | b'[' | b'<' | b'>' => {
                let count = self.number()?;
                self.items(count, show)
            }
            b'r' => {
                let index = usize::try_from(self.number()?).ok()?;
                self.references.get(index).cloned()
            }
            b'{' => {
                // Pairs up to a null.
                while self.tagged(show)?.0 != b'0' {}
                Some(Value::Other)
            }
            b'c' => self.code(show),
            _ => None,
        }
    }

    fn items(&mut self, count: u32, show: &mut Show<'_>) -> Option<Value> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.value(show)?);
        }
        Some(Value::Items(items.into()))
    }

    fn code(&mut self, show: &mut Show<'_>) -> Option<Value> {
        self.skip(4 * self.version.numbers)?;
        let instructions = self.value(show)?;
        let (constants, names) = (self.value(show)?, self.value(show)?);
        // Names of variables, the file's and the code's own.
        for _ in 0..5 {
            self.value(show)?;
        }
        self.skip(4)?;
        for _ in 0..self.version.tables {
            self.value(show)?;
        }
        self.stores(&instructions, &constants, &names, show);
        Some(Value::Other)
    }

    /// Looks for constants that are stored right after they are loaded.
    fn stores(&self, instructions: &Value, constants: &Value, names: &Value, show: &mut Show<'_>) {
        let (mut loaded, mut extended): (Option<&Value>, usize) = (None, 0);
        for [code, argument] in instructions.text(self.bytes).unwrap_or_default().as_chunks::<2>().0 {
            let index = extended << 8 | usize::from(*argument);
            extended = if *code == self.version.extended { index & 0xff_ffff } else { 0 };
            if *code == self.version.extended {
                continue;
            }
            if self.version.stores.contains(code)
                && let Some(Value::Text(start, end)) = loaded
                && let Some(name) = names.item(index).and_then(|name| name.text(self.bytes))
            {
                show(name, self.bytes.get(*start..*end).unwrap_or_default(), *start);
            }
            loaded = if *code == self.version.load_const { constants.item(index) } else { None };
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self) -> Option<u32> {
        let number = self.bytes.get(self.at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
        self.at += 4;
        Some(number)
    }

    fn text(&mut self, length: usize) -> Option<Value> {
        let start = self.at;
        self.skip(length)?;
        Some(Value::Text(start, self.at))
    }

    fn skip(&mut self, length: usize) -> Option<Value> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        self.at = end;
        Some(Value::Other)
    }
}
