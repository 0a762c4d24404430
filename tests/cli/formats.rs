//! Reports against the official schemas, and against each other.
//!
//! The schemas of SARIF and CycloneDX are not ours to pass on; they are read from `../shared/data/schemas`, and where they are not there the test says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use crate::world::{Built, Layout, SAMPLE, layer, scan};

/// A schema of ours.
pub(crate) fn our_schema(name: &str) -> Value {
    document(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name))
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn assert_valid(validator: &Validator, report: &Value, what: &str) {
    let errors: Vec<String> =
        validator.iter_errors(report).take(5).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {}", errors.join("\n"));
}

/// A source tree whose lock file names a crate with an advisory.
pub(crate) fn source_tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lock = "version = 3\n\n[[package]]\nname = \"time\"\nversion = \"0.1.43\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    fs::write(folder.path().join("Cargo.lock"), lock).unwrap();
    folder
}

/// Reports of every shape: two platforms, one, a folder, several images.
fn subjects(tree: &Path) -> Vec<(&'static str, Vec<String>)> {
    let folder = format!("dir:{}", tree.display());
    vec![
        ("two platforms", vec![SAMPLE.into()]),
        ("one platform", vec![SAMPLE.into(), "--platform".into(), "linux/arm64".into()]),
        ("a folder", vec![folder.clone(), "--source".into()]),
        ("several", vec![SAMPLE.into(), folder, "oci:testdata/sample:latest".into()]),
    ]
}

fn report(arguments: &[String], format: &str) -> Value {
    let ended = scan(arguments.iter().map(String::as_str).chain(["--format", format]));
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended.json()
}

#[test]
fn sarif_follows_its_schema() {
    let Some(folder) = crate::shared::folder("data/schemas/sarif") else { return };
    let schema = document(&folder.join("sarif-schema-2.1.0.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(!validator.is_valid(&json!({"version": "2.1.0"})), "the schema is read");
    let tree = source_tree();
    for (what, arguments) in subjects(tree.path()) {
        assert_valid(&validator, &report(&arguments, "sarif"), what);
    }
}

#[test]
fn cyclonedx_follows_its_schema() {
    let Some(folder) = crate::shared::folder("data/schemas/cyclonedx") else { return };
    let resources = ["spdx.schema.json", "jsf-0.82.schema.json"].map(|name| {
        let schema = document(&folder.join(name));
        (schema["$id"].as_str().unwrap().to_owned(), schema)
    });
    let registry = Registry::new().extend(resources).unwrap().prepare().unwrap();
    let tree = source_tree();
    for (name, format) in [("bom-1.6.schema.json", "cyclonedx"), ("bom-1.5.schema.json", "cyclonedx-1.5")] {
        let schema = document(&folder.join(name));
        let validator = jsonschema::options().with_registry(&registry).build(&schema).unwrap();
        assert!(!validator.is_valid(&json!({"bomFormat": "CycloneDX"})), "the schema is read");
        for (what, arguments) in subjects(tree.path()) {
            assert_valid(&validator, &report(&arguments, format), what);
        }
    }
}

#[test]
fn spdx_follows_its_schema() {
    let Some(folder) = crate::shared::folder("data/schemas/spdx") else { return };
    let tree = source_tree();
    for name in ["spdx-schema-2.3.json", "spdx-schema-2.3.1.json"] {
        let validator = jsonschema::validator_for(&document(&folder.join(name))).unwrap();
        assert!(!validator.is_valid(&json!({"spdxVersion": "SPDX-2.3"})), "the schema is read");
        for (what, arguments) in subjects(tree.path()) {
            assert_valid(&validator, &report(&arguments, "spdx"), what);
        }
    }
}

/// Our schema, with every object closed: a field that the schema does not name is an error here, while readers must bear new ones.
pub(crate) fn strict(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(strict);
            if members.contains_key("properties") {
                members.insert("additionalProperties".into(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}

#[test]
fn the_contract_is_what_its_schema_says() {
    let mut schema = our_schema("report-1.0.json");
    let open = jsonschema::validator_for(&schema).unwrap();
    strict(&mut schema);
    let closed = jsonschema::validator_for(&schema).unwrap();
    let tree = source_tree();
    for (what, arguments) in subjects(tree.path()) {
        let report = report(&arguments, "json");
        assert_valid(&closed, &report, what);
        let mut newer = report;
        newer["new_field"] = json!(1);
        assert!(open.is_valid(&newer) && !closed.is_valid(&newer), "{what}");
    }
}

#[test]
fn damage_is_in_every_format() {
    let layout = Layout::of(&[Built::new(vec![layer(&[("etc/motd", "hello\n")])])]);
    let root = document(&layout.path().join("index.json"));
    let manifest = layout.document(root["manifests"][0]["digest"].as_str().unwrap());
    fs::write(layout.blob_path(manifest["layers"][0]["digest"].as_str().unwrap()), [0; 2048]).unwrap();
    let reference = layout.reference();
    let of = |format: &str| {
        let ended = scan([reference.as_str(), "--format", format]);
        assert_eq!(ended.code, 3, "{}", ended.err);
        ended
    };
    let sarif = of("sarif").json();
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
    assert_eq!(sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["level"], "error");
    let bom = of("cyclonedx").json();
    let complete = |component: &Value| {
        component["properties"].as_array().unwrap().contains(&json!({"name": "imgguard:complete", "value": "false"}))
    };
    assert!(bom["components"].as_array().unwrap().iter().any(complete));
    assert_eq!(of("json").json()["platforms"][0]["complete"], false);
    assert!(of("table").out.contains("NOT COMPLETE"));
}

#[test]
fn sarif_has_what_code_scanning_needs() {
    let sarif = report(&[SAMPLE.into()], "sarif");
    let contract = report(&[SAMPLE.into()], "json");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for field in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[field]["text"].as_str().unwrap().is_empty(), "{field} of {rule}");
        }
        assert!(!rule["help"]["markdown"].as_str().unwrap().is_empty());
        let number: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
        assert!((0.1..=10.0).contains(&number));
    }
    let results = run["results"].as_array().unwrap();
    let findings = contract["findings"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        assert_eq!(result["partialFingerprints"]["imgguardFindingId/v1"], finding["id"]);
        assert_eq!(result["ruleId"], finding["rule"]);
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], finding["rule"]);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.is_empty() && !uri.starts_with('/'), "{uri}");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
    }
    let several = report(&[SAMPLE.into(), "oci:testdata/sample:latest".into()], "sarif");
    let categories: BTreeSet<&str> = several["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["automationDetails"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(categories.len(), 2, "two runs of one category are refused");
}

#[test]
fn cyclonedx_is_whole() {
    let bom = report(&[SAMPLE.into()], "cyclonedx");
    let contract = report(&[SAMPLE.into()], "json");
    let components = bom["components"].as_array().unwrap();
    let purls: BTreeSet<&str> = components.iter().filter_map(|component| component["purl"].as_str()).collect();
    for package in contract["packages"].as_array().unwrap() {
        assert!(purls.contains(package["purl"].as_str().unwrap()), "{package}");
    }
    assert!(bom["metadata"]["component"]["purl"].as_str().unwrap().starts_with("pkg:oci/sample@sha256:"));
    let named = |component: &Value| component["bom-ref"].as_str().unwrap().to_owned();
    let mut refs: Vec<String> = components.iter().map(named).collect();
    refs.push(named(&bom["metadata"]["component"]));
    let unique: BTreeSet<&String> = refs.iter().collect();
    assert_eq!(unique.len(), refs.len());
    let dependencies = bom["dependencies"].as_array().unwrap();
    let used = dependencies.iter().flat_map(|d| [&d["ref"]].into_iter().chain(d["dependsOn"].as_array().unwrap()));
    let affected = bom["vulnerabilities"].as_array().unwrap().iter().flat_map(|v| v["affects"].as_array().unwrap());
    for reference in used.chain(affected.map(|affects| &affects["ref"])) {
        assert!(refs.iter().any(|known| known == reference.as_str().unwrap()), "{reference}");
    }
    let kinds: BTreeSet<&str> = components.iter().map(|component| component["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["container", "library", "operating-system"].into());
    for vulnerability in bom["vulnerabilities"].as_array().unwrap() {
        assert!(!vulnerability["affects"].as_array().unwrap().is_empty(), "{vulnerability}");
    }
}

#[test]
fn a_serial_number_follows_the_subject() {
    let tree = source_tree();
    let serial = |arguments: &[String]| report(arguments, "cyclonedx")["serialNumber"].as_str().unwrap().to_owned();
    let folder = format!("dir:{}", tree.path().display());
    let first = serial(&[SAMPLE.into()]);
    assert_eq!(first, serial(&[SAMPLE.into()]));
    assert_ne!(first, serial(&[folder]));
    // RFC 9562: version 8, variant 10.
    assert_eq!((&first[23..24], &first[28..29]), ("8", "8"), "{first}");
}

#[test]
fn a_source_tree_is_an_application() {
    let tree = source_tree();
    let arguments = [format!("dir:{}", tree.path().display()), "--source".into()];
    let contract = report(&arguments, "json");
    assert_eq!(contract["packages"][0]["purl"], "pkg:cargo/time@0.1.43");
    assert!(contract["findings"].as_array().unwrap().iter().any(|finding| finding["rule"] == "CVE-2020-26235"));
    assert_eq!(contract["subject"]["digest"], Value::Null);
    assert!(contract["packages"][0]["locations"][0].get("layer").is_none());
    let bom = report(&arguments, "cyclonedx");
    assert_eq!(bom["metadata"]["component"]["type"], "application");
    assert!(bom["metadata"]["component"].get("purl").is_none());
}

/// Ids of the findings of an image, with what each is about.
fn ids(built: &Built) -> BTreeSet<(String, String)> {
    let layout = Layout::of(std::slice::from_ref(built));
    let report = report(&[layout.reference()], "json");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (text(&finding["rule"]), text(&finding["id"])))
        .collect()
}

#[test]
fn ids_survive_a_rebuild() {
    let passwd = ("etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor::0:0::/:/bin/sh\n");
    let django = |version: &str| {
        let path = format!("usr/lib/python3/site-packages/Django-{version}.dist-info/METADATA");
        (path, format!("Metadata-Version: 2.1\nName: Django\nVersion: {version}\n"))
    };
    let (path, metadata) = django("4.2.1");
    let mut first = Built::new(vec![layer(&[passwd, (&path, &metadata)])]);
    first.config = json!({"User": "toor", "Env": ["DATABASE_PASSWORD=S3cr3tS3cr3tS3cr3t"]});
    // Other base, other layers, other architecture, other bytes of everything, the next version of the package.
    let (path, metadata) = django("4.2.2");
    let layers = [layer(&[("etc/motd", "hello\n")]), layer(&[(&path, &metadata)]), layer(&[passwd])];
    let mut second = Built { architecture: "arm64", ..Built::new(layers.to_vec()) };
    second.config = json!({"User": "0", "Env": ["PATH=/bin", "DATABASE_PASSWORD=An0therS3cr3tValue"]});
    let (first, second) = (ids(&first), ids(&second));
    let rules: BTreeSet<&str> = first.iter().map(|(rule, _)| rule.as_str()).collect();
    for rule in ["root-user", "second-root", "empty-password", "no-healthcheck", "CVE-2023-41164"] {
        assert!(rules.contains(rule), "{rule} is not among {rules:?}");
    }
    let gone: Vec<_> = first.difference(&second).filter(|(rule, _)| !rule.starts_with("CVE-")).collect();
    assert!(gone.is_empty(), "{gone:?}");
    let vulnerable = |ids: &BTreeSet<(String, String)>| ids.iter().find(|(rule, _)| rule == "CVE-2023-41164").cloned();
    assert_eq!(vulnerable(&first), vulnerable(&second));
}

#[test]
fn a_place_names_its_layer_and_its_platforms() {
    let passwd = ("etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n");
    let built = |architecture, layers: &[Vec<u8>]| Built { architecture, ..Built::new(layers.to_vec()) };
    let (other, accounts) = (layer(&[("etc/motd", "hello\n")]), layer(&[passwd]));
    let layout = Layout::of(&[built("amd64", std::slice::from_ref(&accounts)), built("arm64", &[other, accounts])]);
    let report = report(&[layout.reference()], "json");
    let finding =
        report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "second-root").unwrap();
    assert_eq!(finding["platforms"], json!(["linux/amd64", "linux/arm64"]));
    let places: Vec<(&Value, &Value, &Value)> = finding["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| (&place["path"], &place["layer_index"], &place["platforms"]))
        .collect();
    let (amd64, arm64) = (json!(["linux/amd64"]), json!(["linux/arm64"]));
    let path = json!("/etc/passwd");
    assert_eq!(places, [(&path, &json!(0), &amd64), (&path, &json!(1), &arm64)]);
}

#[test]
fn a_folder_has_no_configuration_to_judge() {
    let tree = source_tree();
    let reference = format!("dir:{}", tree.path().display());
    let report = scan([reference.as_str(), "--source", "--format", "json"]).json();
    assert_eq!(report["skipped"], json!(["configuration"]));
    assert_eq!(report["platforms"][0]["user"], Value::Null);
    let kinds: BTreeSet<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["vulnerability"]), "the crate's, and nothing about how an image runs");
    let table = scan([reference.as_str(), "--source"]).out;
    assert!(table.contains("NOT CHECKED: configuration") && !table.contains("runs as"), "{table}");
}
