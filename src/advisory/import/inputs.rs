//! Paths that a user names ▸ sources to read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::advisory::error::AdvisoryError;

/// Deepest folder that is searched for records. The deepest real tree (GitHub's advisory database) has five levels.
const MAX_DEPTH: usize = 12;

/// Most files of one folder tree. The largest public databases have some 100,000.
pub(super) const MAX_FILES: usize = 4_000_000;

/// One source.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Input {
    /// The source's name.
    pub(super) name: String,
    /// As named or found.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// How its records are kept.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A zip file of `.json` entries.
    Zip,
    /// These files, sorted.
    Files(Vec<PathBuf>),
}

/// Finds the sources of all inputs, sorted by name.
pub(super) fn find(inputs: &[PathBuf]) -> Result<Vec<Input>, AdvisoryError> {
    let mut found = Vec::new();
    for path in inputs {
        let metadata = fs::metadata(path).map_err(|source| AdvisoryError::Read { path: path.clone(), source })?;
        if metadata.is_dir() {
            found.extend(in_folder(path)?);
        } else {
            found.push(file(path));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn file(path: &Path) -> Input {
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_json {
        Input { name: folder_name(path), path: path.to_owned(), kind: Kind::Files(vec![path.to_owned()]) }
    } else {
        zip(path)
    }
}

/// `…/crates.io/all.zip` is named after its folder, any other zip file after itself.
fn zip(path: &Path) -> Input {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = if stem == "all" { folder_name(path) } else { stem };
    Input { name, path: path.to_owned(), kind: Kind::Zip }
}

fn folder_name(path: &Path) -> String {
    let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    absolute.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A folder's own `all.zip`, else those of its subfolders, else its `.json` files at any depth.
fn in_folder(folder: &Path) -> Result<Vec<Input>, AdvisoryError> {
    let own = folder.join("all.zip");
    if own.is_file() {
        return Ok(vec![zip(&own)]);
    }
    let entries = list(folder)?;
    let zips: Vec<Input> = entries
        .iter()
        .map(|entry| entry.join("all.zip"))
        .filter(|path| path.is_file())
        .map(|path| zip(&path))
        .collect();
    if !zips.is_empty() {
        return Ok(zips);
    }
    let mut files = Vec::new();
    collect(folder, 0, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(AdvisoryError::NoRecords { path: folder.to_owned() });
    }
    let name = fs::canonicalize(folder).ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    Ok(vec![Input { name: name.unwrap_or_default(), path: folder.to_owned(), kind: Kind::Files(files) }])
}

/// Links are not followed: a folder of records is a tree.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), AdvisoryError> {
    if depth > MAX_DEPTH {
        return Err(AdvisoryError::Limit { path: folder.to_owned(), what: "nested folders", limit: MAX_DEPTH as u64 });
    }
    for path in list(folder)? {
        let metadata =
            fs::symlink_metadata(&path).map_err(|source| AdvisoryError::Read { path: path.clone(), source })?;
        if metadata.is_dir() {
            collect(&path, depth + 1, files)?;
        } else if metadata.is_file() && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
        {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(AdvisoryError::Limit { path: folder.to_owned(), what: "files", limit: MAX_FILES as u64 });
        }
    }
    Ok(())
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, AdvisoryError> {
    let error = |source| AdvisoryError::Read { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(error)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(error)).collect()
}
