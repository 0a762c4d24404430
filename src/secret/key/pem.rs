//! Armoured keys: PEM (RFC 7468, RFC 1421 for the headers of encrypted ones), OpenSSH, OpenPGP (RFC 9580, 6.2); also inside JSON and source strings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{Key, MAX_KEY, Structure, der, judge, openssh, pgp};

const BEGIN: &[u8] = b"-----BEGIN ";
const MARK: &[u8] = b"PRIVATE KEY";

/// Longest text between `BEGIN` and `PRIVATE KEY` (`RSA`, `ENCRYPTED`, …).
const MAX_KIND: usize = 24;

/// Least bytes of a body that counts at all: an Ed25519 key in PKCS #8 has 48.
const MIN_BODY: usize = 40;

/// The key whose words `PRIVATE KEY` stand at `at`.
pub(super) fn read(bytes: &[u8], at: usize) -> Option<Key> {
    let from = at.saturating_sub(BEGIN.len() + MAX_KIND);
    let before = bytes.get(from..at)?;
    let begin = from + memchr::memmem::rfind(before, BEGIN)?;
    let kind = bytes.get(begin + BEGIN.len()..at)?;
    if !kind.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ') {
        return None;
    }
    let text = bytes.get(at + MARK.len()..bytes.len().min(at + MAX_KEY))?;
    let text_at = at + MARK.len();
    let opened = memchr::memmem::find(text.get(..text.len().min(16))?, b"-----")? + 5;
    let rest = text.get(opened..)?;
    // The next dashes end it, whatever they are: a second BEGIN means that this one was never closed.
    let closed = memchr::memmem::find(rest, b"-----");
    let (body, end) = match closed {
        Some(closed) => (rest.get(..closed)?, closed + usize::from(rest.get(closed..)?.starts_with(b"-----END")) * 9),
        None => (rest, rest.len()),
    };
    let body = Body::read(body)?;
    let kind = String::from_utf8_lossy(kind.trim_ascii()).into_owned();
    let structure = structure(&kind, &body);
    let label = if kind.is_empty() { "private key".to_owned() } else { format!("{kind} private key") };
    Some(judge(begin..text_at + opened + end, &label, body.decoded, structure))
}

fn structure(kind: &str, body: &Body) -> Option<Structure> {
    let bytes = body.decoded.as_slice();
    if body.encrypted {
        // RFC 1421: the whole body is ciphertext, in blocks of eight or more.
        let algorithm = match kind {
            "RSA" => "RSA",
            "EC" => "EC",
            "DSA" => "DSA",
            _ => "",
        };
        let sealed = Structure { algorithm, ..Structure::sealed() };
        return (bytes.len().is_multiple_of(8)).then_some(sealed);
    }
    match kind {
        "OPENSSH" => openssh::read(bytes),
        "PGP" => pgp::read(bytes),
        // Whatever the label says, the structure tells: some tools write the traditional form under the new label, and the other way round.
        _ => der::file(bytes),
    }
}

/// What stands between the dashes.
struct Body {
    decoded: Vec<u8>,
    /// Its headers say that it is encrypted.
    encrypted: bool,
}

impl Body {
    /// Takes the armour off; none if there is text that is neither base64 nor a header, or too little of it.
    fn read(text: &[u8]) -> Option<Self> {
        let mut base64 = Vec::with_capacity(text.len());
        let mut encrypted = false;
        for line in Lines(text) {
            let line = trim(line);
            if line.is_empty() || line == b"+" || line == b"." || line == b"BLOCK" {
                continue;
            }
            // Armour checksum (RFC 9580, 6.1).
            if line.len() == 5 && line.first() == Some(&b'=') {
                continue;
            }
            if memchr::memchr(b':', line).is_some() || line.windows(9).any(|word| word == b"DEK-Info:") {
                encrypted |= memchr::memmem::find(line, b"ENCRYPTED").is_some();
                continue;
            }
            base64.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'='));
        }
        let decoded = STANDARD_NO_PAD.decode(&base64).ok().filter(|decoded| decoded.len() >= MIN_BODY)?;
        Some(Self { decoded, encrypted })
    }
}

/// Lines that end in a line feed or in the escape for one (`\n`, `\\n`, `\r\n`).
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = memchr::memchr2(b'\n', b'\\', self.0).unwrap_or(self.0.len());
        let line = self.0.get(..end).unwrap_or_default();
        let rest = self.0.get(end..).unwrap_or_default();
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        let escape = usize::from(slashes > 0 && matches!(rest.get(slashes), Some(b'n' | b'r' | b't')));
        let newline = usize::from(slashes == 0 && !rest.is_empty());
        self.0 = rest.get(slashes + escape + newline..).unwrap_or_default();
        Some(line)
    }
}

/// Without what sources and documents put around a line: indentation, quotes, comment signs.
fn trim(line: &[u8]) -> &[u8] {
    let around = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`,;*#>|".contains(byte);
    let from = line.iter().position(|byte| !around(byte)).unwrap_or(line.len());
    let to = line.iter().rposition(|byte| !around(byte)).map_or(from, |last| last + 1);
    line.get(from..to).unwrap_or_default()
}
