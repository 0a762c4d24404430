//! `copy`: every platform and what hangs on it, only what is missing, and never a tag that points to half an image.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::real::{Running, are_there};
use crate::server::{Answer, Asked};
use crate::signing::{Keys, Registry};
use crate::world::{Built, Ended, Layout, SAMPLE, end, layer, program};

fn copy(arguments: &[&str]) -> Ended {
    end(program().args(["copy", "--format", "json"]).args(arguments))
}

fn copied(arguments: &[&str]) -> Value {
    let ended = copy(arguments);
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended.json()
}

/// A layout of two platforms.
fn two_platforms() -> Layout {
    let base = layer(&[("etc/os-release", "ID=debian\n")]);
    let built =
        |architecture, own: &str| Built { architecture, ..Built::new(vec![base.clone(), layer(&[("srv/own", own)])]) };
    Layout::of(&[built("amd64", "a"), built("arm64", "b")])
}

/// Names of a layout's blobs.
fn blobs(folder: &std::path::Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder.join("blobs/sha256")).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What hangs on an image goes with it, to a registry with and without the referrers API and back, and still verifies.
#[test]
fn an_image_and_its_signatures_travel() {
    for lists_referrers in [true, false] {
        let (layout, keys, registry) = (two_platforms(), Keys::new(), Registry::new(lists_referrers));
        let server = registry.serve(|_| None);
        let remote = format!("{}/app:copied", server.address);
        let private = keys.path("own.key");
        for form in [&["--recursive"][..], &["--recursive", "--legacy"]] {
            let ended = keys.run(&[&["sign", &layout.reference(), "--key", &private], form].concat());
            assert_eq!(ended.code, 0, "{}", ended.err);
        }
        let report = copied(&[&layout.reference(), &remote]);
        assert_eq!(report["manifests"], 3, "the index and two platforms: {report}");
        assert_eq!(report["referrers"], 6, "a bundle and a tag each: {report}");
        let back = tempfile::tempdir().unwrap();
        let place = format!("oci:{}/made:1", back.path().display());
        copied(&[&remote, &place]);
        assert_eq!(blobs(&back.path().join("made")).difference(&blobs(layout.path())).next(), None);
        for image in [&remote, &place] {
            let verify = [
                "verify",
                image,
                "--key",
                &keys.path("own.pub"),
                "--allow-no-log",
                "--recursive",
                "all",
                "--format",
                "json",
            ];
            let ended = keys.run(&verify);
            assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
            for subject in ended.json()["subjects"].as_array().unwrap() {
                let verified = subject["signatures"].as_array().unwrap().iter().filter(|one| one["verified"] == true);
                assert_eq!(verified.count(), 2, "{subject}");
            }
        }
        let bare = format!("oci:{}/bare:1", back.path().display());
        assert_eq!(copied(&[&remote, &bare, "--no-referrers"])["referrers"], 0);
        assert_eq!(copied(&[&remote, &bare, "--no-referrers"])["blobs"]["sent"], 0, "what is there is not sent again");
    }
}

/// An upload that breaks off is begun again; one that never works leaves the tag alone.
#[test]
fn an_upload_that_breaks_is_begun_again() {
    let layout = Layout::of(&[Built::new(vec![layer(&[("srv/large", &"x".repeat(3 << 20))])])]);
    let is_large = |asked: &Asked| asked.method == "PUT" && asked.bytes.len() > 1 << 20;
    for status in [503, 429] {
        let registry = Registry::new(true);
        let first = AtomicBool::new(true);
        let server = registry.serve(move |asked| {
            let fails = is_large(asked) && first.swap(false, Ordering::Relaxed);
            fails.then(|| Answer::later(status))
        });
        let ended = copy(&[&layout.reference(), &format!("{}/app:1", server.address)]);
        if status == 429 {
            assert!(ended.code == 5 && registry.kept("1").is_none(), "{}", ended.err);
            continue;
        }
        assert_eq!(ended.code, 0, "{}", ended.err);
        let begun = server.asked().iter().filter(|asked| asked.method == "POST").count();
        assert_eq!(begun, 3, "two blobs, one of them twice");
    }
    let registry = Registry::new(true);
    let server = registry.serve(move |asked| is_large(asked).then(|| Answer::new(413, "too large")));
    let ended = copy(&[&layout.reference(), &format!("{}/app:1", server.address)]);
    assert!(ended.code == 5 && ended.err.contains("status 413: too large"), "{}", ended.err);
    assert!(registry.kept("1").is_none(), "no tag for half an image");
}

/// Blobs of another repository of the registry are taken over where it does that, and sent where it does not.
#[test]
fn a_registry_is_asked_to_take_blobs_over() {
    let source = two_platforms();
    let staging = Registry::new(true);
    copied(&[&source.reference(), &format!("{}/app:1", staging.serve(|_| None).address)]);
    for (status, mounted) in [(201, 5), (202, 0), (404, 0), (403, 0), (401, 0)] {
        let (staging, released) = (staging.clone(), Registry::new(true));
        let taking = released.clone();
        let server = released.serve(move |asked| {
            if let Some(rest) = asked.path.strip_prefix("/v2/staging/app/") {
                return Some(staging.answer(&Asked { path: format!("/v2/app/{rest}"), ..asked.clone() }));
            }
            let (_, query) = asked.path.split_once("?mount=")?;
            let (digest, from) = query.split_once("&from=").unwrap();
            assert_eq!(from, "staging%2Fapp");
            let digest = digest.replace("%3A", ":");
            if status == 201 {
                let blob = staging.kept.lock().unwrap()[&digest].clone();
                taking.kept.lock().unwrap().insert(digest, blob);
            }
            Some(Answer::new(status, "").with("Location", "/v2/app/blobs/uploads/1?state=x"))
        });
        let place = |name: &str| format!("{}/{name}", server.address);
        let report = copied(&[&place("staging/app:1"), &place("app:2")]);
        assert_eq!(report["blobs"]["mounted"], mounted, "{status}: {report}");
        assert_eq!(report["blobs"]["sent"], 5 - mounted, "{status}: {report}");
    }
}

/// Content that is not what its descriptor says never arrives.
#[test]
fn damaged_content_stays_behind() {
    let layout = two_platforms();
    let manifest = layout.sample_layers(0);
    let path = layout.blob_path(&manifest[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let registry = Registry::new(true);
    let server = registry.serve(|_| None);
    let target = tempfile::tempdir().unwrap();
    for to in [format!("{}/app:1", server.address), format!("oci:{}/new:1", target.path().display())] {
        let ended = copy(&[&layout.reference(), &to]);
        assert_eq!(ended.code, 3, "{}", ended.err);
        assert!(ended.err.contains("the content is damaged or was replaced"), "{}", ended.err);
    }
    assert!(registry.kept("1").is_none());
    let made = target.path().join("new");
    assert!(!blobs(&made).contains(manifest[0].trim_start_matches("sha256:")), "nothing damaged is kept");
    let index: Value = serde_json::from_slice(&fs::read(made.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"], Value::Array(Vec::new()));
}

/// A source that breaks in the middle of a blob is no fault of the destination's.
#[test]
fn a_source_that_breaks_is_named() {
    let source = Registry::new(true).serve(|asked| {
        let is_blob = asked.method == "GET" && asked.path.contains("/blobs/");
        is_blob.then(|| Answer::new(500, ""))
    });
    let target = Registry::new(true);
    let to = target.serve(|_| None);
    let ended = copy(&[&source.image(), &format!("{}/app:1", to.address)]);
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(ended.err.contains(&format!("`{}` failed with status 500", source.address)), "{}", ended.err);
    assert!(target.kept("1").is_none());
}

#[test]
fn what_is_no_destination_is_refused() {
    let digest = format!("registry.example/app@sha256:{}", "a".repeat(64));
    for (to, words) in [
        (digest.as_str(), "names a digest"),
        ("docker-archive:x.tar", "is no place to copy to"),
        ("dir:/tmp", "is no place to copy to"),
    ] {
        let ended = copy(&[SAMPLE, to]);
        assert!(ended.code == 2 && ended.err.contains(words), "{to}: {}", ended.err);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "x").unwrap();
    let ended = copy(&[SAMPLE, &format!("oci:{}:1", folder.path().display())]);
    assert_eq!(ended.code, 5, "a folder of something else is not written to: {}", ended.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A real registry, real passwords, and skopeo and a second look at what arrived.
#[test]
fn a_real_registry_takes_and_gives() {
    if !are_there(&["docker-registry", "skopeo", "htpasswd"]) {
        return;
    }
    let registry = Running::start(false);
    let ca = registry.file("ca.crt").display().to_string();
    let run = |from: &str, to: &str| {
        let mut command = program();
        command.env("DOCKER_AUTH_CONFIG", registry.auths("s3cr3t"));
        let ended = end(command.args(["copy", from, to, "--ca", &ca, "--format", "json"]));
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.json()
    };
    let (first, second) = (format!("{}/team/sample:1", registry.address), format!("{}/released:1", registry.address));
    let report = run(SAMPLE, &first);
    assert_eq!((&report["blobs"]["mounted"], &report["blobs"]["present"]), (&0.into(), &0.into()));
    let sent = report["blobs"]["sent"].as_u64().unwrap();
    let report = run(&first, &second);
    assert_eq!((&report["blobs"]["mounted"], &report["blobs"]["sent"]), (&sent.into(), &0.into()));
    assert_eq!(run(&first, &second)["blobs"]["present"], sent);
    let output = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false", "--creds", "user:s3cr3t"])
        .arg(format!("docker://{second}"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let digest = imgguard::digest::Digest::sha256(&output.stdout).to_string();
    assert_eq!(report["digest"], digest);
    let folder = tempfile::tempdir().unwrap();
    run(&second, &format!("oci:{}/back:1", folder.path().display()));
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample");
    assert_eq!(blobs(&folder.path().join("back")), blobs(&sample));
}
