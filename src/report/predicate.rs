//! What a report says as predicates of attestations: the result of a scan, and the summary of a verification.
//!
//! Source: cosign `specs/COSIGN_VULN_ATTESTATION_SPEC.md`; slsa.dev `verification_summary/v1` (specification 1.0).

use serde_json::{Value, json};

use super::bom::subject::Image;
use super::contract::Report;

/// Who verified, in a summary: the program, not who ran it; that says the signature.
const VERIFIER: &str = "pkg:generic/imgguard";

/// The levels of SLSA are not what our policies are about, and this is the specification's word for that.
const UNEVALUATED: &str = "SLSA_BUILD_LEVEL_UNEVALUATED";

/// The predicate of `https://cosign.sigstore.dev/attestation/vuln/v1`. The result is the whole report. `started` and `finished` are RFC 3339.
#[must_use]
pub fn scan(report: &Report, started: &str, finished: &str) -> Value {
    // The newest source: data is as old as that at the least.
    let newest = report.advisories.sources.iter().filter_map(|source| source.modified.as_deref()).max();
    json!({
        "invocation": {"parameters": [], "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": format!("pkg:generic/{}@{}", report.tool.name, report.tool.version),
            "version": report.tool.version,
            "db": {"uri": "", "version": report.advisories.digest, "lastUpdate": newest.unwrap_or_default()},
            "result": report,
        },
        "metadata": {"scanStartedOn": started, "scanFinishedOn": finished},
    })
}

/// The predicate of `https://slsa.dev/verification_summary/v1`: what the policy said of this image. `policy` is the SHA-256 of the policy's text.
#[must_use]
pub fn summary(report: &Report, policy: &str, verified: &str) -> Value {
    let has_passed = report.verdict.result == "pass";
    let digest = report.subject.digest.as_deref();
    let uri = Image::of(report).purl(digest, None).unwrap_or_else(|| report.subject.reference.clone());
    json!({
        "verifier": {"id": VERIFIER, "version": {report.tool.name.as_str(): report.tool.version}},
        "timeVerified": verified,
        "resourceUri": uri,
        "policy": {"uri": report.verdict.policy, "digest": {"sha256": policy}},
        "inputAttestations": [],
        "verificationResult": if has_passed { "PASSED" } else { "FAILED" },
        "verifiedLevels": [if has_passed { UNEVALUATED } else { "FAILED" }],
        "slsaVersion": "1.0",
    })
}
