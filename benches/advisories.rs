//! The store and the matcher: `IMGGUARD_SHARED=… cargo bench --bench advisories`. Prints CPU times of this process, and fails where a limit is passed.
//!
//! Data: the shared OSV files (36,216 records). Packages: those of a real image; and, which is harder than any image, such as records name, of all ecosystems.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use imgguard::advisory::model::Upper;
use imgguard::advisory::{Candidate, ImportOptions, Inventory, OsRelease, Store, import, match_inventory};
use imgguard::facts::{PackageFact, PackageKind, SourcePackage};

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

/// Repetitions of what takes milliseconds. The least counts: threads of the import go to sleep meanwhile, and the machine has other users.
const TIMES: usize = 7;

fn least<T>(name: &str, limit: Duration, mut work: impl FnMut() -> T) -> T {
    let mut fastest: Option<(Duration, T)> = None;
    for _ in 0..TIMES {
        let before = cpu();
        let result = work();
        let taken = cpu() - before;
        if fastest.as_ref().is_none_or(|(least, _)| taken < *least) {
            fastest = Some((taken, result));
        }
    }
    let (taken, result) = fastest.unwrap();
    println!("{name}: {taken:.1?} CPU (at most {limit:?})");
    assert!(taken <= limit, "{name} takes {taken:?}");
    result
}

fn timed<T>(name: &str, limit: Duration, work: impl FnOnce() -> T) -> T {
    let before = cpu();
    let result = work();
    let taken = cpu() - before;
    println!("{name}: {taken:.1?} CPU (at most {limit:?})");
    assert!(taken <= limit, "{name} takes {taken:?}");
    result
}

/// One package of every [`AFFECTED`] is at a version that a record calls affected; the others are at one that all have left behind, as in an image that is kept up to date. Every
/// name is one that records speak of, so that none is passed over.
const AFFECTED: usize = 10;

/// Up to three versions of each package of the store that the inventory may have: those at which a range ends, or that are listed.
fn packages(store: &Store, affected: usize) -> Vec<PackageFact> {
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
        for version in versions.take(3) {
            let is_affected = facts.len().is_multiple_of(affected);
            facts.push(PackageFact::new(*kind, &name, if is_affected { version } else { "99999.0.0".to_owned() }));
        }
    }
    facts.into_iter().cycle().take(PACKAGES).collect()
}

/// The packages of a real Debian 12 with Python, Ruby, Node, Java, Go and Rust packages, as dpkg-query lists them, repeated to so many.
fn debian(list: &Path) -> Vec<PackageFact> {
    let text = std::fs::read_to_string(list).unwrap();
    let facts = text.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        let (name, version, arch) = (cells.next()?, cells.next()?, cells.next()?);
        let source = SourcePackage { name: cells.next()?.to_owned(), version: cells.next()?.to_owned() };
        let package = PackageFact::new(PackageKind::Deb, name, version);
        Some(PackageFact { arch: Some(arch.to_owned()), source: Some(source), ..package })
    });
    facts.collect::<Vec<_>>().into_iter().cycle().take(PACKAGES).collect()
}

/// Matches against a store that nobody has read from yet: opening, checking and inflating blocks is in it.
fn matched(name: &str, limit: Duration, path: &Path, facts: &[PackageFact], release: &str) {
    let candidates: Vec<Candidate<'_>> =
        facts.iter().map(|package| Candidate { package, owned_by_os: false, main_module: false }).collect();
    let os = Some(OsRelease { id: "debian", version_id: Some(release), ..OsRelease::default() });
    let inventory = Inventory { packages: &candidates, os };
    let outcome = least(name, limit, || match_inventory(&Store::open(path).unwrap(), &inventory).unwrap());
    println!("  {} matches", outcome.matches.len());
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
    least("open", Duration::from_millis(2), || Store::open(&path).unwrap());
    let list = shared.join("data/pkgdb/debian/bookworm-lang/expected.tsv");
    matched("match 10,000 packages of a real image", Duration::from_millis(50), &path, &debian(&list), "11");
    // Harder than any image: every name is one that records speak of, and all ecosystems' versions are compared.
    let store = Store::open(&path).unwrap();
    let named = "match 10,000 packages that records name, a tenth affected";
    matched(named, Duration::from_millis(200), &path, &packages(&store, AFFECTED), "11");
    let affected = "match 10,000 packages that are all affected";
    matched(affected, Duration::from_millis(600), &path, &packages(&store, 1), "11");
}
