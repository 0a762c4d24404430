//! Changes of an entry's headers that leave every other byte as it was: the mode, the owner, the attribute with capabilities.
//!
//! What is changed is written where readers look for it: in the entry's own header block, with its checksum, and in the records of a PAX header in front of it, which come first. Names, times, other
//! attributes and sparse maps stay byte for byte.

use super::header::RawHeader;
use super::{BLOCK, Block, TarError, pax};

/// What becomes of an entry's headers; `None` leaves a field as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct HeaderChange {
    /// Permission bits with setuid, setgid and sticky.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Whether the attribute `security.capability` goes.
    pub drop_capability: bool,
}

impl HeaderChange {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a PAX record goes, because the change is about what it says.
    fn drops(&self, key: &[u8]) -> bool {
        match key {
            b"uid" => self.uid.is_some(),
            b"gid" => self.gid.is_some(),
            // The names of the owner say nothing to engines, and would be wrong.
            b"uname" => self.uid.is_some(),
            b"gname" => self.gid.is_some(),
            b"SCHILY.xattr.security.capability" | b"LIBARCHIVE.xattr.security.capability" => self.drop_capability,
            _ => false,
        }
    }
}

/// Writes the headers of one entry to `out` with the change: `raw` are the bytes from [`Span::start`](super::Span) to [`Span::content`](super::Span), as they were read.
///
/// # Errors
/// When they are not what the parser has accepted.
pub fn change_header(raw: &[u8], change: &HeaderChange, out: &mut Vec<u8>) -> Result<(), TarError> {
    let mut rest = raw;
    loop {
        let at = (raw.len() - rest.len()) as u64;
        let (block, behind) = rest.split_first_chunk::<BLOCK>().ok_or(TarError::Cut { at })?;
        let header = RawHeader::parse(block, at)?;
        if !matches!(header.type_flag, b'x' | b'g' | b'L' | b'K') {
            out.extend_from_slice(&changed_block(block, change));
            out.extend_from_slice(behind);
            return Ok(());
        }
        let size = usize::try_from(header.size).ok().filter(|size| *size <= behind.len());
        let size = size.ok_or(TarError::Cut { at })?;
        let whole = size.next_multiple_of(BLOCK).min(behind.len());
        let text = behind.get(..size).unwrap_or_default();
        match header.type_flag {
            b'x' if has_dropped(text, change, at)? => changed_records(block, text, change, at, out)?,
            _ => out.extend_from_slice(rest.get(..BLOCK + whole).unwrap_or_default()),
        }
        rest = behind.get(whole..).unwrap_or_default();
    }
}

fn has_dropped(text: &[u8], change: &HeaderChange, at: u64) -> Result<bool, TarError> {
    for record in pax::raw_records(text) {
        let (key, _) = record.ok_or(TarError::Pax { at })?;
        if change.drops(key) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A PAX header without the records that the change is about; nothing at all when none is left.
fn changed_records(
    block: &Block,
    text: &[u8],
    change: &HeaderChange,
    at: u64,
    out: &mut Vec<u8>,
) -> Result<(), TarError> {
    let mut kept = Vec::with_capacity(text.len());
    for record in pax::raw_records(text) {
        let (key, bytes) = record.ok_or(TarError::Pax { at })?;
        if !change.drops(key) {
            kept.extend_from_slice(bytes);
        }
    }
    if kept.is_empty() && !text.is_empty() {
        return Ok(());
    }
    let mut block = *block;
    write_number(&mut block, 124, 12, kept.len() as u64);
    write_checksum(&mut block);
    out.extend_from_slice(&block);
    let padded = kept.len().next_multiple_of(BLOCK);
    kept.resize(padded, 0);
    out.extend_from_slice(&kept);
    Ok(())
}

fn changed_block(original: &Block, change: &HeaderChange) -> Block {
    let mut block = *original;
    if let Some(mode) = change.mode {
        write_number(&mut block, 100, 8, u64::from(mode & 0o7777));
    }
    for (id, start, name) in [(change.uid, 108, 265), (change.gid, 116, 297)] {
        let Some(id) = id else { continue };
        write_number(&mut block, start, 8, u64::from(id));
        // The oldest format has no names there.
        if block.get(257..262) == Some(b"ustar") {
            fill(&mut block, name, &[0; 32]);
        }
    }
    // A checksum may be written in several ways; that of a header that stays is the old one.
    if block != *original {
        write_checksum(&mut block);
    }
    block
}

/// A number as octal text, or in base 256 where that has no room.
fn write_number(block: &mut Block, start: usize, length: usize, value: u64) {
    let digits = length - 1;
    let text = format!("{value:0digits$o}\0");
    if text.len() == length {
        return fill(block, start, text.as_bytes());
    }
    let mut bytes = vec![0; length];
    for (byte, from) in bytes.iter_mut().rev().zip(value.to_le_bytes()) {
        *byte = from;
    }
    if let Some(first) = bytes.first_mut() {
        *first |= 0x80;
    }
    fill(block, start, &bytes);
}

/// The sum of all bytes, its own eight taken as spaces, as six octal digits, a NUL and a space.
fn write_checksum(block: &mut Block) {
    fill(block, 148, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    fill(block, 148, format!("{sum:06o}\0 ").as_bytes());
}

fn fill(block: &mut Block, start: usize, bytes: &[u8]) {
    if let Some(room) = block.get_mut(start..start + bytes.len()) {
        room.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::{Header, Parser, Sink};
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<(Vec<u8>, u32, u64, u64, bool, super::super::Span)>);

    impl Sink for Seen {
        fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
            let capable = header.capability.is_some();
            self.0.push((header.path.to_vec(), header.mode, header.uid, header.gid, capable, header.span));
            ControlFlow::Continue(())
        }
        fn data(&mut self, _bytes: &[u8]) {}
        fn hole(&mut self, _length: u64) {}
        fn end_entry(&mut self) {}
    }

    /// An entry with a long name, a PAX header with an owner, a time and capabilities, written by the `tar` crate.
    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let records: [(&str, &[u8]); 4] = [
            ("uid", b"3000000"),
            ("mtime", b"1.5"),
            ("SCHILY.xattr.security.capability", b"\x01\0\0\x02\0\0\0\0"),
            ("SCHILY.xattr.user.note", b"kept"),
        ];
        builder.append_pax_extensions(records).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o4755);
        builder.append_data(&mut header, format!("usr/{}", "n".repeat(120)), &b"abc"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    fn parse(bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let mut parser = Parser::new();
        parser.push(bytes, &mut seen).unwrap();
        parser.finish().unwrap();
        seen
    }

    fn changed(bytes: &[u8], change: &HeaderChange) -> Vec<u8> {
        let span = parse(bytes).0[0].5;
        let (start, content) = (usize::try_from(span.start).unwrap(), usize::try_from(span.content).unwrap());
        let mut out = bytes[..start].to_vec();
        change_header(&bytes[start..content], change, &mut out).unwrap();
        out.extend_from_slice(&bytes[content..]);
        out
    }

    #[test]
    fn only_what_is_asked_for_changes() {
        let bytes = archive();
        assert_eq!(changed(&bytes, &HeaderChange::default()), bytes, "nothing asked for, nothing changed");
        let change =
            HeaderChange { mode: Some(0o755), uid: Some(10001), gid: Some(0x00ff_ffff), drop_capability: true };
        let out = changed(&bytes, &change);
        let (path, mode, uid, gid, capable, _) = &parse(&out).0[0];
        assert_eq!(path.len(), 124);
        assert_eq!((*mode, *uid, *gid, *capable), (0o755, 10001, 0x00ff_ffff, false));
        let has = |bytes: &[u8], text: &[u8]| memchr::memmem::find(bytes, text).is_some();
        assert!(has(&out, b"SCHILY.xattr.user.note=kept") && has(&out, b"mtime=1.5"));
        assert!(!has(&out, b"security.capability") && has(&bytes, b"security.capability"));
        // Another reader sees the same.
        let mut archive = tar::Archive::new(&out[..]);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!((entry.header().mode().unwrap() & 0o7777, entry.header().uid().unwrap()), (0o755, 10001));
    }

    #[test]
    fn a_pax_header_that_says_nothing_more_goes() {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions([("uid", &b"5"[..])]).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        builder.append_data(&mut header, "a", &b""[..]).unwrap();
        let bytes = builder.into_inner().unwrap();
        let out = changed(&bytes, &HeaderChange { uid: Some(7), ..HeaderChange::default() });
        assert_eq!(out.len() + 2 * BLOCK, bytes.len());
        assert_eq!(parse(&out).0[0].2, 7);
    }
}
