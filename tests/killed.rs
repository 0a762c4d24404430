//! Killed at any moment, a run leaves nothing half-written that a later run trusts; several runs may share a cache.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use imgguard::digest::Digest;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn imgguard() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgguard"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

fn scan(image: &Path, cache: &Path, json: &Path) -> Command {
    let mut command = imgguard();
    command.args(["scan", &format!("oci:{}", image.display()), "--offline", "--as-of", "2026-11-25", "--cache"]);
    command.arg(cache).arg("-o").arg(format!("json={}", json.display()));
    command
}

/// A layout with layers that take some milliseconds each.
fn image(folder: &Path) -> PathBuf {
    let root = folder.join("image");
    let blobs = root.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let blob = |bytes: &[u8]| {
        let digest = Digest::sha256(bytes);
        fs::write(blobs.join(digest.hex()), bytes).unwrap();
        serde_json::json!({ "digest": digest.to_string(), "size": bytes.len() })
    };
    let typed = |mut value: serde_json::Value, kind: &str| {
        value["mediaType"] = format!("application/vnd.oci.image.{kind}").into();
        value
    };
    let layers: Vec<_> = (0..4_u32).map(|number| typed(blob(&layer(number)), "layer.v1.tar")).collect();
    let diff_ids: Vec<_> = layers.iter().map(|layer| &layer["digest"]).collect();
    let rootfs = serde_json::json!({ "type": "layers", "diff_ids": diff_ids });
    let config = serde_json::json!({ "os": "linux", "architecture": "amd64", "config": {}, "rootfs": rootfs });
    let config = config.to_string();
    let manifest = serde_json::json!({
        "schemaVersion": 2, "config": typed(blob(config.as_bytes()), "config.v1+json"), "layers": layers,
    });
    let manifest = typed(blob(manifest.to_string().as_bytes()), "manifest.v1+json");
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [manifest] });
    fs::write(root.join("index.json"), index.to_string()).unwrap();
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    root
}

fn layer(number: u32) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in 0..400_u32 {
        let content = format!("{{\"name\": \"package-{number}-{file}\", \"version\": \"1.0.{file}\"}}\n{:4000}", "");
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        let path = format!("srv/node_modules/package-{number}-{file}/package.json");
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Runs `command` and kills it after `lifetime`, unless it was faster; tells whether it was killed.
fn kill_after(mut command: Command, lifetime: Duration) -> bool {
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    while start.elapsed() < lifetime {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    let _ = child.kill();
    child.wait().unwrap().code().is_none()
}

/// How long one whole run takes, so that the kills are spread over it.
fn duration_of(mut command: Command) -> Duration {
    let start = Instant::now();
    assert!(command.status().unwrap().success());
    start.elapsed()
}

#[test]
fn a_killed_scan_leaves_no_half_report_and_no_cache_that_lies() {
    const KILLS: u32 = 24;
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path());
    let path = |name: &str| folder.path().join(name);
    let whole = duration_of(scan(&image, &path("unused"), &path("expected.json")));
    let expected = fs::read(path("expected.json")).unwrap();
    let mut killed = 0;
    for kill in 0..KILLS {
        fs::write(path("report.json"), b"the report of yesterday").unwrap();
        killed += u32::from(kill_after(scan(&image, &path("cache"), &path("report.json")), whole * kill / KILLS));
        let report = fs::read(path("report.json")).unwrap();
        assert!(report == expected || report == b"the report of yesterday", "after {kill} of {KILLS}");
        assert!(scan(&image, &path("cache"), &path("after.json")).status().unwrap().success());
        assert_eq!(fs::read(path("after.json")).unwrap(), expected);
        // Every second round begins with what the killed run left of the cache, the others with none.
        if kill % 2 == 0 {
            fs::remove_dir_all(path("cache")).unwrap();
        }
    }
    assert!(killed > KILLS / 4, "{killed} runs were still at work");
}

#[test]
fn a_killed_import_leaves_the_store_that_was_there() {
    const KILLS: u32 = 24;
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("records");
    fs::create_dir(&records).unwrap();
    let sample = fs::read_to_string(Path::new(ROOT).join("testdata/advisory/records/GO-2030-0001.json")).unwrap();
    for number in 0..800 {
        let id = format!("GO-2030-{:04}", number + 1);
        fs::write(records.join(format!("{id}.json")), sample.replace("GO-2030-0001", &id)).unwrap();
    }
    let store = folder.path().join("store");
    let import = || {
        let mut command = imgguard();
        command.args(["db", "import"]).arg(&records).arg("--output").arg(&store);
        command
    };
    let whole = duration_of(import());
    let expected = fs::read(&store).unwrap();
    let mut killed = 0;
    for kill in 0..KILLS {
        fs::write(&store, b"the store of yesterday").unwrap();
        killed += u32::from(kill_after(import(), whole * kill / KILLS));
        let left = fs::read(&store).unwrap();
        assert!(left == expected || left == b"the store of yesterday", "after {kill} of {KILLS}");
    }
    assert!(killed > KILLS / 4, "{killed} runs were still at work");
}

/// The digest that a layout's tag points to, where everything below it is there.
fn tag_of_whole_image(layout: &Path) -> String {
    let read = |path: PathBuf| -> serde_json::Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let blob = |digest: &str| {
        let path = layout.join("blobs").join(digest.replace(':', "/"));
        let expected = digest.parse::<Digest>().unwrap();
        assert_eq!(Digest::sha256(&fs::read(&path).unwrap()), expected);
        path
    };
    let index = read(layout.join("index.json"));
    let digest = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let manifest = read(blob(&digest));
    blob(manifest["config"]["digest"].as_str().unwrap());
    for layer in manifest["layers"].as_array().unwrap() {
        blob(layer["digest"].as_str().unwrap());
    }
    digest
}

#[test]
fn a_killed_harden_leaves_the_tag_that_was_there() {
    const KILLS: u32 = 12;
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path());
    let path = |name: &str| folder.path().join(name);
    let harden = |steps: &[&str], target: &str| {
        let mut command = imgguard();
        command.args(["harden", "--offline", "--yes", "--cache", "none", "--as-of", "2026-11-25"]).args(steps);
        command.arg(format!("oci:{}", image.display())).arg("-t").arg(format!("oci:{}:app", path(target).display()));
        command
    };
    let remove = ["--remove-path", "/srv/node_modules/package-1-1*"];
    let whole = duration_of(harden(&remove, "expected"));
    let expected = tag_of_whole_image(&path("expected"));
    let mut killed = 0;
    for kill in 0..KILLS {
        let _ = fs::remove_dir_all(path("target"));
        assert!(harden(&[], "target").status().unwrap().success());
        let before = tag_of_whole_image(&path("target"));
        killed += u32::from(kill_after(harden(&remove, "target"), whole * kill / KILLS));
        let after = tag_of_whole_image(&path("target"));
        assert!(after == before || after == expected, "after {kill} of {KILLS}");
    }
    assert!(killed > KILLS / 4, "{killed} runs were still at work");
}

#[test]
fn several_runs_share_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path());
    let path = |name: String| folder.path().join(name);
    assert!(scan(&image, &path("unused".into()), &path("expected.json".into())).status().unwrap().success());
    let expected = fs::read(path("expected.json".into())).unwrap();
    let start = |run: u32| scan(&image, &path("cache".into()), &path(format!("{run}.json"))).spawn().unwrap();
    let runs: Vec<_> = (0..8).map(start).collect();
    for (run, mut child) in (0..8).zip(runs) {
        assert!(child.wait().unwrap().success());
        assert_eq!(fs::read(path(format!("{run}.json"))).unwrap(), expected);
    }
}
