//! osv-scanner over the same OSV files: for real packages of every ecosystem that it reads from a bill of materials, the same (package, advisory) pairs, or a written reason.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use imgguard::advisory::ecosystem;
use serde_json::{Value, json};

use super::evaluation::{NaivePackage, all_records, ecosystem_folders, naive_packages};
use super::*;

/// Versions of a package that are asked about.
const VERSIONS: usize = 3;

/// Ecosystems that are compared.
const ECOSYSTEMS: usize = 11;

/// A package with a version.
type Asked = (String, String, String);

#[test]
fn osv_scanner_finds_the_same() {
    let (Some(root), Some((store, _))) = (shared::folder("data/osv"), shared_store()) else { return };
    if !is_there() {
        return;
    }
    let records = all_records(&root);
    let packages = naive_packages(&records);
    let theirs = ask(&root, &packages);
    let mut differences: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for ((ecosystem, name, version), ids) in &theirs {
        let ours = affected(store, ecosystem, name, version);
        for (who, id) in
            ids.difference(&ours).map(|id| ("osv-scanner", id)).chain(ours.difference(ids).map(|id| ("imgguard", id)))
        {
            let entries = &packages[&(ecosystem.clone(), name.clone())].entries;
            let entry = entries.iter().find(|(known, _)| known == id).map(|(_, entry)| *entry);
            match entry.and_then(|entry| reason(ecosystem, id, entry)) {
                Some(reason) => *differences.entry((who, reason)).or_default() += 1,
                None => unexplained.push(format!("only {who}: {ecosystem} {name} {version} {id}")),
            }
        }
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    let pairs: usize = theirs.values().map(BTreeSet::len).sum();
    assert!(theirs.len() > 15_000 && pairs > 30_000, "{} packages, {pairs} pairs", theirs.len());
    document(theirs.len(), pairs, &differences);
}

/// Whether osv-scanner can be asked.
pub(super) fn is_there() -> bool {
    let is_there = Command::new("osv-scanner").arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        skipped!("osv-scanner is absent (go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0)");
    }
    is_there
}

/// Why the two may differ about a record, in one line; none where they may not.
fn reason(ecosystem: &str, id: &str, entry: &Value) -> Option<&'static str> {
    let has_git = entry["ranges"].as_array().into_iter().flatten().any(|range| range["type"] == "GIT");
    let listed = || entry["versions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let is_pep440 = |version: &str| version.starts_with(|first: char| first.is_ascii_digit() || first == 'v');
    match ecosystem::base(ecosystem) {
        base if !is_in_file(base, id) => Some(
            "the record stands only in the file of another ecosystem, which osv-scanner does not open for this one",
        ),
        "Go" if !entry["ecosystem_specific"]["custom_ranges"].is_null() => {
            Some("Go's `custom_ranges` say where the flaw begins or ends; osv-scanner does not read them")
        }
        "PyPI" if has_git => {
            Some("osv-scanner stops at a record's first git range, and so misses the ranges of versions after it")
        }
        "PyPI" if listed().any(|listed| !is_pep440(listed)) => {
            Some("a listed version from before PEP 440 makes osv-scanner pass over the record")
        }
        "PyPI" if !is_ascending(entry) => {
            Some("the record's events are not in ascending order; osv-scanner walks them as written")
        }
        "Packagist" => Some("Composer takes `4`, `4.0` and `4.0.0` for one version; osv-scanner compares the texts"),
        _ => None,
    }
}

/// Whether the record stands in the ecosystem's own file.
fn is_in_file(base: &str, id: &str) -> bool {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    let read = || {
        let root = shared::folder("data/osv").expect("it was there");
        let mut names = BTreeSet::new();
        for folder in ecosystem_folders(&root) {
            let archive = zip::ZipArchive::new(fs::File::open(folder.join("all.zip")).expect("opens")).expect("a zip");
            let ecosystem = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            names.extend(
                (0..archive.len()).filter_map(|at| Some(format!("{ecosystem}/{}", archive.name_for_index(at)?.ok()?))),
            );
        }
        names
    };
    NAMES.get_or_init(read).contains(&format!("{base}/{id}.json"))
}

fn is_ascending(entry: &Value) -> bool {
    let scheme = for_osv_ecosystem("PyPI").expect("a scheme");
    let events: Vec<&str> = entry["ranges"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|range| range["events"].as_array().into_iter().flatten())
        .flat_map(|event| event.as_object().into_iter().flatten().filter_map(|(_, version)| version.as_str()))
        .collect();
    events.windows(2).all(|pair| scheme.compare(pair[0], pair[1]).is_ok_and(|order| order.is_le()))
}

/// Compares the section of `docs/accuracy.md`, or renews it with `UPDATE_DOCS=1`.
fn document(packages: usize, pairs: usize, differences: &BTreeMap<(&str, &str), u64>) {
    let rows: String =
        differences.iter().map(|((who, reason), count)| format!("| {count} | {who} | {reason} |\n")).collect();
    let differing: u64 = differences.values().sum();
    let heading = "## The same advisories as osv-scanner";
    let section = format!(
        "{heading}\n\nosv-scanner 2.5.0 reads a bill of materials with {packages} packages and versions (three of every package of the shared OSV files, \
         in the {ECOSYSTEMS} ecosystems whose\npackage URLs it knows), with the same files. It tells of {pairs} pairs of a package and a record; {differing} pairs differ:\n\n\
         | pairs | only told by | why |\n|---|---|---|\n{rows}\n\
         `tests/advisories/peer.rs` makes this section (`UPDATE_DOCS=1`), and fails on a difference without a reason.\n"
    );
    accuracy::section(heading, |_| section.clone());
}

/// What osv-scanner says: the ids of each package that it was asked about and knows the ecosystem of.
fn ask(root: &Path, packages: &BTreeMap<(String, String), NaivePackage<'_>>) -> BTreeMap<Asked, BTreeSet<String>> {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::os::unix::fs::symlink(root, folder.path().join("osv-scalibr")).expect("linked");
    let (mut components, mut asked) = (Vec::new(), BTreeMap::new());
    for (number, ((ecosystem, name), package)) in packages.iter().enumerate() {
        let step = package.versions.len().div_ceil(VERSIONS).max(1);
        for version in
            package.versions.iter().skip(number % step).step_by(step).filter(|version| !matches!(**version, "0" | "*"))
        {
            let Some(purl) = purl(ecosystem, &package.name, version) else { continue };
            components.push(json!({"type": "library", "name": package.name, "version": version, "purl": purl}));
            asked.insert((ecosystem.clone(), name.clone(), (*version).to_owned()), BTreeSet::new());
        }
    }
    let (bom, report) = (folder.path().join("bom.cdx.json"), folder.path().join("report.json"));
    let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components});
    fs::write(&bom, document.to_string()).expect("written");
    let output = Command::new("osv-scanner")
        .args([
            "scan",
            "source",
            "--offline-vulnerabilities",
            "--offline",
            "--all-vulns",
            "--all-packages",
            "--no-resolve",
        ])
        .args(["--format", "json", "--output-file"])
        .arg(&report)
        .arg("-L")
        .arg(&bom)
        .env("OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY", folder.path())
        .output()
        .expect("runs");
    let answer: Value = serde_json::from_slice(&fs::read(&report).unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    for found in answer["results"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|result| result["packages"].as_array().into_iter().flatten())
    {
        let text = |field: &str| found["package"][field].as_str().unwrap_or_default().to_owned();
        let ecosystem = ecosystem::normal_form(&text("ecosystem"));
        let key = (ecosystem.clone(), ecosystem::normal_name(&ecosystem, &text("name")), text("version"));
        let ids = found["vulnerabilities"].as_array().into_iter().flatten().filter_map(|found| found["id"].as_str());
        if let Some(place) = asked.get_mut(&key) {
            place.extend(ids.map(str::to_owned));
        }
    }
    asked
}

/// The package URL, for ecosystems of which osv-scanner reads one.
fn purl(ecosystem: &str, name: &str, version: &str) -> Option<String> {
    let release = ecosystem.split_once(':').map_or("", |(_, release)| release);
    let (kind, qualifiers) = match ecosystem::base(ecosystem) {
        "Alpine" => ("apk/alpine", format!("?distro=alpine-{}.0", release.trim_start_matches('v'))),
        "Debian" => ("deb/debian", format!("?arch=source&distro=debian-{release}")),
        "Ubuntu" if !release.starts_with("Pro") => {
            ("deb/ubuntu", format!("?arch=source&distro=ubuntu-{}", release.trim_end_matches(":LTS")))
        }
        "crates.io" => ("cargo", String::new()),
        "Go" => ("golang", String::new()),
        "Maven" => ("maven", String::new()),
        "npm" => ("npm", String::new()),
        "NuGet" => ("nuget", String::new()),
        "Packagist" => ("composer", String::new()),
        "PyPI" => ("pypi", String::new()),
        "RubyGems" => ("gem", String::new()),
        _ => return None,
    };
    let escape = |text: &str| {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b'/' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect::<String>()
    };
    Some(format!("pkg:{kind}/{}@{}{qualifiers}", escape(&name.replace(':', "/")), escape(version).replace('/', "%2F")))
}
