//! Packages of a Nix store: each folder of `/nix/store` is named after one, and no other record of names and versions is kept.
//!
//! Source: the Nix manual, "Store path" (32 digits of a hash, a dash, a name) and `builtins.parseDrvName` (where the version begins).

use std::collections::HashSet;

use super::super::path::join;
use super::super::{FilePath, InstalledPackage, PackageFact, PackageKind};
use super::Merge;

/// The store. It cannot be a symlink (`allow-symlinked-store` is off), and images that Nix builds have no database beside it.
const STORE: &[u8] = b"nix/store";

/// Digits of the hash in a store path.
const HASH_DIGITS: usize = 32;

/// Names of outputs that Nixpkgs splits off a package (`multiple-outputs.chapter.md` of its manual).
const OUTPUTS: &[&str] =
    &["bin", "data", "debug", "dev", "devdoc", "devman", "dist", "doc", "info", "lib", "man", "out", "py", "static"];

impl Merge<'_> {
    /// The packages whose folders are in the store; several outputs of one package are one.
    pub(super) fn nix_packages(&self) -> Vec<InstalledPackage> {
        let (mut packages, mut seen) = (Vec::new(), HashSet::new());
        for folder in self.view.names_in(STORE) {
            let Some((name, version)) = std::str::from_utf8(&folder).ok().and_then(package) else { continue };
            let path = join(STORE, &folder);
            if !self.view.is_folder(&path) {
                continue;
            }
            let fact = PackageFact::new(PackageKind::Nix, name, version);
            if !seen.insert(fact.clone()) {
                continue;
            }
            let has_it = |index: &usize| {
                self.layers.get(*index).and_then(|layer| *layer).is_some_and(|facts| facts.tree.has_children(&path))
            };
            let layer = (0..self.layers.len()).find(has_it).unwrap_or_default();
            packages.push(InstalledPackage {
                fact,
                path: FilePath::new(&path),
                layer,
                owner: None,
                is_program: false,
                loaded: None,
            });
        }
        packages
    }
}

/// Name and version in `HASH-NAME-VERSION[-OUTPUT]`; what has no version is a source, a hook or a configuration.
fn package(folder: &str) -> Option<(&str, &str)> {
    let (hash, full) = folder.split_once('-')?;
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    // The version begins after the first dash that no letter follows.
    let starts = full.match_indices('-').map(|(at, _)| at + 1);
    let mut versions = starts.filter_map(|at| full.get(at..)).filter(|rest| {
        let first = rest.bytes().next();
        first.is_some_and(|first| !first.is_ascii_alphabetic())
    });
    let version = versions.next().filter(|version| is_hash && version.starts_with(|c: char| c.is_ascii_digit()))?;
    let name = full.get(..full.len() - version.len() - 1)?;
    let version = match version.rsplit_once('-') {
        Some((version, output)) if OUTPUTS.contains(&output) => version,
        _ => version,
    };
    (!name.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and versions are what `nix-instantiate --eval -E 'builtins.parseDrvName "…"'` answers for the name without its output.
    #[test]
    fn folders_name_packages() {
        let hash = "0q1kc5w2x4rz8k9yh3vm7d6p5n1jb2sa";
        for (name, expected) in [
            ("glibc-2.38-44", Some(("glibc", "2.38-44"))),
            ("openssl-3.0.13-bin", Some(("openssl", "3.0.13"))),
            ("python3-3.11.8", Some(("python3", "3.11.8"))),
            ("python3.11-requests-2.31.0", Some(("python3.11-requests", "2.31.0"))),
            ("bash-interactive-5.2-p26", Some(("bash-interactive", "5.2-p26"))),
            ("nss-cacert-3.98", Some(("nss-cacert", "3.98"))),
            ("source", None),
            ("stdenv-linux", None),
            ("config.json", None),
        ] {
            assert_eq!(package(&format!("{hash}-{name}")), expected, "{name}");
        }
        assert_eq!(package("glibc-2.38"), None);
    }
}
