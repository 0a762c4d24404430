//! What docs/base.md tells its reader to type does what it says, and its JSON follows its schema.

use std::fs;
use std::path::Path;

use jsonschema::Registry;
use serde_json::Value;

use crate::formats::{assert_valid, our_schema};
use crate::world::{Built, Ended, Layout, end, layer, page_runs, program};

/// Two bases and an application on the older one, in the folder that the page speaks of.
fn world() -> (tempfile::TempDir, [Layout; 3]) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("build")).unwrap();
    let base = |version: &str| layer(&[("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"), ("etc/version", version)]);
    let of = |layers: Vec<Vec<u8>>| Layout::of(&[Built::new(layers)]);
    let layouts = [of(vec![base("1.0")]), of(vec![base("1.1")]), of(vec![base("1.0"), layer(&[("srv/app", "x")])])];
    for (name, layout) in ["base-old", "base-new", "app"].iter().zip(&layouts) {
        std::os::unix::fs::symlink(layout.path(), folder.path().join("build").join(name)).unwrap();
    }
    (folder, layouts)
}

#[test]
fn commands_of_the_page_work() {
    let (folder, _layouts) = world();
    let told = page_runs("docs/base.md", folder.path());
    assert!(told.contains("registry.example/team/base:1.0, behind by 1 release"), "{told}");
    assert!(told.contains("FROM registry.example/team/base:1.1@sha256:"), "{told}");
}

fn base(folder: &Path, arguments: &[&str]) -> Ended {
    end(program().arg("base").args(arguments).current_dir(folder).env("HOME", folder))
}

#[test]
fn json_follows_its_schema() {
    let report = our_schema("report-1.0.json");
    let registry = Registry::new().add("json-schema:///report-1.0.json", report).unwrap().prepare().unwrap();
    let mut schema = our_schema("base-1.0.json");
    schema["$id"] = "json-schema:///base-1.0.json".into();
    let validator = jsonschema::options().with_registry(&registry).build(&schema).unwrap();
    let (folder, _layouts) = world();
    for (layout, name, day) in [("base-old", "1.0", "2026-06-01"), ("base-new", "1.1", "2026-08-20")] {
        let (layout, name) = (format!("oci:build/{layout}"), format!("registry.example/team/base:{name}"));
        let ended = base(folder.path(), &["index", &layout, "--as", &name, "--as-of", day]);
        assert_eq!(ended.code, 0, "{}", ended.err);
    }
    let json = |images: &[&str]| {
        let ended = base(folder.path(), &[images, &["--format", "json", "--as-of", "2026-08-25"]].concat());
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.json()
    };
    let one = json(&["oci:build/app"]);
    assert_eq!(one["platforms"][0]["base"]["status"], "behind");
    assert_valid(&validator, &one, "an image");
    assert_valid(&validator, &json(&["oci:build/app", "oci:build/base-new"]), "two images");
    let mut wrong = one;
    wrong["platforms"][0]["base"]["status"] = Value::from("fresh");
    assert!(!validator.is_valid(&wrong), "the schema says something");
}

/// Puts a base into the catalogue of the folder.
fn index(folder: &Path, layout: &str, name: &str) {
    let ended = base(folder, &["index", &format!("oci:{layout}"), "--as", name, "--as-of", "2026-08-20"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

/// As `skopeo copy --dest-compress` makes it: the same layers, stored otherwise.
#[test]
fn layers_that_were_compressed_anew_are_proven_by_unpacking_them() {
    let (folder, layouts) = world();
    let app = &layouts[2];
    index(folder.path(), "build/base-old", "registry.example/team/base:1.0");
    let root: Value = serde_json::from_slice(&fs::read(app.path().join("index.json")).unwrap()).unwrap();
    let mut manifest = app.document(root["manifests"][0]["digest"].as_str().unwrap());
    for layer in manifest["layers"].as_array_mut().unwrap() {
        let plain = fs::read(app.blob_path(layer["digest"].as_str().unwrap())).unwrap();
        *layer = app.blob("application/vnd.oci.image.layer.v1.tar+zstd", &zstd::bulk::compress(&plain, 3).unwrap());
    }
    app.index(&[app.blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes())]);
    let told = |more: &[&str]| {
        let ended =
            base(folder.path(), &[&["oci:build/app", "--format", "json", "--as-of", "2026-08-25"], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.err);
        let base = ended.json()["platforms"][0]["base"].clone();
        (base["verified"].clone(), base["status"].clone(), base["layers"].clone())
    };
    assert_eq!(told(&[]), (false.into(), "unknown".into(), 0.into()), "the configuration says so itself");
    assert_eq!(told(&["--verify-diff-ids"]), (true.into(), "current".into(), 1.into()));
}

/// Node's own end of support counts for a Node that no distribution ships.
#[test]
fn a_runtime_has_an_end_of_its_own() {
    let (folder, _layouts) = world();
    let records = folder.path().join("eol");
    fs::create_dir(&records).unwrap();
    let node = serde_json::json!({"product": "nodejs", "permalink": "/nodejs", "releases": [
        {"releaseCycle": "16", "releaseDate": "2021-04-20", "eol": "2023-09-11"}]});
    fs::write(records.join("nodejs.json"), node.to_string()).unwrap();
    let store = folder.path().join("store");
    let ended = end(program().args(["db", "import"]).arg(&records).arg("--output").arg(&store));
    assert_eq!(ended.code, 0, "{}", ended.err);
    // The head of an ELF program, and the text in which Node keeps its version.
    let node = format!("\u{7f}ELF\u{2}\u{1}\u{1}{}\u{2}\0 node.js/v16.20.2\0", "\0".repeat(9));
    let image = Layout::of(&[Built::new(vec![layer(&[("usr/local/bin/node", &node)])])]);
    let mut command = program();
    command.args(["base", &image.reference(), "--format", "json", "--as-of", "2026-08-25", "--cache", "none", "--db"]);
    let told = end(command.arg(&store)).json();
    let finding = &told["findings"][0];
    assert_eq!((&finding["rule"], &finding["severity"]), (&"end-of-life".into(), &"high".into()), "{told}");
    assert_eq!(finding["package"], "pkg:generic/node@16.20.2");
    assert_eq!(finding["locations"][0]["path"], "/usr/local/bin/node");
}

#[test]
fn what_is_asked_wrongly_is_told() {
    let (folder, _layouts) = world();
    for (arguments, words) in [
        (&["index", "oci:build/app"][..], "--as"),
        (&["index", "oci:build/app", "oci:build/base-new", "--as", "a:1"], "--as names one image"),
        (&["index", "dir:build"], "neither in a registry nor in an OCI layout"),
        (&["list"], "imgguard base index"),
    ] {
        let ended = base(folder.path(), arguments);
        assert!(ended.code == 2 && ended.err.contains(words), "{arguments:?}: {}", ended.err);
    }
}
