//! The check of certificates is switched off.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule, transport};

/// `certificate-check-off`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "certificate-check-off",
        severity: Severity::Medium,
        summary: "the check of certificates is switched off",
        why: "Whoever stands between can read and change what is sent: without that check TLS proves nothing.",
        advice: "remove the setting; give the authority’s certificate to a program that must trust one of your own",
        aliases: &["CKV2_DOCKER_5", "CKV2_DOCKER_6"],
        sources: &[
            "https://nodejs.org/api/cli.html#node_tls_reject_unauthorizedvalue",
            "https://www.postgresql.org/docs/current/libpq-ssl.html",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.env {
        let Some((name, value)) = &setting.value else { continue };
        if let Some(what) = transport::switched_off(name, value) {
            subject.state(problems, &setting.at, name, format!("`{name}` {what}"));
        }
    }
}
