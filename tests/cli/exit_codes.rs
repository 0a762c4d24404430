//! How runs end: 0 to 5, and which wins.

use std::fs;

use serde_json::{Value, json};

use crate::world::{Built, Ended, Layout, SAMPLE, judge, layer, run, scan, store};

/// An image that nothing is wrong with.
fn clean() -> Layout {
    Layout::of(&[Built::new(vec![layer(&[("etc/motd", "hello\n")])])])
}

/// One that runs as root, and one more layer.
fn root(layer: Vec<u8>) -> Layout {
    Layout::of(&[Built { config: json!({"User": "root"}), ..Built::new(vec![layer]) }])
}

const DJANGO: &str = "usr/lib/python3/site-packages/Django-4.2.1.dist-info/METADATA";

fn metadata() -> Vec<u8> {
    layer(&[(DJANGO, "Metadata-Version: 2.1\nName: Django\nVersion: 4.2.1\n")])
}

fn layer_digest(layout: &Layout) -> String {
    let root: Value = serde_json::from_slice(&fs::read(layout.path().join("index.json")).unwrap()).unwrap();
    let manifest = layout.document(root["manifests"][0]["digest"].as_str().unwrap());
    manifest["layers"][0]["digest"].as_str().unwrap().to_owned()
}

fn assert_code(ended: &Ended, code: i32, says: &str) {
    assert_eq!(ended.code, code, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains(says) || ended.out.contains(says), "`{says}` is not in {}{}", ended.out, ended.err);
}

#[test]
fn a_clean_image_passes() {
    let (clean, sample) = (clean(), Layout::sample());
    assert_code(&judge("gate", [clean.reference().as_str()]), 0, "PASS: policy local");
    assert_code(&scan([clean.reference().as_str()]), 0, "would pass this image");
    // `scan` informs, whatever it found.
    assert_code(&scan([sample.reference().as_str()]), 0, "would refuse this image");
}

#[test]
fn the_policy_says_no() {
    let image = root(layer(&[("etc/motd", "hello\n")]));
    let reference = image.reference();
    assert_code(&judge("gate", [reference.as_str()]), 1, "REFUSED by policy local: root-user (2)");
    assert_code(&scan([reference.as_str(), "--policy", "local"]), 1, "REFUSED");
    assert_code(&scan([reference.as_str(), "--fail-on", "high"]), 1, "REFUSED by policy fail-on");
    assert_code(&scan([reference.as_str(), "--fail-on", "critical"]), 0, "PASS");
}

#[test]
fn an_unknown_severity_counts_as_medium() {
    let record = json!({
        "id": "PYSEC-2030-1", "modified": "2026-08-20T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "django"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9"}]}]}],
    });
    let (_folder, db) = store(&[record]);
    let image = Layout::of(&[Built::new(vec![metadata()])]);
    let reference = image.reference();
    let fail_on = |severity: &str| scan([reference.as_str(), "--db", &db, "--fail-on", severity]);
    assert_code(&fail_on("medium"), 1, "REFUSED");
    assert_code(&fail_on("high"), 0, "PASS");
    assert_code(&fail_on("unknown"), 2, "write critical, high, medium, low or negligible");
}

#[test]
fn usage_is_two() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "name = 'mine'\n[[gate]]\nname = 'a'\nkind = ['secret']\n").unwrap();
    let policy = policy.to_str().unwrap();
    for (arguments, says) in [
        (vec!["scan"], "no image is named"),
        (vec!["scan", "--frobnicate"], "unexpected argument"),
        (vec!["scan", "oci:"], "needs something after the colon"),
        (vec!["scan", "sif:image.sif"], "the transport `sif` is not supported"),
        (vec!["scan", SAMPLE, "--platform", "arm64"], "is not a platform"),
        (vec!["scan", SAMPLE, "--offline", "--platform", "linux/s390x"], "there are: linux/amd64, linux/arm64/v8"),
        (
            vec!["scan", SAMPLE, "--format", "xml"],
            "[possible values: table, json, sarif, openvex, cyclonedx, cyclonedx-1.5, spdx, spdx-tag-value]",
        ),
        (vec!["scan", SAMPLE, "-o", "json"], "write FORMAT=FILE"),
        (vec!["scan", SAMPLE, "-o", "xml=a"], "there is no report format `xml`"),
        (vec!["scan", SAMPLE, "-o", "json=/tmp/a", "-o", "sarif=/tmp/a"], "two reports would be written to `/tmp/a`"),
        (vec!["scan", SAMPLE, "--policy", "nope"], "there is no policy and no file `nope`; built in are: local"),
        (vec!["gate", SAMPLE, "--policy", policy], "line 4 of the policy: unknown field `kind`"),
        (vec!["gate", SAMPLE, "--no-secrets"], "--no-secrets does not look for them"),
        (vec!["scan", "--from", "/nonexistent"], "the images of `/nonexistent` could not be read"),
        (vec!["scan", SAMPLE, "--as-of", "yesterday"], "invalid value 'yesterday'"),
    ] {
        let ended = run(arguments.iter().copied());
        assert_code(&ended, 2, says);
        assert_eq!(ended.out, "", "{arguments:?}");
    }
}

/// A list is read whole or not at all: images left out without a word would look clean.
#[test]
fn a_list_over_its_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("images.txt");
    fs::write(&list, format!("{SAMPLE}\n").repeat(60_000)).unwrap();
    let list = list.display().to_string();
    assert_code(&scan(["--from", &list]), 2, "it has more than 1048576 bytes");
    fs::write(&list, "services:\n  app:\n    image: oci:testdata/sample\n").unwrap();
    let report = scan(["--from", &list, "--format", "json"]).json();
    assert_eq!(report["subject"]["reference"], SAMPLE);
}

#[test]
fn a_damaged_layer_is_three_and_says_nothing() {
    let image = root(metadata());
    let whole = scan([image.reference().as_str(), "--format", "json"]).json();
    assert_eq!(whole["packages"][0]["name"], "Django");
    // One changed digit of a version: still a right archive, with other content than the manifest pins.
    let path = image.blob_path(&layer_digest(&image));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(5).position(|window| window == b"4.2.1" && !bytes.starts_with(window)).unwrap();
    bytes[at] = b'5';
    fs::write(&path, &bytes).unwrap();
    let reference = image.reference();
    let ended = scan([reference.as_str(), "--format", "json"]);
    assert_eq!(ended.code, 3);
    let report = ended.json();
    assert_eq!(report["packages"], json!([]), "no fact of a layer that is not what the manifest says");
    assert_eq!(report["platforms"][0]["complete"], false);
    assert!(report["unknowns"][0]["reason"].as_str().unwrap().contains("damaged or was replaced"), "{report}");
    // It runs as root, which alone would be 1: but nothing can be believed.
    assert_code(&judge("gate", [reference.as_str()]), 3, "NOT READ");
    assert_code(&scan([reference.as_str(), "--fail-on", "low"]), 3, "NOT READ");
}

#[test]
fn one_flipped_bit_anywhere_in_a_compressed_layer_is_three() {
    let sample = Layout::sample();
    let digests = [sample.sample_layers(0), sample.sample_layers(1)];
    let path = sample.blob_path(&digests[0][1]);
    let whole = fs::read(&path).unwrap();
    for at in [0, 4, whole.len() / 3, whole.len() / 2, whole.len() - 5, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let ended = scan([sample.reference().as_str(), "--format", "json"]);
        assert_eq!(ended.code, 3, "byte {at}: {}", ended.err);
        let report = ended.json();
        let said = report["packages"].as_array().unwrap().iter().chain(report["findings"].as_array().unwrap());
        let of_layer = |location: &Value| location["layer"] == json!(digests[0][1]);
        for fact in said {
            assert!(!fact["locations"].as_array().unwrap().iter().any(of_layer), "byte {at}: {fact}");
        }
        let complete: Vec<&Value> = report["platforms"].as_array().unwrap().iter().map(|p| &p["complete"]).collect();
        assert_eq!(complete, [&json!(false), &json!(true)], "byte {at}: the other platform is whole");
    }
}

#[test]
fn a_layer_that_is_shorter_longer_or_gone_is_three() {
    for (what, change) in [("truncated", -1), ("longer", 1), ("gone", 0)] {
        let image = root(metadata());
        let path = image.blob_path(&layer_digest(&image));
        let mut bytes = fs::read(&path).unwrap();
        match change {
            -1 => bytes.truncate(bytes.len() / 2),
            1 => bytes.extend([0; 512]),
            _ => {}
        }
        if change == 0 {
            fs::remove_file(&path).unwrap()
        } else {
            fs::write(&path, &bytes).unwrap()
        }
        let ended = scan([image.reference().as_str(), "--format", "json"]);
        assert_eq!(ended.code, 3, "{what}: {}", ended.err);
        let report = ended.json();
        assert_eq!(report["packages"], json!([]), "{what}");
        assert_eq!(report["unknowns"][0]["effect"], "required", "{what}");
    }
}

#[test]
fn a_wrong_size_in_the_manifest_is_three() {
    let image = clean();
    let root: Value = serde_json::from_slice(&fs::read(image.path().join("index.json")).unwrap()).unwrap();
    let mut manifest = image.document(root["manifests"][0]["digest"].as_str().unwrap());
    let size = manifest["layers"][0]["size"].as_u64().unwrap();
    for wrong in [size - 1, size + 1] {
        manifest["layers"][0]["size"] = json!(wrong);
        let entry = image.blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        image.index(&[entry]);
        assert_code(&scan([image.reference().as_str()]), 3, "NOT READ");
    }
}

#[test]
fn a_damaged_manifest_or_configuration_is_three() {
    for blob in ["manifest", "config"] {
        let image = clean();
        let root: Value = serde_json::from_slice(&fs::read(image.path().join("index.json")).unwrap()).unwrap();
        let digest = root["manifests"][0]["digest"].as_str().unwrap().to_owned();
        let config = image.document(&digest)["config"]["digest"].as_str().unwrap().to_owned();
        let path = image.blob_path(if blob == "manifest" { &digest } else { &config });
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("linux", "linus", 1).replacen("\"schemaVersion\":2", "\"schemaVersion\":3", 1))
            .unwrap();
        let ended = scan([image.reference().as_str(), "--format", "json"]);
        assert_code(&ended, 3, "the content is damaged or was replaced");
        assert_eq!(ended.out, "", "nothing is said of an image whose {blob} is not what its digest says");
    }
}

#[test]
fn what_cannot_be_read_never_passes_and_never_softens_a_no() {
    // A layer that has its digest and is no archive.
    let noise = || vec![0x55; 4096];
    let broken = Layout::of(&[Built::new(vec![noise()])]);
    assert_code(&scan([broken.reference().as_str()]), 3, "NOT READ");
    assert_code(&judge("gate", [broken.reference().as_str()]), 3, "INCOMPLETE: policy local");
    let refused = root(noise());
    assert_code(&judge("gate", [refused.reference().as_str()]), 1, "REFUSED by policy local");
}

#[test]
fn a_store_that_cannot_be_used_is_four() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("advisories.store");
    let missing = path.to_str().unwrap().to_owned();
    assert_code(&scan([SAMPLE, "--db", &missing]), 4, "imgguard db update");
    let whole = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/advisories.store")).unwrap();
    let everywhere = |bytes: &mut Vec<u8>| (0..bytes.len()).step_by(512).for_each(|at| bytes[at] ^= 1);
    for (what, change) in [
        ("head", (|bytes: &mut Vec<u8>| bytes[0] ^= 1) as fn(&mut Vec<u8>)),
        ("short", |bytes| bytes.truncate(1000)),
        ("empty", Vec::clear),
        ("everywhere", everywhere),
    ] {
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let ended = scan([SAMPLE, "--db", &missing, "--format", "json"]);
        assert_eq!(ended.code, 4, "{what}: {}", ended.err);
        assert_eq!(ended.out, "", "{what}");
    }
}

#[test]
fn a_source_that_is_not_there_is_five() {
    assert_code(&scan(["oci:/nonexistent"]), 5, "/nonexistent");
    assert_code(&scan(["docker-archive:/nonexistent.tar"]), 5, "/nonexistent.tar");
    assert_code(&scan(["registry.example/app:1"]), 5, "--offline forbids it");
    assert_code(&scan(["oci:testdata/sample:nope"]), 5, "nope");
}

#[test]
fn the_worst_of_several_images_counts_and_the_others_are_reported() {
    let (clean, refused) = (clean(), root(layer(&[("a", "b")])));
    let (clean, refused) = (clean.reference(), refused.reference());
    let ended = scan([clean.as_str(), "oci:/nonexistent", "--format", "json"]);
    assert_eq!(ended.code, 5, "{}", ended.err);
    let reports = ended.json();
    assert_eq!(reports["reports"].as_array().unwrap().len(), 1, "a list, since several were named");
    assert_code(&scan([clean.as_str(), refused.as_str(), "--fail-on", "high"]), 1, "PASS");
    assert_code(&scan([refused.as_str(), "oci:/nonexistent", "--fail-on", "high"]), 5, "REFUSED");
}
