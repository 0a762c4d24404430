//! `harden --rebase`: an index of three platforms on another base. What becomes of each kind of file is tested beside the code.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::world::{AS_OF, Built, Ended, Layout, layer, page_runs, run};

const STATUS: &str = "var/lib/dpkg/status";
const PLATFORMS: [&str; 3] = ["amd64", "arm64", "s390x"];

/// Steps that would change the image otherwise.
const OTHERS: &str = "secrets,caches,non-root-user,privileges,credential-modes";

fn packages(all: &[(&str, &str)]) -> String {
    let one = |(name, version): &(&str, &str)| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\nDescription: x\n\n"
        )
    };
    all.iter().map(one).collect()
}

/// A base of one version, and the same with an application on it.
fn base(architecture: &'static str, version: &str) -> Built {
    let files = [
        ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        (STATUS, &packages(&[("base-files", version), ("libz", version)])),
        ("usr/lib/libz.so", version),
        ("usr/share/arch", architecture),
    ];
    let mut built = Built { architecture, ..Built::new(vec![layer(&files)]) };
    built.config = json!({"Env": ["PATH=/bin", format!("BASE={version}")], "Cmd": ["sh"], "Labels": {"base": version}});
    built.history = vec![format!("ADD base {version}")];
    built
}

fn with_app(mut built: Built, files: &[(&str, &str)]) -> Built {
    built.layers.push(layer(files));
    built.layers.push(layer(&[("srv/app", "the application")]));
    built.history.extend(["RUN install".to_owned(), "COPY app /srv".to_owned()]);
    built.config["Env"].as_array_mut().unwrap().push("APP=1".into());
    built.config["Cmd"] = json!(["/srv/app"]);
    built
}

fn index(make: impl Fn(&'static str) -> Built) -> Layout {
    Layout::of(&PLATFORMS.map(make))
}

fn app_files() -> Vec<(&'static str, String)> {
    vec![
        (STATUS, packages(&[("base-files", "12.5"), ("libz", "12.5"), ("own", "1")])),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/srv:/bin/false\n".to_owned()),
        ("usr/lib/own.so", "own".to_owned()),
    ]
}

fn rebase(app: &Layout, old: &Layout, new: &Layout, to: &str, more: &[&str]) -> Ended {
    let (app, old, new) = (app.reference(), old.reference(), new.reference());
    let fixed = ["harden", "--offline", "--as-of", AS_OF, "--cache", "none", &app, "-t", to, "--skip", OTHERS];
    run(fixed.into_iter().chain(["--base", &old, "--rebase", &new]).chain(more.iter().copied()))
}

fn json_at(folder: &Path, digest: &Value) -> Value {
    serde_json::from_slice(&fs::read(folder.join("blobs").join(digest.as_str().unwrap().replace(':', "/"))).unwrap())
        .unwrap()
}

/// Manifest and configuration of each platform.
fn platforms(folder: &Path) -> Vec<(Value, Value)> {
    let root: Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let index = json_at(folder, &root["manifests"][0]["digest"]);
    let manifests = index["manifests"].as_array().unwrap().iter().map(|entry| json_at(folder, &entry["digest"]));
    manifests.map(|manifest| (manifest.clone(), json_at(folder, &manifest["config"]["digest"]))).collect()
}

#[test]
fn an_index_of_three_platforms_is_put_on_a_newer_base() {
    let files = app_files();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, content)| (*name, content.as_str())).collect();
    let (old, new) = (index(|name| base(name, "12.5")), index(|name| base(name, "12.7")));
    let app = index(|name| with_app(base(name, "12.5"), &files));
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new");
    let to = format!("oci:{}:app", place.display());
    let plan = rebase(&app, &old, &new, &to, &["--plan"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    assert!(plan.out.contains("merged by record") && !place.exists(), "{}", plan.out);
    let ended = rebase(&app, &old, &new, &to, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let (bases, before, after) = (platforms(new.path()), platforms(app.path()), platforms(&place));
    assert_eq!(after.len(), 3);
    for ((base, before), (manifest, config)) in bases.iter().zip(&before).zip(&after) {
        let layers = |manifest: &Value| manifest["layers"].as_array().unwrap().clone();
        let (base_layers, old_layers, layers) = (layers(&base.0), layers(&before.0), layers(manifest));
        assert_eq!(layers.len(), 3);
        assert_eq!(layers[0]["digest"], base_layers[0]["digest"], "the base as it is");
        assert_ne!(layers[1]["digest"], old_layers[1]["digest"], "the layer with the records is mended");
        assert_eq!(layers[2]["digest"], old_layers[2]["digest"], "a layer that needs no mending keeps its digest");
        assert_eq!(config["config"]["Env"], json!(["PATH=/bin", "BASE=12.7", "APP=1"]));
        assert_eq!(
            (&config["config"]["Cmd"], &config["config"]["Labels"]["base"]),
            (&json!(["/srv/app"]), &json!("12.7"))
        );
        let steps: Vec<&str> =
            config["history"].as_array().unwrap().iter().filter_map(|step| step["created_by"].as_str()).collect();
        assert_eq!(steps, ["ADD base 12.7", "RUN install", "COPY app /srv"]);
        assert_eq!(manifest["annotations"]["org.opencontainers.image.base.name"], new.reference());
    }
    // The scanner sees the new base's packages and the application's own.
    let scan = crate::world::scan([to.as_str(), "--cache", "none", "--format", "json"]).json();
    let found: Vec<String> = scan["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap()))
        .collect();
    assert_eq!(found, ["base-files 12.7", "libz 12.7", "own 1"]);
    // The same again gives the same, and what is on the base already stays as it is.
    let again = folder.path().join("again");
    assert_eq!(rebase(&app, &old, &new, &format!("oci:{}:app", again.display()), &[]).code, 0);
    assert_eq!(fs::read(again.join("index.json")).unwrap(), fs::read(place.join("index.json")).unwrap());
    let unchanged = folder.path().join("unchanged");
    assert_eq!(rebase(&app, &old, &old, &format!("oci:{}:app", unchanged.display()), &[]).code, 0);
    assert_eq!(platforms(&unchanged), before);
}

#[test]
fn what_cannot_be_right_is_refused() {
    let (old, new) = (index(|name| base(name, "12.5")), index(|name| base(name, "12.7")));
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new");
    let to = format!("oci:{}:app", place.display());
    for (files, words) in [
        (vec![("usr/lib/libz.so", "patched")], "/usr/lib/libz.so: the application changed this file of the base"),
        (vec![("etc/passwd", "root:x:0:0:own:/root:/bin/sh\n"), (STATUS, "Package: libz\nVersion: 1\n\n")], ""),
    ] {
        let app = index(|name| with_app(base(name, "12.5"), &files));
        let ended = rebase(&app, &old, &new, &to, &[]);
        if words.is_empty() {
            assert_eq!(ended.code, 0, "an account's record and an older package are no conflict: {}", ended.err);
            continue;
        }
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains(words), "{}", ended.err);
        assert!(!place.exists(), "nothing is written");
    }
    // A base that it is not on, and one without a platform.
    let app = index(|name| with_app(base(name, "12.5"), &[("x", "1")]));
    let ended = rebase(&app, &new, &old, &to, &[]);
    assert!(ended.code == 1 && ended.err.contains("does not begin with the layers of the old base"), "{}", ended.err);
    let smaller = Layout::of(&[base("amd64", "12.7"), base("arm64", "12.7")]);
    let ended = rebase(&app, &old, &smaller, &to, &[]);
    assert!(ended.code == 1 && ended.err.contains("the new base has no image for linux/s390x"), "{}", ended.err);
    let fixed = ["harden", "--offline", "--cache", "none", "--as-of", AS_OF];
    let unknown = run(fixed.into_iter().chain([app.reference().as_str(), "-t", &to, "--rebase", "newer"]));
    assert!(unknown.code == 2 && unknown.err.contains("no newer base of the image is known"), "{}", unknown.err);
}

#[test]
fn commands_of_the_page_work() {
    let files = app_files();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, content)| (*name, content.as_str())).collect();
    let (old, new) = (index(|name| base(name, "12.5")), index(|name| base(name, "12.7")));
    let app = index(|name| with_app(base(name, "12.5"), &files));
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("build")).unwrap();
    for (name, layout) in [("base-old", &old), ("base-new", &new), ("image", &app)] {
        std::os::unix::fs::symlink(layout.path(), folder.path().join("build").join(name)).unwrap();
    }
    let told = page_runs("docs/harden.md", folder.path());
    assert!(told.contains("non-root-user") && told.contains("merged by record"), "{told}");
}
