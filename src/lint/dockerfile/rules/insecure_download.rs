//! A download does not check whom it comes from.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `insecure-download`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "insecure-download",
        severity: Severity::High,
        summary: "a download does not check whom it comes from",
        why: "Without the check of the certificate whoever stands between decides what goes into the image.",
        advice: "remove the option; add the certificate authority to the image if it is your own",
        aliases: &["CKV2_DOCKER_2", "CKV2_DOCKER_3", "CIS-4.11"],
        sources: &["https://curl.se/docs/sslcerts.html"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in &subject.runs {
        for (_, call) in run.calls() {
            let option = match call.name {
                "curl" => call
                    .option("--insecure")
                    .or_else(|| call.option("-k"))
                    .filter(|word| !word.text.starts_with("--") || word.text == "--insecure"),
                "wget" => call.option("--no-check-certificate"),
                _ => None,
            };
            // A probe of the container itself stays on its own machine.
            let is_own = run.instruction.keyword == Keyword::Healthcheck
                || call
                    .arguments
                    .iter()
                    .any(|word| word.text.contains("://localhost") || word.text.contains("://127.0.0.1"));
            if let Some(option) = option.filter(|_| !is_own) {
                problems.add(
                    &option.span,
                    call.name,
                    format!("`{} {}` does not check the server's certificate", call.name, option.text),
                );
            }
        }
    }
}
