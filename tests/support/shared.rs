//! The shared data sets, which are not ours to pass on: tests over them are skipped where they are absent.

use std::path::{Path, PathBuf};

/// A folder of `../shared`, or of `$IMGGUARD_SHARED`, if it is there.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("IMGGUARD_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(name);
    if path.is_dir() {
        return Some(path);
    }
    skipped!("`{}` is absent; set IMGGUARD_SHARED", path.display());
    None
}
