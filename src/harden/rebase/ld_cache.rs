//! `etc/ld.so.cache`: where glibc's loader finds libraries.
//!
//! Only the present form is written and read, which `ldconfig` writes since glibc 2.32; one with entries for special processors (`glibc-hwcaps`) is refused, since their places in the cache depend on each other.
//!
//! Source: glibc `sysdeps/generic/dl-cache.h` (`struct cache_file_new`, `struct file_entry_new`), `elf/cache.c` (order of entries), `elf/dl-cache.c` (`_dl_cache_libcmp`).

use std::cmp::Ordering;

use super::three_way::{Clash, Record, Versions, merge as merge_records, refuse};

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 24;

/// Most libraries of one cache. A full desktop has some 5,000.
const MAX_ENTRIES: usize = 1 << 16;

/// The bit in an entry's capabilities that makes the rest an index of an extension.
const HWCAPS: u64 = 1 << 62;

/// A library.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Library {
    flags: u32,
    hwcap: u64,
    name: Vec<u8>,
    path: Vec<u8>,
}

struct Cache {
    libraries: Vec<Library>,
    /// Byte order, as the header's flags tell it.
    flags: u8,
    /// Who wrote it; empty where it does not say.
    generator: Vec<u8>,
}

/// The libraries of the new base, and what the application added to or removed from the old one's.
pub(super) fn merge(versions: Versions<&[u8]>) -> Result<Vec<u8>, Clash> {
    let unread = || Clash { key: "a form of the cache that cannot be merged".to_owned() };
    let read = |bytes: Option<&[u8]>| bytes.map(|bytes| Cache::read(bytes).ok_or_else(unread)).transpose();
    let (old, app, new) = (read(versions.old)?, read(versions.app)?, read(versions.new)?);
    let Some(new) = new else { return Err(unread()) };
    let records = |cache: &Cache| cache.libraries.iter().map(|one| Record::plain(&encoded(one))).collect::<Vec<_>>();
    let (old, app, ours) = (old.as_ref().map(records), app.as_ref().map(records), records(&new));
    let versions = Versions { old: old.as_deref(), app: app.as_deref(), new: Some(&*ours) };
    let merged = merge_records(versions, &mut refuse)?;
    let mut libraries: Vec<Library> = merged.iter().filter_map(|bytes| decoded(bytes)).collect();
    libraries.sort_by(|a, b| order(b, a));
    Ok(Cache { libraries, ..new }.write())
}

/// A library as one text, that it may be compared.
fn encoded(library: &Library) -> Vec<u8> {
    let head = [&library.flags.to_be_bytes()[..], &library.hwcap.to_be_bytes()].concat();
    [head, library.name.clone(), vec![0], library.path.clone()].concat()
}

fn decoded(bytes: &[u8]) -> Option<Library> {
    let (flags, rest) = bytes.split_first_chunk()?;
    let (hwcap, rest) = rest.split_first_chunk()?;
    let end = memchr::memchr(0, rest)?;
    let (name, path) = (rest.get(..end)?.to_vec(), rest.get(end + 1..)?.to_vec());
    Some(Library { flags: u32::from_be_bytes(*flags), hwcap: u64::from_be_bytes(*hwcap), name, path })
}

/// The loader searches in halves, so the order must be its own: names, in which numbers count as numbers, then flags, then capabilities.
fn order(a: &Library, b: &Library) -> Ordering {
    names(&a.name, &b.name).then(a.flags.cmp(&b.flags)).then(a.hwcap.cmp(&b.hwcap)).then_with(|| b.path.cmp(&a.path))
}

fn names(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (Some((first_a, rest_a)), Some((first_b, rest_b))) = (a.split_first(), b.split_first()) else {
            return a.len().cmp(&b.len());
        };
        match (first_a.is_ascii_digit(), first_b.is_ascii_digit()) {
            (true, true) => {
                let (number_a, after_a) = number(a);
                let (number_b, after_b) = number(b);
                match number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b)) {
                    Ordering::Equal => (a, b) = (after_a, after_b),
                    other => return other,
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) if first_a != first_b => return first_a.cmp(first_b),
            (false, false) => (a, b) = (rest_a, rest_b),
        }
    }
}

/// The digits at the beginning, without zeros in front, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (digits.get(zeros..).unwrap_or_default(), rest)
}

impl Cache {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.strip_prefix(MAGIC)?;
        let count = usize::try_from(word(bytes, 20)?).ok().filter(|count| *count <= MAX_ENTRIES)?;
        let flags = *bytes.get(28)?;
        // 0 says nothing and 2 is little-endian, which all machines that we know images of are, but s390x.
        if flags == 3 || flags == 1 {
            return None;
        }
        let library = |number: usize| {
            let at = HEADER_BYTES + number * ENTRY_BYTES;
            let (low, high) = (u64::from(word(bytes, at + 16)?), u64::from(word(bytes, at + 20)?));
            let hwcap = low | high << 32;
            let (name, path) = (text(bytes, word(bytes, at + 4)?)?, text(bytes, word(bytes, at + 8)?)?);
            if hwcap & HWCAPS != 0 {
                return None;
            }
            Some(Library { flags: word(bytes, at)?, hwcap, name, path })
        };
        let libraries = (0..count).map(library).collect::<Option<Vec<_>>>()?;
        Some(Self { libraries, flags, generator: generator(bytes).unwrap_or_default() })
    }

    fn write(&self) -> Vec<u8> {
        let strings_at = HEADER_BYTES + self.libraries.len() * ENTRY_BYTES;
        let (mut entries, mut strings) = (Vec::new(), Vec::new());
        let mut places = std::collections::BTreeMap::new();
        let mut place = |text: &[u8]| -> u32 {
            let at = *places.entry(text.to_vec()).or_insert_with(|| {
                let at = strings_at + strings.len();
                strings.extend_from_slice(text);
                strings.push(0);
                at
            });
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        for library in &self.libraries {
            let (name, path) = (place(&library.name), place(&library.path));
            [library.flags, name, path, 0].iter().for_each(|word| entries.extend_from_slice(&word.to_le_bytes()));
            entries.extend_from_slice(&library.hwcap.to_le_bytes());
        }
        let count = u32::try_from(self.libraries.len()).unwrap_or(u32::MAX);
        let length = u32::try_from(strings.len()).unwrap_or(u32::MAX);
        let extensions = u32::try_from((strings_at + strings.len()).next_multiple_of(4)).unwrap_or(u32::MAX);
        let has_generator = !self.generator.is_empty();
        let mut bytes = MAGIC.to_vec();
        [count, length].iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        bytes.extend_from_slice(&[self.flags, 0, 0, 0]);
        bytes.extend_from_slice(&if has_generator { extensions } else { 0 }.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        bytes.extend_from_slice(&entries);
        bytes.extend_from_slice(&strings);
        if has_generator {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            let text_at = extensions + 8 + 16;
            let length = u32::try_from(self.generator.len()).unwrap_or(u32::MAX);
            [EXTENSIONS, 1, GENERATOR, 0, text_at, length]
                .iter()
                .for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
            bytes.extend_from_slice(&self.generator);
        }
        bytes
    }
}

/// Magic number of the extensions, and the tag of the one that says who wrote the cache.
const EXTENSIONS: u32 = 0xeaa4_2174;
const GENERATOR: u32 = 0;

fn generator(bytes: &[u8]) -> Option<Vec<u8>> {
    let at = usize::try_from(word(bytes, 32)?).ok().filter(|at| *at != 0)?;
    if word(bytes, at)? != EXTENSIONS {
        return None;
    }
    let sections = usize::try_from(word(bytes, at + 4)?).ok()?.min(16);
    (0..sections).find_map(|number| {
        let section = at + 8 + number * 16;
        let (start, length) =
            (usize::try_from(word(bytes, section + 8)?).ok()?, usize::try_from(word(bytes, section + 12)?).ok()?);
        (word(bytes, section)? == GENERATOR)
            .then(|| bytes.get(start..start.checked_add(length)?).map(<[u8]>::to_vec))?
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn text(bytes: &[u8], at: u32) -> Option<Vec<u8>> {
    let rest = bytes.get(usize::try_from(at).ok()?..)?;
    // No path is longer.
    let rest = rest.get(..rest.len().min(4096))?;
    rest.get(..memchr::memchr(0, rest)?).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ldconfig` of this machine wrote comes out of us again byte for byte.
    #[test]
    fn the_cache_of_this_machine_is_written_as_ldconfig_wrote_it() {
        let bytes = std::fs::read("/etc/ld.so.cache").ok();
        let Some(mut cache) = bytes.as_deref().and_then(Cache::read) else {
            eprintln!("skipped: /etc/ld.so.cache is absent, or of another form");
            return;
        };
        let before: Vec<Vec<u8>> = cache.libraries.iter().map(encoded).collect();
        cache.libraries.sort_by(|a, b| order(b, a));
        assert_eq!(cache.libraries.iter().map(encoded).collect::<Vec<_>>(), before, "the order is ldconfig's");
        let written = cache.write();
        let again = Cache::read(&written).unwrap();
        assert_eq!((again.libraries, again.generator), (cache.libraries, cache.generator));
    }

    fn library(name: &str) -> Library {
        Library { flags: 0x303, hwcap: 0, name: name.into(), path: format!("/lib/{name}").into() }
    }

    fn cache(names: &[&str]) -> Vec<u8> {
        let libraries = names.iter().map(|name| library(name)).collect();
        Cache { libraries, flags: 2, generator: b"ldconfig".to_vec() }.write()
    }

    #[test]
    fn libraries_of_both_sides_are_found() {
        let (old, app, new) = (
            cache(&["libc.so.6"]),
            cache(&["libcurl.so.4", "libc.so.6"]),
            cache(&["libc.so.6", "libb.so.10", "libb.so.9"]),
        );
        let versions = Versions { old: Some(&*old), app: Some(&*app), new: Some(&*new) };
        let merged = Cache::read(&merge(versions).unwrap()).unwrap();
        let names: Vec<_> =
            merged.libraries.iter().map(|one| String::from_utf8_lossy(&one.name).into_owned()).collect();
        assert_eq!(names, ["libcurl.so.4", "libc.so.6", "libb.so.10", "libb.so.9"]);
        let other = Versions { new: Some(&b"ld.so-1.7.0"[..]), ..versions };
        assert!(merge(other).is_err());
    }
}
