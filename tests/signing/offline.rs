//! Without a network: `--offline`, bundles from files, and many signatures on one image.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::memory::Memory;
use crate::world::{Layout, end, program};

/// Runs in a network namespace that has nothing, not even loopback.
#[test]
fn layouts_need_no_network() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let is_there = Command::new("unshare").args(["-rn", "true"]).output().is_ok_and(|output| output.status.success());
    if !is_there {
        skipped!("no network namespaces on this machine");
        return;
    }
    let key = shared.join("keys/p256.pub").display().to_string();
    let reference = format!("oci:{}:v1", shared.join("layouts/bundle-p256").display());
    let mut command = Command::new("unshare");
    command.arg("-rn").arg(program().get_program()).env_clear();
    let ended = end(command.args(["verify", &reference, "--key", &key, "--allow-no-log", "--offline"]));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn layouts_open_no_socket() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let log = tempfile::NamedTempFile::new().unwrap();
    let trace = |program: &std::ffi::OsStr, arguments: &[&str]| {
        let mut command = Command::new("strace");
        command.args(["-f", "-e", "trace=socket", "-o"]).arg(log.path()).arg(program).args(arguments);
        command.output().is_ok_and(|output| output.status.success()).then(|| fs::read_to_string(log.path()).unwrap())
    };
    let Some(nothing) = trace("true".as_ref(), &[]) else {
        skipped!("no strace on this machine");
        return;
    };
    assert!(!nothing.contains("socket("));
    let key = shared.join("keys/p256.pub").display().to_string();
    let reference = format!("oci:{}:v1", shared.join("layouts/bundle-p256").display());
    let arguments = ["verify", &reference, "--key", &key, "--allow-no-log", "--offline"];
    let traced = trace(program().get_program(), &arguments).expect("it verifies");
    assert!(!traced.contains("socket("), "{traced}");
}

#[test]
fn a_bundle_may_come_from_a_file() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let folder = tempfile::tempdir().unwrap();
    let unsigned = format!("oci:{}:v1", shared.join("layouts/unsigned").display());
    let check = |case: &str, reference: &str, options: &[&str]| {
        let memory = Memory::of(&shared.join("layouts").join(case));
        let manifest: Value = memory.document(&memory.signatures()[0]);
        let bundle = memory.content[&manifest["layers"][0]["digest"].as_str().unwrap().parse().unwrap()].clone();
        let file = folder.path().join("app.sigstore.json");
        fs::write(&file, bundle).unwrap();
        let (file, key) = (file.display().to_string(), shared.join("keys/p256.pub").display().to_string());
        let arguments = ["verify", reference, "--offline", "--allow-no-log", "--key", &key, "--bundle", &file];
        end(program().args(arguments).args(options))
    };
    let ended = check("bundle-p256", &unsigned, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let ended = check("attest-bundle-spdx", &unsigned, &[]);
    assert!(ended.code == 1 && ended.out.contains("it is an attestation"), "{}{}", ended.out, ended.err);
    assert_eq!(check("attest-bundle-spdx", &unsigned, &["--type", "spdx"]).code, 0);
    let ended = check("bundle-p256", "oci:testdata/sample", &[]);
    assert!(ended.code == 1 && ended.out.contains("not about this image"), "{}{}", ended.out, ended.err);
}

#[test]
fn all_of_many_signatures_are_read() {
    const SIGNATURES: usize = 20;
    let layout = Layout::sample();
    let reference = layout.reference();
    let prefix = layout.path().join("own").display().to_string();
    let run = |arguments: &[&str]| end(program().env("COSIGN_PASSWORD", "").args(arguments));
    assert_eq!(run(&["generate-key-pair", "--output-prefix", &prefix]).code, 0);
    for _ in 0..SIGNATURES {
        assert_eq!(run(&["sign", &reference, "--key", &format!("{prefix}.key")]).code, 0);
    }
    let ended = run(&["verify", &reference, "--allow-no-log", "--key", &format!("{prefix}.pub"), "--format", "json"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let report = ended.json();
    let signatures = report["subjects"][0]["signatures"].as_array().unwrap();
    assert!(signatures.len() == SIGNATURES && signatures.iter().all(|one| one["verified"] == true), "{report}");
}
