//! Names of a tar archive to paths inside the image, as a runtime places them.
//!
//! Docker (moby `pkg/archive/diff.go`) and containerd (`archive/tar.go`) clean the name, join it to the root and never leave it: an absolute name is relative
//! to the root, and `..` is resolved lexically. containerd's join stops at the root; Docker refuses a name that would leave it. Here such a name stays inside the root,
//! since the scanner must not lose a file that one of the two unpacks.

/// Longest path: Linux's `PATH_MAX` with its closing NUL. No runtime can create a longer one by name.
pub const MAX_PATH_BYTES: usize = 4095;

/// Longest single name: `NAME_MAX` of every common file system.
pub const MAX_NAME_BYTES: usize = 255;

/// Why a name is not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No file system takes a NUL in a name.
    #[error("the name contains a NUL byte")]
    Nul,
    /// Longer than [`MAX_PATH_BYTES`].
    #[error("the path is longer than {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// A part is longer than [`MAX_NAME_BYTES`].
    #[error("a name in the path is longer than {MAX_NAME_BYTES} bytes")]
    NameTooLong,
}

/// Writes the normal form of `raw` to `normal`: relative to the root, without empty parts, `.` and `..`. The root itself is the empty path.
///
/// # Errors
/// When no file system could hold it.
pub fn normalise(raw: &[u8], normal: &mut Vec<u8>) -> Result<(), PathError> {
    normal.clear();
    if is_normal(raw) {
        normal.extend_from_slice(raw);
        return Ok(());
    }
    if memchr::memchr(0, raw).is_some() {
        return Err(PathError::Nul);
    }
    for part in raw.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => normal.truncate(memchr::memrchr(b'/', normal).unwrap_or(0)),
            _ if part.len() > MAX_NAME_BYTES => return Err(PathError::NameTooLong),
            _ => {
                if !normal.is_empty() {
                    normal.push(b'/');
                }
                normal.extend_from_slice(part);
            }
        }
        if normal.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong);
        }
    }
    Ok(())
}

/// Whether `path` is in normal form and not the root.
#[must_use]
pub fn is_normal(path: &[u8]) -> bool {
    if path.is_empty() || path.len() > MAX_PATH_BYTES || memchr::memchr(0, path).is_some() {
        return false;
    }
    path.split(|b| *b == b'/').all(|part| !matches!(part, b"" | b"." | b"..") && part.len() <= MAX_NAME_BYTES)
}

/// What the last part of a path says about the layers below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whiteout<'a> {
    /// Nothing: an ordinary entry.
    None,
    /// `.wh.NAME`: the entry NAME in the same folder is gone.
    Of {
        /// The folder, empty for the root.
        folder: &'a [u8],
        /// The name.
        name: &'a [u8],
    },
    /// `.wh..wh..opq`: all that lower layers have in the folder is gone.
    Opaque {
        /// The folder, empty for the root.
        folder: &'a [u8],
    },
    /// Other names that begin with `.wh..wh.`: aufs's own notes, which no runtime unpacks.
    Metadata,
}

/// Tells whiteouts from ordinary entries.
///
/// Source: OCI image-spec `layer.md`, "Whiteouts"; moby `pkg/archive/whiteouts.go`.
#[must_use]
pub fn whiteout(path: &[u8]) -> Whiteout<'_> {
    let (folder, name) = match memchr::memrchr(b'/', path) {
        Some(slash) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..).unwrap_or_default()),
        None => (&b""[..], path),
    };
    match name.strip_prefix(b".wh.") {
        None | Some(b"") => Whiteout::None,
        Some(b".wh..opq") => Whiteout::Opaque { folder },
        Some(rest) if rest.starts_with(b".wh.") => Whiteout::Metadata,
        Some(name) => Whiteout::Of { folder, name },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(raw: &[u8]) -> Result<String, PathError> {
        let mut path = b"stale".to_vec();
        normalise(raw, &mut path).map(|()| String::from_utf8(path).unwrap())
    }

    #[test]
    fn names_never_leave_the_root() {
        for (raw, expected) in [
            ("usr/bin/a", "usr/bin/a"),
            ("./usr//bin/./a/", "usr/bin/a"),
            ("/etc/passwd", "etc/passwd"),
            ("../../etc/passwd", "etc/passwd"),
            ("a/b/../../../c", "c"),
            ("a/..", ""),
            ("./", ""),
            ("...", "..."),
        ] {
            assert_eq!(normal(raw.as_bytes()).unwrap(), expected, "{raw}");
        }
        assert_eq!(normal(b"a\0b"), Err(PathError::Nul));
        assert_eq!(normal("n".repeat(256).as_bytes()), Err(PathError::NameTooLong));
        assert_eq!(normal("n/".repeat(2049).as_bytes()), Err(PathError::TooLong));
        assert!(!is_normal(b"a/../b") && !is_normal(b"/a") && !is_normal(b"") && is_normal(b"a/b"));
    }

    #[test]
    fn whiteouts_are_told_from_files() {
        assert_eq!(whiteout(b"etc/.wh.passwd"), Whiteout::Of { folder: b"etc", name: b"passwd" });
        assert_eq!(whiteout(b".wh.x"), Whiteout::Of { folder: b"", name: b"x" });
        assert_eq!(whiteout(b"etc/.wh..wh..opq"), Whiteout::Opaque { folder: b"etc" });
        assert_eq!(whiteout(b".wh..wh.plnk"), Whiteout::Metadata);
        assert_eq!(whiteout(b"etc/x.wh.y"), Whiteout::None);
        assert_eq!(whiteout(b".wh."), Whiteout::None);
    }
}
