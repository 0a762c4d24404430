//! All packages of the base are upgraded by the build.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `system-upgrade`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "system-upgrade",
        severity: Severity::Low,
        summary: "all packages of the base are upgraded by the build",
        why: "What comes in depends on the day of the build, so that it cannot be repeated. Where the base is rarely rebuilt it is still the way to get fixes; then rebuild without cache.",
        advice: "take a newer base image, pinned by its digest",
        aliases: &["KICS-09fda05e", "KICS-8f6456be", "KICS-989ab888", "KICS-d4895357", "KICS-682fe378"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: false,
    },
    check: Check::Dockerfile(check),
};

const UPGRADES: &[(&str, &[&str])] = &[
    ("apt-get", &["upgrade"]),
    ("apt", &["upgrade"]),
    ("apk", &["upgrade"]),
    ("yum", &["update", "upgrade"]),
    ("dnf", &["update", "upgrade"]),
    ("microdnf", &["update", "upgrade"]),
    ("zypper", &["update", "up"]),
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls() {
        let Some((name, verbs)) = UPGRADES.iter().find(|(name, _)| *name == call.name) else { continue };
        let mut operands = call.operands(&["-o", "-t"]);
        // With names it is about these alone.
        let is_all =
            operands.next().is_some_and(|verb| verbs.contains(&verb.text.as_str())) && operands.next().is_none();
        if is_all {
            problems.add(&command.span, *name, "all packages of the base are upgraded");
        }
    }
}
