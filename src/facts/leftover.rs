//! What a build leaves behind, by its path: caches of package managers, files for builders and editors, documentation.
//!
//! Sources: Dockle's checkpoint DKL-LI-0003 for files and folders that a container does not need; the folders of caches as each package manager's manual names them
//! (apt.conf(5), apk(8), dnf.conf(5), zypper(8), pacman.conf(5), `pip cache dir`, `npm config get cache`, `yarn cache dir`, `go env GOCACHE`, Cargo's and Composer's home).

use serde::{Deserialize, Serialize};

/// What kind of thing is left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum LeftoverKind {
    /// What a package manager keeps to install faster next time.
    Cache,
    /// A file that says how the image is built or run.
    BuildFile,
    /// A folder or file of tools that developers use: version control, editors, command lines of clouds.
    Workplace,
    /// Manuals and the like.
    Documentation,
    /// The socket of a container engine.
    EngineSocket,
}

/// Caches at one place.
const CACHES: &[&str] = &[
    "etc/apk/cache",
    "usr/local/share/.cache",
    "var/cache/apk",
    "var/cache/apt",
    "var/cache/dnf",
    "var/cache/libdnf5",
    "var/cache/pacman/pkg",
    "var/cache/yum",
    "var/cache/zypp",
    "var/lib/apt/lists",
];

/// Caches by the end of their folder's path.
const CACHE_ENDS: &[&str] = &[
    ".bundle/cache",
    ".cache/composer",
    ".cache/go-build",
    ".cache/pip",
    ".cache/pypoetry",
    ".cache/uv",
    ".cache/yarn",
    ".cargo/registry",
    ".composer/cache",
    ".gradle/caches",
    ".npm/_cacache",
    "go/pkg/mod/cache",
];

const DOCUMENTATION: &[&str] = &["usr/share/doc", "usr/share/info", "usr/share/man"];

const BUILD_FILES: &[&str] = &[
    "Containerfile",
    "Dockerfile",
    "compose.yaml",
    "compose.yml",
    "docker-bake.hcl",
    "docker-compose.yaml",
    "docker-compose.yml",
];

const WORKPLACES: &[&str] =
    &[".DS_Store", ".aws", ".azure", ".gcp", ".git", ".hg", ".idea", ".npm", ".svn", ".vimrc", ".vscode"];

const SOCKETS: &[&str] = &["containerd.sock", "crio.sock", "docker.sock", "podman.sock"];

/// Folders of other people's code, whose habits say nothing of the image.
const VENDORED: &[&str] = &["node_modules", "site-packages", "vendor"];

/// What is left at `path`, with the length of the part that names the whole of it: the cache's folder, the `.git` above a file.
#[must_use]
pub fn leftover(path: &[u8]) -> Option<(LeftoverKind, usize)> {
    let below = |folder: &&str| path.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"));
    // apt keeps a lock and an empty folder where its lists would be.
    if matches!(path, b"var/lib/apt/lists/lock" | b"var/cache/apt/archives/lock") {
        return None;
    }
    for (kind, folders) in [(LeftoverKind::Cache, CACHES), (LeftoverKind::Documentation, DOCUMENTATION)] {
        if let Some(folder) = folders.iter().find(|folder| below(folder)) {
            return Some((kind, folder.len()));
        }
    }
    let mut end = 0;
    let mut workplace = None;
    for part in path.split(|byte| *byte == b'/') {
        let is_in = |names: &[&str]| names.iter().any(|name| name.as_bytes() == part);
        end += part.len();
        let is_last = end == path.len();
        if is_in(VENDORED) {
            return None;
        }
        let folder = path.get(..end).unwrap_or_default();
        let is_cache = |known: &str| {
            folder.strip_suffix(known.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.ends_with(b"/"))
        };
        if !is_last && CACHE_ENDS.iter().any(|known| is_cache(known)) {
            return Some((LeftoverKind::Cache, end));
        }
        if is_in(WORKPLACES) && workplace.is_none() {
            workplace = Some((LeftoverKind::Workplace, end));
        }
        if is_last && is_in(SOCKETS) {
            return Some((LeftoverKind::EngineSocket, end));
        }
        if is_last && is_in(BUILD_FILES) && workplace.is_none() {
            return Some((LeftoverKind::BuildFile, end));
        }
        end += 1;
    }
    workplace
}

#[cfg(test)]
mod tests {
    use super::LeftoverKind::{BuildFile, Cache, Documentation, EngineSocket, Workplace};
    use super::*;

    #[test]
    fn the_whole_is_named_by_its_topmost_folder() {
        for (path, expected) in [
            ("var/lib/apt/lists/deb.example_dists_Packages", Some((Cache, "var/lib/apt/lists"))),
            ("var/lib/apt/lists/lock", None),
            ("var/lib/apt/listsofmine", None),
            ("root/.cache/pip/http/a", Some((Cache, "root/.cache/pip"))),
            ("root/.npm/_cacache/a", Some((Cache, "root/.npm/_cacache"))),
            ("root/.npm/_logs/a", Some((Workplace, "root/.npm"))),
            ("app/.git/objects/ab/cd", Some((Workplace, "app/.git"))),
            ("app/Dockerfile", Some((BuildFile, "app/Dockerfile"))),
            ("app/node_modules/a/Dockerfile", None),
            ("app/vendor/a/.git/HEAD", None),
            ("usr/share/doc/bash/README", Some((Documentation, "usr/share/doc"))),
            ("var/run/docker.sock", Some((EngineSocket, "var/run/docker.sock"))),
            ("app/main.py", None),
        ] {
            let found = leftover(path.as_bytes()).map(|(kind, end)| (kind, &path[..end]));
            assert_eq!(found, expected, "{path}");
        }
    }
}
