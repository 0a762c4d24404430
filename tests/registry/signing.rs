//! Signatures in registries: with and without the referrers API, with several writers, and where something is wrong.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use imgguard::digest::Digest;
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Server, Stored};
use crate::world::{Built, Ended, Layout, end, layer, program};

type Kept = Arc<Mutex<BTreeMap<String, (String, Vec<u8>)>>>;

/// A registry that takes what is pushed.
#[derive(Clone)]
pub(crate) struct Registry {
    /// Manifests by tag and digest, blobs by digest: media type and content.
    pub(crate) kept: Kept,
    image: Stored,
    lists_referrers: bool,
}

impl Registry {
    pub(crate) fn new(lists_referrers: bool) -> Self {
        Self { kept: Arc::default(), image: Stored::new(), lists_referrers }
    }

    pub(crate) fn serve(&self, wrong: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Server {
        let registry = self.clone();
        Server::start(move |asked| wrong(asked).unwrap_or_else(|| registry.answer(asked)))
    }

    pub(crate) fn answer(&self, asked: &Asked) -> Answer {
        let (path, query) = asked.local_path().split_once('?').unwrap_or((asked.local_path(), ""));
        let name = path.rsplit('/').next().unwrap().to_owned();
        match asked.method.as_str() {
            "POST" => Answer::new(202, "").with("Location", "/v2/app/blobs/uploads/1?state=x"),
            "PUT" if path.contains("/blobs/uploads/") => {
                let digest =
                    query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap().replace("%3A", ":");
                assert!(query.contains("state=x"), "what the registry told is kept");
                assert_eq!(digest, Digest::sha256(&asked.bytes).as_str());
                self.kept.lock().unwrap().insert(digest, (String::new(), asked.bytes.clone()));
                Answer::new(201, "")
            }
            "PUT" => self.put_manifest(&name, asked),
            _ if path.contains("/referrers/") => self.referrers(&name),
            _ => match self.kept.lock().unwrap().get(&name) {
                Some((_, body)) if asked.method == "HEAD" => {
                    Answer::new(200, "").with("X-Size", body.len().to_string())
                }
                Some((media_type, body)) => Answer::new(200, body.clone()).with("Content-Type", media_type),
                None if asked.method == "HEAD" => Answer::new(404, ""),
                None => self.image.answer(asked),
            },
        }
    }

    fn put_manifest(&self, name: &str, asked: &Asked) -> Answer {
        let manifest: Value = serde_json::from_str(&asked.body).unwrap();
        let mut kept = self.kept.lock().unwrap();
        for part in manifest["layers"].as_array().into_iter().flatten().chain(manifest.get("config")) {
            assert!(kept.contains_key(part["digest"].as_str().unwrap()), "content is there before what points to it");
        }
        let stored = (asked.header("content-type").unwrap().to_owned(), asked.bytes.clone());
        kept.insert(Digest::sha256(&asked.bytes).to_string(), stored.clone());
        kept.insert(name.to_owned(), stored);
        let answer = Answer::new(201, "");
        match manifest["subject"]["digest"].as_str().filter(|_| self.lists_referrers) {
            Some(subject) => answer.with("OCI-Subject", subject),
            None => answer,
        }
    }

    fn referrers(&self, subject: &str) -> Answer {
        if !self.lists_referrers {
            return Answer::new(404, "404 page not found");
        }
        let kept = self.kept.lock().unwrap();
        let refers = |(name, (media_type, body)): (&String, &(String, Vec<u8>))| {
            let manifest: Value = serde_json::from_slice(body).ok().filter(|_| name.starts_with("sha256:"))?;
            (manifest["subject"]["digest"] == subject)
                .then(|| json!({"mediaType": media_type, "digest": name, "size": body.len()}))
        };
        let all: Vec<Value> = kept.iter().filter_map(refers).collect();
        let list =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": all});
        Answer::new(200, list.to_string())
    }

    pub(crate) fn kept(&self, name: &str) -> Option<Value> {
        self.kept.lock().unwrap().get(name).map(|(_, body)| serde_json::from_slice(body).unwrap())
    }

    fn fallback_tag(&self) -> String {
        self.image.manifest.replace(':', "-")
    }
}

/// A key pair of a test, made by the program.
pub(crate) struct Keys(tempfile::TempDir);

impl Keys {
    pub(crate) fn new() -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        let prefix = keys.path("own");
        let ended = keys.run(&["generate-key-pair", "--output-prefix", &prefix]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        keys
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        end(program().env("IMGGUARD_KEY_PASSWORD", "").args(arguments))
    }

    fn sign(&self, image: &str, options: &[&str]) -> Ended {
        self.run(&[&["sign", image, "--key", &self.path("own.key")], options].concat())
    }

    fn verify(&self, image: &str, options: &[&str]) -> Ended {
        self.run(&[&["verify", image, "--key", &self.path("own.pub"), "--allow-no-log"], options].concat())
    }
}

#[test]
fn signatures_are_found_where_they_were_put() {
    let keys = Keys::new();
    let predicate = keys.path("predicate.json");
    std::fs::write(&predicate, r#"{"spdxVersion":"SPDX-2.3"}"#).unwrap();
    let private = keys.path("own.key");
    for lists_referrers in [true, false] {
        for legacy in [vec![], vec!["--legacy"]] {
            let registry = Registry::new(lists_referrers);
            let server = registry.serve(|_| None);
            let image = server.image();
            let ended = keys.verify(&image, &["--explain"]);
            assert!(ended.code == 1 && ended.out.contains("no signature was found"), "{}{}", ended.out, ended.err);
            let ended = keys.sign(&image, &legacy);
            assert_eq!(ended.code, 0, "{}", ended.err);
            let before = server.asked().len();
            let ended = keys.verify(&image, &["--format", "json"]);
            assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
            assert!(server.asked().len() - before <= 7 + 2, "a bounded number of requests");
            let place = &ended.json()["subjects"][0]["signatures"][0]["place"];
            let expected = match (legacy.is_empty(), lists_referrers) {
                (false, _) => ".sig tag",
                (true, true) => "referrers",
                (true, false) => "fallback tag",
            };
            assert_eq!(place, expected);
            let listed = registry.kept(&registry.fallback_tag());
            assert_eq!(listed.is_some(), legacy.is_empty() && !lists_referrers);
            if let Some(listed) = listed {
                let entry = &listed["manifests"][0];
                assert_eq!(entry["artifactType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
                let predicate_type = &entry["annotations"]["dev.sigstore.bundle.predicateType"];
                assert_eq!(predicate_type, "https://sigstore.dev/cosign/sign/v1", "annotations are copied up");
            }
            let attest =
                [&["attest", &image, "--key", &private, "--type", "spdx", "--predicate", &predicate], &*legacy]
                    .concat();
            assert_eq!(keys.run(&attest).code, 0);
            let ended = keys.verify(&image, &["--type", "spdx", "--format", "json"]);
            assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
            assert!(ended.out.contains("SPDX-2.3"), "what is attested can be used");
            let tree = keys.run(&["tree", &image]);
            assert!(
                tree.out.contains(": signature sha256:") && tree.out.contains("attestation https://spdx.dev/Document"),
                "{}",
                tree.out
            );
        }
    }
}

#[test]
fn several_writers_lose_nothing() {
    const WRITERS: usize = 6;
    let keys = Keys::new();
    let registry = Registry::new(false);
    let server = registry.serve(|_| None);
    for (legacy, name) in
        [(vec![], registry.fallback_tag()), (vec!["--legacy"], format!("{}.sig", registry.fallback_tag()))]
    {
        let start = |_| {
            let mut command = program();
            command.env("IMGGUARD_KEY_PASSWORD", "").args(["sign", &server.image(), "--key", &keys.path("own.key")]);
            command.args(&legacy).stderr(Stdio::piped()).spawn().unwrap()
        };
        let writers: Vec<_> = (0..WRITERS).map(start).collect();
        for writer in writers {
            let output = writer.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let document = registry.kept(&name).unwrap();
        let entries = document.get("manifests").unwrap_or(&document["layers"]).as_array().unwrap();
        assert_eq!(entries.len(), WRITERS, "{document}");
    }
}

/// What others wrote under the fallback tag stays, whatever it is.
#[test]
fn foreign_entries_stay_as_they_are() {
    let keys = Keys::new();
    let registry = Registry::new(false);
    let foreign = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": format!("sha256:{}", "a".repeat(64)), "size": 7, "artifactType": "application/x", "unknown": {"to": "us"}});
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [foreign], "annotations": {"a": "b"}});
    registry.kept.lock().unwrap().insert(registry.fallback_tag(), (String::new(), index.to_string().into_bytes()));
    let server = registry.serve(|_| None);
    assert_eq!(keys.sign(&server.image(), &[]).code, 0);
    let written = registry.kept(&registry.fallback_tag()).unwrap();
    assert_eq!((&written["manifests"][0], &written["annotations"]), (&foreign, &json!({"a": "b"})));
    assert_eq!(written["manifests"].as_array().unwrap().len(), 2);
    // That entry's manifest is not there, which hides nothing of the rest.
    let ended = keys.verify(&server.image(), &["--explain"]);
    assert!(ended.code == 0 && ended.out.contains("it is listed, but not there"), "{}{}", ended.out, ended.err);
}

#[test]
fn a_place_that_cannot_be_read_is_never_unsigned() {
    let keys = Keys::new();
    let registry = Registry::new(true);
    assert_eq!(keys.sign(&registry.serve(|_| None).image(), &[]).code, 0);
    for (part, status) in [
        ("/referrers/", 401),
        ("/referrers/", 403),
        ("/referrers/", 429),
        ("/referrers/", 500),
        ("/referrers/", 400),
        ("/manifests/sha256-", 403),
        ("/manifests/sha256-", 503),
        (".att", 429),
        ("/blobs/", 403),
    ] {
        let server = registry.serve(move |asked| {
            asked
                .path
                .contains(part)
                .then(|| Answer::new(status, "no").with("Retry-After", if status == 429 { "3600" } else { "0" }))
        });
        let ended = keys.verify(&server.image(), &[]);
        assert_eq!(ended.code, 5, "{part} {status}: {}{}", ended.out, ended.err);
        assert!(ended.out.is_empty() && ended.err.contains("so it is not known"), "{part} {status}: {}", ended.err);
    }
    for body in ["<html>", "{}", "[]", r#"{"manifests":{}}"#] {
        let server = registry.serve(move |asked| asked.path.contains("/referrers/").then(|| Answer::new(200, body)));
        let ended = keys.verify(&server.image(), &[]);
        assert_eq!(ended.code, 5, "{body}: {}{}", ended.out, ended.err);
    }
    let server =
        registry.serve(|asked| asked.path.contains("/referrers/").then(|| Answer::new(200, r#"{"manifests":null}"#)));
    assert_eq!(keys.verify(&server.image(), &[]).code, 1, "an empty list is one");
}

#[test]
fn pages_are_followed_at_the_same_host_only() {
    let keys = Keys::new();
    let registry = Registry::new(true);
    let plain = registry.serve(|_| None);
    assert_eq!(keys.sign(&plain.image(), &[]).code, 0);
    let empty = || Answer::new(200, r#"{"manifests":[]}"#);
    let paged = registry.serve(move |asked| {
        let is_first = asked.path.contains("/referrers/") && !asked.path.contains("page=2");
        is_first.then(|| empty().with("Link", format!("<{}?page=2>; rel=\"next\"", asked.path)))
    });
    assert_eq!(keys.verify(&paged.image(), &[]).code, 0, "what is on the second page counts");
    let elsewhere = plain.url("/v2/app/referrers/x");
    let led = registry.serve(move |asked| {
        asked.path.contains("/referrers/").then(|| empty().with("Link", format!("<{elsewhere}>; rel=\"next\"")))
    });
    let ended = keys.verify(&led.image(), &[]);
    assert!(ended.code == 5 && ended.err.contains("another host"), "{}", ended.err);
    let endless = registry.serve(move |asked| {
        asked.path.contains("/referrers/").then(|| empty().with("Link", "</v2/app/referrers/x>; rel=next"))
    });
    let ended = keys.verify(&endless.image(), &[]);
    assert!(ended.code == 5 && ended.err.contains("more than 100 pages"), "{}", ended.err);
}

#[test]
fn credentials_and_rights_are_no_more_than_needed() {
    let keys = Keys::new();
    let registry = Registry::new(true);
    // Where uploads go to another host, that one gets the bytes and nothing else.
    let storage = Server::start(|_| Answer::new(201, ""));
    let target = storage.url("/upload?signed=yes");
    let server = registry.serve(move |asked| {
        let realm = format!("http://{}/token", asked.header("host").unwrap());
        if asked.path.starts_with("/token") {
            return Some(Answer::new(200, r#"{"token":"t0ken"}"#));
        }
        if asked.header("authorization").is_none() {
            return Some(Answer::new(401, "").with(
                "WWW-Authenticate",
                format!("Bearer realm=\"{realm}\",service=\"s\",scope=\"repository:app:pull,push,delete\""),
            ));
        }
        (asked.method == "POST").then(|| Answer::new(202, "").with("Location", target.clone()))
    });
    // The manifest is refused by this test's registry, since the blobs are elsewhere; until then everything happened.
    let auths = format!(r#"{{"auths":{{"{}":{{"username":"user","password":"s3cr3t"}}}}}}"#, server.address);
    let sign = |command: &mut std::process::Command| {
        end(command.env("IMGGUARD_KEY_PASSWORD", "").env("DOCKER_AUTH_CONFIG", &auths).args([
            "sign",
            &server.image(),
            "--key",
            &keys.path("own.key"),
        ]))
    };
    sign(&mut program());
    let uploads = storage.asked();
    assert!(!uploads.is_empty() && uploads.iter().all(|asked| asked.header("authorization").is_none()), "{uploads:?}");
    assert!(uploads[0].path.starts_with("/upload?signed=yes&digest=sha256"), "{}", uploads[0].path);
    let scopes = || server.asked_for("/token").iter().map(|asked| asked.path.clone()).collect::<Vec<_>>();
    assert!(
        scopes().iter().all(|path| path.contains("repository%3Aapp%3Apull%2Cpush") && !path.contains("delete")),
        "{:?}",
        scopes()
    );
    let signing = scopes().len();
    end(program().env("DOCKER_AUTH_CONFIG", &auths).args(["verify", &server.image(), "--key", &keys.path("own.pub")]));
    assert!(
        scopes()[signing..].iter().all(|path| path.contains("%3Apull") && !path.contains("push")),
        "{:?}",
        scopes()
    );
}

#[test]
fn a_registry_that_refuses_to_store_is_told() {
    let keys = Keys::new();
    let registry = Registry::new(true);
    for (method, part, answer, says) in [
        ("POST", "/uploads/", Answer::new(403, r#"{"errors":[{"code":"DENIED","message":"read only"}]}"#), "read only"),
        ("POST", "/uploads/", Answer::new(202, ""), "does not say where to"),
        ("POST", "/uploads/", Answer::new(202, "").with("Location", "http://203.0.113.1/x"), "without TLS"),
        ("POST", "/uploads/", Answer::new(202, "").with("Location", "file:///etc/passwd"), "something other than HTTP"),
        ("PUT", "/uploads/", Answer::new(400, r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#), "DIGEST_INVALID"),
        ("PUT", "/manifests/", Answer::new(413, "too large"), "status 413"),
        ("PUT", "/manifests/", Answer::new(307, "").with("Location", "/elsewhere"), "status 307"),
    ] {
        let server =
            registry.serve(move |asked| (asked.method == method && asked.path.contains(part)).then(|| answer.clone()));
        let ended = keys.sign(&server.image(), &[]);
        assert!(ended.code == 5 && ended.err.contains(says), "{method} {part}: {} {}", ended.code, ended.err);
    }
}

const BASE: &[(&str, &str)] = &[("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")];

/// An image of one platform that says that it was built on `base`.
fn derived(layers: &[&[(&str, &str)]], base: &str, digest: &str) -> Layout {
    let layout = Layout::of(&[Built::new(layers.iter().map(|files| layer(files)).collect())]);
    let root: Value = serde_json::from_slice(&std::fs::read(layout.path().join("index.json")).unwrap()).unwrap();
    let mut manifest = layout.document(root["manifests"][0]["digest"].as_str().unwrap());
    manifest["annotations"] =
        json!({"org.opencontainers.image.base.name": base, "org.opencontainers.image.base.digest": digest});
    let mut entry = layout.blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    entry["platform"] = root["manifests"][0]["platform"].clone();
    layout.index(&[entry]);
    layout
}

#[test]
fn the_bases_signature_can_be_demanded() {
    let keys = Keys::new();
    let registry = Registry { image: Stored::of(BASE), ..Registry::new(true) };
    let server = registry.serve(|_| None);
    let (image, digest) = (server.image(), registry.image.manifest.clone());
    let policy = keys.path("policy.toml");
    std::fs::write(
        &policy,
        "name = 'p'\n[[signature]]\nname = 'base'\nof = 'base'\nkeys = ['own.pub']\nallow_no_log = true\n",
    )
    .unwrap();
    let gate = |layout: &Layout| {
        let ended =
            keys.run(&["gate", &layout.reference(), "--policy", &policy, "--cache", "none", "--format", "json"]);
        let findings = ended.json()["findings"].as_array().unwrap().clone();
        let evidence = findings.into_iter().find(|finding| finding["kind"] == "signature");
        (ended.code, evidence.map(|finding| finding["evidence"].as_str().unwrap().to_owned()).unwrap_or_default())
    };
    let own: &[(&str, &str)] = &[("srv/own", "x")];
    let built = derived(&[BASE, own], &image, &digest);
    assert_eq!(gate(&built), (1, "nothing was found".to_owned()), "the base is not signed yet");
    assert_eq!(keys.sign(&image, &[]).code, 0);
    assert_eq!(gate(&built), (0, String::new()));
    // What is only said counts for nothing.
    let (code, evidence) = gate(&derived(&[own], &image, &digest));
    assert!(code == 1 && evidence.contains("does not begin with the layers"), "{evidence}");
    let (code, evidence) = gate(&Layout::of(&[Built::new(vec![layer(BASE)])]));
    assert!(code == 1 && evidence.contains("does not say what it was built on"), "{evidence}");
    // A base that cannot be read is not one that is not signed.
    let refusing = registry.serve(|_| Some(Answer::new(403, "")));
    let built = derived(&[BASE, own], &refusing.image(), &digest);
    let ended = keys.run(&["gate", &built.reference(), "--policy", &policy, "--cache", "none"]);
    assert_eq!(ended.code, 5, "{}", ended.err);
}
