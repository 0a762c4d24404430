//! What the packages of lock files say of a tree.
//!
//! In a project's sources they are what it is built from, and all of them count. In an image a lock file says what somebody meant to install, not what is there: it counts only where
//! nothing better can be had, as [`Evidence::Listed`] and without development dependencies:
//!
//! * it lies at an application root, not among the files of a package, a toolchain, tests or examples;
//! * nothing of its ecosystem is recorded as installed: anywhere in the image, or for Node in and around its folder;
//! * its packages leave no record of their own where they are used, since they are compiled into a program (crates, Conan's, Dart's, Swift's and .NET's native ones), or it is the record itself (Yarn's
//!   Plug'n'Play, by the loader beside it).
//!
//! Of one that is left, because interpreters and bundlers would need what is not there, the answer only says that it was seen.

use std::collections::BTreeMap;

use super::super::path::{join, parent};
use super::super::{
    Effect, Evidence, Fact, FileFacts, FilePath, InstalledPackage, PackageFact, PackageKind, Scope, Unknown,
};
use super::Merge;

/// What lock files add to an inventory.
#[derive(Default)]
pub(super) struct Locked {
    pub(super) packages: Vec<InstalledPackage>,
    pub(super) unknowns: Vec<(Option<usize>, Unknown)>,
    /// Lock files at application roots that do not count as those of a project's sources would.
    pub(super) set_aside: Vec<FilePath>,
}

/// Folders of an image's root that package managers and toolchains fill.
const FILLED: &[&[u8]] = &[
    b"bin/",
    b"lib/",
    b"lib64/",
    b"usr/lib/",
    b"usr/lib64/",
    b"usr/share/",
    b"usr/local/cargo/",
    b"usr/local/go/",
    b"usr/local/lib/",
    b"usr/local/rustup/",
    b"usr/local/share/",
    b"var/cache/",
    b"var/lib/",
];

/// Folders of an application that it does not run.
const NOT_RUN: &[&[u8]] = &[
    b"test",
    b"tests",
    b"__tests__",
    b"spec",
    b"testdata",
    b"fixtures",
    b"example",
    b"examples",
    b"doc",
    b"docs",
    b"benches",
    b"benchmarks",
    b"fuzz",
];

impl Merge<'_> {
    /// Decides about the packages of every live lock file; `installed` is what was recorded otherwise.
    pub(super) fn locked(&self, installed: &[InstalledPackage]) -> Locked {
        let mut locked = Locked::default();
        for (layer, file) in self.live_files() {
            if self.options.source_tree {
                self.of_sources(layer, file, &mut locked);
            } else if let Some(kind) = kind_of(file) {
                self.of_image(kind, layer, file, installed, &mut locked);
            }
        }
        locked
    }

    /// What is installed in a project's sources is needed for what its lock files say.
    pub(super) fn take_scopes(&self, installed: &mut Vec<InstalledPackage>) {
        if !self.options.source_tree {
            return;
        }
        let mut scopes: BTreeMap<(PackageKind, &str, &str), Scope> = BTreeMap::new();
        for fact in self.live_files().flat_map(|(_, file)| &file.facts) {
            if let Fact::Locked(package) = fact {
                let known = scopes.entry((package.kind, &package.name, &package.version)).or_insert(package.scope);
                *known = package.scope.min(*known);
            }
        }
        for package in installed.iter_mut() {
            let fact = &mut package.fact;
            fact.scope = scopes.get(&(fact.kind, &fact.name, &fact.version)).copied().unwrap_or_default();
        }
        installed.retain(|package| package.fact.scope == Scope::Runtime || !self.options.without_development);
    }

    fn of_sources(&self, layer: usize, file: &FileFacts, locked: &mut Locked) {
        for fact in &file.facts {
            match fact {
                Fact::Locked(package) if package.scope == Scope::Runtime || !self.options.without_development => {
                    locked.packages.push(self.found(fact, package.clone(), file, layer));
                }
                Fact::Unpinned(reason) => locked.unknowns.push((Some(layer), unknown(file, reason.clone()))),
                _ => {}
            }
        }
    }

    fn of_image(
        &self,
        kind: PackageKind,
        layer: usize,
        file: &FileFacts,
        installed: &[InstalledPackage],
        locked: &mut Locked,
    ) {
        let path = file.path.as_bytes();
        if !is_application_root(path) || self.is_recorded(kind, path, installed) {
            return;
        }
        locked.set_aside.push(file.path.clone());
        let needed = file.facts.iter().filter_map(|fact| match fact {
            Fact::Locked(package) if package.scope == Scope::Runtime => Some((fact, package)),
            _ => None,
        });
        if is_compiled_in(kind) || self.has_loader(kind, path) {
            locked.packages.extend(needed.map(|(fact, package)| {
                let mut package = package.clone();
                package.evidence = Evidence::Listed;
                self.found(fact, package, file, layer)
            }));
        } else {
            let count = needed.count();
            let reason = format!(
                "nothing here records as installed what it names, packages: {count}, so it does not count; the sources of a project are scanned with `dir:PATH --source`"
            );
            locked.unknowns.push((Some(layer), unknown(file, reason)));
        }
    }

    fn found(&self, fact: &Fact, package: PackageFact, file: &FileFacts, layer: usize) -> InstalledPackage {
        let (path, layer) = (file.path.clone(), self.since(fact, file, layer));
        InstalledPackage { fact: package, path, layer, owner: None, is_program: false, loaded: None }
    }

    /// Whether packages of the ecosystem are recorded where the application would find them.
    fn is_recorded(&self, kind: PackageKind, path: &[u8], installed: &[InstalledPackage]) -> bool {
        let folder = parent(path).unwrap_or_default();
        let mut recorded = installed.iter().filter(|package| package.fact.kind == kind);
        if kind != PackageKind::Npm {
            return recorded.next().is_some();
        }
        let mut above = std::iter::successors(Some(folder), |folder| parent(folder));
        recorded.any(|package| folder.is_empty() || package.path.as_bytes().starts_with(&join(folder, b"")))
            || above.any(|folder| self.view.is_folder(&join(folder, b"node_modules")))
    }

    /// Whether Yarn's loader stands beside the lock file: then the packages are the archives that both name.
    fn has_loader(&self, kind: PackageKind, path: &[u8]) -> bool {
        let folder = parent(path).unwrap_or_default();
        let loader = |name: &[u8]| self.view.entry(&join(folder, name)).is_some();
        kind == PackageKind::Npm && path.ends_with(b"yarn.lock") && (loader(b".pnp.cjs") || loader(b".pnp.js"))
    }
}

/// The ecosystem of a lock file; none where it names no package.
fn kind_of(file: &FileFacts) -> Option<PackageKind> {
    file.facts.iter().find_map(|fact| match fact {
        Fact::Locked(package) => Some(package.kind),
        _ => None,
    })
}

/// Ecosystems whose packages can be part of a program without any record.
fn is_compiled_in(kind: PackageKind) -> bool {
    matches!(kind, PackageKind::Cargo | PackageKind::Conan | PackageKind::NuGet | PackageKind::Pub | PackageKind::Swift)
}

fn is_application_root(path: &[u8]) -> bool {
    let folder = parent(path).unwrap_or_default();
    !FILLED.iter().any(|filled| path.starts_with(filled))
        && !folder.split(|byte| *byte == b'/').any(|part| NOT_RUN.contains(&part))
}

fn unknown(file: &FileFacts, reason: String) -> Unknown {
    Unknown { effect: Effect::Optional, path: Some(file.path.clone()), by: file.inspector.clone(), reason }
}
