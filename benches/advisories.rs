//! The store and the matcher: `IMGGUARD_SHARED=… cargo bench --bench advisories`. Prints CPU times of this process, and fails where a limit is passed.
//!
//! Data: the shared OSV files (36,216 records). Packages: real names of them, every one at a version that a record names, repeated to 10,000 of a mixed image.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use imgguard::advisory::model::Upper;
use imgguard::advisory::{Candidate, ImportOptions, Inventory, OsRelease, Store, import, match_inventory};
use imgguard::facts::{PackageFact, PackageKind};

/// Packages of the inventory.
const PACKAGES: usize = 10_000;

/// Ecosystems of the inventory, as an image of Debian has them.
const KINDS: [(&str, PackageKind); 9] = [
    ("Debian:11", PackageKind::Deb),
    ("Go", PackageKind::Go),
    ("Maven", PackageKind::Maven),
    ("npm", PackageKind::Npm),
    ("NuGet", PackageKind::NuGet),
    ("Packagist", PackageKind::Composer),
    ("PyPI", PackageKind::PyPi),
    ("RubyGems", PackageKind::Gem),
    ("crates.io", PackageKind::Cargo),
];

/// CPU time of this process, user and system.
fn cpu() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().unwrap()
}

fn timed<T>(name: &str, limit: Duration, work: impl FnOnce() -> T) -> T {
    let before = cpu();
    let result = work();
    let taken = cpu() - before;
    println!("{name}: {taken:.1?} CPU (at most {limit:?})");
    assert!(taken <= limit, "{name} takes {taken:?}");
    result
}

/// One package for each package of the store that the inventory may have, at its first fixed or listed version.
fn packages(store: &Store) -> Vec<PackageFact> {
    let mut facts = Vec::new();
    for (ecosystem, name) in store.packages().unwrap() {
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == ecosystem) else { continue };
        let rows = store.rows(&ecosystem, &name).unwrap();
        let versions = rows.iter().flat_map(|(_, row)| {
            let ends = row.intervals.iter().filter_map(|interval| match &interval.to {
                Upper::Fixed(end) | Upper::Through(end) => Some(end.clone()),
                _ => None,
            });
            ends.chain(row.versions.iter().cloned())
        });
        facts.extend(versions.take(3).map(|version| PackageFact::new(*kind, &name, version)));
    }
    facts.into_iter().cycle().take(PACKAGES).collect()
}

fn main() {
    let shared = std::env::var_os("IMGGUARD_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let data = shared.join("data/osv");
    if !data.is_dir() {
        println!("SKIPPED: `{}` is absent; set IMGGUARD_SHARED", data.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("advisories.store");
    let report = timed("import", Duration::from_secs(5), || import(&[data], &path, ImportOptions::default()).unwrap());
    println!("store: {} bytes (at most 4194304)", report.bytes);
    assert!(report.bytes <= 4 << 20);
    let store = timed("open", Duration::from_millis(2), || Store::open(&path).unwrap());
    let facts = packages(&store);
    let candidates: Vec<Candidate<'_>> =
        facts.iter().map(|package| Candidate { package, owned_by_os: false, main_module: false }).collect();
    let os = Some(OsRelease { id: "debian", version_id: Some("11"), ..OsRelease::default() });
    // A store that nobody has read from yet: blocks are checked and inflated, too.
    let cold = Store::open(&path).unwrap();
    let inventory = Inventory { packages: &candidates, os };
    let outcome =
        timed("match 10,000 packages", Duration::from_millis(50), || match_inventory(&cold, &inventory).unwrap());
    println!("{} matches", outcome.matches.len());
}
