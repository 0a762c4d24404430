//! EXPOSE names a port that there is none of.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `port-out-of-range`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "port-out-of-range",
        severity: Severity::High,
        summary: "EXPOSE names a port that there is none of",
        why: "Ports are numbers from 0 to 65535: the build fails, or nothing listens there.",
        advice: "correct the port",
        aliases: &["DL3011", "DS-0008", "KICS-71bf8cf8", "BuildKit:ExposeInvalidFormat"],
        sources: &["https://docs.docker.com/reference/dockerfile/#expose"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Expose) {
        for word in instruction.words() {
            let ports = word.text.split('/').next().unwrap_or_default();
            let is_wrong = |port: &str| {
                port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() && port.parse::<u16>().is_err()
            };
            if ports.split('-').any(is_wrong) {
                problems.add(&word.span, ports, format!("`{ports}` is no port"));
            }
        }
    }
}
