//! Debian's `docker-registry` on loopback, with TLS and passwords, filled by skopeo.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{AS_OF, Built, Ended, Layout, SAMPLE, end, layer, program};

/// Whether these programs are there; says so loudly where not.
pub(crate) fn are_there(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &&&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let absent: Vec<_> = programs.iter().filter(|program| !is_there(program)).collect();
    if !absent.is_empty() {
        skipped!("not on this machine: {absent:?}");
    }
    absent.is_empty()
}

/// Certificates of a test: an authority, a server on 127.0.0.1 and a client.
fn write_certificates(folder: &Path) {
    let key = || KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "authority of a test");
    let authority_key = key();
    let certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    fs::write(folder.join("ca.crt"), certificate.pem()).unwrap();
    for (name, host) in [("server", "127.0.0.1"), ("client", "client.example")] {
        let key = key();
        let signed = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        fs::write(folder.join(format!("{name}.cert")), signed.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// A running registry; it ends with the test, however that ends.
pub(crate) struct Running {
    child: Child,
    folder: TempDir,
    pub(crate) address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a registry for `user` with `s3cr3t`; with `client_certificates` it wants one of its authority, too.
    pub(crate) fn start(client_certificates: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_certificates(folder.path());
        let passwords = Command::new("htpasswd").args(["-nbB", "user", "s3cr3t"]).output().unwrap();
        assert!(passwords.status.success());
        fs::write(folder.path().join("htpasswd"), passwords.stdout).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let clients = if client_certificates { format!(", clientcas: [{}]", at("ca.crt")) } else { String::new() };
        let configuration = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nauth: {{htpasswd: {{realm: test, path: {}}}}}\n\
             http: {{addr: \"127.0.0.1:0\", tls: {{certificate: {}, key: {}{clients}}}}}\n",
            at("data"),
            at("htpasswd"),
            at("server.cert"),
            at("server.key"),
        );
        fs::write(folder.path().join("config.yml"), configuration).unwrap();
        let mut child = Command::new("docker-registry")
            .args(["serve", &at("config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self { child, folder, address: String::new() };
        let mut seen = String::new();
        running.address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the registry did not start: {seen}");
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split([',', '"']).next().unwrap().to_owned();
            }
            seen.push_str(&line);
        };
        // Its log must be read, or it would wait for a reader some day.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        running
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Copies a layout's image into the registry as it is.
    pub(crate) fn push(&self, layout: &str, name: &str) {
        let certificates = self.file("certificates");
        fs::create_dir_all(&certificates).unwrap();
        for name in ["ca.crt", "client.cert", "client.key"] {
            fs::copy(self.file(name), certificates.join(name)).unwrap();
        }
        let output = Command::new("skopeo")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["copy", "--all", "--preserve-digests", "--dest-creds", "user:s3cr3t", "--dest-cert-dir"])
            .arg(&certificates)
            .args([layout, &format!("docker://{}/{name}", self.address)])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A scan with the right password, to be told whom to trust.
    fn scan(&self, names: &[&str]) -> Command {
        let mut command = program();
        command.args(["scan", "--cache", "none", "--as-of", AS_OF, "--format", "json"]);
        command.args(names.iter().map(|name| format!("{}/{name}", self.address)));
        command.env("DOCKER_AUTH_CONFIG", self.auths("s3cr3t"));
        command
    }

    pub(crate) fn auths(&self, password: &str) -> String {
        format!(r#"{{"auths":{{"{}":{{"username":"user","password":"{password}"}}}}}}"#, self.address)
    }
}

/// A report without what says where the image came from, and under which name.
fn facts(mut report: Value) -> Value {
    report["findings"].as_array_mut().unwrap().retain(|finding| finding["rule"] != "latest-tag");
    let subject = report["subject"].as_object_mut().unwrap();
    subject.remove("reference").unwrap();
    subject.remove("transport").unwrap();
    report
}

fn local(layout: &str) -> Value {
    let ended = end(program().args(["scan", layout, "--cache", "none", "--as-of", AS_OF, "--format", "json"]));
    assert_eq!(ended.code, 0, "{}", ended.err);
    facts(ended.json())
}

fn succeeds(command: &mut Command) -> Ended {
    let ended = end(command);
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended
}

#[test]
fn an_image_is_the_same_in_a_registry() {
    if !are_there(&["docker-registry", "skopeo", "htpasswd"]) {
        return;
    }
    let registry = Running::start(false);
    registry.push(SAMPLE, "team/sample:1");
    let files = [("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"), ("srv/x", "x")];
    let own = Layout::of(&[Built::new(vec![layer(&files)])]);
    registry.push(&own.reference(), "own:latest");
    let ca = registry.file("ca.crt");
    let expected = local(SAMPLE);
    assert!(expected["packages"].as_array().is_some_and(|packages| packages.len() > 10));
    let ended = succeeds(registry.scan(&["team/sample:1"]).arg("--ca").arg(&ca));
    assert_eq!(ended.json()["subject"]["transport"], "registry");
    assert_eq!(facts(ended.json()), expected);
    // By digest, which is the layout's, and with the authority named by the environment.
    let by_digest = format!("team/sample@{}", expected["subject"]["digest"].as_str().unwrap());
    let ended = succeeds(registry.scan(&[&by_digest]).env("SSL_CERT_FILE", &ca));
    assert_eq!(facts(ended.json()), expected);
    let ended = succeeds(registry.scan(&["team/sample:1"]).args(["--insecure-tls", &registry.address]));
    assert_eq!(facts(ended.json()), expected);
    // Two images in one run, the second without a tag.
    let ended = succeeds(registry.scan(&["team/sample:1", "own"]).arg("--ca").arg(&ca));
    let reports = ended.json()["reports"].as_array().unwrap().clone();
    assert_eq!(reports.into_iter().map(facts).collect::<Vec<_>>(), [expected, local(&own.reference())]);
}

#[test]
fn a_real_registry_refuses() {
    if !are_there(&["docker-registry", "skopeo", "htpasswd"]) {
        return;
    }
    let registry = Running::start(false);
    registry.push(SAMPLE, "sample:1");
    let ca = registry.file("ca.crt");
    let fails = |command: &mut Command, code: i32, words: &[&str]| {
        let ended = end(command);
        assert_eq!(ended.code, code, "{}", ended.err);
        for word in words {
            assert!(ended.err.contains(word), "`{word}` is missing in: {}", ended.err);
        }
        assert!(!ended.err.contains("s3cr3t"), "{}", ended.err);
    };
    fails(&mut registry.scan(&["sample:1"]), 5, &["invalid peer certificate: UnknownIssuer", "hint: check", "--ca"]);
    fails(registry.scan(&["sample:2"]).arg("--ca").arg(&ca), 5, &["/sample` has no tag `2`; there is `1`"]);
    fails(registry.scan(&["sample:1"]).arg("--ca").arg(registry.file("htpasswd")), 2, &["no PEM certificate"]);
    let wrong = registry.auths("wrong");
    let told = ["user `user` of `DOCKER_AUTH_CONFIG` was tried; it says: authentication required"];
    fails(registry.scan(&["sample:1"]).arg("--ca").arg(&ca).env("DOCKER_AUTH_CONFIG", wrong), 5, &told);
    let none = ["no credentials were found for it", "hint: log in"];
    fails(registry.scan(&["sample:1"]).arg("--ca").arg(&ca).env_remove("DOCKER_AUTH_CONFIG"), 5, &none);
}

#[test]
fn a_client_certificate_of_certs_d_is_shown() {
    if !are_there(&["docker-registry", "skopeo", "htpasswd"]) {
        return;
    }
    let registry = Running::start(true);
    registry.push(SAMPLE, "sample:1");
    let home = registry.folder.path().join("home");
    let folder = home.join(".config/containers/certs.d").join(&registry.address);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(registry.file("ca.crt"), folder.join("ca.crt")).unwrap();
    let ended = end(registry.scan(&["sample:1"]).env("HOME", &home));
    assert_eq!(ended.code, 5, "without the certificate it must not work: {}", ended.err);
    for name in ["client.cert", "client.key"] {
        fs::copy(registry.file(name), folder.join(name)).unwrap();
    }
    let ended = succeeds(registry.scan(&["sample:1"]).env("HOME", &home));
    assert_eq!(facts(ended.json()), local(SAMPLE));
}

/// A registry of today's Debian has no referrers API, so bundles go under the fallback tag.
#[test]
fn an_image_is_signed_in_a_registry() {
    if !are_there(&["docker-registry", "skopeo", "htpasswd"]) {
        return;
    }
    let registry = Running::start(false);
    registry.push(SAMPLE, "team/sample:1");
    let prefix = registry.file("own").display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = program();
        command
            .env("IMGGUARD_KEY_PASSWORD", "pass")
            .env("DOCKER_AUTH_CONFIG", registry.auths("s3cr3t"))
            .args(arguments);
        end(&mut command)
    };
    assert_eq!(run(&["generate-key-pair", "--output-prefix", &prefix]).code, 0);
    let (image, ca) = (format!("{}/team/sample:1", registry.address), registry.file("ca.crt").display().to_string());
    let (private, public) = (format!("{prefix}.key"), format!("{prefix}.pub"));
    let trusted = ["--ca", &ca, "--key", &public, "--allow-no-log", "--recursive", "all", "--format", "json"];
    for (options, place) in [(vec!["--recursive"], "fallback tag"), (vec!["--recursive", "--legacy"], ".sig tag")] {
        let ended = run(&[&["sign", &image, "--ca", &ca, "--key", &private], &*options].concat());
        assert_eq!(ended.code, 0, "{}", ended.err);
        let ended = run(&[&["verify", &image], &trusted[..]].concat());
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        for subject in ended.json()["subjects"].as_array().unwrap() {
            let places: Vec<&Value> =
                subject["signatures"].as_array().unwrap().iter().map(|one| &one["place"]).collect();
            assert!(places.contains(&&Value::from(place)), "{subject}");
        }
        assert_eq!(ended.json()["subjects"].as_array().unwrap().len(), 3, "the index and two platforms");
    }
}

/// What we sign, cosign 3 verifies, and the other way round, with keys of either.
#[test]
fn cosign_and_we_read_each_other() {
    if !are_there(&["docker-registry", "skopeo", "htpasswd", "cosign"]) {
        return;
    }
    let registry = Running::start(false);
    let (ca, folder) = (registry.file("ca.crt").display().to_string(), registry.folder.path());
    let no_services = registry.file("no-services.json").display().to_string();
    let none =
        r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
    fs::write(&no_services, none).unwrap();
    let run = |command: &mut Command, arguments: &[&str]| {
        command.env("COSIGN_PASSWORD", "pass").env("HOME", folder).current_dir(folder);
        command.env("DOCKER_AUTH_CONFIG", registry.auths("s3cr3t")).args(arguments);
        let ended = end(command);
        assert_eq!(ended.code, 0, "{arguments:?}: {}{}", ended.out, ended.err);
        ended
    };
    let ours = |arguments: &[&str]| run(&mut program(), arguments);
    let login = ["--registry-cacert", &ca, "--registry-username", "user", "--registry-password", "s3cr3t"];
    let theirs = |arguments: &[&str]| run(&mut Command::new("cosign"), &[arguments, &login].concat());
    ours(&["generate-key-pair", "--output-prefix", "ours"]);
    run(&mut Command::new("cosign"), &["generate-key-pair", "--output-key-prefix", "theirs"]);
    fs::write(registry.file("predicate.json"), r#"{"spdxVersion":"SPDX-2.3"}"#).unwrap();
    for (key, legacy) in [("ours", false), ("theirs", false), ("ours", true), ("theirs", true)] {
        let (private, public) = (format!("{key}.key"), format!("{key}.pub"));
        let name = |who: &str| {
            let name = format!("{who}-{key}-{legacy}:1");
            registry.push(SAMPLE, &name);
            format!("{}/{name}", registry.address)
        };
        let (by_us, by_them) = (name("us"), name("them"));
        let form: &[&str] = if legacy { &["--legacy"] } else { &[] };
        let their_form: &[&str] = if legacy { &["--new-bundle-format=false"] } else { &[] };
        let checking = ["--key", &public, "--insecure-ignore-tlog"];
        ours(&[&["sign", &by_us, "--key", &private, "--ca", &ca, "-a", "team=blue"], form].concat());
        theirs(&[&["verify", &by_us, "-a", "team=blue"], &checking[..], their_form].concat());
        let predicate = ["--predicate", "predicate.json", "--type", "spdxjson"];
        ours(&[&["attest", &by_us, "--key", &private, "--ca", &ca], &predicate[..], form].concat());
        theirs(&[&["verify-attestation", &by_us, "--type", "spdxjson"], &checking[..], their_form].concat());
        let unlogged: &[&str] = match legacy {
            true => &["--tlog-upload=false", "--new-bundle-format=false", "--use-signing-config=false"],
            false => &["--signing-config", &no_services],
        };
        theirs(&[&["sign", "-y", &by_them, "--key", &private, "-a", "team=blue"], unlogged].concat());
        let trust = ["--key", &public, "--allow-no-log", "--ca", &ca];
        ours(&[&["verify", &by_them, "-a", "team=blue"], &trust[..]].concat());
        theirs(&[&["attest", "-y", &by_them, "--key", &private], &predicate[..], unlogged].concat());
        ours(&[&["verify", &by_them, "--type", "spdxjson"], &trust[..]].concat());
    }
}
