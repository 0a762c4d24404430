//! Bills of materials: ours against the image that they are of, other tools' by what these write, and other tools on ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::formats::source_tree;
use crate::world::{AS_OF, Built, Ended, Layout, SAMPLE, end, end_with_input, judge, layer, program, run, scan};

const FORMATS: [&str; 4] = ["cyclonedx", "cyclonedx-1.5", "spdx", "spdx-tag-value"];

/// Runs `sbom`.
fn sbom<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ended {
    judge("sbom", arguments)
}

/// A bill of an image, as a file.
fn bill(folder: &TempDir, image: &[&str], format: &str) -> String {
    let file = folder.path().join(format).to_str().unwrap().to_owned();
    let ended = sbom(image.iter().copied().chain(["--format", format, "--output", &file]));
    assert_eq!(ended.code, 0, "{}", ended.err);
    file
}

/// The report of a bill with this content.
fn report_of(content: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bill");
    fs::write(&file, content).unwrap();
    let ended = scan([&*format!("sbom:{}", file.display()), "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended.json()
}

/// What the report says of packages, but for layers, which a bill has none of. The licences of SPDX are one expression.
fn about_packages(report: &Value) -> Value {
    let is_about = |finding: &&Value| matches!(finding["kind"].as_str(), Some("vulnerability" | "informational"));
    let findings: Vec<Value> = report["findings"].as_array().unwrap().iter().filter(is_about).map(placeless).collect();
    let packages: Vec<Value> = report["packages"].as_array().unwrap().iter().map(placeless).collect();
    let platforms = report["platforms"].as_array().unwrap().iter();
    let platforms: Vec<Value> =
        platforms.map(|platform| json!([platform["platform"], platform["os"], platform["digest"]])).collect();
    json!({"findings": findings, "packages": packages, "platforms": platforms, "coverage": report["coverage"]})
}

fn placeless(thing: &Value) -> Value {
    let mut thing = thing.clone();
    let paths: BTreeSet<String> =
        thing["locations"].as_array().unwrap().iter().map(|place| place["path"].as_str().unwrap().to_owned()).collect();
    thing["locations"] = json!(paths);
    thing.as_object_mut().unwrap().remove("licenses");
    thing
}

/// Scans of all our bills of an image against the scan of itself; gives the number of findings.
fn agree(arguments: &[&str]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let image = about_packages(&scan(arguments.iter().copied().chain(["--format", "json"])).json());
    for format in FORMATS {
        let file = bill(&folder, arguments, format);
        let read = about_packages(&scan([&*format!("sbom:{file}"), "--format", "json"]).json());
        assert_eq!(read, image, "{arguments:?} {format}");
    }
    image["findings"].as_array().unwrap().len()
}

#[test]
fn a_bill_says_what_the_image_says() {
    assert!(agree(&[SAMPLE]) > 50);
    let tree = source_tree();
    assert!(agree(&[&format!("dir:{}", tree.path().display()), "--source"]) > 0);
}

/// Packages that need more than their purl: a source of another name and version, an owner, letters that a purl folds, a vendor, and a release by its name.
#[test]
fn what_a_purl_does_not_say_is_kept() {
    let status = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nSource: openssl (3.0.11-1~deb12u1)\n\
                  Version: 3.0.11-1~deb12u1+b1\nMaintainer: Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>\n\n\
                  Package: docker-ce\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5:20.10.0-1\nMaintainer: Docker <support@docker.com>\n\n\
                  Package: python3-django\nStatus: install ok installed\nArchitecture: all\nVersion: 3:3.2.19-1+deb12u1\n\n";
    let owned = "usr/lib/python3/dist-packages/Django-3.2.19.egg-info/PKG-INFO";
    let files = [
        ("etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
        ("var/lib/dpkg/status", status),
        (
            "var/lib/dpkg/info/python3-django.list",
            "/.\n/usr/lib/python3/dist-packages/Django-3.2.19.egg-info/PKG-INFO\n",
        ),
        (owned, "Metadata-Version: 2.1\nName: Django\nVersion: 3.2.19\n"),
        (
            "srv/node_modules/JSONStream/package.json",
            r#"{"name": "JSONStream", "version": "1.3.5", "license": "(MIT OR Apache-2.0)"}"#,
        ),
        (
            "srv/node_modules/Odd/package.json",
            r#"{"name": "Odd", "version": "1.0.0", "license": "mine </text> \u001b[2J\nand yours"}"#,
        ),
    ];
    let layout = Layout::of(&[Built::new(vec![layer(&files)])]);
    agree(&[&layout.reference()]);
    let report = scan([&*layout.reference(), "--format", "json"]).json();
    let named =
        |name: &str| report["packages"].as_array().unwrap().iter().find(|package| package["name"] == name).unwrap();
    assert_eq!(named("libssl3")["source"]["version"], "3.0.11-1~deb12u1");
    assert_eq!(named("Django")["owner"], "python3-django");
    assert_eq!(named("docker-ce")["vendor"], "Docker <support@docker.com>");
}

/// By what it shows an image may take fixes that others cannot get: the report says so, and so do its bills.
#[test]
fn an_image_of_ubuntu_pro_shows_it() {
    let status = "Package: libtiff5\nStatus: install ok installed\nArchitecture: amd64\nSource: tiff\nVersion: 4.3.0-6ubuntu0.10\n\n";
    let os = ("etc/os-release", "ID=ubuntu\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\n");
    let archives = "deb https://esm.ubuntu.com/apps/ubuntu jammy-apps-security main\ndeb https://esm.ubuntu.com/infra/ubuntu jammy-infra-security main\n";
    let pro = ("etc/apt/sources.list.d/ubuntu-esm.list", archives);
    let attached = Layout::of(&[Built::new(vec![layer(&[os, ("var/lib/dpkg/status", status), pro])])]);
    agree(&[&attached.reference()]);
    let channels = |layout: &Layout| {
        let report = scan([&*layout.reference(), "--format", "json"]).json();
        report["platforms"][0]["os"]["channels"].clone()
    };
    assert_eq!(channels(&attached), json!(["esm-apps", "esm-infra"]));
    let gone = Layout::of(&[Built::new(vec![
        layer(&[os, ("var/lib/dpkg/status", status), pro]),
        layer(&[("etc/apt/sources.list.d/.wh.ubuntu-esm.list", "")]),
    ])]);
    assert_eq!(channels(&gone), Value::Null, "a later layer took it away");
}

/// Root file systems of the shared package databases: what a distribution's own tools made.
#[test]
fn real_databases_agree() {
    let Some(shared) = crate::shared::folder("data/pkgdb") else { return };
    for name in ["debian/bookworm", "debian/distroless-style", "alpine/v3.19"] {
        assert!(shared.join(name).is_dir(), "{name}");
        agree(&[&format!("dir:{}", shared.join(name).display())]);
    }
}

#[test]
fn other_tools_read_ours() {
    let folder = tempfile::tempdir().unwrap();
    if Command::new("pyspdxtools").arg("--help").output().is_err() {
        skipped!("pyspdxtools (PyPI: spdx-tools) is not installed");
        return;
    }
    for (format, name) in [("spdx", "app.spdx.json"), ("spdx-tag-value", "app.spdx")] {
        let named = folder.path().join(name);
        fs::rename(bill(&folder, &[SAMPLE], format), &named).unwrap();
        let ended = end(Command::new("pyspdxtools").arg("-i").arg(&named));
        assert_eq!(ended.code, 0, "{format}: {}{}", ended.out, ended.err);
    }
}

/// As Trivy writes: properties of its own, the release as `distro`, an epoch apart.
#[test]
fn trivys_properties_are_understood() {
    let property = |name: &str, value: &str| json!({"name": format!("aquasecurity:trivy:{name}"), "value": value});
    let bom = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"type": "container", "name": "app", "purl": "pkg:oci/app@sha256:00?arch=arm64"}},
        "components": [
            {"bom-ref": "os", "type": "operating-system", "name": "alma", "version": "9.3"},
            {"bom-ref": "p", "type": "library", "name": "perl-libs", "version": "5.32.1-480.el9",
             "purl": "pkg:rpm/alma/perl-libs@5.32.1-480.el9?arch=aarch64&epoch=4&distro=alma-9.3",
             "supplier": {"name": "AlmaLinux"},
             "properties": [property("SrcName", "perl"), property("SrcVersion", "5.32.1"), property("SrcRelease", "480.el9"), property("SrcEpoch", "4"),
                            property("Modularitylabel", "perl:5.32:1:a")]},
            {"type": "application", "name": "srv/package-lock.json", "properties": [property("Class", "lang-pkgs")]},
            {"type": "library", "name": "left", "group": "@scope", "version": "1.0", "purl": "pkg:npm/%40scope/left@1.0",
             "properties": [property("FilePath", "srv/node_modules/left/package.json")]},
        ],
        "dependencies": [{"ref": "os", "dependsOn": ["p"]}],
    });
    let report = report_of(&bom.to_string());
    assert_eq!(report["platforms"][0]["platform"], "linux/arm64");
    assert_eq!(report["platforms"][0]["os"], json!({"id": "almalinux", "version_id": "9.3", "name": ""}));
    let packages = report["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 2, "a lock file is no package: {packages:?}");
    let (left, perl) = (&packages[0], &packages[1]);
    assert_eq!(left["name"], "@scope/left");
    assert_eq!(left["locations"][0]["path"], "/srv/node_modules/left/package.json");
    assert_eq!((&perl["version"], &perl["ecosystem"]), (&json!("4:5.32.1-480.el9"), &json!("AlmaLinux:9")));
    assert_eq!(perl["source"], json!({"name": "perl", "version": "4:5.32.1-480.el9"}));
    assert_eq!((&perl["module"], &perl["evidence"]), (&json!("perl:5.32:1:a"), &json!("listed")));
    assert_eq!(report["unknowns"], json!([]));
}

/// As Syft writes: no component for the distribution in SPDX, sources in purls, owners as relationships.
#[test]
fn syfts_owners_and_sources_are_understood() {
    let package = |id: &str, name: &str, version: &str, purl: &str| {
        json!({"SPDXID": id, "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION", "externalRefs":
            [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]})
    };
    let spdx = json!({
        "spdxVersion": "SPDX-2.3",
        "packages": [
            package("SPDXRef-1", "libssl3", "3.0.11-1+b1", "pkg:deb/debian/libssl3@3.0.11-1%2Bb1?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1"),
            package("SPDXRef-2", "python3-django", "3:3.2.19-1", "pkg:deb/debian/python3-django@3%3A3.2.19-1?arch=all&distro=debian-12"),
            package("SPDXRef-3", "Django", "3.2.19", "pkg:pypi/django@3.2.19"),
        ],
        "relationships": [{"spdxElementId": "SPDXRef-2", "relationshipType": "OTHER", "relatedSpdxElement": "SPDXRef-3",
            "comment": "ownership-by-file-overlap: indicates that the parent package claims ownership of a child package"}],
    });
    let report = report_of(&spdx.to_string());
    let packages = report["packages"].as_array().unwrap();
    let row = |package: &Value| {
        json!([package["name"], package["source"]["name"], package["source"]["version"], package["owner"]])
    };
    let rows: Vec<Value> = packages.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            json!(["libssl3", "openssl", "3.0.11-1", null]),
            json!(["python3-django", "python3-django", "3:3.2.19-1", null]),
            json!(["Django", "Django", "3.2.19", "python3-django"]),
        ]
    );
    assert_eq!(report["platforms"][0]["os"], json!({"id": "debian", "version_id": "12", "name": ""}));
}

#[test]
fn what_has_no_place_is_counted() {
    let bom = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.4",
        "components": [
            {"type": "library", "name": "nameless"}, {"type": "library", "name": "other"},
            {"type": "library", "name": "chart", "purl": "pkg:helm/chart@1"},
            {"type": "library", "name": 7},
            {"type": "library", "name": "foreign", "purl": "pkg:deb/ubuntu/foreign@1?distro=ubuntu-22.04"},
            {"type": "operating-system", "name": "debian", "version": "12"},
            {"type": "file", "name": "/etc/passwd"},
        ],
    });
    let report = report_of(&bom.to_string());
    assert_eq!(report["packages"], json!([]));
    let reasons: Vec<&str> =
        report["unknowns"].as_array().unwrap().iter().map(|unknown| unknown["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "sbom: 1 components do not follow CycloneDX 1.4",
            "sbom: 1 not checked: packages of another distribution (ubuntu 22.04); the first is `foreign`",
            "sbom: 1 not checked: packages of type `helm` are not known; the first is `chart`",
            "sbom: 2 not checked: components without a package URL; the first is `nameless`",
        ]
    );
}

#[test]
fn wrappings_are_opened_and_not_believed() {
    use base64::Engine as _;
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "time", "purl": "pkg:cargo/time@0.1.43"}]});
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://cyclonedx.org/bom", "predicate": bom, "subject": []});
    let old = json!({"predicate": {"Data": bom.to_string(), "Timestamp": ""}});
    let payload = base64::engine::general_purpose::STANDARD.encode(statement.to_string());
    let envelope =
        json!({"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "AA=="}]});
    let bundle = json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope});
    for (kind, document) in
        [("none", &bom), ("statement", &statement), ("statement", &old), ("dsse", &envelope), ("bundle", &bundle)]
    {
        let report = report_of(&document.to_string());
        assert_eq!(report["packages"][0]["name"], "time", "{kind}");
        assert_eq!(report["signatures"][0]["kind"], kind);
        assert_eq!(report["signatures"][0]["verified"], false);
        assert!(report["skipped"].as_array().unwrap().contains(&json!("signature")), "{kind}");
    }
    let lines = format!("{envelope}\n{envelope}\n");
    assert_eq!(report_of(&lines)["packages"].as_array().unwrap().len(), 1, "the first of several");
}

#[test]
fn a_bill_that_is_not_complete_is_no_clean_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bill.json");
    let reference = format!("sbom:{}", file.display());
    let write = |aggregate: &str| {
        let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "compositions": [{"aggregate": aggregate, "assemblies": ["a"]}]});
        fs::write(&file, bom.to_string()).unwrap();
    };
    for (aggregate, code, complete) in [
        ("complete", 0, true),
        ("unknown", 0, true),
        ("incomplete", 3, false),
        ("incomplete_first_party_only", 3, false),
    ] {
        write(aggregate);
        let ended = scan([&*reference, "--format", "json"]);
        assert_eq!((ended.code, &ended.json()["platforms"][0]["complete"]), (code, &json!(complete)), "{aggregate}");
    }
    // An image of which something was not read, by our own bill of it.
    let layout = Layout::of(&[Built::new(vec![layer(&[("var/lib/dpkg/status", "Package: a\n\u{0}")])])]);
    let root: Value = serde_json::from_slice(&fs::read(layout.path().join("index.json")).unwrap()).unwrap();
    let manifest = layout.document(root["manifests"][0]["digest"].as_str().unwrap());
    fs::write(layout.blob_path(manifest["layers"][0]["digest"].as_str().unwrap()), [0; 2048]).unwrap();
    for format in FORMATS {
        let ended = sbom([&*layout.reference(), "--format", format, "--output", file.to_str().unwrap()]);
        assert_eq!(ended.code, 3, "{}", ended.err);
        assert_eq!(scan([&*reference]).code, 3, "{format}");
    }
}

/// A policy about files cannot pass on a bill; one about packages can, and can refuse.
#[test]
fn gates_on_a_bill() {
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("sbom:{}", bill(&folder, &[SAMPLE], "cyclonedx"));
    let policy = folder.path().join("packages.toml");
    fs::write(
        &policy,
        "name = 'packages'\n[[gate]]\nname = 'critical'\nkinds = ['vulnerability']\nmin_severity = 'critical'\n",
    )
    .unwrap();
    let empty = folder.path().join("empty.json");
    fs::write(&empty, r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#).unwrap();
    let empty = format!("sbom:{}", empty.display());
    assert_eq!(judge("gate", [&*empty, "--policy", "local"]).code, 3, "nobody looked for secrets");
    assert_eq!(judge("gate", [&*empty, "--policy", policy.to_str().unwrap()]).code, 0);
    assert_eq!(judge("gate", [&*reference, "--fail-on", "low"]).code, 1);
    let table = scan([&*reference]).out;
    assert!(table.contains("NOT CHECKED") && table.contains("configuration") && table.contains("secrets"), "{table}");
    assert!(!table.contains("would pass"), "{table}");
}

/// The minimum elements of the NTIA, for every package: supplier where it is told, name, version, identifier, relationship; and author and time.
#[test]
fn the_minimum_elements_are_there() {
    let bom = sbom([SAMPLE]).json();
    assert!(bom["metadata"]["timestamp"].is_string() && bom["metadata"]["authors"][0]["name"].is_string());
    let related: BTreeSet<&str> = bom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["dependsOn"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    for component in bom["components"].as_array().unwrap().iter().filter(|component| component["type"] == "library") {
        let told = ["name", "version", "purl", "bom-ref"].iter().all(|field| component[field].is_string());
        assert!(told && related.contains(component["bom-ref"].as_str().unwrap()), "{component}");
    }
    let spdx = sbom([SAMPLE, "--format", "spdx"]).json();
    assert!(spdx["creationInfo"]["created"].is_string() && spdx["creationInfo"]["creators"][0].is_string());
    let relationships = spdx["relationships"].as_array().unwrap();
    for package in spdx["packages"].as_array().unwrap() {
        let told = ["name", "versionInfo", "supplier", "SPDXID"].iter().all(|field| package[field].is_string());
        let related = relationships.iter().any(|row| row["relatedSpdxElement"] == package["SPDXID"]);
        assert!(told && related, "{package}");
    }
    let kinds: BTreeSet<&str> = relationships.iter().filter_map(|row| row["relationshipType"].as_str()).collect();
    assert_eq!(kinds, ["CONTAINS", "DESCRIBES", "VARIANT_OF"].into());
    assert!(bom["vulnerabilities"].as_array().unwrap().is_empty(), "a bill says what is there");
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    for format in FORMATS {
        let at = |epoch: &str| {
            let mut command = program();
            command.args(["sbom", "--offline", "--as-of", AS_OF, SAMPLE, "--format", format]);
            if !epoch.is_empty() {
                command.env("SOURCE_DATE_EPOCH", epoch);
            }
            end(&mut command)
        };
        let first = at("");
        assert_eq!(first.out, at("").out, "{format}");
        assert!(first.out.contains("2026-08-25T00:00:00Z"), "{format}");
        assert!(at("1700000000").out.contains("2023-11-14T22:13:20Z"), "{format}");
        let wrong = at("yesterday");
        assert_eq!(wrong.code, 2);
        assert!(wrong.err.contains("SOURCE_DATE_EPOCH"), "{}", wrong.err);
    }
}

#[test]
fn a_bill_from_standard_input() {
    let bom = sbom([SAMPLE]).out;
    let mut command = program();
    command.args(["scan", "--offline", "--as-of", AS_OF, "sbom:-", "--format", "json"]);
    let ended = end_with_input(&mut command, bom.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.json()["platforms"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_no_bill_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bill");
    let reference = format!("sbom:{}", file.display());
    assert_eq!(scan([&*reference]).code, 5, "there is none");
    for (content, says) in [
        ("", "neither JSON nor SPDX"),
        ("{", "not JSON"),
        ("{}", "neither CycloneDX"),
        (r#"{"spdxVersion": "SPDX-3.0"}"#, "`SPDX-3.0` is not read"),
        ("SPDXVersion: SPDX-1.2\n", "`SPDX-1.2` is not read"),
        (r#"{"bomFormat": "CycloneDX", "specVersion": "2.0"}"#, "neither CycloneDX"),
        (r#"{"payload": "%"}"#, "not base64"),
    ] {
        fs::write(&file, content).unwrap();
        let ended = scan([&*reference]);
        assert_eq!(ended.code, 3, "{content}: {}", ended.err);
        assert!(ended.err.contains(says), "{content}: {}", ended.err);
    }
    assert_eq!(run(["sbom", SAMPLE, "--format", "json"]).code, 2, "a report is no bill");
    assert!(!Path::new("json").exists());
}

#[test]
fn platforms_of_a_bill_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("sbom:{}", bill(&folder, &[SAMPLE], "spdx-tag-value"));
    let arm = scan([&*reference, "--platform", "linux/arm64", "--format", "json"]).json();
    assert_eq!(arm["platforms"].as_array().unwrap().len(), 1);
    let image = scan([SAMPLE, "--platform", "linux/arm64", "--format", "json"]).json();
    assert_eq!(about_packages(&arm)["findings"], about_packages(&image)["findings"]);
    let absent = scan([&*reference, "--platform", "linux/riscv64"]);
    assert_eq!(absent.code, 2);
    assert!(absent.err.contains("there are: linux/amd64, linux/arm64/v8"), "{}", absent.err);
}

/// Components that name each other, places without end, types without end: the answer stays small and comes at once.
#[test]
fn a_bill_cannot_blow_up() {
    let many = 20_000;
    let system = |number: usize| json!({"bom-ref": format!("s{number}"), "type": "operating-system", "name": "debian", "version": "12"});
    let refs: Vec<String> = (0..many).map(|number| format!("s{number}")).collect();
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": (0..many).map(system).collect::<Vec<_>>(),
        "dependencies": refs.iter().map(|name| json!({"ref": name, "dependsOn": ["s1", "s2"]})).collect::<Vec<_>>()});
    assert_eq!(report_of(&bom.to_string())["platforms"][0]["os"]["id"], "debian");
    let places: Vec<Value> = (0..many).map(|number| json!({"location": number.to_string()})).collect();
    let long = "x".repeat(8 << 10);
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "a", "purl": "pkg:npm/a@1",
        "licenses": [{"license": {"name": long}}], "evidence": {"occurrences": places}}]});
    let report = report_of(&bom.to_string());
    assert!(
        report["unknowns"][0]["reason"].as_str().unwrap().contains("more places of packages"),
        "{}",
        report["unknowns"]
    );
    let kind = |number: usize| json!({"type": "library", "name": "a", "purl": format!("pkg:kind{number}/a@1")});
    let bom =
        json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": (0..many).map(kind).collect::<Vec<_>>()});
    assert_eq!(report_of(&bom.to_string())["unknowns"].as_array().unwrap().len(), 51);
}
