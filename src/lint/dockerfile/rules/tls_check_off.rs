//! A variable switches the check of certificates off.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule, transport};

/// `tls-check-off`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "tls-check-off",
        severity: Severity::High,
        summary: "a variable switches the check of certificates off",
        why: "It holds for every connection of every program of that language in the image, at run time, too: whoever stands between reads and changes what is sent.",
        advice: "remove it; add the certificate authority to the image if it is your own",
        aliases: &["CKV2_DOCKER_5", "CKV2_DOCKER_6", "CKV2_DOCKER_12", "CKV2_DOCKER_14", "CIS-4.11"],
        sources: &[
            "https://nodejs.org/api/cli.html#node_tls_reject_unauthorizedvalue",
            "https://git-scm.com/docs/git-config",
        ],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (pair, name, value) in subject.variables() {
        if let Some(what) = transport::switched_off(&name, &value) {
            problems.add(&pair.name.span, &name, message(&name, &value, what));
        }
    }
    for (_, command, _) in subject.calls() {
        for word in &command.assignments {
            let Some((name, value)) = word.text.split_once('=') else { continue };
            if let Some(what) = transport::switched_off(name, value) {
                problems.add(&word.span, name, message(name, value, what));
            }
        }
    }
}

/// An address may have a password in it.
fn message(name: &str, value: &str, what: &str) -> String {
    if value.contains("://") { format!("`{name}` {what}") } else { format!("`{name}={value}` {what}") }
}
