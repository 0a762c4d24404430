//! Lock files: what a project's sources are built from, one file an ecosystem.
//!
//! In: a file that a package manager wrote to pin versions. Out: [`Fact::Locked`] for each package that comes from elsewhere, and one [`Fact::Unpinned`] for what the file leaves open.
//! The project itself, the members of its workspace and folders beside it are no packages. Whether a lock file says anything of what is installed is decided at the merge
//! (`facts::merge::locked`): an inspector sees one file.

mod bun;
mod bundler;
mod cargo;
mod composer;
mod conan;
mod deno;
mod go;
mod gradle;
mod maven;
mod mix;
mod npm;
mod nuget;
mod pdm;
mod pipenv;
mod pnpm;
mod poetry;
mod pubspec;
mod pylock;
mod reach;
mod renv;
mod requirements;
mod swift;
mod uv;
mod yarn;

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, PackageFact, PackageKind, Scope};
use crate::layer::{Entry, FileView};

/// Every format.
pub(super) use {
    bun::{BUN, BunBinary},
    bundler::BUNDLER,
    cargo::CARGO,
    composer::COMPOSER,
    conan::CONAN,
    deno::DENO,
    go::GO_MOD,
    gradle::GRADLE,
    maven::MAVEN,
    mix::MIX,
    npm::NPM,
    nuget::{NUGET, NUGET_CONFIG},
    pdm::PDM,
    pipenv::PIPENV,
    pnpm::PNPM,
    poetry::POETRY,
    pubspec::PUB,
    pylock::PYLOCK,
    renv::RENV,
    requirements::REQUIREMENTS,
    swift::SWIFT,
    uv::UV,
    yarn::YARN,
};

/// Largest lock file that is read, in bytes. Those of the largest public monorepos have 3 MB.
const MAX_LOCK_BYTES: u64 = 8 << 20;

/// Longest name or version; no registry takes longer names than npm with 214 characters, but a Go module path has no limit.
const MAX_FIELD_BYTES: usize = 1024;

/// Folders whose files came with a package, so that a lock file in one is somebody else's: its author built with it, nobody here does.
const FOREIGN: &[&[u8]] = &[
    b"node_modules",
    b"site-packages",
    b"dist-packages",
    b"vendor",
    b"bower_components",
    b".cargo",
    b".git",
    b".yarn",
    b".pnpm-store",
    b".m2",
    b".gradle",
    b".nuget",
    b".pub-cache",
    b".build",
];

/// A format of lock files.
pub(super) struct LockFile {
    meta: &'static Meta,
    /// Whether a path is one of them.
    is_named: fn(&Entry<'_>) -> bool,
    /// Text to packages.
    parse: fn(&str, &mut Found) -> Result<(), InspectError>,
}

impl Inspector for LockFile {
    fn meta(&self) -> &'static Meta {
        self.meta
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        (self.is_named)(entry) && !is_foreign(entry.path)
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let text =
            std::str::from_utf8(whole(file, MAX_LOCK_BYTES)?).map_err(|_| InspectError::Malformed("not UTF-8"))?;
        let mut found = Found::default();
        let outcome = (self.parse)(text.strip_prefix('\u{feff}').unwrap_or(text), &mut found);
        facts.extend(found.into_facts());
        outcome
    }
}

/// Whether a lock file at `path` came with a package.
fn is_foreign(path: &[u8]) -> bool {
    let is_module_cache = |folders: &[&[u8]]| folders == [&b"pkg"[..], b"mod"];
    let folders: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    folders.iter().any(|folder| FOREIGN.contains(folder)) || folders.windows(2).any(is_module_cache)
}

/// What a lock file tells.
#[derive(Default)]
struct Found {
    packages: BTreeMap<(PackageKind, String, String), PackageFact>,
    open: usize,
    first_open: Option<String>,
}

impl Found {
    /// A package without anything else known; several entries of one name and version are one package.
    fn package(&mut self, kind: PackageKind, name: &str, version: &str, scope: Scope) {
        self.add(PackageFact { scope, ..PackageFact::new(kind, name.trim(), version.trim()) });
    }

    fn add(&mut self, package: PackageFact) {
        let is_sound = |field: &str| {
            !field.is_empty()
                && field.len() <= MAX_FIELD_BYTES
                && !field.chars().any(|c| c.is_control() || c.is_whitespace())
        };
        if !is_sound(&package.name) || !is_sound(&package.version) {
            let shown = |field: &str| field.chars().take(80).collect::<String>();
            return self.open(format_args!("`{}` has the version `{}`", shown(&package.name), shown(&package.version)));
        }
        let key = (package.kind, package.name.clone(), package.version.clone());
        let known = self.packages.entry(key).or_insert_with(|| package.clone());
        known.scope = known.scope.min(package.scope);
    }

    /// An entry that is no package of one version, and why.
    fn open(&mut self, why: impl Display) {
        self.open += 1;
        if self.first_open.is_none() {
            self.first_open = Some(without_credentials(&why.to_string()));
        }
    }

    fn into_facts(self) -> impl Iterator<Item = Fact> {
        let open = self.first_open.map(|first| match self.open {
            1 => format!("an entry is left open: {first}"),
            count => format!("{count} entries are left open, the first: {first}"),
        });
        self.packages.into_values().map(Fact::Locked).chain(open.map(Fact::Unpinned))
    }
}

/// `text` with the user part of addresses masked: a token may stand there.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let authority = part.find(['/', ' ', '`']).unwrap_or(part.len());
        let user = part.get(..authority).and_then(|authority| authority.rfind('@'));
        masked.push_str("://");
        masked.push_str(if user.is_some() { "***" } else { "" });
        masked.push_str(part.get(user.unwrap_or(0)..).unwrap_or_default());
    }
    masked
}

/// Runtime, or only for development.
fn scope(is_development: bool) -> Scope {
    if is_development { Scope::Development } else { Scope::Runtime }
}

/// A value, or its default where the file has `null`: an empty block of YAML.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// YAML as package managers write it: many nodes, little depth, and none of what makes YAML grow.
fn yaml<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, InspectError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 2_000_000, max_events: 5_000_000, max_anchors: 0, max_aliases: 0, max_documents: 8 },
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| super::yaml_error(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::EntryKind;

    fn facts(format: &LockFile, text: &str) -> Vec<Fact> {
        let entry = Entry {
            path: b"app/lock",
            kind: EntryKind::File,
            size: text.len() as u64,
            mode: 0,
            uid: 0,
            gid: 0,
            link: b"",
            capability: None,
        };
        let mut facts = Vec::new();
        format.inspect(&FileView::in_memory(entry, text.as_bytes()), &mut facts).unwrap();
        facts
    }

    /// What a lock file names: `NAME VERSION`, and `dev` behind it.
    pub(super) fn packages(format: &LockFile, text: &str) -> Vec<String> {
        let line = |fact: &Fact| {
            let Fact::Locked(package) = fact else { return None };
            let development = if package.scope == Scope::Development { " dev" } else { "" };
            Some(format!("{} {}{development}", package.name, package.version))
        };
        facts(format, text).iter().filter_map(line).collect()
    }

    /// What a lock file leaves open.
    pub(super) fn open(format: &LockFile, text: &str) -> Vec<String> {
        let open = |fact| if let Fact::Unpinned(why) = fact { Some(why) } else { None };
        facts(format, text).into_iter().filter_map(open).collect()
    }

    #[test]
    fn lock_files_of_packages_are_theirs() {
        let wanted = |path: &[u8]| super::super::wanted_by_name(path).map(|inspector| inspector.meta().name);
        assert_eq!(wanted(b"app/yarn.lock"), Some("language/yarn-lock"));
        assert_eq!(wanted(b"yarn.lock"), Some("language/yarn-lock"));
        for path in [
            "app/node_modules/a/yarn.lock",
            "root/.cargo/registry/src/x/a-1.0.0/Cargo.lock",
            "root/go/pkg/mod/a.example/b@v1.0.0/go.mod",
            "app/vendor/a/b/composer.lock",
        ] {
            assert_eq!(wanted(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn credentials_of_addresses_are_masked() {
        assert_eq!(
            without_credentials("`g` from `git+https://me:secret@git.example/a@b`"),
            "`g` from `git+https://***@git.example/a@b`"
        );
        assert_eq!(without_credentials("`a@https://files.example/a@1`"), "`a@https://files.example/a@1`");
    }

    #[test]
    fn a_package_without_a_name_or_version_is_left_open() {
        let mut found = Found::default();
        found.package(PackageKind::Npm, "a", "", Scope::Runtime);
        found.package(PackageKind::Npm, "a\nb", "1", Scope::Runtime);
        found.package(PackageKind::Npm, "a", "1", Scope::Development);
        found.package(PackageKind::Npm, "a", "1", Scope::Runtime);
        let facts: Vec<Fact> = found.into_facts().collect();
        assert_eq!(facts.len(), 2);
        assert_eq!(facts[0].package().map(|package| package.scope), Some(Scope::Runtime));
        assert_eq!(facts[1], Fact::Unpinned("2 entries are left open, the first: `a` has the version ``".into()));
    }
}
