//! How much of a folder a build is sent at most: what its ignore file leaves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::context::{self, Class};
use super::dockerignore::{Above, IgnoreFile};
use super::listing::{Entry, Kind, MAX_DEPTH, is_closed};

/// Most entries that are looked at.
const MAX_ENTRIES: usize = 2_000_000;

/// How many of the largest files are told.
const LARGEST: usize = 10;

/// Most that is told of what should stay out.
const MAX_SENSITIVE: usize = 200;

/// What is sent.
#[derive(Debug, Default, Serialize)]
pub struct Sent {
    /// How many files and links.
    pub files: u64,
    /// Their length.
    pub bytes: u64,
    /// The largest, largest first.
    pub largest: Vec<Item>,
    /// What should stay out: folders as a whole.
    pub sensitive: Vec<Sensitive>,
    /// How many more there are.
    pub more_sensitive: usize,
    /// What could not be looked at, with the reason.
    pub unread: Vec<String>,
}

/// A file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Item {
    /// Its length.
    pub bytes: u64,
    /// Its path in the context.
    pub path: String,
}

/// A file or folder that should stay out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Sensitive {
    /// Its path in the context.
    pub path: String,
    /// What it is.
    pub what: &'static str,
    /// Its length, of a folder that of all in it.
    pub bytes: u64,
}

/// Looks at every file of a folder that is not left out, without reading one. Links are counted and not followed.
#[must_use]
pub fn measure(folder: &Path, ignore: Option<&IgnoreFile>) -> Sent {
    let mut walk = Walk { ignore, sent: Sent::default(), largest: BinaryHeap::new(), seen: 0 };
    let mut folders =
        vec![Open { real: folder.to_owned(), path: String::new(), above: Above::default(), depth: 0, of: None }];
    while let Some(open) = folders.pop() {
        if let Err(error) = walk.folder(&open, &mut folders) {
            walk.sent.unread.push(format!("{}: {error}", open.path));
        }
        if walk.seen > MAX_ENTRIES {
            walk.sent.unread.push(format!("there are more than {MAX_ENTRIES} files, and no more were looked at"));
            break;
        }
    }
    let mut sent = walk.sent;
    sent.largest = walk.largest.into_sorted_vec().into_iter().map(|Reverse(item)| item).collect();
    sent
}

/// A folder that is to be looked at.
struct Open {
    real: PathBuf,
    path: String,
    above: Above,
    depth: usize,
    /// The number of what should stay out that it is in.
    of: Option<usize>,
}

struct Walk<'a> {
    ignore: Option<&'a IgnoreFile>,
    sent: Sent,
    largest: BinaryHeap<Reverse<Item>>,
    seen: usize,
}

impl Walk<'_> {
    fn folder(&mut self, open: &Open, folders: &mut Vec<Open>) -> std::io::Result<()> {
        for entry in fs::read_dir(&open.real)? {
            let entry = entry?;
            self.seen += 1;
            if self.seen > MAX_ENTRIES {
                break;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if open.path.is_empty() { name.clone() } else { format!("{}/{name}", open.path) };
            let (is_out, above) = self.ignore.map(|ignore| ignore.step(&path, &open.above)).unwrap_or_default();
            let kind = entry.file_type()?;
            if !kind.is_dir() {
                if !is_out && (kind.is_file() || kind.is_symlink()) {
                    let bytes = entry.metadata().map_or(0, |meta| meta.len());
                    let kind = if kind.is_symlink() { Kind::Link } else { Kind::File };
                    self.file(path, bytes, kind, open.of);
                }
                continue;
            }
            // Below a folder that is left out only what is taken back counts.
            if is_out && !self.ignore.is_some_and(IgnoreFile::has_exceptions) {
                continue;
            }
            if open.depth == MAX_DEPTH {
                self.sent.unread.push(format!("{path}: folders are more than {MAX_DEPTH} deep"));
                continue;
            }
            let of = open.of.or_else(|| self.closed(&path, &name).filter(|_| !is_out));
            folders.push(Open { real: entry.path(), path, above, depth: open.depth + 1, of });
        }
        Ok(())
    }

    fn file(&mut self, path: String, bytes: u64, kind: Kind, of: Option<usize>) {
        self.sent.files += 1;
        self.sent.bytes += bytes;
        match of.and_then(|number| self.sent.sensitive.get_mut(number)) {
            Some(folder) => folder.bytes += bytes,
            None => {
                if let Some(class) = context::classify(&path, Entry { kind, bytes, mode: None }) {
                    self.note(&path, class, bytes);
                }
            }
        }
        self.largest.push(Reverse(Item { bytes, path }));
        if self.largest.len() > LARGEST {
            self.largest.pop();
        }
    }

    /// A folder that should stay out as a whole.
    fn closed(&mut self, path: &str, name: &str) -> Option<usize> {
        let entry = Entry { kind: Kind::Folder, bytes: 0, mode: None };
        let class = context::classify(path, entry).filter(|_| is_closed(name))?;
        self.note(path, class, 0)
    }

    fn note(&mut self, path: &str, class: Class, bytes: u64) -> Option<usize> {
        if self.sent.sensitive.len() == MAX_SENSITIVE {
            self.sent.more_sensitive += 1;
            return None;
        }
        self.sent.sensitive.push(Sensitive { path: path.to_owned(), what: class.name(), bytes });
        Some(self.sent.sensitive.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_counted() {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            (".env", "A=b"),
            ("a/b/key.pem", "12345"),
            (".git/x/y", "1234567"),
            ("src/main", "1"),
            ("out/keep/z", "22"),
            ("out/q", "1"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let ignore = IgnoreFile::parse(b"a\nout\n!out/keep\n").unwrap();
        let sent = measure(root.path(), Some(&ignore));
        assert_eq!((sent.files, sent.bytes), (4, 13), "{sent:?}");
        assert_eq!(sent.largest.first().map(|item| item.path.as_str()), Some(".git/x/y"));
        let mut sensitive: Vec<(&str, u64)> =
            sent.sensitive.iter().map(|item| (item.path.as_str(), item.bytes)).collect();
        sensitive.sort_unstable();
        assert_eq!(sensitive, [(".env", 3), (".git", 7)]);
        assert_eq!(measure(root.path(), None).files, 6);
    }
}
