//! A label that is a semantic version has another value.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, LabelKind, Meta, Problems, Rule};

/// `label-no-semver`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "label-no-semver",
        severity: Severity::Low,
        summary: "a label that is a semantic version has another value",
        why: "Tools order versions by it.",
        advice: "write it as MAJOR.MINOR.PATCH",
        aliases: &["DL3056"],
        sources: &["https://semver.org/spec/v2.0.0.html"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    subject.labels_of(LabelKind::Semver, problems, "a semantic version", is_semver);
}

/// `MAJOR.MINOR.PATCH[-PRE][+BUILD]`, numbers without leading zeros.
fn is_semver(value: &str) -> bool {
    let (rest, build) = value.split_once('+').map_or((value, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let is_number = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
    };
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_pre = |text: &str| is_word(text) && (is_number(text) || text.bytes().any(|byte| !byte.is_ascii_digit()));
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| pre.split('.').all(is_pre))
        && build.is_none_or(|build| build.split('.').all(is_word))
}
