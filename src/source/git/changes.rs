//! The raw output of `diff-tree` and `diff-index` (git-diff-tree(1), "Raw output format", "Diff format for merges"), with `-z`.

use std::io::BufRead;
use std::sync::Arc;

use super::{GitError, text, token};

/// What is asked of each commit: a mark that no raw line begins with, id, author and date.
pub(super) const FORMAT: &str = "%x01%H%x02%an <%ae>%x02%aI";

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id, in hex.
    pub id: String,
    /// The author's name and address.
    pub author: String,
    /// When it was written (RFC 3339).
    pub date: String,
}

/// A file that got other content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The commit; none of what is staged.
    pub commit: Option<Arc<Commit>>,
    /// The file, from the repository's root; of a moved one its new name.
    pub path: Vec<u8>,
    /// The blob with its content.
    pub blob: String,
    /// The blob that it had before; none of a new file, and of a merge.
    pub before: Option<String>,
}

/// Reads changes one after the other.
#[derive(Debug)]
pub struct Changes<R> {
    input: R,
    commit: Option<Arc<Commit>>,
    doing: &'static str,
}

impl<R: BufRead> Changes<R> {
    /// Reads what git writes; `doing` is for errors.
    pub fn new(input: R, doing: &'static str) -> Self {
        Self { input, commit: None, doing }
    }

    /// The next file with content; deletions, links and submodules are passed over.
    ///
    /// # Errors
    /// When git's answer breaks off, or has another form than its manual says.
    pub fn next_change(&mut self) -> Result<Option<Change>, GitError> {
        while let Some(line) = token(&mut self.input)? {
            match line.trim_ascii_start() {
                [] => {}
                [1, header @ ..] => self.commit = Some(Arc::new(commit(header))),
                [b':', raw @ ..] => {
                    let mut path = token(&mut self.input)?.ok_or(GitError::Unexpected { doing: self.doing })?;
                    if is_moved(raw) {
                        // The old name stands first.
                        path = token(&mut self.input)?.ok_or(GitError::Unexpected { doing: self.doing })?;
                    }
                    let (blob, before) = blobs(raw).ok_or(GitError::Unexpected { doing: self.doing })?;
                    if let Some(blob) = blob {
                        return Ok(Some(Change { commit: self.commit.clone(), path, blob, before }));
                    }
                }
                _ => return Err(GitError::Unexpected { doing: self.doing }),
            }
        }
        Ok(None)
    }
}

/// The status says that the file was renamed or copied, with how much of it stayed the same (`R086`).
fn is_moved(raw: &[u8]) -> bool {
    let status = raw.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    matches!(status.first(), Some(b'R' | b'C'))
}

fn commit(header: &[u8]) -> Commit {
    let mut parts = header.splitn(3, |byte| *byte == 2);
    let mut part = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    Commit { id: part(), author: part(), date: part() }
}

/// Behind the first colon: the new blob where it is that of a file, and the old one where there is exactly one. A merge of `n` parents has `n` colons,
/// `n` modes and blobs of theirs, then its own; none is malformed.
fn blobs(raw: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let more = raw.iter().take_while(|byte| **byte == b':').count();
    let words: Vec<&[u8]> = raw.get(more..)?.split(|byte| *byte == b' ').collect();
    let parents = more + 1;
    let [mode, blob] = [words.get(parents)?, words.get(2 * parents + 1)?];
    let is_file = mode.starts_with(b"100");
    let old_mode = words.first()?;
    let before = (parents == 1 && old_mode.starts_with(b"100")).then(|| words.get(2)).flatten();
    let owned = |id: &&[u8]| text(id).to_owned();
    Some((is_file.then(|| owned(blob)), before.map(owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As git 2.39 wrote it for a root commit, a change, a deletion, a merge that has something of its own, and (with `-M`) a file that moved.
    const RAW: &[u8] = b"\x01c1\x02N <a@b>\x022026-11-25T22:19:32+00:00\0\n:000000 100644 0000 aaaa A\0d/a\0\
        \x01c2\x02N <a@b>\x022026-11-25T22:19:33+00:00\0\n:100644 100755 aaaa bbbb M\0d/a\0:100644 000000 cccc 0000 D\0e\0:000000 120000 0000 dddd A\0l\0\
        \x01c3\x02N <a@b>\x022026-11-25T22:19:34+00:00\0\0::100644 100644 100644 bbbb aaaa eeee MM\0:odd\nname\0\
        \x01c4\x02N <a@b>\x022026-11-25T22:19:35+00:00\0\0:100644 100644 eeee ffff R086\0:odd\nname\0f\0";

    #[test]
    fn raw_lines_become_changes() {
        let mut changes = Changes::new(RAW, "test");
        let mut seen = Vec::new();
        while let Some(change) = changes.next_change().unwrap() {
            let commit = change.commit.unwrap();
            seen.push((commit.id.clone(), change.path, change.blob, change.before));
            assert_eq!(commit.author, "N <a@b>");
        }
        let row = |commit: &str, path: &str, blob: &str, before: Option<&str>| {
            (commit.to_owned(), path.as_bytes().to_vec(), blob.to_owned(), before.map(str::to_owned))
        };
        let expected = [
            row("c1", "d/a", "aaaa", None),
            row("c2", "d/a", "bbbb", Some("aaaa")),
            row("c3", ":odd\nname", "eeee", None),
            row("c4", "f", "ffff", Some("eeee")),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_is_no_raw_line_is_refused() {
        for broken in [&b"hello\0"[..], b":100644\0a\0", b":000000 100644 0000 aaaa A\0", b"cut"] {
            assert!(Changes::new(broken, "test").next_change().is_err(), "{broken:?}");
        }
    }
}
