//! osv-scanner over the same images with the same OSV files, from package databases of real distributions and distributions of real programs: the same flaws of the
//! same packages, or a written reason for each difference.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::*;

/// What osv-scanner 2 does not look for in an image unless it is told to.
const PLUGINS: &str = "--experimental-plugins=artifact,os/rpm,os/apk,os/dpkg";

/// An image, by its name in `docs/accuracy.md` and the folder whose content it has.
struct Case {
    name: String,
    tree: tempfile::TempDir,
}

/// A package's name and version with the ids of one flaw of it, in which both programs can be compared.
type Flaws = BTreeMap<(String, String), Vec<BTreeSet<String>>>;

/// What became of one image.
#[derive(Default)]
struct Outcome {
    packages: usize,
    pairs: usize,
    /// Who alone tells of it, and why.
    differences: BTreeMap<(&'static str, &'static str), usize>,
    unexplained: Vec<String>,
}

#[test]
fn osv_scanner_finds_the_same_in_images() {
    let (Some(root), Some((store, _))) = (shared::folder("data/osv"), shared_store()) else { return };
    if !super::peer::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("advisories.store");
    fs::write(&path, store.as_bytes()).expect("written");
    std::os::unix::fs::symlink(root, folder.path().join("osv-scalibr")).expect("linked");
    let cases = cases();
    let mut lines = BTreeMap::new();
    for case in &cases {
        let archive = folder.path().join("image.tar");
        fs::write(&archive, docker_archive(case.tree.path())).expect("written");
        let (ours, theirs) = (report(&archive, &path), answer(&archive, folder.path()));
        let outcome = compare(&ours, &theirs);
        assert!(outcome.unexplained.is_empty(), "{}: {}", case.name, outcome.unexplained.join("\n"));
        lines.insert(case.name.clone(), line(&case.name, &outcome));
    }
    assert!(cases.len() > 10, "the shared databases are there");
    document(&lines);
}

fn cases() -> Vec<Case> {
    let databases = shared::folder("data/pkgdb").into_iter().flat_map(|root| {
        let alma = ["8-20230523-s390x-micro", "9-20220706-aarch64-micro", "9-20231124-aarch64-micro"];
        let alpine = ["v3.6", "v3.7", "v3.8", "v3.9", "v3.10", "v3.11"]; // of which the files have data
        let debian = ["bullseye", "bookworm", "trixie"];
        let named = |os: &'static str, folder: &'static str| {
            move |release: &'static str| (format!("{os} {release}"), format!("{folder}/{release}"))
        };
        let folders = alma.into_iter().map(named("AlmaLinux", "almalinux"));
        let folders = folders.chain(alpine.into_iter().map(named("Alpine", "alpine")));
        let folders = folders.chain(debian.into_iter().map(named("Debian", "debian")));
        folders.map(move |(name, folder)| Case { name, tree: root_of(&root.join(folder)) }).collect::<Vec<_>>()
    });
    databases.chain(distributions()).collect()
}

/// The root file system of a folder of the shared databases: large files are compressed there, and links are files with their targets.
fn root_of(folder: &Path) -> tempfile::TempDir {
    let tree = tempfile::tempdir().expect("temporary folder");
    for path in ["lib/apk/db/installed", "var/lib/dpkg/status", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages"] {
        let (plain, packed) = (folder.join(path), folder.join(format!("{path}.zst")));
        let bytes = match fs::File::open(packed) {
            Ok(file) => zstd::decode_all(file).expect("zstd"),
            Err(_) => match fs::read(plain) {
                Ok(bytes) => bytes,
                Err(_) => continue,
            },
        };
        put(tree.path(), path, &bytes);
    }
    let release = ["usr/lib/os-release", "etc/os-release"].iter().find_map(|path| fs::read(folder.join(path)).ok());
    put(tree.path(), "etc/os-release", &release.expect("os-release"));
    tree
}

fn put(tree: &Path, path: &str, bytes: &[u8]) {
    let path = tree.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, bytes).expect("written");
}

/// What `mvn dependency:get` keeps of programs that are published as an archive.
fn distributions() -> Vec<Case> {
    let home = std::env::var_os("HOME").unwrap_or_default();
    let central = Path::new(&home).join(".m2/repository/org/apache");
    let archives = [
        ("Tomcat 9.0.50", "tomcat/tomcat/9.0.50/tomcat-9.0.50.tar.gz"),
        ("Tomcat 10.1.30", "tomcat/tomcat/10.1.30/tomcat-10.1.30.tar.gz"),
        ("ActiveMQ 5.18.3", "activemq/apache-activemq/5.18.3/apache-activemq-5.18.3-bin.tar.gz"),
    ];
    let unpacked = |(name, archive): (&str, &str)| {
        let archive = central.join(archive);
        if !archive.is_file() {
            skipped!("{name} was not fetched with mvn dependency:get");
            return None;
        }
        let tree = tempfile::tempdir().expect("temporary folder");
        let mut tar = Command::new("tar");
        let status = tar.arg("-xzf").arg(&archive).arg("-C").arg(tree.path()).status().expect("tar runs");
        status.success().then(|| Case { name: name.to_owned(), tree })
    };
    archives.into_iter().filter_map(unpacked).collect()
}

/// An image of one layer as `docker save` writes it, the only archive that both programs read.
fn docker_archive(tree: &Path) -> Vec<u8> {
    let mut layer = tar::Builder::new(Vec::new());
    layer.append_dir_all("", tree).expect("a layer");
    let layer = layer.into_inner().expect("a layer");
    let diff_id = imgguard::digest::Digest::sha256(&layer).to_string();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    });
    let manifest = serde_json::json!([{"Config": "config.json", "RepoTags": ["demo:latest"], "Layers": ["layer.tar"]}]);
    let mut archive = tar::Builder::new(Vec::new());
    let files = [
        ("config.json", config.to_string().into_bytes()),
        ("layer.tar", layer),
        ("manifest.json", manifest.to_string().into_bytes()),
    ];
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice()).expect("an archive");
    }
    archive.into_inner().expect("an archive")
}

fn report(archive: &Path, store: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .arg("scan")
        .arg(format!("docker-archive:{}", archive.display()))
        .arg("--db")
        .arg(store)
        .args(["--format", "json", "--cache", "none", "--offline", "--as-of", "2026-08-22"])
        .output()
        .expect("runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn answer(archive: &Path, cache: &Path) -> Value {
    let output = Command::new("osv-scanner")
        .args(["scan", "image", "--offline", "--offline-vulnerabilities", "--all-vulns", "--all-packages", PLUGINS])
        .args(["--format", "json", "--archive"])
        .arg(archive)
        .env("OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY", cache)
        .output()
        .expect("runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn key(name: &Value, version: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(name), text(version))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Our findings, with those that do not name the package itself apart.
fn our_flaws(report: &Value) -> (Flaws, Flaws) {
    let list = |field: &str| report[field].as_array().expect("a list").iter();
    let packages: BTreeMap<&str, (String, String)> = list("packages")
        .map(|package| (package["purl"].as_str().expect("purl"), key(&package["name"], &package["version"])))
        .collect();
    let (mut named, mut inferred) = (Flaws::new(), Flaws::new());
    for finding in list("findings") {
        if !matches!(finding["kind"].as_str(), Some("vulnerability" | "informational")) {
            continue;
        }
        let ids: BTreeSet<String> =
            texts(&finding["aliases"]).chain(finding["rule"].as_str()).map(str::to_owned).collect();
        let place = if finding["confidence"] == "medium" { &mut inferred } else { &mut named };
        for purl in texts(&finding["packages"]) {
            place.entry(packages[purl].clone()).or_default().push(ids.clone());
        }
    }
    (named, inferred)
}

/// The packages that osv-scanner names, each with the records of it.
fn their_flaws(answer: &Value) -> BTreeMap<(String, String), BTreeSet<String>> {
    let results = answer["results"].as_array().into_iter().flatten();
    let mut flaws: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for found in results.flat_map(|result| result["packages"].as_array().into_iter().flatten()) {
        let package = &found["package"];
        let name = Some(&package["os_package_name"]).filter(|name| name.is_string()).unwrap_or(&package["name"]);
        let ids = found["vulnerabilities"].as_array().into_iter().flatten().filter_map(|flaw| flaw["id"].as_str());
        flaws.entry(key(name, &package["version"])).or_default().extend(ids.map(str::to_owned));
    }
    flaws
}

fn compare(report: &Value, answer: &Value) -> Outcome {
    let ((named, inferred), theirs) = (our_flaws(report), their_flaws(answer));
    let mut outcome = Outcome { packages: theirs.len(), ..Outcome::default() };
    let mut differs = |who: &'static str, why: Option<&'static str>, what: String| match why {
        Some(why) => *outcome.differences.entry((who, why)).or_default() += 1,
        None => outcome.unexplained.push(format!("only {who}: {what}")),
    };
    for (package, ids) in &theirs {
        for id in ids {
            outcome.pairs += 1;
            let ours = [&named, &inferred].into_iter().filter_map(|flaws| flaws.get(package)).flatten();
            if !ours.into_iter().any(|flaw| flaw.contains(id)) {
                let why = (id.starts_with("ALBA-") || id.starts_with("ALEA-"))
                    .then_some("an erratum that mends or adds something and names no flaw");
                differs("osv-scanner", why, format!("{package:?} {id}"));
            }
        }
    }
    for (flaws, is_inferred) in [(&named, false), (&inferred, true)] {
        for (package, flaw) in flaws.iter().flat_map(|(package, flaws)| flaws.iter().map(move |flaw| (package, flaw))) {
            let known = theirs.get(package);
            if known.is_some_and(|ids| !ids.is_disjoint(flaw)) {
                continue;
            }
            let why = match known {
                None => {
                    Some("osv-scanner does not know the jar: it has no `pom.properties`, and its manifest no group")
                }
                Some(_) if is_inferred => {
                    Some("the record forgot the package; it was built from the same source as those that it names")
                }
                Some(_) => None,
            };
            differs("imgguard", why, format!("{package:?} {flaw:?}"));
        }
    }
    outcome
}

fn line(name: &str, outcome: &Outcome) -> String {
    let differences: Vec<String> =
        outcome.differences.iter().map(|((who, why), count)| format!("{count} only told by {who}: {why}")).collect();
    let differences = if differences.is_empty() { "none".to_owned() } else { differences.join("; ") };
    format!("| {name} | {} | {} | {differences} |\n", outcome.packages, outcome.pairs)
}

/// Lines of images that could not be made here stay.
fn document(lines: &BTreeMap<String, String>) {
    let heading = "## The same flaws as osv-scanner, in images";
    accuracy::section(heading, |old| {
        let name = |line: &str| Some((line.strip_prefix("| ")?.split(" | ").next()?.to_owned(), format!("{line}\n")));
        let mut all: BTreeMap<String, String> =
            old.lines().filter_map(name).filter(|(name, _)| !matches!(&**name, "image" | "---")).collect();
        all.extend(lines.clone());
        let rows: String = all.into_values().collect();
        format!(
            "{heading}\n\nosv-scanner 2.5.0 and imgguard read the same archives of `docker save`, with the same OSV files. Packages and pairs of a package and a record are osv-scanner's.\n\n\
             | image | packages | pairs | differences |\n|---|---|---|---|\n{rows}\n\
             `tests/advisories/images.rs` makes this section (`UPDATE_DOCS=1`), and fails on a difference without a reason.\n"
        )
    });
}
