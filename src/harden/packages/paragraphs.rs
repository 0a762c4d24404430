//! Texts of paragraphs with empty lines between them: dpkg's `status` and lists of packages, apk's list and index.

use std::ops::Range;

/// The paragraphs of a text, by where they are: from their first line to the end of their last, without the empty lines between.
pub(in crate::harden) fn ranges(text: &[u8]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let (mut at, mut is_open) = (0, false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = at + line.len();
        if line.iter().all(u8::is_ascii_whitespace) {
            is_open = false;
        } else if is_open {
            if let Some(last) = ranges.last_mut() {
                last.end = end;
            }
        } else {
            ranges.push(at..end);
            is_open = true;
        }
        at = end;
    }
    ranges
}
