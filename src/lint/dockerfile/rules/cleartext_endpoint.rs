//! A variable of the image leads to another host in clear.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule, transport};

/// `cleartext-endpoint`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "cleartext-endpoint",
        severity: Severity::Medium,
        summary: "a variable of the image leads to another host in clear",
        why: "Whoever stands between reads and changes what is sent, names and passwords too.",
        advice: "use the protocol with TLS",
        aliases: &[],
        sources: &["https://owasp.org/Top10/2025/A04_2025-Cryptographic_Failures/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (pair, name, value) in subject.variables() {
        let Some(clear) = transport::in_clear(&name, &value) else { continue };
        let message = format!("`{name}` leads to {} by {}, in clear; use {}", clear.host, clear.scheme, clear.instead);
        let problem = problems.add(&pair.name.span, format!("{name}\0{}", clear.host), message);
        problem.is_secret = clear.is_grave;
        if !clear.is_grave {
            problem.severity = Severity::Low;
        }
    }
}
