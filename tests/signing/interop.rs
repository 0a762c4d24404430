//! What cosign wrote is judged as cosign judged it, and what we write looks like what cosign writes.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tempfile::TempDir;

use crate::memory::Memory;
use crate::world::{Ended, end, program};

fn imgguard(arguments: &[&str]) -> Ended {
    end(program().env("COSIGN_PASSWORD", "correct-horse").args(arguments))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Where cosign and we must differ: it takes no digest algorithm from the key, and it takes an attestation for a signature.
fn differs(case: &str, verb: &str) -> bool {
    let own_algorithm = case.ends_with("p384") || case.ends_with("ed25519");
    verb == "verify" && (own_algorithm || case == "attest-bundle-spdx")
}

#[test]
fn verdicts_are_those_of_cosign() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let table = fs::read_to_string(shared.join("verdicts.tsv")).unwrap();
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let mut columns = row.split('\t');
        let [case, key, verb, options, exit] = std::array::from_fn(|_| columns.next().unwrap());
        let reference = format!("oci:{}:v1", text(&shared.join("layouts").join(case)));
        let key = text(&shared.join("keys").join(format!("{key}.pub")));
        let mut arguments = vec!["verify", &reference, "--offline", "--allow-no-log", "--key", &key];
        // Which form a signature has is for us to find out.
        arguments.extend(options.split_whitespace().filter(|option| !option.starts_with("--new-bundle-format")));
        let ended = imgguard(&arguments);
        let theirs = exit == "0";
        // A key that is not the signer's is refused by everybody.
        let expected = if differs(case, verb) && case.contains(key_name(&key))
            || case == "attest-bundle-spdx" && verb == "verify"
        {
            !theirs
        } else {
            theirs
        };
        assert_eq!(ended.code, i32::from(!expected), "{row}\n{}{}", ended.out, ended.err);
        rows += 1;
    }
    assert_eq!(rows, 26);
}

fn key_name(path: &str) -> &str {
    Path::new(path).file_stem().unwrap().to_str().unwrap()
}

/// A copy of a layout that holds nothing but the image.
fn unsigned(shared: &Path) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    copy(&shared.join("layouts/unsigned"), folder.path());
    let reference = format!("oci:{}:v1", folder.path().display());
    (folder, reference)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.as_ref().unwrap().file_name());
        if path.is_dir() {
            fs::create_dir(to.join(&name)).unwrap();
            copy(&path, &to.join(&name));
        } else {
            fs::copy(path, to.join(&name)).unwrap();
        }
    }
}

/// The layers' content below a manifest, with what must differ between two signings taken out: signatures, digests of what holds them, times, the repository's name.
fn normalized(memory: &Memory) -> Vec<Value> {
    let mut documents = Vec::new();
    for digest in memory.signatures() {
        let mut manifest = memory.document(&digest);
        let is_listing = manifest.get("manifests").is_some();
        for layer in manifest["layers"].as_array_mut().into_iter().flatten() {
            let digest = layer["digest"].as_str().unwrap().parse().unwrap();
            layer["content"] = content(&memory.document(&digest));
        }
        if let Some(config) = manifest["config"]["digest"].as_str().map(|digest| digest.parse().unwrap()) {
            manifest["config"]["content"] = memory.document(&config);
        }
        scrub(&mut manifest);
        if !is_listing {
            documents.push(manifest);
        }
    }
    documents.sort_by_key(ToString::to_string);
    documents
}

/// A bundle, envelope or payload with its statement spelled out.
fn content(document: &Value) -> Value {
    let mut document = document.clone();
    for pointer in ["/dsseEnvelope/payload", "/payload"] {
        if let Some(payload) = document.pointer_mut(pointer) {
            *payload = serde_json::from_slice(&BASE64.decode(payload.as_str().unwrap()).unwrap()).unwrap();
        }
    }
    document
}

fn scrub(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(fields) => {
            let is_subject =
                fields.contains_key("mediaType") && fields.get("size").is_some_and(|size| size == 491 || size == 401);
            for (name, field) in fields.iter_mut() {
                let varies = match name.as_str() {
                    "sig" | "dev.cosignproject.cosign/signature" => field.as_str() != Some(""),
                    "org.opencontainers.image.created" | "docker-reference" | "name" | "diff_ids" => true,
                    "digest" | "size" => !is_subject && !field.is_object(),
                    _ => false,
                };
                if varies { *field = Value::from("varies") } else { scrub(field) }
            }
        }
        _ => {}
    }
}

#[test]
fn what_we_sign_is_what_cosign_writes() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let key = |name: &str| text(&shared.join("keys").join(name));
    let inputs = text(&shared.join("inputs/spdx.json"));
    let annotations = ["-a", "team=blue", "-a", "release=1.2.3"];
    for (case, key_name, verb, options) in [
        ("bundle-p256", "p256", "sign", vec![]),
        ("bundle-p384", "p384", "sign", vec![]),
        ("bundle-rsa2048", "rsa2048", "sign", vec![]),
        ("bundle-ed25519", "ed25519", "sign", vec![]),
        ("bundle-recursive", "p256", "sign", vec!["--recursive"]),
        ("bundle-annotated", "p256", "sign", annotations.to_vec()),
        ("legacy-p256", "p256", "sign", vec!["--legacy"]),
        ("legacy-p384", "p384", "sign", vec!["--legacy"]),
        ("legacy-rsa2048", "rsa2048", "sign", vec!["--legacy"]),
        ("legacy-ed25519", "ed25519", "sign", vec!["--legacy"]),
        ("legacy-recursive", "p256", "sign", vec!["--legacy", "--recursive"]),
        ("legacy-annotated", "p256", "sign", vec!["--legacy", "-a", "team=blue"]),
        ("attest-bundle-spdx", "p256", "attest", vec!["--type", "spdxjson", "--predicate", &inputs]),
        ("attest-legacy-spdx", "p256", "attest", vec!["--legacy", "--type", "spdxjson", "--predicate", &inputs]),
    ] {
        let (folder, reference) = unsigned(&shared);
        let (private, public) = (key(&format!("{key_name}.key")), key(&format!("{key_name}.pub")));
        let mut arguments = vec![verb, &reference, "--offline", "--key", &private];
        arguments.extend(&options);
        let ended = imgguard(&arguments);
        assert_eq!(ended.code, 0, "{case}: {}", ended.err);
        let mut verify = vec!["verify", &reference, "--offline", "--allow-no-log", "--key", &public];
        if verb == "attest" {
            verify.extend(["--type", "spdxjson"]);
        }
        if options.contains(&"--recursive") {
            verify.extend(["--recursive", "all"]);
        }
        let ended = imgguard(&verify);
        assert_eq!(ended.code, 0, "{case}: {}{}", ended.out, ended.err);
        let (ours, theirs) = (Memory::of(folder.path()), Memory::of(&shared.join("layouts").join(case)));
        assert_eq!(normalized(&ours), normalized(&theirs), "{case}");
    }
}

#[test]
fn recursive_is_what_it_says() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let (private, public) = (text(&shared.join("keys/p256.key")), text(&shared.join("keys/p256.pub")));
    let (_folder, reference) = unsigned(&shared);
    let verify = |reference: &str, recursive: &str| {
        imgguard(&["verify", reference, "--offline", "--allow-no-log", "--key", &public, "--recursive", recursive]).code
    };
    let codes = |reference: &str| ["index", "all", "any"].map(|recursive| verify(reference, recursive));
    assert_eq!(codes(&reference), [1, 1, 1], "unsigned");
    // One platform alone, by its digest.
    let root = Memory::of(_folder.path()).subject();
    let index: Value = serde_json::from_slice(&root.bytes).unwrap();
    let platform = |number: usize| {
        let digest = index["manifests"][number]["digest"].as_str().unwrap();
        format!("oci:{}@{digest}", _folder.path().display())
    };
    let sign = |reference: &str| assert_eq!(imgguard(&["sign", reference, "--key", &private]).code, 0);
    sign(&platform(0));
    assert_eq!(codes(&reference), [1, 1, 1], "one of two platforms");
    let one =
        ["verify", &reference, "--allow-no-log", "--key", &public, "--recursive", "any", "--platform", "linux/amd64"];
    assert_eq!(imgguard(&one).code, 0, "the platform asked for is signed");
    sign(&platform(1));
    assert_eq!(codes(&reference), [1, 1, 0], "every platform, and not the index");
    sign(&reference);
    assert_eq!(codes(&reference), [0, 0, 0]);
    let (_folder, reference) = unsigned(&shared);
    sign(&reference);
    assert_eq!(codes(&reference), [0, 1, 0], "the index alone");
}

#[test]
fn keys_are_made_and_imported_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&folder.path().join(name));
    const PASSWORD: &str = "s3cr3t-Pa55w0rd";
    let with = |arguments: &[&str]| end(program().env("IMGGUARD_KEY_PASSWORD", PASSWORD).args(arguments));
    let ended = with(&["generate-key-pair", "--output-prefix", &at("own")]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(at("own.key")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let ended = with(&["generate-key-pair", "--output-prefix", &at("own")]);
    assert_eq!(ended.code, 2, "a key is never overwritten: {}", ended.err);
    let wrong =
        end(program().env("COSIGN_PASSWORD", "wrong").args(["sign", "oci:testdata/sample", "--key", &at("own.key")]));
    assert!(wrong.code == 2 && wrong.err.contains("the password does not open it"), "{}", wrong.err);
    let none = end(program().args(["sign", "oci:testdata/sample", "--key", &at("own.key")]));
    assert!(none.code == 2 && none.err.contains("set IMGGUARD_KEY_PASSWORD"), "{}", none.err);
    let public = with(&["verify", "oci:testdata/sample", "--key", &at("own.key")]);
    assert!(
        public.code == 2 && public.err.contains("it is a private key") || public.err.contains("PEM"),
        "{}",
        public.err
    );
    let written = fs::read_to_string(at("own.key")).unwrap();
    for ended in [ended, wrong, none, public] {
        let shown = ended.out + &ended.err;
        assert!(
            !shown.contains(PASSWORD) && !written.lines().skip(1).any(|line| line.len() > 20 && shown.contains(line)),
            "{shown}"
        );
    }
    let openssl = |arguments: &[&str]| std::process::Command::new("openssl").args(arguments).output();
    for (name, make) in [
        ("sec1-p256", vec!["ecparam", "-name", "prime256v1", "-genkey", "-noout"]),
        ("sec1-p384", vec!["ecparam", "-name", "secp384r1", "-genkey", "-noout"]),
        ("sec1-p521", vec!["ecparam", "-name", "secp521r1", "-genkey", "-noout"]),
        ("pkcs1", vec!["genrsa", "-traditional", "2048"]),
        ("pkcs8-rsa4096", vec!["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"]),
        ("pkcs8-ed25519", vec!["genpkey", "-algorithm", "ED25519"]),
    ] {
        let Ok(made) = openssl(&make) else {
            skipped!("no openssl on this machine");
            return;
        };
        fs::write(at(name), &made.stdout).unwrap();
        let ended = with(&["import-key-pair", "--key", &at(name), "--output-prefix", &at(&format!("{name}-in"))]);
        assert_eq!(ended.code, 0, "{name}: {}", ended.err);
        let theirs = openssl(&["pkey", "-in", &at(name), "-pubout"]).unwrap().stdout;
        assert_eq!(fs::read(at(&format!("{name}-in.pub"))).unwrap(), theirs, "{name}");
        let layout = crate::world::Layout::sample();
        let reference = layout.reference();
        for options in [vec![], vec!["--legacy"]] {
            let private = at(&format!("{name}-in.key"));
            let arguments = [vec!["sign", &reference, "--key", &private], options].concat();
            assert_eq!(with(&arguments).code, 0, "{name}");
        }
        let public = at(&format!("{name}-in.pub"));
        let ended = with(&["verify", &reference, "--key", &public, "--allow-no-log", "--format", "json"]);
        assert_eq!(ended.code, 0, "{name}: {}{}", ended.out, ended.err);
        let verified = ended.json()["subjects"][0]["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["verified"] == true)
            .count();
        assert_eq!(verified, 2, "{name}: both forms");
    }
    for (name, make) in [
        ("p224", vec!["ecparam", "-name", "secp224r1", "-genkey", "-noout"]),
        ("rsa1024", vec!["genrsa", "-traditional", "1024"]),
    ] {
        fs::write(at(name), openssl(&make).unwrap().stdout).unwrap();
        let ended = with(&["import-key-pair", "--key", &at(name), "--output-prefix", &at(&format!("{name}-in"))]);
        assert_eq!(ended.code, 2, "{name}: {}", ended.err);
    }
}

#[test]
fn usage_is_told() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let (key, reference) =
        (text(&shared.join("keys/p256.pub")), format!("oci:{}:v1", text(&shared.join("layouts/bundle-p256"))));
    let nobody: PathBuf = "/nonexistent".into();
    for (arguments, says) in [
        (vec!["verify", &reference], "nobody is trusted"),
        (vec!["verify", &reference, "--identity", "me"], "--identity needs --issuer"),
        (vec!["verify", &reference, "--issuer", "https://x"], "--issuer needs --identity"),
        (vec!["verify", &reference, "--identity-regexp", "(", "--issuer", "x"], "unclosed group"),
        (vec!["verify", &reference, "--key", nobody.to_str().unwrap()], "could not be read"),
        (vec!["verify", &reference, "--key", &key, "--type", "sbom"], "write a URI or one of"),
        (vec!["verify", &reference, "--key", &key, "--trusted-root", &key], "the trusted root"),
        (vec!["verify", "docker-archive:x.tar", "--key", &key], "cannot hold signatures"),
        (
            vec!["verify", &reference, "--key", &key, "--recursive", "all", "--platform", "linux/s390x"],
            "no manifest for",
        ),
    ] {
        let ended = imgguard(&arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(says), "`{says}` is not in: {}", ended.err);
    }
    let ended = imgguard(&["verify", "registry.example/app:1", "--key", &key, "--offline"]);
    assert!(ended.code == 5 && ended.err.contains("--offline forbids it"), "{}", ended.err);
}
