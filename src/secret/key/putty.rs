//! PuTTY's private key files (PuTTY manual, appendix C).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Key, MAX_KEY, Structure, judge, openssh};

/// How the first line begins.
pub(super) const MARK: &[u8] = b"PuTTY-User-Key-File-";

/// Longest file in lines; the largest keys have fewer than 300 of 64 characters.
const MAX_LINES: usize = 1024;

/// The file that begins at `at`.
pub(super) fn read(bytes: &[u8], at: usize) -> Option<Key> {
    let text = bytes.get(at..bytes.len().min(at + MAX_KEY))?;
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).take(MAX_LINES);
    let algorithm = lines.next().and_then(|line| line.split(|b| *b == b' ').nth(1))?.to_vec();
    let mut encrypted = None;
    let mut blobs = [Vec::new(), Vec::new()];
    while let Some(line) = lines.next() {
        let Some(colon) = memchr::memchr(b':', line) else { break };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        match name {
            b"Encryption" => encrypted = Some(value != b"none"),
            b"Public-Lines" => blobs[0] = body(&mut lines, value)?,
            b"Private-Lines" => {
                blobs[1] = body(&mut lines, value)?;
                break;
            }
            _ => {}
        }
    }
    let [public, private] = blobs;
    let structure = Structure { encrypted: encrypted?, ..openssh::public_key(&public)? };
    // The public blob repeats the algorithm of the first line.
    if memchr::memmem::find(&public, &algorithm).is_none() || private.len() < 16 {
        return None;
    }
    let end = memchr::memmem::find(text, b"Private-MAC").unwrap_or(text.len().min(64));
    Some(judge(at..at + end, "PuTTY private key", private, Some(structure)))
}

/// So many lines of base64.
fn body<'a>(lines: &mut impl Iterator<Item = &'a [u8]>, count: &[u8]) -> Option<Vec<u8>> {
    let count: usize = std::str::from_utf8(count).ok()?.parse().ok().filter(|count| *count <= MAX_LINES)?;
    STANDARD.decode(lines.take(count).collect::<Vec<_>>().concat()).ok()
}
