//! Base images in registries: catalogued, known again in what is built on them, compared with a newer one, and what is not believed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::real::{Running, are_there};
use crate::signing::{Keys, Registry};
use crate::world::{Built, Ended, Layout, end, layer, program};

/// The day on which bases are indexed and images judged.
const DAY: &str = "2026-08-25";

/// A team's bases and what it builds on them: folders, a catalogue and a store.
struct Team {
    folder: TempDir,
}

/// Packages of the two versions of the base: what the newer one fixes, what it brings, and what stays.
const OLD: [(&str, &str); 3] = [("openssl", "3.0.9-1"), ("zlib", "1.2.13-1"), ("bash", "5.2-1")];
const NEW: [(&str, &str); 3] = [("openssl", "3.0.15-1"), ("zlib", "1.2.13-1"), ("curl", "7.88.1-10")];

/// Advisories: fixed package, first fixed version.
const ADVISORIES: [(&str, &str, &str); 4] = [
    ("DEBIAN-CVE-2031-0001", "openssl", "3.0.15-1"),
    ("DEBIAN-CVE-2031-0002", "zlib", "1.3-1"),
    ("DEBIAN-CVE-2031-0003", "curl", "7.88.1-11"),
    ("DEBIAN-CVE-2031-0004", "openssl", "3.0.11-1"),
];

fn status(packages: &[(&str, &str)]) -> String {
    let package = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: all\n")
    };
    packages.iter().map(package).collect::<Vec<_>>().join("\n")
}

/// The layer of a base with these packages; its platforms differ in a file.
fn root(packages: &[(&str, &str)], architecture: &str) -> Vec<u8> {
    layer(&[
        ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        ("etc/arch", architecture),
        ("var/lib/dpkg/status", &status(packages)),
    ])
}

/// An image of two platforms: these layers on top of the base's.
fn image(packages: &[(&str, &str)], above: &[&[(&str, &str)]]) -> Vec<Built> {
    let built = |architecture| {
        let layers = std::iter::once(root(packages, architecture)).chain(above.iter().map(|files| layer(files)));
        Built { architecture, ..Built::new(layers.collect()) }
    };
    vec![built("amd64"), built("arm64")]
}

impl Team {
    fn new() -> Self {
        let team = Self { folder: tempfile::tempdir().unwrap() };
        let records = team.path("osv");
        fs::create_dir(&records).unwrap();
        for (id, package, fixed) in ADVISORIES {
            let record = json!({
                "id": id, "modified": "2026-08-20T00:00:00Z",
                "affected": [{"package": {"ecosystem": "Debian:12", "name": package},
                              "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}],
            });
            fs::write(records.join(format!("{id}.json")), record.to_string()).unwrap();
        }
        let debian = json!({"product": "debian", "permalink": "/debian", "releases": [
            {"releaseCycle": "12", "releaseDate": "2023-06-10", "eol": "2026-10-01", "eoes": "2028-06-30"}]});
        fs::write(records.join("debian.json"), debian.to_string()).unwrap();
        let mut import = program();
        import.args(["db", "import"]).arg(&records).arg("--output").arg(team.path("store"));
        succeeds(&mut import);
        team
    }

    /// A store of what differs between two root filesystems: an advisory for each package that the newer one updates, and one that came with the update.
    fn differences(&self, roots: &Path) {
        let [old, new] = ["old", "new"].map(|state| installed(&roots.join(format!("{state}.tar"))));
        let records = self.path("differences.d");
        fs::create_dir(&records).unwrap();
        let write = |id: String, package: &str, events: Value| {
            let record = json!({
                "id": id, "modified": "2026-08-20T00:00:00Z",
                "affected": [{"package": {"ecosystem": "Debian:12", "name": package}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
            });
            fs::write(records.join(format!("{id}.json")), record.to_string()).unwrap();
        };
        let updated = new.iter().filter(|(name, version)| old.get(*name).is_some_and(|before| before != *version));
        for (number, (name, version)) in updated.enumerate() {
            write(format!("DEBIAN-CVE-2032-{number:04}"), name, json!([{"introduced": "0"}, {"fixed": version}]));
            write(format!("DEBIAN-CVE-2033-{number:04}"), name, json!([{"introduced": version}]));
        }
        let mut import = program();
        succeeds(import.args(["db", "import"]).arg(&records).arg("--output").arg(self.path("differences")));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn catalogue(&self) -> PathBuf {
        self.path("bases.catalogue")
    }

    /// Puts an image of a layout into the catalogue, as seen on a day.
    fn index(&self, layout: &Layout, name: &str, day: &str) -> Ended {
        let mut command = program();
        command.args(["base", "index", &layout.reference(), "--as", name, "--as-of", day, "--cache", "none"]);
        end(command.arg("--output").arg(self.catalogue()))
    }

    /// Runs `base` or `scan` on an image.
    fn run(&self, verb: &str, image: &str, more: &[&str]) -> Ended {
        let mut command = program();
        command.args([verb, image, "--cache", "none", "--as-of", DAY]).args(more);
        command.arg("--db").arg(self.path("store")).arg("--catalogue").arg(self.catalogue());
        end(&mut command)
    }

    fn json(&self, verb: &str, image: &str, more: &[&str]) -> Value {
        let ended = self.run(verb, image, &[&["--format", "json"], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.json()
    }
}

fn succeeds(command: &mut Command) -> Ended {
    let ended = end(command);
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended
}

/// The open vulnerabilities of a report.
fn rules(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let open =
        findings.filter(|finding| finding["kind"] == "vulnerability" && finding["disposition"]["state"] == "open");
    open.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

fn changes(base: &Value, field: &str) -> BTreeSet<String> {
    let changes = base["newer"][field].as_array().unwrap().iter();
    changes.map(|change| change["rule"].as_str().unwrap().to_owned()).collect()
}

const APP: &[(&str, &str)] = &[("srv/app.py", "print(1)\n")];

/// A catalogue with two versions of a base, and an application on the older one.
fn built() -> (Team, Layout) {
    let team = Team::new();
    for (packages, tag, day) in [(OLD, "12.5", "2026-06-01"), (NEW, "12.7", "2026-08-20")] {
        let layout = Layout::of(&image(&packages, &[]));
        let ended = team.index(&layout, &format!("debian:{tag}"), day);
        assert_eq!(ended.code, 0, "{}", ended.err);
    }
    (team, Layout::of(&image(&OLD, &[APP])))
}

#[test]
fn what_a_newer_base_changes_is_what_scans_of_both_say() {
    let (team, app) = built();
    let report = team.json("scan", &app.reference(), &[]);
    let [old, new] =
        [OLD, NEW].map(|packages| rules(&team.json("scan", &Layout::of(&image(&packages, &[])).reference(), &[])));
    assert!(old.len() == 3 && new.len() == 2, "{old:?} {new:?}");
    for platform in report["platforms"].as_array().unwrap() {
        let base = &platform["base"];
        assert_eq!((&base["name"], &base["verified"]), (&json!("docker.io/library/debian:12.5"), &json!(true)));
        assert_eq!((&base["status"], &base["layers"]), (&json!("behind"), &json!(1)));
        assert_eq!(changes(base, "fixes"), old.difference(&new).cloned().collect());
        assert_eq!(changes(base, "adds"), new.difference(&old).cloned().collect());
        let newer = &base["newer"];
        let from = format!("FROM debian:12.7@{}", newer["digest"].as_str().unwrap());
        assert_eq!((&newer["releases"], newer["from"].as_str()), (&json!(1), Some(&*from)));
    }
    // Every vulnerability lies in the base, and what was found of the base itself is of its own kinds.
    let findings = report["findings"].as_array().unwrap();
    let of = |kind: &str| findings.iter().filter(|finding| finding["kind"] == kind).collect::<Vec<_>>();
    assert!(of("vulnerability").iter().all(|finding| finding["in_base"] == true), "{findings:#?}");
    assert_eq!(of("base").iter().map(|finding| finding["rule"].as_str().unwrap()).collect::<Vec<_>>(), ["base-behind"]);
    let [eol] = of("eol")[..] else { panic!("{findings:#?}") };
    assert_eq!((&eol["severity"], &eol["in_base"]), (&json!("low"), &json!(true)));
    assert!(eol["title"].as_str().unwrap().contains("2026-10-01"), "{eol}");
}

#[test]
fn the_table_shows_the_application_or_the_base() {
    let (team, _) = built();
    let own = [(
        "srv/app.env",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIbK7MDENGbPxRfiCYzzzzzzzKEY\nAWS_ACCESS_KEY_ID=AKIAQ3EGPQ7XYZABCDEF\n",
    )];
    let app = Layout::of(&image(&OLD, &[&own]));
    let page = |only: &[&str]| team.run("scan", &app.reference(), only).out;
    let [all, application, base] = [&[][..], &["--only", "application"], &["--only", "base"]].map(page);
    assert!(all.contains("on docker.io/library/debian:12.5, behind by 1 release"), "{all}");
    for (part, has_secret, has_openssl) in [(&all, true, true), (&application, true, false), (&base, false, true)] {
        assert_eq!(part.contains("app.env"), has_secret, "{part}");
        assert_eq!(part.contains("openssl"), has_openssl, "{part}");
    }
}

#[test]
fn end_of_life_is_told_without_a_catalogue() {
    let (team, app) = built();
    let mut command = program();
    command.args(["scan", &app.reference(), "--cache", "none", "--as-of", "2026-12-01", "--format", "json", "--db"]);
    let ended = succeeds(command.arg(team.path("store")));
    let report = ended.json();
    assert_eq!(report["platforms"][0]["base"], Value::Null, "nothing speaks of a base");
    let support = &report["platforms"][0]["support"][0];
    assert_eq!((&support["status"], &support["extended"]), (&json!("ended"), &json!("2028-06-30")));
    let eol = report["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == "eol").unwrap();
    assert_eq!((&eol["severity"], &eol["in_base"]), (&json!("medium"), &json!(false)));
}

#[test]
fn a_base_that_is_only_claimed_is_not_believed() {
    let (team, _) = built();
    let listed =
        succeeds(program().args(["base", "list", "--format", "json", "--catalogue"]).arg(team.catalogue())).json();
    let tags = &listed["repositories"][0]["tags"];
    let newer = tags["12.7"][0]["root"].as_str().unwrap();
    let app = Layout::of(&image(&OLD, &[APP]));
    let base = "org.opencontainers.image.base";
    app.annotate(&format!("{base}.digest"), newer, &format!("{base}.name"), "docker.io/library/debian:12.7");
    let told = team.json("base", &app.reference(), &[]);
    let first = &told["platforms"][0]["base"];
    assert_eq!(first["name"], "docker.io/library/debian:12.5", "the layers say so");
    let holds: BTreeSet<&str> =
        first["statements"].as_array().unwrap().iter().map(|one| one["holds"].as_str().unwrap()).collect();
    assert!(holds.contains("proven") && holds.contains("contradicted"), "{first}");
    let findings = told["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["rule"] == "base-contradicted"), "{findings:#?}");
}

#[test]
fn a_catalogue_that_was_cut_or_forged_is_refused() {
    let (team, app) = built();
    let whole = fs::read(team.catalogue()).unwrap();
    let mut forged = whole.clone();
    forged[200] ^= 1;
    let mut promising = whole.clone();
    promising[20..28].copy_from_slice(&(100_u64 << 30).to_le_bytes());
    for damaged in [whole[..whole.len() / 2].to_vec(), forged, promising, b"no catalogue".to_vec()] {
        fs::write(team.catalogue(), damaged).unwrap();
        for verb in ["scan", "base"] {
            let ended = team.run(verb, &app.reference(), &[]);
            assert_eq!(ended.code, 4, "{}", ended.err);
            assert!(ended.err.contains("base catalogue") && ended.err.contains("hint: "), "{}", ended.err);
        }
        let ended = team.index(&app, "debian:13", DAY);
        assert_eq!(ended.code, 4, "nothing is built on it: {}", ended.err);
    }
}

#[test]
fn a_published_catalogue_is_fetched_signed_and_by_deltas() {
    let (team, _) = built();
    let (keys, registry) = (Keys::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    let reference = format!("{}/app:bases", server.address);
    let push = |day: u64| {
        let mut command = program();
        let time = 1_787_529_600 + day * 86_400; // 2026-08-24
        command.env("IMGGUARD_KEY_PASSWORD", "").env("SOURCE_DATE_EPOCH", time.to_string());
        command.args(["base", "push", &reference, "--key", &keys.path("own.key"), "--catalogue"]);
        end(command.arg(team.catalogue()))
    };
    let fetched = team.path("fetched");
    let pull_on = |day: &str, more: &[&str]| {
        let mut command = program();
        command.args(["base", "pull", &reference, "--as-of", day]).args(more);
        end(command.arg("--output").arg(&fetched))
    };
    let pull = |more: &[&str]| pull_on(DAY, more);
    let public = keys.path("own.pub");
    let trust = ["--key", &public, "--allow-no-log"];
    let first = push(0);
    assert!(first.code == 0 && first.err.contains("no delta"), "{}", first.err);
    assert_eq!(pull(&[]).code, 2, "nobody is trusted");
    let other = Keys::new();
    let refused = pull(&["--key", &other.path("own.pub"), "--allow-no-log"]);
    assert!(refused.code == 4 && refused.err.contains("not signed as demanded"), "{}", refused.err);
    assert!(!fetched.exists());
    let old = pull_on("2026-10-25", &trust);
    assert!(old.code == 4 && old.err.contains("it was published 62 days ago, and at most 30"), "{}", old.err);
    assert_eq!(pull(&trust).code, 0);
    assert_eq!(fs::read(&fetched).unwrap(), fs::read(team.catalogue()).unwrap());

    let layout = Layout::of(&image(&NEW, &[&[("etc/x", "x")]]));
    assert_eq!(team.index(&layout, "debian:12.8", DAY).code, 0);
    let second = push(1);
    assert!(second.code == 0 && second.err.contains("a delta of "), "{}", second.err);
    let again = pull(&trust);
    assert!(again.code == 0 && again.out.contains(": a delta of "), "{}{}", again.out, again.err);
    assert_eq!(fs::read(&fetched).unwrap(), fs::read(team.catalogue()).unwrap());

    // A store is no catalogue, and the other way round.
    let mut command = program();
    command.args([
        "db",
        "update",
        "--from",
        &reference,
        "--key",
        &public,
        "--allow-no-log",
        "--as-of",
        DAY,
        "--output",
    ]);
    let refused = end(command.arg(team.path("none")));
    assert!(
        refused.code == 4 && refused.err.contains("it is no advisory store, but a `application/vnd.imgguard.bases`"),
        "{}",
        refused.err
    );
}

#[test]
fn a_catalogue_goes_along_into_a_closed_network() {
    let (team, app) = built();
    let keys = Keys::new();
    let archive = team.path("all.oci.tar");
    let export = || {
        let mut command = program();
        command.env("IMGGUARD_KEY_PASSWORD", "").args(["db", "export"]).arg(&archive);
        command.args(["--key", &keys.path("own.key"), "--db"]).arg(team.path("store"));
        end(command.arg("--catalogue").arg(team.catalogue()))
    };
    assert_eq!(export().code, 0);
    let inside = team.path("inside");
    fs::create_dir(&inside).unwrap();
    let mut import = program();
    import.args(["db", "import"]).arg(&archive).args(["--key", &keys.path("own.pub"), "--allow-no-log", "--output"]);
    let ended = succeeds(import.arg(inside.join("x.store")));
    assert!(ended.err.contains("bases.catalogue"), "{}", ended.err);
    assert_eq!(fs::read(inside.join("bases.catalogue")).unwrap(), fs::read(team.catalogue()).unwrap());
    // What is no catalogue does not go along.
    fs::copy(app.path().join("index.json"), team.catalogue()).unwrap();
    let refused = export();
    assert!(refused.code == 2 && refused.err.contains("cannot go along"), "{}", refused.err);
}

/// The machine's proof on images that nobody made for this test: Debian's own root filesystem, in two states, from `tests/registry/bases.sh`.
#[test]
fn two_states_of_debian_in_a_real_registry() {
    if !are_there(&["docker-registry", "skopeo", "htpasswd", "umoci"]) {
        return;
    }
    let Some(roots) = std::env::var_os("IMGGUARD_BASE_ROOTS").map(PathBuf::from) else {
        skipped!("IMGGUARD_BASE_ROOTS names no folder; `tests/registry/bases.sh DIR` makes one");
        return;
    };
    let team = Team::new();
    team.differences(&roots);
    let registry = Running::start(false);
    for (state, tag) in [("old", "12.5"), ("new", "12.7")] {
        let layout = team.path(state);
        unpacked(&layout, &roots.join(format!("{state}.tar")));
        registry.push(&format!("oci:{}:base", layout.display()), &format!("debian:{tag}"));
    }
    let app = team.path("app");
    assert!(Command::new("cp").arg("-r").args([team.path("old"), app.clone()]).status().unwrap().success());
    umoci(&["config", "--image", &format!("{}:base", app.display()), "--config.env", "A=b"]);
    let own = team.path("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("app.py"), "print(1)\n").unwrap();
    umoci(&["insert", "--rootless", "--image", &format!("{}:base", app.display()), &own.display().to_string(), "/srv"]);
    registry.push(&format!("oci:{}:base", app.display()), "app:1");

    let authorised = |command: &mut Command| {
        command.env("DOCKER_AUTH_CONFIG", registry.auths("s3cr3t")).arg("--ca").arg(registry.file("ca.crt"));
        succeeds(command)
    };
    let index = || {
        let mut command = program();
        command.args(["base", "index", &format!("{}/debian", registry.address), "--all-tags", "--as-of", DAY]);
        command.args(["--cache", "none", "--official", "--output"]).arg(team.catalogue());
        authorised(&mut command)
    };
    index();
    let once = fs::read(team.catalogue()).unwrap();
    index();
    assert_eq!(fs::read(team.catalogue()).unwrap(), once, "what is known is not read again, and stays the same");
    let scan = |name: &str| {
        let mut command = program();
        command.args(["scan", &format!("{}/{name}", registry.address), "--cache", "none", "--as-of", DAY]);
        command.args(["--no-secrets", "--format", "json"]).arg("--catalogue").arg(team.catalogue());
        command.arg("--db").arg(team.path("differences"));
        authorised(&mut command).json()
    };
    let [app, old, new] = ["app:1", "debian:12.5", "debian:12.7"].map(scan);
    let base = &app["platforms"][0]["base"];
    assert_eq!(base["name"], format!("{}/debian:12.5", registry.address));
    let [old, new] = [old, new].map(|report| rules(&report));
    assert!(!old.is_empty() && !new.is_empty(), "Debian changed something");
    assert_eq!(changes(base, "fixes"), old.difference(&new).cloned().collect());
    assert_eq!(changes(base, "adds"), new.difference(&old).cloned().collect());
    let mut command = program();
    command.args(["base", &format!("{}/app:1", registry.address), "--check", "--format", "json", "--cache", "none"]);
    command.args(["--as-of", DAY]).arg("--catalogue").arg(team.catalogue());
    let checked = authorised(&mut command).json();
    assert_eq!(checked["checked"][0]["is_same"], true, "{checked}");
}

/// Source packages of a root filesystem, as far as a package has its source's name, with their versions.
fn installed(root: &Path) -> BTreeMap<String, String> {
    let output = Command::new("tar").arg("-xOf").arg(root).arg("./var/lib/dpkg/status").output().unwrap();
    let status = String::from_utf8(output.stdout).unwrap();
    let field = |paragraph: &str, name: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    let named = status.split("\n\n").filter(|paragraph| field(paragraph, "Source").is_none());
    named.filter_map(|paragraph| Some((field(paragraph, "Package")?, field(paragraph, "Version")?))).collect()
}

/// A layout whose image `base` is a root filesystem.
fn unpacked(layout: &Path, root: &Path) {
    let image = format!("{}:base", layout.display());
    umoci(&["init", "--layout", &layout.display().to_string()]);
    umoci(&["new", "--image", &image]);
    umoci(&["raw", "add-layer", "--image", &image, &root.display().to_string()]);
}

fn umoci(arguments: &[&str]) {
    let output = Command::new("umoci").args(arguments).output().unwrap();
    assert!(output.status.success(), "umoci {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
