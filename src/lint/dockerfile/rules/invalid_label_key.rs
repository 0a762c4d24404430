//! A label's name is not of the form that names have.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `invalid-label-key`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "invalid-label-key",
        severity: Severity::Low,
        summary: "a label's name is not of the form that names have",
        why: "Names of labels are small letters, digits, dots and dashes; those that begin with com.docker, io.docker or org.dockerproject are Docker's own.",
        advice: "write the name in small letters below a domain of yours, such as com.example.app.version",
        aliases: &["DL3048"],
        sources: &["https://docs.docker.com/engine/manage-resources/labels/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

const RESERVED: &[&str] = &["com.docker.", "io.docker.", "org.dockerproject."];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Label) {
        for pair in instruction.pairs() {
            let name = pair.name.text.trim_matches(['"', '\'']);
            if name.contains('$') {
                continue;
            }
            let is_edge =
                |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            let has_form = is_edge(name.bytes().next())
                && is_edge(name.bytes().last())
                && name.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_' | b'/')
                })
                && !name.contains("..")
                && !name.contains("--");
            if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
                problems.add(&pair.name.span, name, format!("`{name}` is in a name space of Docker's own"));
            } else if !has_form {
                problems.add(&pair.name.span, name, format!("`{name}` is not of the form that names of labels have"));
            }
        }
    }
}
