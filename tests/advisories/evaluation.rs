//! Every shared record against a second evaluator, written straight from the OSV schema.

use std::collections::BTreeMap;
use std::fs;

use imgguard::advisory::ecosystem;
use serde_json::Value;

use super::*;

pub(crate) fn ecosystem_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .expect("data")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.join("all.zip").is_file())
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_shared_ecosystem_imports_with_the_counts_its_makers_took() {
    let Some((store, report)) = shared_store() else { return };
    let Some(root) = shared::folder("data/osv") else { return };
    let statistics: Value =
        serde_json::from_slice(&fs::read(root.join("stats.json")).expect("stats.json")).expect("JSON");
    assert_eq!(report.provenance.sources.len(), statistics.as_object().expect("an object").len());
    for source in &report.provenance.sources {
        let expected = &statistics[&source.name];
        let counts = (Some(u64::from(source.records)), Some(u64::from(source.withdrawn)), 0);
        assert_eq!(
            counts,
            (expected["records"].as_u64(), expected["withdrawn"].as_u64(), source.malformed),
            "{}",
            source.name
        );
        let newest = expected["newest_modified"].as_str().expect("a date");
        assert_eq!(source.modified.as_deref().and_then(|date| date.get(..19)), newest.get(..19), "{}", source.name);
    }
    store.verify().expect("every block is sound");
    assert_eq!(store.status().provenance, report.provenance);
}

/// All records of a zip file, parsed without any of our code.
fn records_of(zip: &Path) -> Vec<Value> {
    let mut archive = zip::ZipArchive::new(fs::File::open(zip).expect("opens")).expect("a zip file");
    (0..archive.len())
        .map(|number| serde_json::from_reader(archive.by_index(number).expect("entry")).expect("JSON"))
        .collect()
}

/// The schema's evaluation of one range, as its text goes: walk sorted events, keep a state. `None` when a version does not parse.
fn naive_range_contains(range: &Value, last_known: Option<&str>, ecosystem: &str, version: &str) -> Option<bool> {
    let scheme = for_osv_ecosystem(ecosystem)?;
    let events = range["events"].as_array()?;
    let mut points: Vec<(&str, &str)> = Vec::new();
    let (mut state, mut start) = (false, "0");
    for event in events {
        for (kind, at) in event.as_object()? {
            match (kind.as_str(), at.as_str()?) {
                ("introduced", "0") => state = true,
                (kind, at) => points.push((kind, at)),
            }
        }
    }
    for (_, at) in &points {
        scheme.compare(at, at).ok()?;
    }
    points.sort_by(|a, b| scheme.compare(a.1, b.1).unwrap_or(std::cmp::Ordering::Equal));
    for (kind, at) in &points {
        let same = |other: &str| {
            points
                .iter()
                .any(|(kind, point)| *kind == other && scheme.compare(point, at).is_ok_and(|order| order.is_eq()))
        };
        let order = scheme.compare(version, at).ok()?;
        match *kind {
            "introduced" if !same("fixed") && order.is_ge() => (state, start) = (true, at),
            "fixed" if !same("introduced") && order.is_ge() => state = false,
            "last_affected" if order.is_gt() => state = false,
            "limit" => unreachable!("no shared record has a limit"),
            _ => {}
        }
    }
    let closed = points.iter().any(|(kind, at)| {
        matches!(*kind, "fixed" | "last_affected")
            && (start == "0" || scheme.compare(at, start).is_ok_and(|order| order.is_ge()))
    });
    if let (true, false, Some(bound)) = (state, closed, last_known) {
        let (through, bound) =
            bound.strip_prefix("<=").map_or((false, bound.strip_prefix('<')?), |bound| (true, bound));
        let order = scheme.compare(version, bound.trim()).ok()?;
        return Some(order.is_lt() || (through && order.is_eq()));
    }
    Some(state)
}

/// Whether an affected entry contains a version; Go's custom ranges stand in for one that says everything.
fn naive_contains(affected: &Value, ecosystem: &str, version: &str) -> Option<bool> {
    // Listed versions are compared as texts, but for ecosystems in which one version has several spellings.
    let respelled = for_osv_ecosystem(ecosystem).filter(|_| matches!(ecosystem, "Maven" | "PyPI"));
    let is_same = |listed: &str| {
        listed == version
            || respelled.is_some_and(|scheme| scheme.compare(listed, version).is_ok_and(|order| order.is_eq()))
    };
    if affected["versions"].as_array().is_some_and(|listed| listed.iter().filter_map(Value::as_str).any(is_same)) {
        return Some(true);
    }
    let of_kind = |list: &Value| -> Vec<Value> {
        list.as_array().into_iter().flatten().filter(|range| range["type"] != "GIT").cloned().collect()
    };
    let (written, custom) = (of_kind(&affected["ranges"]), of_kind(&affected["ecosystem_specific"]["custom_ranges"]));
    let last_known = affected["database_specific"]["last_known_affected_version_range"].as_str();
    let mut contained = false;
    for (own, other) in [(&written, &custom), (&custom, &written)] {
        for range in own {
            let holds = naive_range_contains(range, last_known, ecosystem, version)?;
            contained |= holds
                && !is_open_and_closed_elsewhere(range, other, ecosystem, version)?
                && !is_commit_judged_elsewhere(range, other, version);
        }
    }
    Some(contained)
}

/// Whether the version is a commit that no tag precedes, the range begins at nothing, and the other kind names the commit with the fix.
fn is_commit_judged_elsewhere(range: &Value, other: &[Value], version: &str) -> bool {
    let is_commit = |version: &str| version.trim_start_matches('v').starts_with("0.0.0-20");
    let events = |range: &Value| range["events"].as_array().cloned().unwrap_or_default();
    is_commit(version)
        && events(range).iter().any(|event| event["introduced"] == "0")
        && other.iter().flat_map(events).any(|event| event["fixed"].as_str().is_some_and(is_commit))
}

/// Go's two kinds of ranges: whether the version lies in an open end, and the other kind knows an end above that one's start.
fn is_open_and_closed_elsewhere(range: &Value, other: &[Value], ecosystem: &str, version: &str) -> Option<bool> {
    let scheme = for_osv_ecosystem(ecosystem)?;
    let at = |range: &'_ Value, kinds: &[&str]| -> Vec<String> {
        let events = range["events"].as_array().cloned().unwrap_or_default();
        events
            .iter()
            .flat_map(|event| kinds.iter().filter_map(|kind| event[*kind].as_str().map(str::to_owned)))
            .collect()
    };
    let is_above = |a: &str, b: &str| b == "0" || scheme.compare(a, b).is_ok_and(|order| order.is_gt());
    let ends = at(range, &["fixed", "last_affected"]);
    let starts = at(range, &["introduced"]);
    // The start of the open end: the last that no end follows.
    let open = starts.iter().filter(|start| !ends.iter().any(|end| is_above(end, start))).min_by(|a, b| {
        if a == b {
            std::cmp::Ordering::Equal
        } else if is_above(a, b) {
            std::cmp::Ordering::Greater
        } else {
            std::cmp::Ordering::Less
        }
    });
    let Some(open) = open.filter(|open| *open == "0" || scheme.compare(version, open).is_ok_and(|order| order.is_ge()))
    else {
        return Some(false);
    };
    Some(other.iter().flat_map(|range| at(range, &["fixed", "last_affected"])).any(|end| is_above(&end, open)))
}

/// All entries of one package, and every version that its events or lists name.
#[derive(Default)]
pub(crate) struct NaivePackage<'a> {
    /// As one of the records writes it.
    pub(crate) name: String,
    pub(crate) entries: Vec<(&'a str, &'a Value)>,
    pub(crate) versions: BTreeSet<&'a str>,
}

pub(crate) fn naive_packages(records: &[Value]) -> BTreeMap<(String, String), NaivePackage<'_>> {
    let mut packages: BTreeMap<(String, String), NaivePackage<'_>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.get("withdrawn").is_none()) {
        let id = record["id"].as_str().expect("an id");
        let about_cves = record["related"]
            .as_array()
            .is_some_and(|related| related.iter().any(|id| id.as_str().is_some_and(|id| id.starts_with("CVE-"))));
        if (id.starts_with("ALBA-") || id.starts_with("ALEA-")) && !about_cves {
            continue;
        }
        for affected in record["affected"].as_array().into_iter().flatten() {
            let (ecosystem, name) = (
                affected["package"]["ecosystem"].as_str().unwrap_or_default(),
                affected["package"]["name"].as_str().unwrap_or_default(),
            );
            if ecosystem.starts_with("Red Hat") && (name.ends_with("-debuginfo") || name.ends_with("-debugsource")) {
                continue;
            }
            let key = (ecosystem::normal_form(ecosystem), ecosystem::normal_name(ecosystem, name));
            let package = packages.entry(key).or_default();
            name.clone_into(&mut package.name);
            package.entries.push((id, affected));
            let custom = affected["ecosystem_specific"]["custom_ranges"].as_array().into_iter().flatten();
            let ranges = affected["ranges"]
                .as_array()
                .into_iter()
                .flatten()
                .chain(custom)
                .filter(|range| range["type"] != "GIT");
            let events = ranges
                .flat_map(|range| range["events"].as_array().into_iter().flatten())
                .flat_map(|event| event.as_object().into_iter().flatten());
            package.versions.extend(events.filter_map(|(_, version)| version.as_str()));
            // Of the listed versions every seventh: most lie inside ranges, whose boundaries are all tried.
            package
                .versions
                .extend(affected["versions"].as_array().into_iter().flatten().step_by(7).filter_map(Value::as_str));
        }
    }
    packages
}

/// All records of the shared data; of several with one id the newest, as the store keeps.
pub(crate) fn all_records(root: &Path) -> Vec<Value> {
    let mut newest: BTreeMap<String, Value> = BTreeMap::new();
    for record in ecosystem_folders(root).iter().flat_map(|folder| records_of(&folder.join("all.zip"))) {
        let id = record["id"].as_str().expect("an id").to_owned();
        let is_newer = |known: &Value| record["modified"].as_str() > known["modified"].as_str();
        if newest.get(&id).is_none_or(is_newer) {
            newest.insert(id, record);
        }
    }
    newest.into_values().collect()
}

/// Versions of a package that are tried: all where `IMGGUARD_EXHAUSTIVE` is set, which takes minutes, else a few, of another place in each package.
fn tried<'a>(package: &NaivePackage<'a>, number: usize) -> Vec<&'a str> {
    const FEW: usize = 5;
    let step = if std::env::var_os("IMGGUARD_EXHAUSTIVE").is_some() { 1 } else { package.versions.len().div_ceil(FEW) };
    package.versions.iter().copied().skip(number % step.max(1)).step_by(step.max(1)).collect()
}

/// Whether a package of the same source, with the same entries, was compared before: one erratum lists up to a hundred of them.
fn is_known(ecosystem: &str, package: &NaivePackage<'_>, seen: &mut BTreeSet<String>) -> bool {
    let ranges = |(id, affected): &(&str, &Value)| format!("{id}{}{}", affected["ranges"], affected["versions"]);
    let content: String = package.entries.iter().map(ranges).collect();
    !seen.insert(format!("{ecosystem}{content}"))
}

#[test]
fn matches_equal_a_second_evaluation_of_every_shared_record_at_its_boundaries() {
    let (Some(root), Some((store, _))) = (shared::folder("data/osv"), shared_store()) else { return };
    let records = all_records(&root);
    let (mut seen, mut undecided) = (BTreeSet::new(), 0);
    let mut compared: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (number, ((ecosystem, name), package)) in naive_packages(&records).into_iter().enumerate() {
        assert!(for_osv_ecosystem(&ecosystem).is_some(), "{ecosystem} has a scheme");
        if is_known(&ecosystem, &package, &mut seen) {
            continue;
        }
        for version in tried(&package, number) {
            let Some((expected, unreadable)) = naive_ids(&package, &ecosystem, version) else {
                undecided += 1;
                continue;
            };
            let mut told = affected(store, &ecosystem, &name, version);
            told.retain(|id| !unreadable.contains(id.as_str()));
            assert_eq!(told, expected, "{ecosystem} {name} {version}");
            check_matcher(store, (&ecosystem, &name, version), &expected, &unreadable);
            let counts = compared.entry(ecosystem::base(&ecosystem).to_owned()).or_default();
            *counts = (counts.0 + 1, counts.1 + expected.len() as u64);
        }
    }
    for (ecosystem, (pairs, hits)) in &compared {
        eprintln!("{ecosystem}: {pairs} packages with a version, {hits} hits");
    }
    assert_eq!(compared.len(), 16, "{:?}", compared.keys());
    assert!(undecided < 20, "{undecided} versions do not parse");
}

/// Records that contain the version, and records that cannot be read; `None` when the version itself does not parse.
fn naive_ids<'a>(
    package: &NaivePackage<'a>,
    ecosystem: &str,
    version: &str,
) -> Option<(BTreeSet<String>, BTreeSet<&'a str>)> {
    for_osv_ecosystem(ecosystem)?.compare(version, version).ok()?;
    let (mut ids, mut unreadable) = (BTreeSet::new(), BTreeSet::new());
    for (id, affected) in &package.entries {
        match naive_contains(affected, ecosystem, version) {
            Some(true) => drop(ids.insert((*id).to_owned())),
            Some(false) => {}
            None => drop(unreadable.insert(*id)),
        }
    }
    ids.retain(|id| !unreadable.contains(id.as_str()));
    Some((ids, unreadable))
}

/// The whole matcher must tell of exactly the expected records, where the ecosystem has a package manager that we read.
fn check_matcher(
    store: &Store,
    (ecosystem, name, version): (&str, &str, &str),
    expected: &BTreeSet<String>,
    unreadable: &BTreeSet<&str>,
) {
    let release = ecosystem.split_once(':').map_or("", |(_, release)| release);
    let (kind, os) = match ecosystem::base(ecosystem) {
        "PyPI" => (PackageKind::PyPi, None),
        "npm" => (PackageKind::Npm, None),
        "Go" => (PackageKind::Go, None),
        "crates.io" => (PackageKind::Cargo, None),
        "Maven" => (PackageKind::Maven, None),
        "RubyGems" => (PackageKind::Gem, None),
        "Packagist" if !version.starts_with("dev-") => (PackageKind::Composer, None),
        "NuGet" => (PackageKind::NuGet, None),
        "Bitnami" => (PackageKind::Bitnami, None),
        "Debian" if !release.contains('.') => (PackageKind::Deb, os("debian", release)),
        "Alpine" => (PackageKind::Apk, os("alpine", release.trim_start_matches('v'))),
        _ => return,
    };
    let outcome = run(store, &[package(kind, name, version)], os);
    let told: BTreeSet<&str> = outcome
        .matches
        .iter()
        .flat_map(|found| std::iter::once(&found.id).chain(&found.aliases))
        .map(String::as_str)
        .collect();
    if let Some(missed) = expected.iter().find(|id| !told.contains(id.as_str())) {
        panic!("{ecosystem} {name} {version}: {missed} is not told of, but {told:?}");
    }
    for found in &outcome.matches {
        let of_record = |id: &String| expected.contains(id) || unreadable.contains(id.as_str());
        assert!(
            of_record(&found.id) || found.aliases.iter().any(of_record),
            "{ecosystem} {name} {version}: {found:?} is not expected"
        );
    }
}

#[test]
fn no_sample_record_of_other_projects_is_fatal() {
    let Some(root) = shared::folder("data/osv-samples") else {
        return;
    };
    let packed = fs::read(root.join("osv-records-from-testdata.jsonl.zst")).expect("samples");
    let lines = zstd::decode_all(packed.as_slice()).expect("zstd");
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut written = 0;
    for line in String::from_utf8(lines).expect("UTF-8").lines() {
        let sample: Value = serde_json::from_str(line).expect("JSON lines");
        fs::write(folder.path().join(format!("{written:04}.json")), sample["doc"].to_string()).expect("written");
        written += 1;
    }
    let (bytes, report) = compile(&[folder.path().to_owned()], ImportOptions::default()).expect("imports");
    let source = &report.provenance.sources[0];
    assert_eq!(source.records + source.malformed, written);
    for record in &report.sources[0].malformed {
        eprintln!(
            "malformed: {} {} ({:?})",
            record.name,
            record.error,
            std::error::Error::source(&record.error).map(ToString::to_string)
        );
    }
    Store::from_memory(bytes).expect("opens").verify().expect("sound");
}
