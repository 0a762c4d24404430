//! Reports against the official schemas, and against each other.
//!
//! The schemas of SARIF and CycloneDX are not ours to pass on; they are read from `../shared/data/schemas`, and where they are not there the test says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use crate::world::{Built, Layout, SAMPLE, layer, scan};

/// The official schemas, or a loud note that they are not there.
fn schemas(folder: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|above| above.join("shared/data/schemas"));
    let found = shared.map(|schemas| schemas.join(folder)).find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: the schemas of `{folder}` are not here (../shared/data/schemas/{folder})");
    }
    found
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn assert_valid(validator: &Validator, report: &Value, what: &str) {
    let errors: Vec<String> =
        validator.iter_errors(report).take(5).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {}", errors.join("\n"));
}

/// Reports of every shape: two platforms, one, a folder, several images, secrets and damage.
fn subjects() -> Vec<(&'static str, Vec<String>)> {
    let folder = format!("dir:{}", Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/advisory").display());
    vec![
        ("two platforms", vec![SAMPLE.into()]),
        ("one platform", vec![SAMPLE.into(), "--platform".into(), "linux/arm64".into()]),
        ("a folder", vec![folder.clone()]),
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
    let Some(folder) = schemas("sarif") else { return };
    let schema = document(&folder.join("sarif-schema-2.1.0.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(!validator.is_valid(&json!({"version": "2.1.0"})), "the schema is read");
    for (what, arguments) in subjects() {
        assert_valid(&validator, &report(&arguments, "sarif"), what);
    }
}

#[test]
fn cyclonedx_follows_its_schema() {
    let Some(folder) = schemas("cyclonedx") else { return };
    let resources = ["spdx.schema.json", "jsf-0.82.schema.json"].map(|name| {
        let schema = document(&folder.join(name));
        (schema["$id"].as_str().unwrap().to_owned(), schema)
    });
    let registry = Registry::new().extend(resources).unwrap().prepare().unwrap();
    let schema = document(&folder.join("bom-1.6.schema.json"));
    let validator = jsonschema::options().with_registry(&registry).build(&schema).unwrap();
    assert!(!validator.is_valid(&json!({"bomFormat": "CycloneDX"})), "the schema is read");
    for (what, arguments) in subjects() {
        assert_valid(&validator, &report(&arguments, "cyclonedx"), what);
    }
}

/// Our schema, with every object closed: a field that the schema does not name is an error here, while readers must bear new ones.
fn strict(schema: &mut Value) {
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
    let mut schema = document(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/report-1.0.json"));
    let open = jsonschema::validator_for(&schema).unwrap();
    strict(&mut schema);
    let closed = jsonschema::validator_for(&schema).unwrap();
    for (what, arguments) in subjects() {
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
    let serial = |arguments: &[String]| report(arguments, "cyclonedx")["serialNumber"].as_str().unwrap().to_owned();
    let folder = format!("dir:{}/testdata/advisory", env!("CARGO_MANIFEST_DIR"));
    let first = serial(&[SAMPLE.into()]);
    assert_eq!(first, serial(&[SAMPLE.into()]));
    assert_ne!(first, serial(&[folder]));
    // RFC 9562: version 8, variant 10.
    assert_eq!((&first[23..24], &first[28..29]), ("8", "8"), "{first}");
}
