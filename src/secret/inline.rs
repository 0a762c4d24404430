//! Comments that allow a secret on their line: `gitleaks:allow` (gitleaks README, "gitleaks:allow") and our own `imgguard:allow`.

use std::ops::Range;

/// The comments.
const MARKS: [&[u8]; 2] = [b"gitleaks:allow", b"imgguard:allow"];

/// How far from the secret a mark is looked for, in bytes: enough for a comment, and less than the engine keeps around a match.
const REACH: usize = 512;

/// Whether a line that the secret is on has such a mark.
pub(super) fn allows(text: &[u8], secret: &Range<usize>) -> bool {
    let before = text.get(secret.start.saturating_sub(REACH)..secret.start).unwrap_or_default();
    let after = text.get(secret.end..text.len().min(secret.end.saturating_add(REACH))).unwrap_or_default();
    let before = memchr::memrchr(b'\n', before).and_then(|end| before.get(end..)).unwrap_or(before);
    let after = memchr::memchr(b'\n', after).and_then(|end| after.get(..end)).unwrap_or(after);
    let is_in = |part: &[u8]| MARKS.iter().any(|mark| memchr::memmem::find(part, mark).is_some());
    is_in(before) || is_in(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_for_its_line_only() {
        let text = b"a = SECRET # gitleaks:allow\nb = SECRET\n/* imgguard:allow */ c = SECRET";
        let places: Vec<bool> =
            memchr::memmem::find_iter(text, b"SECRET").map(|at| allows(text, &(at..at + 6))).collect();
        assert_eq!(places, [true, false, true]);
    }
}
