//! What is in a folder: names, sizes and modes, and nothing of the content.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Most entries that are listed.
pub const MAX_ENTRIES: usize = 300_000;

/// Deepest folder that is looked into.
pub const MAX_DEPTH: usize = 64;

/// Folders of version control.
pub const HISTORIES: &[&str] = &[".git", ".hg", ".svn"];

/// Folders that a tool makes anew, and files that whoever has the folder made for another system.
pub const REMADE: &[&str] = &[
    "node_modules",
    "bower_components",
    ".venv",
    "venv",
    "__pycache__",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".terraform",
    ".gradle",
];

/// More folders that have what somebody else made.
const OTHERS: &[&str] = &[".next", "site-packages", "target", "vendor"];

/// Whether a folder of this name is listed as one entry.
#[must_use]
pub fn is_closed(name: &str) -> bool {
    [HISTORIES, REMADE, OTHERS].iter().any(|folders| folders.contains(&name))
}

/// One file, link or closed folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its length.
    pub bytes: u64,
    /// Its permissions; none where the system has none.
    pub mode: Option<u32>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// One that [`is_closed`].
    Folder,
    /// A link, which is not followed.
    Link,
}

/// The files of a folder and all below it.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// By the path from the root of what is looked at, with `/`.
    pub entries: BTreeMap<String, Entry>,
    /// Parts that could not be listed, with the reason.
    pub unread: Vec<(String, String)>,
}

impl Listing {
    /// Lists a folder; paths get `prefix` before them. Links are not followed, so that nothing outside of it is listed, and none twice.
    #[must_use]
    pub fn read(folder: &Path, prefix: &str) -> Self {
        let mut listing = Self::default();
        let mut folders = vec![(folder.to_owned(), prefix.to_owned(), 0)];
        while let Some((folder, path, depth)) = folders.pop() {
            let listed = listing.add_folder(&folder, &path, |below, name| folders.push((below, name, depth + 1)));
            if let Err(error) = listed {
                listing.unread.push((path, error.to_string()));
            } else if depth > MAX_DEPTH {
                folders.retain(|(_, _, depth)| *depth <= MAX_DEPTH);
                listing.unread.push((
                    path,
                    format!("folders are more than {MAX_DEPTH} deep, and no deeper ones are looked into"),
                ));
            }
            if listing.entries.len() > MAX_ENTRIES {
                let reason = format!("there are more than {MAX_ENTRIES} files; name a folder below");
                listing.unread.push((prefix.to_owned(), reason));
                break;
            }
        }
        listing
    }

    fn add_folder(
        &mut self,
        folder: &Path,
        path: &str,
        mut open: impl FnMut(std::path::PathBuf, String),
    ) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let inner = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() && !is_closed(&name) {
                open(entry.path(), inner);
                continue;
            }
            let kind = match kind {
                kind if kind.is_dir() => Kind::Folder,
                kind if kind.is_symlink() => Kind::Link,
                kind if kind.is_file() => Kind::File,
                _ => continue,
            };
            // One that has gone meanwhile is none.
            if let Ok(meta) = entry.metadata() {
                self.entries.insert(inner, Entry { kind, bytes: meta.len(), mode: mode(&meta) });
            }
            if self.entries.len() > MAX_ENTRIES {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is a file of that path.
    #[must_use]
    pub fn has_file(&self, path: &str) -> bool {
        self.entries.get(path).is_some_and(|entry| entry.kind == Kind::File)
    }

    /// Whether there is anything at that path or below it.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path) || self.below(path).next().is_some()
    }

    /// What is below a folder; everything below the root, which is the empty path.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, Entry)> + use<'a> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let entries = self.entries.range(start.clone()..);
        entries.take_while(move |(path, _)| path.starts_with(&start)).map(|(path, entry)| (path.as_str(), *entry))
    }
}

#[cfg(unix)]
fn mode(meta: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(meta.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere_and_deep_folders_end() {
        let root = tempfile::tempdir().unwrap();
        let mut deep = root.path().to_owned();
        for _ in 0..MAX_DEPTH + 10 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("x"), "").unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("outside")).unwrap();
        fs::create_dir_all(root.path().join("node_modules/a")).unwrap();
        fs::write(root.path().join("a"), "xyz").unwrap();
        let listing = Listing::read(root.path(), "p");
        let names: Vec<(&str, Kind)> = listing.below("p").map(|(path, entry)| (path, entry.kind)).collect();
        let expected =
            [("p/a", Kind::File), ("p/loop", Kind::Link), ("p/node_modules", Kind::Folder), ("p/outside", Kind::Link)];
        assert_eq!(names, expected);
        assert_eq!(listing.unread.len(), 1, "{:?}", listing.unread);
        assert!(listing.has("p/node_modules") && !listing.has("p/b") && listing.has_file("p/a"));
    }
}
