//! Files of OS packages that a later layer changed.

use serde_json::Value;

use crate::world::{Built, Layout, layer, scan};

/// apk's record of a package with two files, `bin/a` and `bin/b`, of the content "hello" each, and `etc/c`. The digest is SHA-1 in base64.
const RECORD: &str = "P:tool\nV:1.0-r0\nA:x86_64\nF:bin\nR:a\na:0:0:755\nZ:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=\nR:b\n\
                      Z:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=\nF:etc\nR:c\nZ:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=\n\
                      F:usr/lib/node_modules/npm\nR:package.json\nZ:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=\n\n";

const OS: (&str, &str) = ("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n");

fn changed(report: &Value) -> Vec<(String, u64)> {
    let findings =
        report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "modified-os-file");
    let places = findings.flat_map(|finding| finding["locations"].as_array().unwrap());
    let mut places: Vec<_> = places
        .map(|place| (place["path"].as_str().unwrap().to_owned(), place["layer_index"].as_u64().unwrap()))
        .collect();
    places.sort();
    places
}

#[test]
fn only_what_a_later_layer_rewrote_is_hashed() {
    let database = ("lib/apk/db/installed", RECORD);
    let base = layer(&[OS, database, ("bin/a", "changed at once"), ("bin/b", "hello"), ("etc/c", "hello")]);
    let same = layer(&[("bin/b", "hello"), ("etc/c", "configured")]);
    let other = layer(&[("bin/b", "hullo")]);
    let layout = |layers: &[&Vec<u8>]| Layout::of(&[Built::new(layers.iter().map(|layer| (*layer).clone()).collect())]);
    let found = |layout: &Layout, more: &[&str]| {
        let reference = layout.reference();
        let arguments = ["--format", "json", reference.as_str(), "--cache", "none"];
        changed(&scan(arguments.into_iter().chain(more.iter().copied())).json())
    };
    let at = |path: &str, layer: u64| (path.to_owned(), layer);
    assert_eq!(found(&layout(&[&base]), &[]), []);
    assert_eq!(found(&layout(&[&base, &same]), &[]), []);
    assert_eq!(found(&layout(&[&base, &same, &other]), &[]), [at("/bin/b", 2)]);
    assert_eq!(found(&layout(&[&base, &other, &same]), &[]), []);
    assert_eq!(found(&layout(&[&base, &other]), &["--verify-files"]), [at("/bin/a", 0), at("/bin/b", 1)]);
    // The record came later than the file, as it does where the package was upgraded.
    let (record, files) = (layer(&[OS, database]), layer(&[("bin/b", "hullo")]));
    assert_eq!(found(&layout(&[&files, &record]), &[]), []);
    assert_eq!(found(&layout(&[&record, &files, &record]), &[]), [at("/bin/b", 1)]);
}

#[test]
fn what_was_hashed_is_kept_and_says_nothing_about_other_images() {
    let database = ("lib/apk/db/installed", RECORD);
    let (base, other) = (layer(&[OS, database, ("bin/a", "changed at once")]), layer(&[("bin/b", "hullo")]));
    let both = Layout::of(&[Built::new(vec![base.clone(), other])]);
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path().join("c");
    let run = |reference: &str, more: &[&str]| {
        let arguments = ["--format", "json", reference, "--cache", cache.to_str().unwrap()];
        changed(&scan(arguments.into_iter().chain(more.iter().copied())).json())
    };
    let first = run(&both.reference(), &["--verify-files"]);
    assert_eq!(first.len(), 2);
    assert_eq!(run(&both.reference(), &["--verify-files"]), first);
    assert_eq!(run(&both.reference(), &[]), [("/bin/b".to_owned(), 1)]);
    assert_eq!(run(&Layout::of(&[Built::new(vec![base])]).reference(), &[]), []);
}

/// `npm install -g npm` over a distribution's own: the file is listed by the package, but what it says is not the package's.
#[test]
fn a_rewritten_record_is_its_os_package_s_no_longer() {
    let manifest = "usr/lib/node_modules/npm/package.json";
    let base = layer(&[OS, ("lib/apk/db/installed", RECORD), (manifest, "{\"name\":\"npm\",\"version\":\"10.0.0\"}")]);
    let upgrade = layer(&[(manifest, "{\"name\":\"npm\",\"version\":\"11.0.0\"}")]);
    let owner = |layers: Vec<Vec<u8>>| {
        let layout = Layout::of(&[Built::new(layers)]);
        let reference = layout.reference();
        let report = scan(["--format", "json", reference.as_str(), "--cache", "none"]).json();
        let packages = report["packages"].as_array().unwrap();
        packages.iter().find(|package| package["name"] == "npm").unwrap()["owner"].clone()
    };
    assert_eq!(owner(vec![base.clone()]), "tool");
    assert_eq!(owner(vec![base, upgrade]), Value::Null);
}
