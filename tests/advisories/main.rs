//! Advisory store and matcher: against facts of real records, and against a second evaluator written straight from the OSV schema.
//!
//! | module | what belongs there |
//! |---|---|
//! | `systems` | rules of operating systems: sources, releases, modules, channels |
//! | `languages` | rules of language ecosystems |
//! | `groups` | several records about one flaw: aliases, severities, fixes |
//! | `storage` | import, coverage, what a store file may be |
//! | `real` | real records of the shared data, as their databases mean them |
//! | `evaluation` | every shared record against the second evaluator |
//! | `peer` | osv-scanner over the same files |
//! | `images` | osv-scanner over the same images |
//! | `embedded` | the store inside the program |
//!
//! Tests over the shared data sets (`../shared/data`, or `IMGGUARD_SHARED`) are skipped loudly where those are absent. They are imported once a run.

#[macro_use]
#[path = "../support/skip.rs"]
mod skip;
#[expect(dead_code, reason = "the tests of package lists use all of it")]
#[path = "../support/accuracy.rs"]
mod accuracy;
#[path = "../support/shared.rs"]
mod shared;

mod embedded;
mod evaluation;
mod groups;
mod images;
mod languages;
mod peer;
mod real;
mod storage;
mod systems;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use imgguard::advisory::{
    Candidate, ImportOptions, ImportReport, Inventory, Match, OsRelease, Outcome, Store, compile, match_inventory,
};
use imgguard::facts::{PackageFact, PackageKind, SourcePackage};
use imgguard::version::for_osv_ecosystem;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/advisory")
}

/// The fixtures' store, compiled once.
fn fixture_store() -> &'static Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(|| {
        let (bytes, report) =
            compile(&[fixtures().join("records")], ImportOptions::default()).expect("fixtures compile");
        assert_eq!(report.provenance.sources.first().map(|source| source.malformed), Some(0));
        Store::from_memory(bytes).expect("a compiled store opens")
    })
}

fn package(kind: PackageKind, name: &str, version: &str) -> PackageFact {
    PackageFact::new(kind, name, version)
}

fn with_source(package: PackageFact, name: &str, version: &str) -> PackageFact {
    PackageFact { source: Some(SourcePackage { name: name.to_owned(), version: version.to_owned() }), ..package }
}

fn os<'a>(id: &'a str, version_id: &'a str) -> Option<OsRelease<'a>> {
    Some(OsRelease { id, version_id: Some(version_id), ..OsRelease::default() })
}

fn run(store: &Store, packages: &[PackageFact], os: Option<OsRelease<'_>>) -> Outcome {
    let candidates: Vec<Candidate<'_>> =
        packages.iter().map(|package| Candidate { package, owned_by_os: false, main_module: false }).collect();
    match_inventory(store, &Inventory { packages: &candidates, os }).expect("the store is sound")
}

fn ids(outcome: &Outcome) -> Vec<&str> {
    outcome.matches.iter().map(|found| found.id.as_str()).collect()
}

fn only(outcome: Outcome) -> Match {
    assert_eq!(outcome.matches.len(), 1, "{:?}", outcome.matches);
    outcome.matches.into_iter().next().expect("one match")
}

/// Ids of records whose rows contain a version, whatever package manager the ecosystem has.
fn affected(store: &Store, ecosystem: &str, name: &str, version: &str) -> BTreeSet<String> {
    let scheme = for_osv_ecosystem(ecosystem).expect("a scheme");
    let mut ids = BTreeSet::new();
    for (number, row) in store.rows(ecosystem, name).expect("rows") {
        let listed = row
            .versions
            .iter()
            .any(|listed| listed == version || scheme.compare(listed, version).is_ok_and(|order| order.is_eq()));
        let contained = row.intervals.iter().any(|interval| interval.contains(version, scheme).unwrap_or(false));
        if row.status.is_exposure() && !row.inferred && (listed || contained) {
            ids.insert(store.advisory(number).expect("record").id.clone());
        }
    }
    ids
}

/// The store of all shared data, imported once, with what the import said; none where the data are absent.
fn shared_store() -> Option<&'static (Store, ImportReport)> {
    static STORE: OnceLock<Option<(Store, ImportReport)>> = OnceLock::new();
    let import = || {
        let root = shared::folder("data/osv")?;
        let (bytes, report) = compile(&[root], ImportOptions::default()).expect("imports");
        Some((Store::from_memory(bytes).expect("opens"), report))
    };
    STORE.get_or_init(import).as_ref()
}
