//! Signing without a key of one's own: against a Sigstore instance on loopback that is made of npm's `@sigstore/mock`, fetched at test time.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tuf::Published;
use crate::world::{Ended, Layout, end, program};

const WORKFLOW: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The mock and what it stands on, in a folder of this run; none where it cannot be had, which is told.
fn packages() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<TempDir>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(folder.path());
        npm.args(["@sigstore/mock@0.13.0", "canonicalize@2"]).stdout(Stdio::null()).stderr(Stdio::null());
        match npm.status() {
            Ok(status) if status.success() => Some(folder),
            _ => {
                skipped!("npm has no @sigstore/mock, so signing without a key is not tested");
                None
            }
        }
    });
    folder.as_ref().map(TempDir::path)
}

/// A Sigstore instance of this test's own.
pub(crate) struct Instance {
    process: Child,
    pub(crate) url: String,
    folder: TempDir,
}

impl Instance {
    pub(crate) fn start() -> Option<Self> {
        let packages = packages()?;
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signing/instance.cjs");
        let mut node = Command::new("node");
        node.arg(script).arg(folder.path()).env("NODE_PATH", packages.join("node_modules"));
        let mut process = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let instance = Self { process, url: url.trim().to_owned(), folder };
        instance.write("token", &token(&claims()));
        Some(instance)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self) -> String {
        self.path("trusted_root.json").display().to_string()
    }

    /// A signing configuration with a log of this version and, if asked for, a timestamp authority.
    fn configuration(&self, log: Option<u32>, timestamps: bool) -> String {
        let service = |path: &str, version: u32| json!([{"url": format!("{}{path}", self.url), "majorApiVersion": version, "validFor": {"start": "2020-01-01T00:00:00Z"}, "operator": "test"}]);
        let config = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service("", 1), "oidcUrls": [],
            "rekorTlogUrls": log.map_or(json!([]), |version| service("", version)),
            "tsaUrls": if timestamps { service("/api/v1/timestamp", 1) } else { json!([]) },
            "rekorTlogConfig": {"selector": "ANY"}, "tsaConfig": {"selector": "ANY"},
        });
        self.write("signing_config.json", &config.to_string())
    }

    fn keyless(&self, verb: &str, image: &str, options: &[&str]) -> Ended {
        let (token, root) = (self.path("token").display().to_string(), self.root());
        let common = [verb, image, "--keyless", "--identity-token", &token, "--trusted-root", &root];
        end(program().args([&common, options].concat()))
    }

    fn verify(&self, image: &str, options: &[&str]) -> Ended {
        let root = self.root();
        let common = ["verify", image, "--trusted-root", &root, "--identity", WORKFLOW, "--issuer", ISSUER];
        end(program().args([&common, options].concat()))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What GitHub says of a job.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "sigstore", "sub": WORKFLOW, "event_name": "push", "sha": "a".repeat(40), "workflow": "Release",
        "repository": "acme/app", "ref": "refs/tags/v1",
    })
}

/// An unsigned token: the mock believes it.
fn token(claims: &Value) -> String {
    format!("{}.{}.c2lnbmF0dXJl", BASE64URL.encode(r#"{"alg":"none"}"#), BASE64URL.encode(claims.to_string()))
}

#[test]
fn what_is_signed_without_a_key_verifies() {
    let Some(instance) = Instance::start() else { return };
    for (log, timestamps) in [(Some(1), false), (Some(1), true), (Some(2), true)] {
        let layout = Layout::sample();
        let image = layout.reference();
        let config = instance.configuration(log, timestamps);
        let signed = instance.keyless("sign", &image, &["--signing-config", &config, "--recursive", "-a", "team=blue"]);
        assert_eq!(signed.code, 0, "{log:?} {timestamps}: {}", signed.err);
        assert!(signed.err.contains(&format!("by {WORKFLOW} of {ISSUER}")), "{}", signed.err);
        let verified =
            instance.verify(&image, &["--recursive", "all", "-a", "team=blue", "--offline", "--format", "json"]);
        assert_eq!(verified.code, 0, "{log:?} {timestamps}: {}{}", verified.out, verified.err);
        let report = verified.json();
        let first = &report["subjects"][0]["signatures"][0];
        assert_eq!((&first["identity"], &first["logged"]), (&json!(WORKFLOW), &json!(true)));
        assert!(!first["times"].as_array().unwrap().is_empty(), "{first}");
        assert_eq!(first["claims"]["build_trigger"], "push");
        let of = |part: &str, value: &str| {
            instance.verify(&image, &[&*format!("--certificate-github-workflow-{part}"), value])
        };
        for (part, value) in [
            ("trigger", "push"),
            ("sha", &"a".repeat(40)),
            ("name", "Release"),
            ("repository", "acme/app"),
            ("ref", "refs/tags/v1"),
        ] {
            assert_eq!(of(part, value).code, 0, "{part}");
            let other = of(part, "other");
            let said = format!("the {part} of its workflow is `{value}`, not `other`");
            assert!(other.code == 1 && other.out.contains(&said), "{}", other.out);
        }
        let predicate = instance.write("predicate.json", r#"{"spdxVersion":"SPDX-2.3"}"#);
        let attested = instance.keyless(
            "attest",
            &image,
            &["--signing-config", &config, "--type", "spdx", "--predicate", &predicate],
        );
        assert_eq!(attested.code, 0, "{}", attested.err);
        assert_eq!(instance.verify(&image, &["--type", "spdx", "--offline"]).code, 0);
        // Of another instance it is nothing.
        let other = end(program().args(["verify", &image, "--identity", WORKFLOW, "--issuer", ISSUER, "--offline"]));
        assert!(other.code == 1 && other.out.contains("--trusted-root"), "{}", other.out);
        let stranger = instance.path("trusted_root.json").display().to_string();
        let stranger = end(program().args([
            "verify",
            &image,
            "--trusted-root",
            &stranger,
            "--identity",
            "me",
            "--issuer",
            ISSUER,
        ]));
        assert!(stranger.code == 1 && stranger.out.contains(WORKFLOW), "the one found is shown: {}", stranger.out);
    }
}

#[test]
fn old_tags_without_a_key_verify() {
    let Some(instance) = Instance::start() else { return };
    let layout = Layout::sample();
    let image = layout.reference();
    let config = instance.configuration(Some(1), false);
    let predicate = instance.write("predicate.json", r#"{"spdxVersion":"SPDX-2.3"}"#);
    assert_eq!(instance.keyless("sign", &image, &["--signing-config", &config, "--legacy"]).code, 0);
    let attest = ["--signing-config", &config, "--legacy", "--type", "spdx", "--predicate", &predicate];
    assert_eq!(instance.keyless("attest", &image, &attest).code, 0);
    let verified = instance.verify(&image, &["--explain"]);
    assert!(verified.code == 0 && verified.out.contains(".sig tag: "), "{}{}", verified.out, verified.err);
    assert_eq!(instance.verify(&image, &["--type", "spdx"]).code, 0);
    // The second version of the log promises no time, which cosign 2's form has no other place for.
    let config = instance.configuration(Some(2), true);
    let refused = instance.keyless("sign", &image, &["--signing-config", &config, "--legacy"]);
    assert!(refused.code == 3 && refused.err.contains("without a signed time"), "{} {}", refused.code, refused.err);
}

#[test]
fn a_key_can_be_logged_and_dated() {
    let Some(instance) = Instance::start() else { return };
    let prefix = instance.path("own").display().to_string();
    let run = |arguments: &[&str]| end(program().env("IMGGUARD_KEY_PASSWORD", "").args(arguments));
    assert_eq!(run(&["generate-key-pair", "--output-prefix", &prefix]).code, 0);
    let (private, public, root) = (format!("{prefix}.key"), format!("{prefix}.pub"), instance.root());
    for log in [1, 2] {
        let layout = Layout::sample();
        let image = layout.reference();
        let config = instance.configuration(Some(log), true);
        let signed = run(&["sign", &image, "--key", &private, "--signing-config", &config, "--trusted-root", &root]);
        assert_eq!(signed.code, 0, "version {log}: {}", signed.err);
        // No --allow-no-log: the log is demanded.
        let verified = run(&["verify", &image, "--key", &public, "--trusted-root", &root, "--offline"]);
        assert_eq!(verified.code, 0, "version {log}: {}{}", verified.out, verified.err);
    }
}

#[test]
fn tokens_come_from_a_file_the_environment_or_the_job() {
    let Some(instance) = Instance::start() else { return };
    let (config, root) = (instance.configuration(Some(1), false), instance.root());
    let sign = |variables: &[(&str, &str)]| {
        let layout = Layout::sample();
        let mut command = program();
        command.args(["sign", &layout.reference(), "--keyless", "--signing-config", &config, "--trusted-root", &root]);
        end(command.envs(variables.iter().copied()))
    };
    let token = token(&claims());
    let address = format!("{}/token?job=1", instance.url);
    let job = [("ACTIONS_ID_TOKEN_REQUEST_URL", &*address), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-secret")];
    for variables in [&[("SIGSTORE_ID_TOKEN", &*token)][..], &job] {
        let signed = sign(variables);
        assert_eq!(signed.code, 0, "{}", signed.err);
    }
    let none = sign(&[]);
    assert!(none.code == 2 && none.err.contains("id-token: write"), "{}", none.err);
    let mut expired = claims();
    expired["exp"] = json!(1_000_000_000);
    let expired = self::token(&expired);
    let wrong = [("ACTIONS_ID_TOKEN_REQUEST_URL", &*address), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-hidden")];
    for (variables, said) in [(&[("SIGSTORE_ID_TOKEN", &*expired)][..], "expired"), (&wrong, "refused with status 400")]
    {
        let ended = sign(variables);
        assert!(ended.code != 0 && ended.err.contains(said), "{}", ended.err);
        assert!(!ended.err.contains(&expired) && !ended.err.contains("job-hidden"), "a token is never shown");
    }
}

/// Root and services of an instance as its TUF repository has them.
#[test]
fn an_instance_is_known_by_its_tuf_repository() {
    let Some(instance) = Instance::start() else { return };
    let published = Published::new();
    let config = std::fs::read(instance.configuration(Some(1), false)).unwrap();
    let root = std::fs::read(instance.path("trusted_root.json")).unwrap();
    let end = "2098-01-01T00:00:00Z";
    published.publish(1, end, &[("trusted_root.json", &root), ("signing_config.v0.2.json", &config)]);
    let (mirror, metadata) = (published.path().display().to_string(), published.root_file().display().to_string());
    let tuf = ["--tuf-mirror", &mirror, "--tuf-root", &metadata];
    let layout = Layout::sample();
    let (image, token) = (layout.reference(), instance.path("token").display().to_string());
    let run = |arguments: &[&str]| self::end(program().env("XDG_CACHE_HOME", instance.path("cache")).args(arguments));
    let signed = run(&[&["sign", &image, "--keyless", "--identity-token", &token], &tuf[..]].concat());
    assert_eq!(signed.code, 0, "{}", signed.err);
    let verify = [&["verify", &image, "--identity", WORKFLOW, "--issuer", ISSUER, "--offline"], &tuf[..]].concat();
    let verified = run(&verify);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    // A policy names it likewise.
    let policy = instance.write("policy.toml", &format!("name = \"p\"\n[[signature]]\nname = \"signed\"\nidentity = \"{WORKFLOW}\"\nissuer = \"{ISSUER}\"\ntuf_mirror = \"{mirror}\"\ntuf_root = \"{metadata}\"\ngithub_workflow = {{ repository = \"acme/app\" }}\n"));
    let gated = run(&["gate", &image, "--policy", &policy, "--offline", "--cache", "none"]);
    assert_eq!(gated.code, 0, "{}{}", gated.out, gated.err);
    let policy =
        instance.write("other.toml", &std::fs::read_to_string(policy).unwrap().replace("acme/app", "evil/app"));
    let gated = run(&["gate", &image, "--policy", &policy, "--offline", "--cache", "none"]);
    assert_eq!(gated.code, 1, "{}{}", gated.out, gated.err);
    published.publish(2, "2026-01-01T00:00:00Z", &[("trusted_root.json", &root)]);
    let expired = run(&verify);
    assert!(expired.code == 5 && expired.err.contains("expired"), "{} {}", expired.code, expired.err);
}

/// Nothing is stored that does not verify, whatever the services answer.
#[test]
fn what_services_answer_is_verified_before_it_is_stored() {
    let Some(instance) = Instance::start() else { return };
    let Some(other) = Instance::start() else { return };
    let layout = Layout::sample();
    let image = layout.reference();
    let config = instance.configuration(Some(1), true);
    let before = std::fs::read(layout.path().join("index.json")).unwrap();
    let token = instance.path("token").display().to_string();
    let sign = |options: &[&str]| {
        end(program().args([&["sign", &image, "--keyless", "--identity-token", &token], options].concat()))
    };
    let foreign = sign(&["--signing-config", &config, "--trusted-root", &other.root()]);
    assert!(foreign.code == 3 && foreign.err.contains("--trusted-root"), "{} {}", foreign.code, foreign.err);
    // A log of another instance.
    let mixed = ["--fulcio-url", &instance.url, "--rekor-url", &other.url, "--trusted-root", &instance.root()];
    assert_eq!(sign(&mixed).code, 3);
    // Neither log nor time.
    let alone = sign(&["--fulcio-url", &instance.url, "--trusted-root", &instance.root()]);
    assert!(alone.code == 3, "{}", alone.err);
    // Nobody there.
    let absent = sign(&["--fulcio-url", "http://127.0.0.1:9", "--trusted-root", &instance.root()]);
    assert!(absent.code == 5 && absent.err.contains("127.0.0.1:9"), "{} {}", absent.code, absent.err);
    let plain = sign(&["--fulcio-url", "http://fulcio.example", "--trusted-root", &instance.root()]);
    assert!(plain.code == 2 && plain.err.contains("without TLS"), "{} {}", plain.code, plain.err);
    let offline = sign(&["--signing-config", &config, "--offline"]);
    assert_eq!(offline.code, 2, "{}", offline.err);
    assert_eq!(std::fs::read(layout.path().join("index.json")).unwrap(), before, "nothing was stored");
}
