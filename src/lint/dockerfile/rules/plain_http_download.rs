//! Something is downloaded without encryption.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `plain-http-download`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "plain-http-download",
        severity: Severity::Medium,
        summary: "something is downloaded without encryption",
        why: "Whoever stands between decides what goes into the image, unless it is checked afterwards against a digest or signature.",
        advice: "use https://",
        aliases: &["CIS-4.11"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run()) {
        // A digest or signature is checked in the same RUN, or not at all.
        let is_checked = run.calls().any(|(_, call)| {
            call.name.ends_with("sum") || matches!(call.name, "gpg" | "gpgv" | "cosign" | "minisign" | "openssl")
        });
        for (_, call) in run.calls().filter(|(_, call)| matches!(call.name, "curl" | "wget") && !is_checked) {
            let is_plain = |word: &&crate::shell::Word| {
                word.text.starts_with("http://")
                    && !word.text.starts_with("http://localhost")
                    && !word.text.starts_with("http://127.0.0.1")
            };
            for word in call.arguments.iter().filter(is_plain) {
                problems.add(&word.span, &word.text, "it is downloaded without encryption, and nothing checks it");
            }
        }
    }
}
