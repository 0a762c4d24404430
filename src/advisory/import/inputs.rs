//! Paths that a user names ▸ files to read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::advisory::error::AdvisoryError;

/// Deepest folder that is searched for records. The deepest real tree (GitHub's advisory database) has five levels.
const MAX_DEPTH: usize = 12;

/// Most files of one folder tree. The largest public databases have some 100,000.
pub(super) const MAX_FILES: usize = 4_000_000;

/// The archive of a provider's documents in a folder of `db update`, and beside it the zip file of those that changed since it was made.
pub(crate) const ARCHIVE: &str = "archive";
pub(crate) const NEWER: &str = "newer.zip";

/// One file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Input {
    /// Name of the source that OSV records in it belong to; a vendor's feed has its own name.
    pub(super) label: String,
    /// Its name below what the user named, with `/` between folders; feeds whose documents do not tell their release are told by it.
    pub(super) name: String,
    /// As named or found.
    pub(super) path: PathBuf,
    /// Whether it lies beside folders of `all.zip` files, where loose JSON files (statistics, lists) are no records.
    pub(super) beside_archives: bool,
    /// For an [`ARCHIVE`]: the zip file of documents that are newer than those of the same names in it.
    pub(super) newer: Option<PathBuf>,
}

/// Finds the files of all inputs, sorted.
pub(super) fn find(inputs: &[PathBuf]) -> Result<Vec<Input>, AdvisoryError> {
    let mut found = Vec::new();
    for path in inputs {
        let metadata = fs::metadata(path).map_err(|source| AdvisoryError::Read { path: path.clone(), source })?;
        if metadata.is_dir() {
            let mut folder = Folder { root: path, label: name_of(path), files: Vec::new() };
            folder.collect(path, 0)?;
            if folder.files.is_empty() {
                return Err(AdvisoryError::NoRecords { path: path.clone() });
            }
            found.append(&mut folder.files);
        } else {
            found.push(Input {
                label: label_of(path),
                name: name_of(path),
                path: path.clone(),
                beside_archives: false,
                newer: None,
            });
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// `…/crates.io/all.zip` is named after its folder, any other archive after itself, a record after its folder.
fn label_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let is_record = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if stem == "all" || is_record { path.parent().map(name_of).unwrap_or_default() } else { stem }
}

fn name_of(path: &Path) -> String {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A folder that is searched.
struct Folder<'a> {
    root: &'a Path,
    label: String,
    files: Vec<Input>,
}

impl Folder<'_> {
    /// Collects files at any depth; where there is an `all.zip`, only that, since what lies beside it is made from it. Links are not followed
    /// (a folder of records is a tree), and hidden files are not looked at.
    fn collect(&mut self, folder: &Path, depth: usize) -> Result<(), AdvisoryError> {
        if depth > MAX_DEPTH {
            return Err(AdvisoryError::Limit {
                path: folder.to_owned(),
                what: "nested folders",
                limit: MAX_DEPTH as u64,
            });
        }
        let zip = folder.join("all.zip");
        if zip.is_file() {
            self.push(&zip, name_of(folder), false);
            return Ok(());
        }
        let paths = list(folder)?;
        let beside_archives = paths.iter().any(|path| path.join("all.zip").is_file());
        for path in paths {
            let metadata =
                fs::symlink_metadata(&path).map_err(|source| AdvisoryError::Read { path: path.clone(), source })?;
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                continue;
            }
            if metadata.is_dir() {
                self.collect(&path, depth + 1)?;
            } else if metadata.is_file() {
                self.push(&path, self.label.clone(), beside_archives);
            }
            if self.files.len() > MAX_FILES {
                return Err(AdvisoryError::Limit { path: folder.to_owned(), what: "files", limit: MAX_FILES as u64 });
            }
        }
        Ok(())
    }

    fn push(&mut self, path: &Path, label: String, beside_archives: bool) {
        let relative = path.strip_prefix(self.root).unwrap_or(path);
        let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let newer = path.with_file_name(NEWER);
        let newer = Some(newer).filter(|newer| path.file_name().is_some_and(|name| name == ARCHIVE) && newer.is_file());
        self.files.push(Input { label, name: parts.join("/"), path: path.to_owned(), beside_archives, newer });
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, AdvisoryError> {
    let error = |source| AdvisoryError::Read { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(error)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(error)).collect()
}
