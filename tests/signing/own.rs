//! Attestations of our own scans: `attest --sbom --scan --vsa`, and what their predicates say.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Ended, Layout, end, program};

const EPOCH: &str = "1790000000";

struct Own {
    keys: TempDir,
    layout: Layout,
}

impl Own {
    fn new() -> Self {
        let own = Self { keys: tempfile::tempdir().unwrap(), layout: Layout::sample() };
        assert_eq!(own.run(&["generate-key-pair", "--output-prefix", &own.path("own")]).code, 0);
        own
    }

    fn path(&self, name: &str) -> String {
        self.keys.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        end(program().env("IMGGUARD_KEY_PASSWORD", "").env("SOURCE_DATE_EPOCH", EPOCH).args(arguments))
    }

    fn attest(&self, options: &[&str]) -> Ended {
        let (image, key) = (self.layout.reference(), self.path("own.key"));
        self.run(
            &[&["attest", &image, "--key", &key, "--offline", "--cache", "none", "--as-of", "2026-09-21"], options]
                .concat(),
        )
    }

    fn verify(&self, predicate_type: &str, options: &[&str]) -> Ended {
        let (image, key) = (self.layout.reference(), self.path("own.pub"));
        let common = ["verify", &image, "--key", &key, "--allow-no-log", "--offline", "--type", predicate_type];
        self.run(&[&common, options].concat())
    }

    /// The predicate of each subject: the index, then the platforms.
    fn predicates(&self, predicate_type: &str) -> Vec<(String, Value)> {
        let ended = self.verify(predicate_type, &["--recursive", "all", "--format", "json"]);
        assert_eq!(ended.code, 0, "{predicate_type}: {}{}", ended.out, ended.err);
        let report = ended.json();
        let subject = |subject: &Value| {
            let accepted =
                subject["signatures"].as_array().unwrap().iter().find(|found| found["verified"] == true).unwrap();
            (subject["digest"].as_str().unwrap().to_owned(), accepted["predicate"].clone())
        };
        report["subjects"].as_array().unwrap().iter().map(subject).collect()
    }
}

#[test]
fn everything_is_attested_of_the_index_and_of_each_platform() {
    let own = Own::new();
    let policy = own.path("policy.toml");
    std::fs::write(
        &policy,
        "name = \"lenient\"\n[[gate]]\nname = \"none\"\nkinds = [\"vulnerability\"]\nmin_severity = \"critical\"\n",
    )
    .unwrap();
    let ended = own.attest(&["--sbom", "--scan", "--vsa", "--policy", &policy]);
    assert!([0, 1].contains(&ended.code), "{} {}", ended.code, ended.err);
    for (predicate_type, format) in [("cyclonedx", "cyclonedx"), ("spdx", "spdx")] {
        let predicates = own.predicates(predicate_type);
        assert_eq!(predicates.len(), 3, "an index and two platforms");
        for (digest, predicate) in predicates {
            // The very bill that `sbom` writes of that manifest.
            let place = format!("{}@{digest}", own.layout.reference());
            let bill =
                own.run(&["sbom", &place, "--format", format, "--offline", "--cache", "none", "--as-of", "2026-09-21"]);
            assert_eq!(bill.json(), predicate, "{predicate_type} of {digest}");
        }
    }
    for (digest, predicate) in own.predicates("vuln") {
        assert_eq!(predicate["scanner"]["result"]["subject"]["digest"], digest);
        assert_eq!(predicate["metadata"]["scanStartedOn"], "2026-09-21T14:13:20Z");
    }
}

#[test]
fn a_summary_says_what_the_policy_said() {
    let own = Own::new();
    let policy = own.path("policy.toml");
    let gate = |on: &str| std::fs::write(&policy, format!("name = \"own\"\n[[gate]]\nname = \"g\"\n{on}\n")).unwrap();
    gate("kinds = [\"vulnerability\"]\nmin_severity = \"critical\"");
    let passed = own.attest(&["--vsa", "--policy", &policy]);
    let gated = own.run(&[
        "gate",
        &own.layout.reference(),
        "--policy",
        &policy,
        "--offline",
        "--cache",
        "none",
        "--as-of",
        "2026-09-21",
    ]);
    assert_eq!(passed.code, gated.code, "{}", passed.err);
    let summaries = own.verify("vsa", &["--format", "json"]);
    assert_eq!(summaries.code, gated.code, "{}", summaries.out);
    // One that says no is attested, and is not what a verifier asks for.
    let own = Own::new();
    let policy = own.path("policy.toml");
    std::fs::write(
        &policy,
        "name = \"own\"\n[[gate]]\nname = \"g\"\nkinds = [\"secret\", \"config\", \"vulnerability\"]\n",
    )
    .unwrap();
    let refused = own.attest(&["--vsa", "--policy", &policy]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    let verified = own.verify("vsa", &[]);
    assert!(
        verified.code == 1 && verified.out.contains("is `FAILED`, not `PASSED`"),
        "{}{}",
        verified.out,
        verified.err
    );
}

#[test]
fn conditions_on_predicates_decide() {
    let own = Own::new();
    let predicate = own.path("predicate.json");
    std::fs::write(&predicate, json!({"builder": "b", "materials": ["a", "b"]}).to_string()).unwrap();
    let ended = own.attest(&["--type", "https://example.org/build/v1", "--predicate", &predicate]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for (condition, code) in [
        (r#"predicate.builder == "b" && "a" in predicate.materials"#, 0),
        (r#"predicate.builder == "c""#, 1),
        (r#"predicate.absent == "b""#, 1),
        ("predicate.", 2),
    ] {
        let ended = own.verify("https://example.org/build/v1", &["--condition", condition]);
        assert_eq!(ended.code, code, "{condition}: {}{}", ended.out, ended.err);
    }
    // The same in a policy.
    let policy = own.path("policy.toml");
    for (condition, code) in [("predicate.builder == 'b'", 0), ("predicate.builder == 'c'", 1), ("predicate.", 2)] {
        let text = format!(
            "name = \"p\"\n[[signature]]\nname = \"built\"\nkeys = [\"own.pub\"]\nallow_no_log = true\ntype = \"https://example.org/build/v1\"\ncondition = \"{condition}\"\n"
        );
        std::fs::write(&policy, text).unwrap();
        let ended = own.run(&["gate", &own.layout.reference(), "--policy", &policy, "--offline", "--cache", "none"]);
        assert_eq!(ended.code, code, "{condition}: {}{}", ended.out, ended.err);
    }
}

/// BuildKit keeps what it attests in manifests of their own, which nothing vouches for but a signature.
#[test]
fn attestation_manifests_are_looked_at() {
    let own = Own::new();
    let layout = &own.layout;
    let statement = layout.blob("application/vnd.in-toto+json", b"{}");
    let config = layout.blob("application/vnd.oci.image.config.v1+json", b"{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [statement]});
    let mut entry = layout.blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    entry["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    entry["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": format!("sha256:{}", "a".repeat(64))});
    let digest = entry["digest"].as_str().unwrap().to_owned();
    layout.add(entry);
    let (image, private, public) = (layout.reference(), own.path("own.key"), own.path("own.pub"));
    let verify = |options: &[&str]| {
        own.run(&[&["verify", &image, "--key", &public, "--allow-no-log", "--recursive", "all"], options].concat())
    };
    assert_eq!(own.run(&["sign", &image, "--key", &private, "--recursive"]).code, 0);
    for signed in [false, true] {
        let report = verify(&["--format", "json"]);
        assert_eq!(report.code, 0, "{}{}", report.out, report.err);
        let report = report.json();
        assert_eq!(report["subjects"].as_array().unwrap().len(), 3, "it is no platform");
        let looked = &report["attestation_manifests"][0];
        assert_eq!((&looked["digest"], &looked["verified"]), (&json!(digest), &json!(signed)));
        assert_eq!(own.run(&["sign", &format!("{image}@{digest}"), "--key", &private]).code, 0);
    }
    assert!(verify(&[]).out.contains(&format!("{digest} (attestation manifest)\n    referrers: key")));
    assert!(own.run(&["tree", &image]).out.contains(&digest));
}
