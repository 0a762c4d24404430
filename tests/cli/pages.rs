//! What people read: tables, errors, help, and the README.
//!
//! A changed page shows as a difference of a file in `snapshots/`; `INSTA_UPDATE=always cargo test --test cli` takes it. The README is renewed with
//! `UPDATE_DOCS=1`.

use std::fs;
use std::path::Path;

use imgguard::report::contract::{Report, Reports};
use imgguard::report::{RenderOptions, by_name};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{AS_OF, Built, Layout, SAMPLE, layer, run, scan, store};

/// The table of a run on pages of several widths; a pipe has 100 columns, a terminal its own.
fn table(arguments: &[&str], width: usize) -> String {
    let json = scan(arguments.iter().copied().chain(["--format", "json"]));
    let report: Report = serde_json::from_str(&json.out).unwrap();
    let reports = Reports { schema_version: report.schema_version.clone(), reports: vec![report] };
    let options = RenderOptions { width, ..RenderOptions::default() };
    let mut page = Vec::new();
    by_name("table").unwrap().render(&reports, &options, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// An image of two platforms with something wrong in every section.
fn troubled() -> Layout {
    let metadata = |name: &str, version: &str| {
        (
            format!("usr/lib/python3/site-packages/{name}-{version}.dist-info/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        )
    };
    let node = |name: &str, version: &str| {
        (format!("srv/node_modules/{name}/package.json"), json!({"name": name, "version": version}).to_string())
    };
    let built = |architecture, django: &str| {
        let base = [
            ("usr/lib/os-release".to_owned(), "ID=debian\nVERSION_ID=12\n".to_owned()),
            ("etc/passwd".to_owned(), "root:x:0:0::/root:/bin/sh\ntoor::0:0::/:/bin/sh\n".to_owned()),
            ("var/lib/dpkg/status".to_owned(), dpkg_status()),
        ];
        let application = [
            metadata("Django", django),
            metadata("requests", "2.28.0"),
            node("lodash", "4.17.20"),
            node("a-package-with-a-very-long-name", "10.11.12-rc.13"),
        ];
        let layers = [&base[..], &application[..]].map(|files| {
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            layer(&files)
        });
        let mut built = Built { architecture, ..Built::new(layers.to_vec()) };
        built.config = json!({"User": "toor", "Env": ["DATABASE_PASSWORD=S3cr3tS3cr3tS3cr3t"]});
        built.history = vec![
            "ADD rootfs.tar.gz /".into(),
            "COPY --from=build --chown=10001:10001 /srv /usr /a/long/list/of/folders / # buildkit".into(),
        ];
        built
    };
    Layout::of(&[built("amd64", "4.2.16"), built("arm64", "4.2.1")])
}

fn dpkg_status() -> String {
    let package = |number: usize| {
        format!(
            "Package: lib{number}\nStatus: install ok installed\nSource: source{0}\nVersion: 1.{0}-1\nArchitecture: all\n",
            number / 2
        )
    };
    (0..10).map(package).collect::<Vec<_>>().join("\n")
}

/// A record of OSV; `fixed` is empty where there is no fix.
fn record(id: &str, ecosystem: &str, name: &str, vector: &str, fixed: &[&str]) -> Value {
    let mut events = vec![json!({"introduced": "0"})];
    events.extend(fixed.iter().map(|version| json!({"fixed": version})));
    let kind = if ecosystem == "npm" { "SEMVER" } else { "ECOSYSTEM" };
    json!({
        "id": id, "modified": "2026-08-20T00:00:00Z", "severity": [{"type": "CVSS_V3", "score": vector}],
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": kind, "events": events}]}],
    })
}

const HIGH: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
const LOW: &str = "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N";

/// 300 issues of Debian without a fix, some with one, some of npm and PyPI.
fn records() -> Vec<Value> {
    let unfixed = (0..300).map(|number| {
        let vector = if number < 3 { HIGH } else { LOW };
        record(&format!("DEBIAN-CVE-2030-{number:04}"), "Debian:12", &format!("source{}", number % 5), vector, &[])
    });
    let fixed = [
        record("DEBIAN-CVE-2031-0001", "Debian:12", "source1", HIGH, &["1.9-1"]),
        record("DEBIAN-CVE-2031-0002", "Debian:12", "source1", LOW, &["1.10-1"]),
        record("GHSA-2222-3333-4444", "npm", "lodash", HIGH, &["4.17.21"]),
        record("GHSA-2222-3333-5555", "npm", "a-package-with-a-very-long-name", LOW, &["10.11.12"]),
        record("PYSEC-2031-1", "PyPI", "django", HIGH, &["4.2.9"]),
    ];
    unfixed.chain(fixed).collect()
}

#[test]
fn tables_of_several_widths() {
    let (_folder, db) = store(&records());
    let layout = troubled();
    let reference = layout.reference();
    for width in [80, 100, 120] {
        let page = table(&[&reference, "--db", &db], width).replace(&reference, "oci:IMAGE");
        let widest = page.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} columns on a page of {width}");
        assert!(page.lines().count() <= 40, "{} lines:\n{page}", page.lines().count());
        assert!(page.contains("300 unfixed: 3 high, 297 low"), "{page}");
        assert_snapshot!(format!("table-{width}"), page);
    }
}

#[test]
fn the_update_to_make_is_the_highest_of_the_nearest_fixes() {
    let (_folder, db) = store(&records());
    let page = table(&[&troubled().reference(), "--db", &db], 100);
    // As texts, 1.9-1 would be the higher one.
    let row = page.lines().find(|line| line.contains(" source1 ")).unwrap();
    assert!(row.contains("-> 1.10-1") && !row.contains("1.9-1"), "{row}");
}

#[test]
fn an_image_with_nothing_wrong() {
    let layout = Layout::of(&[Built::new(vec![layer(&[("etc/motd", "hello\n")])])]);
    assert_snapshot!(
        "nothing-wrong",
        scan([layout.reference().as_str()]).out.replace(&layout.reference(), "oci:IMAGE")
    );
}

#[test]
fn an_image_that_was_not_read() {
    let layout = Layout::of(&[Built::new(vec![vec![0x55; 4096]])]);
    let ended = scan([layout.reference().as_str(), "--no-secrets"]);
    assert_eq!(ended.code, 3);
    assert_snapshot!("not-read", ended.out.replace(&layout.reference(), "oci:IMAGE"));
}

#[test]
fn errors_say_what_happened_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let layout = Layout::of(&[Built::new(vec![layer(&[("etc/motd", "hello\n")])])]);
    let mut entries = Vec::new();
    for (name, architecture) in [("one", "amd64"), ("two", "arm64")] {
        let mut entry = layout.manifest(&Built { architecture, ..Built::new(vec![layer(&[("a", name)])]) });
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        entries.push(entry);
    }
    layout.index(&entries);
    let damaged = Layout::of(&[Built::new(vec![layer(&[("etc/motd", "hello\n")])])]);
    let root: Value = serde_json::from_slice(&fs::read(damaged.path().join("index.json")).unwrap()).unwrap();
    let manifest = damaged.blob_path(root["manifests"][0]["digest"].as_str().unwrap());
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap().replacen(":2", ":3", 1)).unwrap();
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "name = 'mine'\n\n[[gate]]\nname = 'root'\nrules = ['root-usr']\n").unwrap();
    let policy = policy.to_str().unwrap();
    let misspelt = folder.path().join("misspelt.toml");
    fs::write(&misspelt, "name = 'mine'\n[[gate]]\nname = 'a'\nkind = ['secret']\n").unwrap();
    let misspelt = misspelt.to_str().unwrap();
    let (several, broken, missing) = (layout.reference(), damaged.reference(), format!("oci:{dir}/missing"));
    let runs: [&[&str]; 17] = [
        &["scan"],
        &["scan", "app:1", "--offline"],
        &["scan", "sif:app.sif"],
        &["scan", &missing],
        &["scan", &format!("dir:{dir}/missing")],
        &["scan", &several],
        &["scan", &broken],
        &["scan", SAMPLE, "--platform", "arm64"],
        &["scan", SAMPLE, "--platform", "linux/riscv64"],
        &["scan", SAMPLE, "--policy", "release"],
        &["scan", SAMPLE, "--policy", policy],
        &["scan", SAMPLE, "--policy", misspelt],
        &["gate", SAMPLE, "--no-secrets"],
        &["scan", SAMPLE, "--db", &format!("{dir}/missing.store")],
        &["secrets", SAMPLE, "--history"],
        &["secrets", SAMPLE, "--show-secrets", "--format", "sarif"],
        &["secrets", SAMPLE, "--waivers", policy],
    ];
    let mut page = String::new();
    for arguments in runs {
        let ended = run(arguments.iter().copied());
        page.push_str(&format!(
            "$ imgguard {}\n{}{}[exit {}]\n\n",
            arguments.join(" "),
            ended.out,
            ended.err,
            ended.code
        ));
    }
    let page = page.replace(layout.path().to_str().unwrap(), "/SEVERAL");
    let page = page.replace(damaged.path().to_str().unwrap(), "/DAMAGED").replace(dir, "/DIR");
    assert_snapshot!("errors", page);
}

#[test]
fn help() {
    for verb in [
        "",
        "scan",
        "gate",
        "secrets",
        "sbom",
        "diff",
        "lint",
        "rules list",
        "rules test",
        "rules lint",
        "verify",
        "sign",
        "attest",
        "base",
        "base index",
        "base list",
        "base pull",
        "base push",
        "tree",
        "copy",
        "harden",
        "generate-key-pair",
        "import-key-pair",
        "db build",
        "db diff",
        "db export",
        "db import",
        "db push",
        "db search",
        "db status",
        "db update",
    ] {
        let page = run(verb.split_whitespace().chain(["--help"])).out;
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{verb}");
        let name = if verb.is_empty() { "help".to_owned() } else { format!("help-{}", verb.replace(' ', "-")) };
        assert_snapshot!(name, page);
    }
}

#[test]
fn the_readme_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    assert!(readme.contains(&format!("On {AS_OF} it printed:")));
    let (start, end) = ("<!-- example: imgguard scan oci:testdata/sample -->\n", "<!-- end of example -->");
    let (before, rest) = readme.split_once(start).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let page = scan([SAMPLE]).out;
    let renewed = format!("{before}{start}```text\n{}```\n{end}{after}", page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &renewed).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), renewed, "renew it with UPDATE_DOCS=1 cargo test --test cli readme");
}

#[test]
fn the_readme_names_every_code_and_format_and_no_missing_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let help = run(["--help"]).out;
    let codes: Vec<&str> = help.split("Exit codes:\n").nth(1).unwrap().lines().map(str::trim).collect();
    assert_eq!(codes.iter().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count(), 6);
    for code in 0..6 {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{code}` | "))).unwrap();
        let meaning = row.rsplit("| `").next().unwrap().split(" | ").nth(1).unwrap().trim_end_matches(" |");
        let said = codes.join(" ");
        assert!(said.contains(&format!("{code}  {meaning}")), "{code}: `{meaning}` is not in {said}");
    }
    for format in ["table", "json", "sarif", "cyclonedx", "spdx"] {
        assert!(readme.contains(&format!("\n| `{format}` | ")), "{format}");
    }
    let links = readme.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap());
    for link in links {
        assert!(root.join(link).exists(), "{link}");
    }
}
