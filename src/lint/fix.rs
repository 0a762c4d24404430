//! Edits put into a file.

use super::{Edit, Fix};

/// A file with as many fixes as fit: those that would touch what an earlier one changed are left for another round. The second value counts them that were made.
#[must_use]
pub fn apply<'a>(text: &[u8], fixes: impl IntoIterator<Item = &'a Fix>) -> (Vec<u8>, usize) {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut made = 0;
    for fix in fixes {
        let new: Vec<&Edit> = fix.edits.iter().filter(|edit| !taken.contains(edit)).collect();
        let fits = |edit: &&Edit| edit.range.end <= text.len() && taken.iter().all(|other| are_apart(edit, other));
        if new.iter().all(fits) {
            taken.extend(new);
            made += 1;
        }
    }
    taken.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut mended = Vec::with_capacity(text.len());
    let mut at = 0;
    for edit in taken {
        mended.extend_from_slice(text.get(at..edit.range.start).unwrap_or_default());
        mended.extend_from_slice(edit.text.as_bytes());
        at = edit.range.end;
    }
    mended.extend_from_slice(text.get(at..).unwrap_or_default());
    (mended, made)
}

/// Two insertions at one place are apart: they stand in the order in which they were found.
fn are_apart(a: &Edit, b: &Edit) -> bool {
    let are_insertions = a.range.is_empty() && b.range.is_empty();
    are_insertions || a.range.end < b.range.start || b.range.end < a.range.start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(range: std::ops::Range<usize>, text: &str) -> Fix {
        Fix { title: "t", edits: vec![Edit { range, text: text.into() }] }
    }

    #[test]
    fn edits_that_meet_wait_and_the_same_one_is_made_once() {
        let fixes = [fix(0..1, "A"), fix(1..2, "B"), fix(4..4, "x"), fix(4..4, "y"), fix(4..4, "x")];
        assert_eq!(apply(b"abcdef", &fixes), (b"Abcdxyef".to_vec(), 4));
    }
}
