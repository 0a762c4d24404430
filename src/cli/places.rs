//! Where files of the user are kept (XDG Base Directory Specification 0.8).

use std::path::PathBuf;

/// The store that `db update` writes and every verb reads when it is there.
pub(super) fn store() -> Option<PathBuf> {
    below("XDG_DATA_HOME", ".local/share").map(|folder| folder.join("advisories.store"))
}

/// The base catalogue that `base index` writes and every scan reads when it is there.
pub(super) fn catalogue() -> Option<PathBuf> {
    below("XDG_DATA_HOME", ".local/share").map(|folder| folder.join("bases.catalogue"))
}

/// The files of upstreams as they came.
pub(super) fn feeds() -> Option<PathBuf> {
    below("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("feeds"))
}

/// Facts of layers.
pub(super) fn facts() -> Option<PathBuf> {
    below("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("facts"))
}

/// Trusted roots of Sigstore instances, a folder for each TUF repository.
pub(super) fn tuf() -> Option<PathBuf> {
    below("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("tuf"))
}

/// Our folder in the one that a variable names, else in that of HOME. Paths that are not absolute count as none.
fn below(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home))).map(|folder| folder.join("imgguard"))
}
